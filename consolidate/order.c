/*
 * order.c: the last step of a merge, before its entries become biflows: they are sorted.
 *
 * By the bytes of their places, the most significant first (an American flag sort: McIlroy, Bostic, McIlroy, Engineering Radix
 * Sort, 1993), for it needs no second copy of the places: memory that is touched for the first time costs more than the sort.
 */
#include "consolidate/order.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "consolidate/entry.h"

#define LEVELS 16 /* bytes of the parts of a place */
#define FEW    16 /* places that are sorted by comparing them */

struct place order_place(uint64_t window_ms, const struct entry *entry)
{
	uint64_t begin;

	memcpy(&begin, entry->addresses, sizeof(begin));
	return (struct place){{window_ms << 1 | !!(entry->marks & IP6), be64toh(begin)}, entry};
}

static int by_number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_key(const struct entry *a, const struct entry *b)
{
	struct flowkey x = entry_key(a), y = entry_key(b);

	return flowkey_order(&x, &y);
}

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = by_number(x->parts[0], y->parts[0]);

	if (!order)
		order = by_number(x->parts[1], y->parts[1]);
	return order ? order : by_key(x->entry, y->entry);
}

static void sort_few(struct place *places, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct place place = places[i];
		size_t at = i;

		for (; at && by_place(&places[at - 1], &place) > 0; at--)
			places[at] = places[at - 1];
		places[at] = place;
	}
}

/* Byte LEVEL, the most significant of all is 0. */
static inline unsigned byte_of(const struct place *place, unsigned level)
{
	return place->parts[level / 8] >> (56 - level % 8 * 8) & 255;
}

/* Every place goes where those with its byte begin, and what stood there goes on; ENDS: where those of each byte end. */
static void divide(struct place *places, size_t count, unsigned level, size_t ends[256])
{
	size_t next[256] = {0}, sum = 0;

	for (size_t i = 0; i < count; i++)
		next[byte_of(&places[i], level)]++;
	for (unsigned value = 0; value < 256; value++) {
		ends[value] = sum += next[value];
		next[value] = sum - next[value];
	}
	for (unsigned value = 0; value < 256; value++)
		while (next[value] < ends[value]) {
			struct place place = places[next[value]];
			unsigned byte;

			while ((byte = byte_of(&place, level)) != value) {
				struct place other = places[next[byte]];

				places[next[byte]++] = place;
				place = other;
			}
			places[next[value]++] = place;
		}
}

/* Those that are equal in all bytes before LEVEL. VARYING: bits that are not the same in all places. */
static void sort(struct place *places, size_t count, unsigned level, const struct place *varying)
{
	size_t ends[256], begin = 0;

	while (level < LEVELS && !byte_of(varying, level))
		level++;
	if (count <= FEW) {
		sort_few(places, count);
		return;
	}
	if (level == LEVELS) {
		qsort(places, count, sizeof(*places), by_place);
		return;
	}
	divide(places, count, level, ends);
	for (unsigned value = 0; value < 256; begin = ends[value++])
		if (ends[value] - begin > 1)
			sort(places + begin, ends[value] - begin, level + 1, varying);
}

void order_sort(struct place *places, size_t count)
{
	struct place varying = {0};

	for (size_t i = 1; i < count; i++)
		for (int part = 0; part < 2; part++)
			varying.parts[part] |= places[i].parts[part] ^ places[0].parts[part];
	sort(places, count, 0, &varying);
}
