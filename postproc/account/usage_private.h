/*
 * usage_private.h: what usage.c sums up for usage_json.c. Private to usage*.c.
 */
#ifndef POSTPROC_USAGE_PRIVATE_H
#define POSTPROC_USAGE_PRIVATE_H

#include "postproc/account/traffic.h"
#include "postproc/account/usage.h"
#include "postproc/report/estimate.h"
#include "postproc/store/store_map.h"

/* Two rows are of no aggregate: all biflows, and those that touch none. */
enum { USAGE_ALL, USAGE_OUTSIDE };

struct usage_row {
	uint32_t name; /* intern.h */
	bool sided;    /* it has prefixes: whose hosts are whose is known */
	uint64_t biflows, packets, octets, sent, received;
	uint64_t expanded_packets, expanded_octets; /* for sampling only */
};

/* The rows that a joined name stands for. */
struct usage_set {
	uint32_t *rows;
	size_t count;
	bool known;
};

/* A batch of packets, and whether another run begins behind it. */
struct usage_batch {
	struct estimate_batch batch;
	bool ends_run;
};

struct usage {
	const struct config *config;
	struct period period;
	struct traffic traffic; /* names of hosts: joined names of aggregates, 0 for none */
	const struct lpm *owners;
	struct traffic users; /* names of hosts: their users, 0 for none; unless OWNERS is NULL */
	struct usage_row *rows;
	size_t row_count;
	struct usage_set *sets; /* by id of the joined name */
	size_t set_count;
	uint32_t *labels, *classes; /* ids of intern.h, by ids of tables text and decision */
	size_t label_count, class_count;
	struct usage_batch *batches;
	size_t batch_count;
	double lowest;		  /* probability of sampling */
	struct store_map classed; /* row, class: packets, octets, expanded octets */
	struct store_map windows; /* row, window_ms: the same */
	struct store_map hosts;	  /* host, bits of a probability: packets, octets sent, received */
	struct store_map used;	  /* row, user: hosts */
};

/* usage_set(): of the joined name; rows that were not there before are made. */
const struct usage_set *usage_set(struct usage *usage, uint32_t joined);

#endif
