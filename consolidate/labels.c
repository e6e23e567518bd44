/*
 * labels.c: sets of labels as numbers, between the records that window.c merges and the biflows that biflow.c makes.
 *
 * Number 0 is the empty set. An open-addressing table of the others, at most half full.
 */
#include "consolidate/labels.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "spool/intern.h"
#include "spool/log.h"

struct labels_table {
	struct labels *sets; /* by number */
	uint32_t count, room;
	uint32_t *slots; /* numbers, 0: free */
	uint32_t mask;
	struct labels
		last; /* what labels_id() was asked for: most records of a batch have the same */
	uint32_t last_id;
};

static const struct labels none;

static bool same(const struct labels *a, const struct labels *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

struct labels_table *labels_new(void)
{
	struct labels_table *table = x_calloc(1, sizeof(*table));

	table->room = 128;
	table->sets = x_calloc(table->room, sizeof(*table->sets));
	table->mask = 2 * table->room - 1;
	table->slots = x_calloc(2 * table->room, sizeof(*table->slots));
	table->count = 1;
	return table;
}

void labels_free(struct labels_table *table)
{
	free(table->sets);
	free(table->slots);
	free(table);
}

void labels_reset(struct labels_table *table)
{
	memset(table->slots, 0, ((size_t)table->mask + 1) * sizeof(*table->slots));
	table->count = 1;
	table->last = none;
	table->last_id = 0;
}

const struct labels *labels_get(const struct labels_table *table, uint32_t id)
{
	return &table->sets[id];
}

/* The slot of SET, or the free one where it would go. */
static uint32_t *slot_of(const struct labels_table *table, const struct labels *set)
{
	uint32_t at = (uint32_t)XXH3_64bits(set, sizeof(*set)) & table->mask;

	while (table->slots[at] && !same(&table->sets[table->slots[at]], set))
		at = (at + 1) & table->mask;
	return &table->slots[at];
}

static void grow(struct labels_table *table)
{
	table->room *= 2;
	table->sets = x_realloc(table->sets, table->room * sizeof(*table->sets));
	free(table->slots);
	table->mask = 2 * table->room - 1;
	table->slots = x_calloc(2 * (size_t)table->room, sizeof(*table->slots));
	for (uint32_t id = 1; id < table->count; id++)
		*slot_of(table, &table->sets[id]) = id;
}

static uint32_t number_of(struct labels_table *table, const struct labels *set)
{
	uint32_t *slot;

	if (same(set, &none))
		return 0;
	if (table->count == table->room)
		grow(table);
	slot = slot_of(table, set);
	if (!*slot) {
		*slot = table->count;
		table->sets[table->count++] = *set;
	}
	return *slot;
}

static uint32_t unite(uint32_t kept, uint32_t more)
{
	if (kept == more || !more)
		return kept;
	return kept ? intern_union(kept, more) : more;
}

static uint32_t unite_most(uint32_t kept, uint32_t more)
{
	uint32_t both;

	if (kept == more || !more)
		return kept;
	both = intern_union(kept, more);
	return both == kept ? kept : intern_most(both, LABELS_TUNNELS);
}

static uint32_t unite_sets(struct labels_table *table, const struct labels *a,
	const struct labels *b)
{
	struct labels both = {
		.vlan = unite(a->vlan, b->vlan),
		.tunnel = unite_most(a->tunnel, b->tunnel),
		.endpoint = unite_most(a->endpoint, b->endpoint),
		.aggregate = unite(a->aggregate, b->aggregate),
		.probe = unite(a->probe, b->probe),
	};

	return number_of(table, &both);
}

uint32_t labels_id(struct labels_table *table, const struct labels *set)
{
	if (same(set, &table->last))
		return table->last_id;
	table->last = *set;
	table->last_id = unite_sets(table, &none, set);
	return table->last_id;
}

uint32_t labels_unite(struct labels_table *table, uint32_t a, uint32_t b)
{
	if (a == b)
		return a;
	return unite_sets(table, &table->sets[a], &table->sets[b]);
}
