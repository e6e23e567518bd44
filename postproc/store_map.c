/*
 * store_map.c: where a biflow's sums and ids are looked up on its way into the database: some ten times each, so this
 * decides, beside SQLite, how fast the store loads.
 */
#include "postproc/store_map.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "spool/log.h"

#define SLOTS_AT_FIRST 1024

static uint64_t *slot(const struct store_map *map, size_t i)
{
	return map->words + i * map->width;
}

static bool is_free(const struct store_map *map, const uint64_t *entry)
{
	return !entry[map->keys];
}

static uint64_t *words_of(const struct store_map *map)
{
	return x_calloc(((size_t)map->mask + 1) * map->width, sizeof(uint64_t));
}

void map_init(struct store_map *map, unsigned keys, unsigned values)
{
	assert(keys <= MAP_KEYS && values);
	*map = (struct store_map){.keys = keys, .width = keys + values, .mask = SLOTS_AT_FIRST - 1};
	map->words = words_of(map);
}

void map_free(struct store_map *map)
{
	free(map->words);
	map->words = NULL;
}

/* A large one is given back: the next batch may be a small one, and clearing costs as much as the largest had room. */
void map_clear(struct store_map *map)
{
	if (!map->count)
		return;
	if (map->mask < 64 * SLOTS_AT_FIRST) {
		memset(map->words, 0, ((size_t)map->mask + 1) * map->width * sizeof(uint64_t));
		map->count = 0;
		return;
	}
	map_free(map);
	map_init(map, map->keys, map->width - map->keys);
}

static bool same(const uint64_t *a, const uint64_t *b, unsigned words)
{
	for (unsigned i = 0; i < words; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static uint64_t *find(const struct store_map *map, const uint64_t *key)
{
	uint32_t at = (uint32_t)XXH3_64bits(key, map->keys * sizeof(*key)) & map->mask;

	while (!is_free(map, slot(map, at)) && !same(slot(map, at), key, map->keys))
		at = (at + 1) & map->mask;
	return slot(map, at);
}

static void grow(struct store_map *map)
{
	struct store_map old = *map;

	map->mask = old.mask * 2 + 1;
	map->words = words_of(map);
	for (size_t i = 0; i <= old.mask; i++)
		if (!is_free(map, slot(&old, i)))
			memcpy(find(map, slot(&old, i)), slot(&old, i),
				map->width * sizeof(uint64_t));
	map_free(&old);
}

uint64_t *map_at(struct store_map *map, const uint64_t *key)
{
	uint64_t *entry;

	if (map->count * 2 > map->mask)
		grow(map);
	entry = find(map, key);
	if (is_free(map, entry)) {
		memcpy(entry, key, map->keys * sizeof(*key));
		map->count++;
	}
	return entry + map->keys;
}

static int by_key(const void *left, const void *right, void *own)
{
	const uint64_t *a = left, *b = right;
	unsigned keys = *(unsigned *)own;

	for (unsigned i = 0; i < keys; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

size_t map_sort(struct store_map *map)
{
	size_t used = 0;

	for (size_t i = 0; i <= map->mask; i++)
		if (!is_free(map, slot(map, i)))
			memmove(slot(map, used++), slot(map, i), map->width * sizeof(uint64_t));
	qsort_r(map->words, used, map->width * sizeof(uint64_t), by_key, &map->keys);
	return used;
}

const uint64_t *map_entry(const struct store_map *map, size_t i)
{
	return slot(map, i);
}

const uint64_t *map_next(const struct store_map *map, size_t *at)
{
	while (*at <= map->mask) {
		const uint64_t *entry = slot(map, (*at)++);

		if (!is_free(map, entry))
			return entry;
	}
	return NULL;
}
