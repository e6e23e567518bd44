/*
 * common.c: windows and labels as numbers, between the records that window.c merges and the biflows that biflow.c makes.
 *
 * An open-addressing table, at most half full.
 */
#include "consolidate/common.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "spool/intern.h"
#include "spool/log.h"

struct common_table {
	struct common *all; /* by number */
	uint32_t count, room;
	uint32_t *slots; /* numbers + 1, 0: free */
	uint32_t mask;
	struct common last; /* asked for: most records of a batch have the same */
	uint32_t last_id;
};

static bool same(const struct common *a, const struct common *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void make_room(struct common_table *table, uint32_t room)
{
	table->room = room;
	table->all = x_realloc(table->all, room * sizeof(*table->all));
	free(table->slots);
	table->mask = 2 * room - 1;
	table->slots = x_calloc(2 * (size_t)room, sizeof(*table->slots));
}

struct common_table *common_new(void)
{
	struct common_table *table = x_calloc(1, sizeof(*table));

	make_room(table, 128);
	return table;
}

void common_free(struct common_table *table)
{
	free(table->all);
	free(table->slots);
	free(table);
}

void common_reset(struct common_table *table)
{
	memset(table->slots, 0, ((size_t)table->mask + 1) * sizeof(*table->slots));
	table->count = 0;
}

const struct common *common_get(const struct common_table *table, uint32_t id)
{
	return &table->all[id];
}

/* The slot of WHAT, or the free one where it would go. */
static uint32_t *slot_of(const struct common_table *table, const struct common *what)
{
	uint32_t at = (uint32_t)XXH3_64bits(what, sizeof(*what)) & table->mask;

	while (table->slots[at] && !same(&table->all[table->slots[at] - 1], what))
		at = (at + 1) & table->mask;
	return &table->slots[at];
}

static void grow(struct common_table *table)
{
	make_room(table, 2 * table->room);
	for (uint32_t id = 0; id < table->count; id++)
		*slot_of(table, &table->all[id]) = id + 1;
}

static uint32_t number_of(struct common_table *table, const struct common *what)
{
	uint32_t *slot;

	if (table->count == table->room)
		grow(table);
	slot = slot_of(table, what);
	if (!*slot) {
		table->all[table->count] = *what;
		*slot = ++table->count;
	}
	return *slot - 1;
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
	return both == kept ? kept : intern_most(both, COMMON_TUNNELS);
}

static uint32_t unite_all(struct common_table *table, const struct common *a,
	const struct common *b)
{
	struct common both = {
		.window_ms = b->window_ms,
		.vlan = unite(a->vlan, b->vlan),
		.tunnel = unite_most(a->tunnel, b->tunnel),
		.endpoint = unite_most(a->endpoint, b->endpoint),
		.aggregate = unite(a->aggregate, b->aggregate),
		.probe = unite(a->probe, b->probe),
	};

	return number_of(table, &both);
}

uint32_t common_id(struct common_table *table, const struct common *what)
{
	static const struct common nothing;

	if (table->count && same(what, &table->last))
		return table->last_id;
	table->last = *what;
	table->last_id = unite_all(table, &nothing, what);
	return table->last_id;
}

uint32_t common_unite(struct common_table *table, uint32_t a, uint32_t b)
{
	if (a == b)
		return a;
	return unite_all(table, &table->all[a], &table->all[b]);
}
