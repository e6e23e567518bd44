/*
 * order.c: the order in which the entries of the merge table are published.
 *
 * Sorted by the bytes of window, version and the first eight of the addresses (radix sort, last byte first): they stand here, for
 * a look at an entry may be a miss. Only what is equal in all of them is compared.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "consolidate/pages.h"
#include "consolidate/window.h"
#include "spool/log.h"

#define PARTS	   2
#define PART_BYTES 8

/* Where an entry goes: the lesser part first. */
struct place {
	uint64_t parts[PARTS]; /* begin of the addresses, all of both in IPv4; window and version */
	struct entry *entry;
};

static struct place place_of(struct entry *entry)
{
	uint64_t begin;

	memcpy(&begin, entry->key.src, sizeof(begin));
	if (entry->key.version == 4)
		memcpy((uint8_t *)&begin + 4, entry->key.dst, 4);
	return (struct place){{be64toh(begin), entry->window_ms << 1 | (entry->key.version == 6)},
		entry};
}

/* A place goes behind those with the same byte. */
static void sort_by_byte(const struct place *from, struct place *to, size_t count, int part,
	int shift)
{
	size_t next[256] = {0}, sum = 0;

	for (size_t i = 0; i < count; i++)
		next[from[i].parts[part] >> shift & 255]++;
	for (int value = 0; value < 256; value++) {
		size_t with = next[value];

		next[value] = sum;
		sum += with;
	}
	for (size_t i = 0; i < count; i++)
		to[next[from[i].parts[part] >> shift & 255]++] = from[i];
}

/* Which bits are not the same in all? */
static uint64_t varying(const struct place *places, size_t count, int part)
{
	uint64_t bits = 0;

	for (size_t i = 1; i < count; i++)
		bits |= places[i].parts[part] ^ places[0].parts[part];
	return bits;
}

/* Returns PLACES or SPARE, whichever holds the result. */
static struct place *sort_by_bytes(struct place *places, struct place *spare, size_t count)
{
	for (int part = 0; part < PARTS; part++) {
		uint64_t bits = varying(places, count, part);

		for (int shift = 0; shift < 64; shift += 8) {
			struct place *sorted = spare;

			if (!(bits >> shift & 255))
				continue;
			sort_by_byte(places, sorted, count, part, shift);
			spare = places;
			places = sorted;
		}
	}
	return places;
}

static bool same(const struct place *a, const struct place *b)
{
	return a->parts[0] == b->parts[0] && a->parts[1] == b->parts[1];
}

static int key_order(const void *a, const void *b)
{
	return flowkey_order(&((const struct place *)a)->entry->key,
		&((const struct place *)b)->entry->key);
}

static void sort_equal(struct place *places, size_t count)
{
	for (size_t begin = 0, end; begin < count; begin = end) {
		for (end = begin + 1; end < count && same(&places[begin], &places[end]);)
			end++;
		if (end - begin > 1)
			qsort(&places[begin], end - begin, sizeof(*places), key_order);
	}
}

struct entry **window_sorted(const struct window_table *table)
{
	size_t count = window_count(table), size = (count + 1) * sizeof(struct place);
	struct entry **sorted = x_calloc(count + 1, sizeof(struct entry *));
	struct place *places = pages_new(size), *spare = pages_new(size), *result;

	for (size_t i = 0; i < count; i++)
		places[i] = place_of((struct entry *)window_entry(table, i));
	result = sort_by_bytes(places, spare, count);
	sort_equal(result, count);
	for (size_t i = 0; i < count; i++)
		sorted[i] = result[i].entry;
	pages_free(places, size);
	pages_free(spare, size);
	return sorted;
}
