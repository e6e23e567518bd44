/*
 * store_rollup.c: sums by window, hour and day, so that a report over a month reads thousands of rows and not billions.
 */
#include "postproc/store_rollup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/store.h"
#include "postproc/store_feed.h"
#include "postproc/store_map.h"
#include "spool/log.h"

#define SUMS 9

enum table { WINDOW, HOUR, HOST, NAME, PATH, SYMPTOM, TABLES };

/* A table has the columns of its key, then the sums, the last of them REAL: as in store_schema.c. */
static const struct kind {
	const char *name;
	unsigned keys, count, reals;
	const char *sums[SUMS];
} kinds[TABLES] = {
	[WINDOW] = {"rollup_window", 2, 9, 2,
		{"biflows", "packets", "octets", "late", "incomplete", "sampled", "one_way",
			"expanded_packets", "expanded_octets"}},
	[HOUR] = {"rollup_hour", 4, 3, 0, {"biflows", "packets", "octets"}},
	[HOST] = {"rollup_host", 3, 5, 0,
		{"biflows", "sent_packets", "sent_octets", "received_packets", "received_octets"}},
	[NAME] = {"rollup_name", 3, 3, 0, {"biflows", "packets", "octets"}},
	[PATH] = {"rollup_path", 3, 3, 0, {"biflows", "packets", "octets"}},
	[SYMPTOM] = {"rollup_symptom", 3, 2, 0, {"biflows", "packets"}},
};

struct store_rollup {
	sqlite3_stmt *upserts[TABLES];
	struct store_feed *feeds[TABLES];
	struct store_map sums[TABLES];
};

/* ---- in memory ---- */

/* A value of a map is a word; those of the REAL columns hold a double. */
static double real_of(uint64_t word)
{
	double value;

	memcpy(&value, &word, sizeof(value));
	return value;
}

static void add_real(uint64_t *word, double value)
{
	value += real_of(*word);
	memcpy(word, &value, sizeof(value));
}

static void add(struct store_map *map, const uint64_t *key, const uint64_t *sums, unsigned count)
{
	uint64_t *values = map_at(map, key);

	for (unsigned i = 0; i < count; i++)
		values[i] += sums[i];
}

/* What a direction would have carried, had all of it been analysed. */
static double expanded(uint64_t forward, uint64_t reverse, const struct biflow *biflow)
{
	return (double)forward / biflow->forward.sampling +
	       (reverse ? (double)reverse / biflow->reverse.sampling : 0);
}

static void add_window(struct store_rollup *rollup, const struct biflow *biflow, uint64_t decision,
	const uint64_t *sums)
{
	const struct direction *to = &biflow->forward, *back = &biflow->reverse;
	uint64_t *values = map_at(&rollup->sums[WINDOW], (uint64_t[]){biflow->window_ms, decision});

	for (int i = 0; i < 3; i++)
		values[i] += sums[i];
	values[3] += (biflow->flags & FLOW_LATE) != 0;
	values[4] += (biflow->flags & FLOW_INCOMPLETE) != 0;
	values[5] += to->sampling < 1 || (back->packets && back->sampling < 1);
	values[6] += !back->packets;
	add_real(&values[7], expanded(to->packets, back->packets, biflow));
	add_real(&values[8], expanded(to->octets, back->octets, biflow));
}

static void add_hosts(struct store_map *hosts, const struct biflow *biflow, uint64_t day,
	const struct store_ids *ids)
{
	const struct direction *to = &biflow->forward, *back = &biflow->reverse;
	uint64_t decision = (uint64_t)ids->decision;

	add(hosts, (uint64_t[]){day, (uint64_t)ids->src, decision},
		(uint64_t[]){1, to->packets, to->octets, back->packets, back->octets}, 5);
	/* A host that talks to itself stands in one biflow, though it sent and received all of it. */
	add(hosts, (uint64_t[]){day, (uint64_t)ids->dst, decision},
		(uint64_t[]){ids->src != ids->dst, back->packets, back->octets, to->packets,
			to->octets},
		5);
}

static uint64_t day_of(const struct biflow *biflow)
{
	return biflow->window_ms - biflow->window_ms % STORE_DAY_MS;
}

void store_rollup_add(struct store_rollup *rollup, const struct biflow *biflow,
	const struct store_ids *ids)
{
	uint64_t hour = biflow->window_ms - biflow->window_ms % STORE_HOUR_MS, day = day_of(biflow);
	uint64_t decision = (uint64_t)ids->decision;
	const uint64_t sums[] = {1, biflow->forward.packets + biflow->reverse.packets,
		biflow->forward.octets + biflow->reverse.octets};

	add_window(rollup, biflow, decision, sums);
	add(&rollup->sums[HOUR],
		(uint64_t[]){hour, decision, (uint64_t)ids->aggregate, (uint64_t)ids->direction},
		sums, 3);
	add_hosts(&rollup->sums[HOST], biflow, day, ids);
	if (ids->name)
		add(&rollup->sums[NAME], (uint64_t[]){day, (uint64_t)ids->name, decision}, sums, 3);
	add(&rollup->sums[PATH], (uint64_t[]){day, (uint64_t)ids->path, decision}, sums, 3);
}

void store_rollup_symptom(struct store_rollup *rollup, const struct biflow *biflow,
	const struct store_ids *ids, sqlite3_int64 symptom, uint64_t packets)
{
	add(&rollup->sums[SYMPTOM],
		(uint64_t[]){day_of(biflow), (uint64_t)ids->decision, (uint64_t)symptom},
		(uint64_t[]){1, packets}, 2);
}

/* ---- into the database ---- */

static void feed(struct store_feed *to, const struct kind *kind, const uint64_t *entry)
{
	unsigned width = kind->keys + kind->count;

	for (unsigned i = 0; i < width - kind->reals; i++)
		feed_number(to, entry[i]);
	for (unsigned i = width - kind->reals; i < width; i++)
		feed_real(to, real_of(entry[i]));
}

static int flush(struct store_rollup *rollup, enum table table)
{
	struct store_map *map = &rollup->sums[table];
	int code;

	for (size_t i = 0; i < map->count; i++)
		feed(rollup->feeds[table], &kinds[table], map_entry(map, i));
	store_feed_sort(rollup->feeds[table]);
	code = sqlite3_step(rollup->upserts[table]);
	sqlite3_reset(rollup->upserts[table]);
	store_feed_clear(rollup->feeds[table]);
	map_clear(map);
	return code == SQLITE_DONE ? 0 : -1;
}

int store_rollup_flush(struct store_rollup *rollup)
{
	int error = 0;

	for (enum table table = 0; table < TABLES && !error; table++)
		error = flush(rollup, table);
	return error;
}

void store_rollup_clear(struct store_rollup *rollup)
{
	for (enum table table = 0; table < TABLES; table++)
		map_clear(&rollup->sums[table]);
}

static char *upsert_sql(const struct kind *kind, const char *from)
{
	char *sql;
	size_t size;
	FILE *out = open_memstream(&sql, &size);

	if (!out)
		die(MIRA_AGAIN, "out of memory");
	/* WHERE tells ON CONFLICT from the ON of a join. */
	fprintf(out, "INSERT INTO %s SELECT * FROM %s WHERE true ON CONFLICT DO UPDATE SET",
		kind->name, from);
	for (unsigned i = 0; i < kind->count; i++)
		fprintf(out, "%s %s = %s + excluded.%s", i ? "," : "", kind->sums[i], kind->sums[i],
			kind->sums[i]);
	fclose(out);
	return sql;
}

static bool prepare(struct store_rollup *rollup, sqlite3 *db, enum table table)
{
	const struct kind *kind = &kinds[table];
	char *from = x_sprintf("new_%s", kind->name), *sql = upsert_sql(kind, from);
	bool ready;

	map_init(&rollup->sums[table], kind->keys, kind->count);
	rollup->feeds[table] = store_feed_new(db, from, kind->keys + kind->count, kind->keys);
	ready = rollup->feeds[table] && sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT,
						&rollup->upserts[table], NULL) == SQLITE_OK;
	free(from);
	free(sql);
	return ready;
}

struct store_rollup *store_rollup_new(sqlite3 *db)
{
	struct store_rollup *rollup = x_calloc(1, sizeof(*rollup));
	bool ready = true;

	for (enum table table = 0; table < TABLES && ready; table++)
		ready = prepare(rollup, db, table);
	if (ready)
		return rollup;
	store_rollup_free(rollup);
	return NULL;
}

void store_rollup_free(struct store_rollup *rollup)
{
	if (!rollup)
		return;
	for (enum table table = 0; table < TABLES; table++) {
		sqlite3_finalize(rollup->upserts[table]);
		store_feed_free(rollup->feeds[table]);
		map_free(&rollup->sums[table]);
	}
	free(rollup);
}
