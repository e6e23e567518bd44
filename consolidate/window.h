/*
 * window.h: partial flows of the windows being closed become one entry a window and undirected key.
 *
 * The merge is commutative and associative, so neither the order of records nor the cut into batches can matter: packets,
 * octets and weights are integer sums, flags unions, attributes unions of sets, times extremes. Of the tunnels and endpoints
 * of an entry, which a forger may change with every packet, the first WINDOW_TUNNELS in the order of a set are kept, whatever
 * came first, and INTERN_MORE says that there were others. What has one value only is chosen by an order over all contributors: the host name by (start_ms, first_index, text).
 *
 * Weight: a direction's packets were analysed with probability p each, so n packets stand for n/p. The sum of n/p is kept in
 * units of 2^-20 packet, each term rounded, in 64 unsigned bits: floating-point sums would depend on their order.
 *
 * Calling sequence: window_new(); window_add() for each record; window_settle(); window_sorted(); window_reset().
 *
 * An entry's key has its lower end (address, port) as "src"; direction 0 goes from the lower end to the higher.
 */
#ifndef CONSOLIDATE_WINDOW_H
#define CONSOLIDATE_WINDOW_H

#include "spool/flowkey.h"
#include "spool/record.h"

#define WEIGHT_ONE     (1u << 20)
#define NEVER	       UINT64_MAX
#define WINDOW_TUNNELS 16

/* When something was first seen: time, and index in its run for what is equal in milliseconds. */
struct moment {
	uint64_t ms, index;
};

struct side {
	uint64_t packets, octets;
	uint64_t weight; /* packets / p, in units of 2^-20 */
};

/* Three lines of the cache: 5 million of them are waited for one by one. */
struct entry {
	struct flowkey key;
	uint64_t window_ms, end_ms;
	struct side side[2];
	struct moment first; /* the first packet of both directions */
	struct moment syn;   /* the first SYN without ACK; ms NEVER: none */
	struct moment host_moment;
	uint32_t host_name, vlan, tunnel, endpoint, aggregate, probe; /* intern ids */
	uint32_t symptoms;					      /* first node, 0: none */
	uint16_t tcp_flags[2];
	uint16_t flags;		   /* enum flow_flag */
	bool first_high, syn_high; /* it was in direction 1; of two at once it is the one of 0 */
} __attribute__((aligned(64)));

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

size_t window_count(const struct window_table *table);
/* window_entry(): entry INDEX, 0 … count-1, in no order. */
const struct entry *window_entry(const struct window_table *table, size_t index);
/* window_sorted(): all entries by window and key, malloc'ed; valid until the next add. Stands in order.c. */
struct entry **window_sorted(const struct window_table *table);
/* window_fetch(): ENTRY will be looked at: it is fetched from memory. */
void window_fetch(const struct entry *entry);
/* window_symptom(): node INDEX of an entry's list. */
const struct symptom_node *window_symptom(const struct window_table *table, uint32_t index);

/* moment_before(): is A earlier? */
bool moment_before(const struct moment *a, const struct moment *b);

#endif
