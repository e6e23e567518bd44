/*
 * store_map.c: where a biflow's sums and ids are looked up on its way into the database: some ten times each, so this
 * decides, beside SQLite, how fast the store loads.
 */
#include "postproc/store/store_map.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "spool/log.h"

#define SLOTS_AT_FIRST 1024
#define LARGE	       (64 * SLOTS_AT_FIRST)

static uint64_t *entry_at(const struct store_map *map, size_t i)
{
	return map->words + i * map->width;
}

void map_init(struct store_map *map, unsigned keys, unsigned values)
{
	assert(keys <= MAP_KEYS && values);
	*map = (struct store_map){.keys = keys, .width = keys + values, .mask = SLOTS_AT_FIRST - 1};
	map->slots = x_calloc(SLOTS_AT_FIRST, sizeof(*map->slots));
}

void map_free(struct store_map *map)
{
	free(map->words);
	free(map->slots);
	map->words = map->slots = NULL;
}

/* A large one is given back: the next batch may be a small one, and clearing costs as much as the largest had room. */
void map_clear(struct store_map *map)
{
	if (!map->count)
		return;
	if (map->mask < LARGE) {
		memset(map->slots, 0, ((size_t)map->mask + 1) * sizeof(*map->slots));
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

/* The slot of KEY, or the free one that it would get. */
static uint64_t *find(const struct store_map *map, const uint64_t *key, uint32_t hash)
{
	uint32_t at = hash & map->mask;

	while (map->slots[at] &&
		(map->slots[at] >> 32 != hash ||
			!same(entry_at(map, (uint32_t)map->slots[at] - 1), key, map->keys)))
		at = (at + 1) & map->mask;
	return &map->slots[at];
}

static void grow(struct store_map *map)
{
	uint64_t *old = map->slots;
	size_t count = (size_t)map->mask + 1;

	map->mask = map->mask * 2 + 1;
	map->slots = x_calloc((size_t)map->mask + 1, sizeof(*map->slots));
	for (size_t i = 0; i < count; i++) {
		uint32_t at = (uint32_t)(old[i] >> 32) & map->mask;

		if (!old[i])
			continue;
		while (map->slots[at])
			at = (at + 1) & map->mask;
		map->slots[at] = old[i];
	}
	free(old);
}

static void append(struct store_map *map, const uint64_t *key)
{
	uint64_t *entry;

	if (map->count == map->room) {
		map->room = map->room ? map->room * 2 : SLOTS_AT_FIRST / 2;
		map->words =
			x_realloc(map->words, (size_t)map->room * map->width * sizeof(*map->words));
	}
	entry = entry_at(map, map->count++);
	memcpy(entry, key, map->keys * sizeof(*key));
	memset(entry + map->keys, 0, (map->width - map->keys) * sizeof(*entry));
}

static uint32_t hash_of(const struct store_map *map, const uint64_t *key)
{
	return (uint32_t)XXH3_64bits(key, map->keys * sizeof(*key));
}

void map_expect_slot(const struct store_map *map, const uint64_t *key)
{
	__builtin_prefetch(&map->slots[hash_of(map, key) & map->mask]);
}

void map_expect(const struct store_map *map, const uint64_t *key)
{
	uint64_t slot = map->slots[hash_of(map, key) & map->mask];
	const uint64_t *entry = entry_at(map, (uint32_t)slot - 1);

	if (!slot)
		return;
	__builtin_prefetch(entry, 1);
	__builtin_prefetch(entry + map->width - 1, 1);
}

/* Whoever adds up sorted rows, day after day, mostly asks for the same entry again or for the one behind it. */
static bool is_near(struct store_map *map, const uint64_t *key)
{
	for (uint32_t at = map->last; at < map->count && at <= map->last + 1; at++) {
		if (!same(entry_at(map, at), key, map->keys))
			continue;
		map->last = at;
		return true;
	}
	return false;
}

uint64_t *map_at(struct store_map *map, const uint64_t *key)
{
	uint64_t *slot;
	uint32_t hash;

	if (is_near(map, key))
		return entry_at(map, map->last) + map->keys;
	hash = hash_of(map, key);
	if (map->count * 2 > map->mask)
		grow(map);
	slot = find(map, key, hash);
	if (!*slot) {
		append(map, key);
		*slot = (uint64_t)hash << 32 | map->count;
	}
	map->last = (uint32_t)*slot - 1;
	return entry_at(map, map->last) + map->keys;
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
	if (map->count) /* else there may be no memory to sort */
		qsort_r(map->words, map->count, map->width * sizeof(*map->words), by_key,
			&map->keys);
	return map->count;
}

const uint64_t *map_entry(const struct store_map *map, size_t i)
{
	return entry_at(map, i);
}

uint64_t *map_values(struct store_map *map, size_t i)
{
	return entry_at(map, i) + map->keys;
}
