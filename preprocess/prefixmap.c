/*
 * prefixmap.c: the address space as a sorted list of pieces, each with a value; what fast lists
 * and aggregates ask for every new flow.
 */
#include "preprocess/prefixmap.h"

#include <stdlib.h>
#include <string.h>

#include "spool/log.h"

/* A place in the space of all addresses: the version, then the address; compared as bytes. */
struct place {
	uint8_t bytes[17];
};

struct item {
	struct place first, after;
	uint32_t value;
};

struct piece {
	struct place first;
	uint32_t value;
};

struct prefixmap {
	uint32_t (*join)(uint32_t, uint32_t);
	struct item *items;
	size_t item_count;
	struct piece *pieces;
	size_t piece_count;
};

struct prefixmap *prefixmap_new(uint32_t (*join)(uint32_t, uint32_t))
{
	struct prefixmap *map = x_calloc(1, sizeof(*map));

	map->join = join;
	return map;
}

void prefixmap_free(struct prefixmap *map)
{
	if (!map)
		return;
	free(map->items);
	free(map->pieces);
	free(map);
}

static struct place place_of(const uint8_t address[16], uint8_t version)
{
	struct place place;

	place.bytes[0] = version;
	memcpy(place.bytes + 1, address, 16);
	return place;
}

/*
 * The place behind the prefix: all host bits set, plus one; the carry may run into the version.
 */
static struct place place_after(const struct prefix *prefix)
{
	struct place place = place_of(prefix->address, prefix->version);
	unsigned bit;

	for (bit = prefix->bits; bit < 128; bit++)
		place.bytes[1 + bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	for (int i = 16; i >= 0 && ++place.bytes[i] == 0; i--)
		;
	return place;
}

void prefixmap_add(struct prefixmap *map, const struct prefix *prefix, uint32_t value)
{
	map->items = x_realloc(map->items, (map->item_count + 1) * sizeof(*map->items));
	map->items[map->item_count++] = (struct item){
		.first = place_of(prefix->address, prefix->version),
		.after = place_after(prefix),
		.value = value,
	};
}

static int compare(const void *a, const void *b)
{
	return memcmp(((const struct piece *)a)->first.bytes,
		((const struct piece *)b)->first.bytes, sizeof(struct place));
}

/* Number of pieces that begin at PLACE or before. */
static size_t rank(const struct prefixmap *map, const struct place *place)
{
	size_t low = 0, high = map->piece_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (memcmp(map->pieces[middle].first.bytes, place->bytes, sizeof(*place)) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void cut(struct prefixmap *map)
{
	size_t kept = 0;

	map->pieces = x_calloc(2 * map->item_count + 1, sizeof(*map->pieces));
	for (size_t i = 0; i < map->item_count; i++) {
		map->pieces[2 * i].first = map->items[i].first;
		map->pieces[2 * i + 1].first = map->items[i].after;
	}
	qsort(map->pieces, 2 * map->item_count, sizeof(*map->pieces), compare);
	for (size_t i = 0; i < 2 * map->item_count; i++)
		if (i == 0 || compare(&map->pieces[i], &map->pieces[kept - 1]) != 0)
			map->pieces[kept++] = map->pieces[i];
	map->piece_count = kept;
}

void prefixmap_build(struct prefixmap *map)
{
	cut(map);
	for (size_t i = 0; i < map->item_count; i++) {
		const struct item *item = &map->items[i];
		size_t end = rank(map, &item->after) - 1;

		for (size_t at = rank(map, &item->first) - 1; at < end; at++) {
			uint32_t *value = &map->pieces[at].value;

			*value = *value ? map->join(*value, item->value) : item->value;
		}
	}
}

uint32_t prefixmap_find(const struct prefixmap *map, const uint8_t address[16], uint8_t version)
{
	struct place place = place_of(address, version);
	size_t before = rank(map, &place);

	return before ? map->pieces[before - 1].value : 0;
}
