/*
 * order.h: the order in which the entries of the merge table are published: by window and key.
 *
 * An entry's place holds what it is sorted by, for a look at an entry may be a miss: only what is equal in all of that is
 * compared in the entries.
 */
#ifndef CONSOLIDATE_ORDER_H
#define CONSOLIDATE_ORDER_H

#include <stddef.h>
#include <stdint.h>

struct entry;

struct place {
	uint64_t parts[2]; /* window and version; begin of the addresses, all of both in IPv4 */
	const struct entry *entry;
};

/* order_place(): of ENTRY in the window WINDOW_MS. */
struct place order_place(uint64_t window_ms, const struct entry *entry);
/* order_sort(): in place, without memory of its own. */
void order_sort(struct place *places, size_t count);

#endif
