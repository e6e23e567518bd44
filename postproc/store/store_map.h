/*
 * store_map.h: a table in memory from a few 64-bit words, the key, to a few others, the values: sums of the rollups, ids of the
 * dictionaries. Entries stand one behind the other, as they came; slots, open addressing, at most half full, say where.
 *
 *	map_init(&map, 3, 5);
 *	values = map_at(&map, key);	all zero when KEY is new; valid until the next map_at()
 *	values[0] += 1;
 *	…
 *	for (size_t i = 0; i < map.count; i++)
 *		… map_entry(&map, i)
 *	count = map_sort(&map);		the entries are in the order of their keys now; nothing can be found any more
 *	map_clear(&map);		due after map_sort()
 *	map_free(&map);
 */
#ifndef POSTPROC_STORE_MAP_H
#define POSTPROC_STORE_MAP_H

#include <stddef.h>
#include <stdint.h>

#define MAP_KEYS 4

struct store_map {
	uint64_t *words;      /* entries: key, then values */
	uint64_t *slots;      /* half of a hash, then the number of an entry, from 1; 0 is free */
	unsigned keys, width; /* words of a key, of an entry */
	uint32_t count, room; /* entries; there is room for so many */
	uint32_t mask;	      /* slots less one */
	uint32_t last;	      /* the entry that was asked for last */
};

void map_init(struct store_map *map, unsigned keys, unsigned values);
void map_free(struct store_map *map);
void map_clear(struct store_map *map);
uint64_t *map_at(struct store_map *map, const uint64_t *key);
/* map_expect_slot(), some steps later map_expect(): KEY is about to be asked for, so memory may begin to bring it. */
void map_expect_slot(const struct store_map *map, const uint64_t *key);
void map_expect(const struct store_map *map, const uint64_t *key);
size_t map_sort(struct store_map *map);
/* map_values(): of entry I, such as the last one that map_at() found, until map_sort(). */
uint64_t *map_values(struct store_map *map, size_t i);
/* map_entry(): its key, then its values. */
const uint64_t *map_entry(const struct store_map *map, size_t i);

#endif
