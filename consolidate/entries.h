/*
 * entries.h: where the entries of the merge table stand in memory. They never move.
 */
#ifndef CONSOLIDATE_ENTRIES_H
#define CONSOLIDATE_ENTRIES_H

#include "consolidate/entry.h"

/* Those of one size. */
struct arena {
	char **chunks;
	size_t chunk_count, count;
};

/* Zeroed at first. */
struct entries {
	struct arena arenas[2]; /* IPv4, IPv6 */
};

/* entries_add(): room for a copy of ENTRY; its number. */
uint32_t entries_add(struct entries *entries, const struct entry *entry);
struct entry *entries_get(const struct entries *entries, uint32_t number);
size_t entries_count(const struct entries *entries);
/* entries_nth(): INDEX 0 … count-1, in no order. */
struct entry *entries_nth(const struct entries *entries, size_t index);
/* entries_clear(): gives the memory back. */
void entries_clear(struct entries *entries);

#endif
