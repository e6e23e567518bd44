/*
 * store_radix.h: sorts by three 64-bit numbers that stand in the array itself, byte by byte, the last one first; bytes that are the
 * same in all take no pass. Stable. Measured, rows of the store: a tenth of the instructions of qsort().
 *
 *	places[i] = (struct radix_place){{least, less, most}, item};
 *	sorted = radix_sort(places, spare, count);
 */
#ifndef POSTPROC_STORE_RADIX_H
#define POSTPROC_STORE_RADIX_H

#include <stddef.h>
#include <stdint.h>

#define RADIX_WORDS 3
struct radix_place {
	uint64_t words[RADIX_WORDS];
	void *item;
};

/* A place goes behind those with the same byte. */
static inline void radix_pass(const struct radix_place *from, struct radix_place *to, size_t count,
	int word, int shift)
{
	size_t next[256] = {0}, sum = 0;

	for (size_t i = 0; i < count; i++)
		next[from[i].words[word] >> shift & 255]++;
	for (int value = 0; value < 256; value++) {
		size_t with = next[value];

		next[value] = sum;
		sum += with;
	}
	for (size_t i = 0; i < count; i++)
		to[next[from[i].words[word] >> shift & 255]++] = from[i];
}

/* Which bits are not the same in all? */
static inline uint64_t radix_varying(const struct radix_place *places, size_t count, int word)
{
	uint64_t bits = 0;

	for (size_t i = 1; i < count; i++)
		bits |= places[i].words[word] ^ places[0].words[word];
	return bits;
}

/* radix_sort(): SPARE has room for COUNT, too. Returns PLACES or SPARE, whichever holds the result. */
static inline struct radix_place *radix_sort(struct radix_place *places, struct radix_place *spare,
	size_t count)
{
	for (int word = 0; word < RADIX_WORDS; word++) {
		uint64_t bits = radix_varying(places, count, word);

		for (int shift = 0; shift < 64; shift += 8) {
			struct radix_place *sorted = spare;

			if (!(bits >> shift & 255))
				continue;
			radix_pass(places, sorted, count, word, shift);
			spare = places;
			places = sorted;
		}
	}
	return places;
}

#endif
