/*
 * matrix.c: sums by pairs of names, and their reduction to what a person reads. Between the biflows
 * of the store and mira-matrix.
 */
#include "postproc/account/matrix.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/report/report_query.h"
#include "postproc/store/store_map.h"
#include "spool/intern.h"
#include "spool/log.h"

struct matrix {
	struct store_map cells; /* from, to: packets, octets */
};

struct matrix *matrix_new(void)
{
	struct matrix *matrix = x_calloc(1, sizeof(*matrix));

	map_init(&matrix->cells, 2, 2);
	return matrix;
}

void matrix_free(struct matrix *matrix)
{
	map_free(&matrix->cells);
	free(matrix);
}

void matrix_add(struct matrix *matrix, uint32_t from, uint32_t to, uint64_t packets,
	uint64_t octets)
{
	uint64_t *sums;

	if (!packets) /* a direction that was not observed */
		return;
	sums = map_at(&matrix->cells, (uint64_t[]){from, to});
	sums[0] += packets;
	sums[1] += octets;
}

/* ---- which names are shown ---- */

enum place { BY_OCTETS, KEPT, HIDDEN };

struct name {
	uint32_t id;
	enum place place;
	uint64_t sent, received;
};

struct names {
	struct name *at;
	size_t count;
	uint32_t *shown; /* of each id: it, or that of the others */
};

/* Those with most octets first, then the one that is kept, then those that are not shown. */
static int compare_names(const void *left, const void *right)
{
	const struct name *a = left, *b = right;
	uint64_t octets_a = a->sent + a->received, octets_b = b->sent + b->received;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (octets_a != octets_b)
		return octets_a > octets_b ? -1 : 1;
	return strcmp(intern_text(a->id), intern_text(b->id));
}

static void sum_names(struct names *names, const struct store_map *cells, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint64_t *cell = map_entry(cells, i);

		names->at[cell[0]].sent += cell[3];
		names->at[cell[1]].received += cell[3];
		names->at[cell[0]].id = (uint32_t)cell[0];
		names->at[cell[1]].id = (uint32_t)cell[1];
	}
}

/* Ids are small numbers: that of a name is its index until they are packed. */
static void list_names(struct names *names, const struct store_map *cells, size_t count)
{
	uint32_t ids = intern_count();

	names->at = x_calloc(ids, sizeof(*names->at));
	names->shown = x_calloc(ids, sizeof(*names->shown));
	sum_names(names, cells, count);
	for (uint32_t id = 0; id < ids; id++)
		if (names->at[id].sent + names->at[id].received)
			names->at[names->count++] = names->at[id];
}

static void choose_names(struct names *names, size_t most, uint32_t kept, const bool *hidden)
{
	uint32_t others = intern(MATRIX_OTHERS);

	for (size_t i = 0; i < names->count; i++) {
		struct name *name = &names->at[i];

		name->place = hidden[name->id] ? HIDDEN : name->id == kept ? KEPT : BY_OCTETS;
	}
	qsort(names->at, names->count, sizeof(*names->at), compare_names);
	for (size_t i = 0; i < names->count; i++) {
		const struct name *name = &names->at[i];
		bool shown =
			name->place == KEPT || (name->place == BY_OCTETS && (!most || i < most));

		names->shown[name->id] = shown ? name->id : others;
	}
}

/* The names that are left out, as one behind the others. */
static void fold_names(struct names *names)
{
	struct name others = {.id = intern(MATRIX_OTHERS)};
	size_t used = 0;

	for (size_t i = 0; i < names->count; i++) {
		struct name name = names->at[i];

		if (names->shown[name.id] == name.id) {
			names->at[used++] = name;
			continue;
		}
		others.sent += name.sent;
		others.received += name.received;
	}
	if (used < names->count)
		names->at[used++] = others;
	names->count = used;
}

/* ---- the object ---- */

static json_t *json_of_names(const struct names *names)
{
	json_t *all = json_array();

	for (size_t i = 0; i < names->count; i++)
		json_array_append_new(all,
			json_pack("{so sI sI}", "name", json_text(intern_text(names->at[i].id)),
				"sent_octets", (json_int_t)names->at[i].sent, "received_octets",
				(json_int_t)names->at[i].received));
	return all;
}

static int compare_cells(const void *left, const void *right)
{
	const uint64_t *a = *(const uint64_t *const *)left, *b = *(const uint64_t *const *)right;
	int from;

	if (a[3] != b[3])
		return a[3] > b[3] ? -1 : 1;
	from = strcmp(intern_text((uint32_t)a[0]), intern_text((uint32_t)b[0]));
	return from ? from : strcmp(intern_text((uint32_t)a[1]), intern_text((uint32_t)b[1]));
}

static json_t *json_of_cell(const uint64_t *cell, uint64_t octets)
{
	return json_pack("{so so sI sI sf}", "from", json_text(intern_text((uint32_t)cell[0])),
		"to", json_text(intern_text((uint32_t)cell[1])), "packets", (json_int_t)cell[2],
		"octets", (json_int_t)cell[3], "share_octets",
		octets ? (double)cell[3] / (double)octets : 0.0);
}

static json_t *json_of_cells(struct store_map *folded, uint64_t octets)
{
	size_t count = map_sort(folded);
	const uint64_t **order = x_calloc(count, sizeof(*order));
	json_t *all = json_array();

	for (size_t i = 0; i < count; i++)
		order[i] = map_entry(folded, i);
	qsort(order, count, sizeof(*order), compare_cells);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(all, json_of_cell(order[i], octets));
	free(order);
	return all;
}

/* The sums of cells whose names are shown alike, into FOLDED; of all into TOTAL. */
static void fold_cells(const struct store_map *cells, size_t count, const struct names *names,
	struct store_map *folded, uint64_t total[2])
{
	for (size_t i = 0; i < count; i++) {
		const uint64_t *cell = map_entry(cells, i);
		uint64_t *sums =
			map_at(folded, (uint64_t[]){names->shown[cell[0]], names->shown[cell[1]]});

		for (int sum = 0; sum < 2; sum++) {
			sums[sum] += cell[2 + sum];
			total[sum] += cell[2 + sum];
		}
	}
}

json_t *matrix_json(struct matrix *matrix, size_t most, uint32_t kept, const bool *hidden)
{
	size_t count = map_sort(&matrix->cells);
	uint64_t total[2] = {0};
	struct names names = {0};
	struct store_map folded;
	json_t *found;

	map_init(&folded, 2, 2);
	list_names(&names, &matrix->cells, count);
	choose_names(&names, most, kept, hidden);
	fold_cells(&matrix->cells, count, &names, &folded, total);
	fold_names(&names);
	found = json_pack("{so so s{sI sI}}", "names", json_of_names(&names), "cells",
		json_of_cells(&folded, total[1]), "total", "packets", (json_int_t)total[0],
		"octets", (json_int_t)total[1]);
	map_free(&folded);
	free(names.shown);
	free(names.at);
	return found;
}
