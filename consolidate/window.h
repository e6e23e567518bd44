/*
 * window.h: partial flows of the windows being closed become one entry a window and undirected key.
 *
 * The merge is commutative and associative (entry.h, common.h), so neither the order of records nor the cut into batches can
 * matter.
 *
 * Calling sequence: window_new(); window_add() for each record; window_settle(); window_sort(); window_reset().
 */
#ifndef CONSOLIDATE_WINDOW_H
#define CONSOLIDATE_WINDOW_H

#include "consolidate/common.h"
#include "consolidate/entry.h"

/* A symptom of an entry; a list. */
struct symptom_node {
	uint32_t name, next;
	uint64_t packets[2];
};

struct window_table;

struct window_table *window_new(void);
void window_free(struct window_table *table);
void window_reset(struct window_table *table);

/* window_add(): merges FLOW, seen by PROBE (intern id), into window WINDOW_MS with FLAGS beside its own. The flow is
 * copied: the merge happens a few records later, when the entry has come from memory. */
void window_add(struct window_table *table, const struct flow *flow, uint64_t window_ms,
	uint16_t flags, uint32_t probe);
void window_settle(struct window_table *table);
/* window_sort(): puts all entries in the order of window and key. Nothing can be added then, until window_reset(). */
void window_sort(struct window_table *table);

size_t window_count(const struct window_table *table);
/* window_entry(): entry INDEX, 0 … count-1; in no order before window_sort(). */
const struct entry *window_entry(const struct window_table *table, size_t index);
/* window_fetch(): entry INDEX will be looked at: it is fetched from memory. */
void window_fetch(const struct window_table *table, size_t index);
/* window_fetch_rest(): and when it is there, what stands apart from it. */
void window_fetch_rest(const struct window_table *table, const struct entry *entry);
/* window_symptom(): node INDEX of an entry's list. */
const struct symptom_node *window_symptom(const struct window_table *table, uint32_t index);
const struct common *window_common(const struct window_table *table, const struct entry *entry);
/* window_weight(): packets / p of a direction, in units of 2^-20. */
uint64_t window_weight(const struct window_table *table, const struct entry *entry, int side);

#endif
