/*
 * carry-table.h: the inside of struct carry, for carry.c and carry-file.c.
 *
 * Entries stand in a vector, which slots index by hash of the key; symptoms are lists in an arena whose node 0 is not used.
 */
#ifndef CONSOLIDATE_CARRY_TABLE_H
#define CONSOLIDATE_CARRY_TABLE_H

#include "consolidate/carry.h"

struct carry_slot {
	uint32_t tag;	/* upper bits of the hash: spares most looks at other entries */
	uint32_t entry; /* index + 1, 0: free */
};

struct carry {
	uint64_t window_ms, idle_ms;
	size_t limit;
	uint64_t shed;
	size_t to_skip; /* of the entries that come */
	size_t skipped; /* of this window, that no earlier one knew */
	struct carry_slot *slots;
	size_t mask;
	struct carried *entries;
	size_t count, room;
	struct carried_symptom *nodes;
	size_t node_count, node_room;
};

/* carry_purge(): drops what is idle for every window from BELOW_MS on. */
void carry_purge(struct carry *carry, uint64_t below_ms);

#endif
