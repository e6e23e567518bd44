/*
 * labels.h: the labels of an entry of the merge table as one number, for few combinations of them occur: an entry is found
 * by its key and then holds four bytes of labels, not twenty.
 *
 * Sets of labels unite member by member, as unions of intern.h do, so order cannot matter. Of the tunnels and endpoints,
 * which a forger may change with every packet, the first LABELS_TUNNELS in the order of a set are kept, whatever came first,
 * and INTERN_MORE says that there were others.
 */
#ifndef CONSOLIDATE_LABELS_H
#define CONSOLIDATE_LABELS_H

#include <stdint.h>

#define LABELS_TUNNELS 16

struct labels {
	uint32_t vlan, tunnel, endpoint, aggregate, probe; /* intern ids */
};

struct labels_table;

struct labels_table *labels_new(void);
void labels_free(struct labels_table *table);
/* labels_reset(): forgets all of them. */
void labels_reset(struct labels_table *table);

/* labels_id(): the number of SET as it is kept; 0: all are empty. */
uint32_t labels_id(struct labels_table *table, const struct labels *set);
/* labels_unite(): the number of what A and B have together. */
uint32_t labels_unite(struct labels_table *table, uint32_t a, uint32_t b);
/* labels_get(): valid until the next labels_id() or labels_unite(). */
const struct labels *labels_get(const struct labels_table *table, uint32_t id);

#endif
