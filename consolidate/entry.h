/*
 * entry.h: what the merge table knows of one undirected key in one window; and two of them become one.
 *
 * A record becomes an entry of its own, which is united with that of its key. That is commutative and associative, so neither the
 * order of records nor the cut into batches can matter: packets, octets and weights are integer sums, flags unions, times
 * extremes. What has one value only is chosen by an order over all contributors: the host name by (start_ms, first_index,
 * text). Window and labels are those of common.h.
 *
 * Weight: a direction's packets were analysed with probability p each, so n packets stand for n/p. The sum of n/p is kept in
 * units of 2^-20 packet, each term rounded, in 64 unsigned bits: floating-point sums would depend on their order.
 *
 * The lower end (address, port) comes first; direction 0 goes from it to the higher.
 */
#ifndef CONSOLIDATE_ENTRY_H
#define CONSOLIDATE_ENTRY_H

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
	HOST_APART = 8, /* the flow that told the host name did not begin with it: the same */
	IP6 = 16,
};

/*
 * Five million of them are waited for one by one, and each byte of them that is touched for the first time costs more than to merge
 * it. So addresses have their own length; and what few entries have, or few differ in, stands elsewhere.
 */
struct entry {
	uint64_t end_ms;
	struct moment first; /* the first packet of both directions */
	struct side side[2];
	uint32_t host_name; /* intern id */
	uint32_t common;    /* common_get() */
	uint32_t symptoms;  /* of window.h: first node, 0: none */
	uint32_t rare;	    /* of struct rares, 0: none */
	uint16_t ports[2];
	uint16_t tcp_flags[2];
	uint16_t flags; /* enum flow_flag */
	uint8_t proto;
	uint8_t marks;	     /* enum mark */
	uint8_t addresses[]; /* 4 or 16 bytes each */
};

#define ENTRY4_BYTES 96
#define ENTRY6_BYTES 128

/* What few entries have. */
struct rare {
	struct moment syn, host; /* with SYN_APART, HOST_APART */
	uint64_t excess[2];	 /* weight of sampled packets over that of as many others */
};

/* Zeroed at first; free(list) at the end. */
struct rares {
	struct rare *list; /* number 0 is not used */
	size_t count, room;
};

/* An entry of a record alone. */
struct single {
	struct rare rare; /* if its entry has one */
	bool high;	  /* it is of direction 1 */
	union {
		struct entry entry;
		uint8_t bytes[ENTRY6_BYTES];
	};
};

/* single_set(): FLOW, of the canonical KEY (HIGH: turned for that), whose window and labels are COMMON. */
void single_set(struct single *single, const struct flow *flow, const struct flowkey *key,
	bool high, uint32_t common);

size_t entry_bytes(const struct entry *entry);
struct flowkey entry_key(const struct entry *entry);
bool entry_same_key(const struct entry *a, const struct entry *b);
/* entry_keep(): ENTRY is a copy of that of SINGLE: it gets its rares. */
void entry_keep(struct entry *entry, const struct single *single, struct rares *rares);
/* entry_unite(): all but window, labels and symptoms. */
void entry_unite(struct entry *entry, const struct single *single, struct rares *rares);
/* entry_weight(): packets / p of a direction. */
uint64_t entry_weight(const struct entry *entry, int side, const struct rares *rares);

#endif
