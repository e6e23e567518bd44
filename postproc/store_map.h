/*
 * store_map.h: a table in memory from a few 64-bit words, the key, to a few others, the values: sums of the rollups, ids of the
 * dictionaries. Open addressing, at most half full.
 *
 *	map_init(&map, 3, 5);
 *	values = map_at(&map, key);	all zero when KEY is new; valid until the next map_at()
 *	values[0] += 1;			the first value tells that the entry is in use: never leave it zero
 *	…
 *	count = map_sort(&map);		the entries, in the order of their keys: map_entry(&map, 0 … count - 1)
 *	map_clear(&map);		due after map_sort(), which leaves nothing that could be found
 *	map_free(&map);
 */
#ifndef POSTPROC_STORE_MAP_H
#define POSTPROC_STORE_MAP_H

#include <stddef.h>
#include <stdint.h>

#define MAP_KEYS 4

struct store_map {
	uint64_t *words;
	unsigned keys, width; /* words of a key, of an entry */
	uint32_t count, mask;
};

void map_init(struct store_map *map, unsigned keys, unsigned values);
void map_free(struct store_map *map);
void map_clear(struct store_map *map);
uint64_t *map_at(struct store_map *map, const uint64_t *key);
size_t map_sort(struct store_map *map);
/* map_entry(): its key, then its values. */
const uint64_t *map_entry(const struct store_map *map, size_t i);
/* map_next(): the entries in no order: for (size_t at = 0; (entry = map_next(&map, &at));) … */
const uint64_t *map_next(const struct store_map *map, size_t *at);

#endif
