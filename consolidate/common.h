/*
 * common.h: what many entries of the merge table have in common, their window and their labels, as one number: few combinations
 * occur, so an entry holds four bytes of all that, not twenty-eight.
 *
 * The labels of two of them unite one by one, as unions of intern.h do, so order cannot matter. Of the tunnels and endpoints,
 * which a forger may change with every packet, the first COMMON_TUNNELS in the order of a set are kept, whatever came first,
 * and INTERN_MORE says that there were others.
 */
#ifndef CONSOLIDATE_COMMON_H
#define CONSOLIDATE_COMMON_H

#include <stdint.h>

#define COMMON_TUNNELS 16

/* No padding: compared and hashed as bytes. */
struct common {
	uint64_t window_ms;
	uint32_t vlan, tunnel, endpoint, aggregate, probe; /* intern ids */
	uint32_t zero;
};

struct common_table;

struct common_table *common_new(void);
void common_free(struct common_table *table);
/* common_reset(): forgets all of them. */
void common_reset(struct common_table *table);

/* common_id(): the number of WHAT, its labels as they are kept; numbers count from 0. */
uint32_t common_id(struct common_table *table, const struct common *what);
/* common_unite(): the number of what A and B, of one window, have together. */
uint32_t common_unite(struct common_table *table, uint32_t a, uint32_t b);
/* common_get(): valid until the next common_id() or common_unite(). */
const struct common *common_get(const struct common_table *table, uint32_t id);

#endif
