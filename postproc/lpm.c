/*
 * lpm.c: longest prefix match. Between the addresses of the store and what owns them: aggregates,
 * users, autonomous systems.
 */
#include "postproc/lpm.h"

#include <stdlib.h>

#include "spool/log.h"

enum { FOUR, SIX, SPACES };

typedef unsigned __int128 address_t;

struct range {
	address_t first, last;
	uint32_t value, order;
};

/* From FIRST on, up to the next cut. */
struct cut {
	address_t first;
	uint32_t value;
};

struct space {
	struct range *ranges; /* until it is built */
	size_t range_count, range_room;
	struct cut *cuts;
	size_t cut_count;
};

struct lpm {
	struct space spaces[SPACES];
};

struct lpm *lpm_new(void)
{
	return x_calloc(1, sizeof(struct lpm));
}

void lpm_free(struct lpm *map)
{
	for (int i = 0; map && i < SPACES; i++) {
		free(map->spaces[i].ranges);
		free(map->spaces[i].cuts);
	}
	free(map);
}

static address_t number(const uint8_t *address, uint8_t version)
{
	size_t bytes = version == 4 ? 4 : 16;
	address_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | address[i];
	return value;
}

void lpm_add(struct lpm *map, const struct prefix *prefix, uint32_t value)
{
	struct space *space = &map->spaces[prefix->version == 4 ? FOUR : SIX];
	unsigned host_bits = (prefix->version == 4 ? 32 : 128) - prefix->bits;
	address_t first = number(prefix->address, prefix->version);
	address_t hosts = host_bits == 128 ? ~(address_t)0 : ((address_t)1 << host_bits) - 1;

	if (space->range_count == space->range_room) {
		space->range_room = space->range_room ? space->range_room * 2 : 64;
		space->ranges =
			x_realloc(space->ranges, space->range_room * sizeof(*space->ranges));
	}
	space->ranges[space->range_count] =
		(struct range){first, first + hosts, value, (uint32_t)space->range_count};
	space->range_count++;
}

/* Outer ranges before inner ones, equal ones as they were added. */
static int compare(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->last != b->last)
		return a->last > b->last ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

/* Where several ranges begin or end, the last one to say so is right. */
static void cut_at(struct space *space, address_t first, uint32_t value)
{
	if (!space->cut_count || space->cuts[space->cut_count - 1].first != first)
		space->cut_count++;
	space->cuts[space->cut_count - 1] = (struct cut){first, value};
}

/* Ranges of prefixes lie inside one another or apart, so those that hold an address are a stack. */
struct stack {
	struct range open[129]; /* a prefix of each length */
	size_t depth;
};

/* Behind a range the one around it goes on; behind the last address there is nothing. */
static void close_top(struct space *space, struct stack *stack)
{
	address_t next = stack->open[--stack->depth].last + 1;

	if (next)
		cut_at(space, next, stack->depth ? stack->open[stack->depth - 1].value : 0);
}

static void open_range(struct space *space, struct stack *stack, const struct range *range)
{
	while (stack->depth && stack->open[stack->depth - 1].last < range->first)
		close_top(space, stack);
	if (stack->depth && stack->open[stack->depth - 1].first == range->first &&
		stack->open[stack->depth - 1].last == range->last)
		stack->depth--;
	stack->open[stack->depth++] = *range;
	cut_at(space, range->first, range->value);
}

static void build(struct space *space)
{
	struct stack stack = {.depth = 0};

	if (!space->range_count)
		return;
	qsort(space->ranges, space->range_count, sizeof(*space->ranges), compare);
	space->cuts = x_calloc(space->range_count * 2, sizeof(*space->cuts));
	for (size_t i = 0; i < space->range_count; i++)
		open_range(space, &stack, &space->ranges[i]);
	while (stack.depth)
		close_top(space, &stack);
	free(space->ranges);
	space->ranges = NULL;
}

void lpm_build(struct lpm *map)
{
	for (int i = 0; i < SPACES; i++)
		build(&map->spaces[i]);
}

void lpm_each(const struct lpm *map, void (*each)(uint32_t value, void *own), void *own)
{
	for (int i = 0; i < SPACES; i++)
		for (size_t at = 0; at < map->spaces[i].cut_count; at++)
			if (map->spaces[i].cuts[at].value)
				each(map->spaces[i].cuts[at].value, own);
}

/* The last cut that is not behind the address. */
uint32_t lpm_find(const struct lpm *map, const uint8_t address[16], uint8_t version)
{
	const struct space *space = &map->spaces[version == 4 ? FOUR : SIX];
	address_t wanted = number(address, version);
	size_t low = 0, high = space->cut_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (space->cuts[middle].first <= wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? space->cuts[low - 1].value : 0;
}
