/*
 * window.h: partial flows of the windows being closed become one entry a window and undirected key.
 *
 * The merge is commutative and associative, so neither the order of records nor the cut into batches can matter: packets,
 * octets and weights are integer sums, flags unions, labels unions of sets (labels.h), times extremes. What has one value
 * only is chosen by an order over all contributors: the host name by (start_ms, first_index, text).
 *
 * Weight: a direction's packets were analysed with probability p each, so n packets stand for n/p. The sum of n/p is kept in
 * units of 2^-20 packet, each term rounded, in 64 unsigned bits: floating-point sums would depend on their order.
 *
 * Calling sequence: window_new(); window_add() for each record; window_settle(); window_sort(); window_reset().
 *
 * An entry's key has its lower end (address, port) as "src"; direction 0 goes from the lower end to the higher.
 */
#ifndef CONSOLIDATE_WINDOW_H
#define CONSOLIDATE_WINDOW_H

#include "consolidate/labels.h"
#include "spool/flowkey.h"
#include "spool/record.h"

#define WEIGHT_ONE (1u << 20)

/* When something was first seen: time, and index in its run for what is equal in milliseconds. */
struct moment {
	uint64_t ms, index;
};

struct side {
	uint64_t packets, octets;
};

/* What is known of an entry beside its flags. */
enum mark {
	FIRST_HIGH = 1, /* the first packet was in direction 1; of two at once it is the one of 0 */
	SYN_HIGH = 2,	/* the first SYN without ACK was; there is one with FLOW_SYN */
	SYN_APART = 4,	/* that SYN was not the first packet: struct rare has its moment */
	HOST_APART = 8, /* nor began the flow that told the host name with it: the same */
};

/*
 * Two lines of the cache: 5 million of them are waited for one by one, and each byte of them that is touched for the first time
 * costs more than to merge it. So what few entries have, or few differ in, stands elsewhere.
 */
struct entry {
	struct flowkey key;
	uint64_t window_ms, end_ms;
	struct moment first; /* the first packet of both directions */
	struct side side[2];
	uint32_t host_name; /* intern id */
	uint32_t labels;    /* window_labels() */
	uint32_t symptoms;  /* first node, 0: none */
	uint32_t rare;	    /* struct rare, 0: none */
	uint16_t tcp_flags[2];
	uint16_t flags; /* enum flow_flag */
	uint16_t marks; /* enum mark */
} __attribute__((aligned(128)));

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
const struct labels *window_labels(const struct window_table *table, const struct entry *entry);
/* window_weight(): packets / p of a direction, in units of 2^-20. */
uint64_t window_weight(const struct window_table *table, const struct entry *entry, int side);

#endif
