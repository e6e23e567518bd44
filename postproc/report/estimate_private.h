/*
 * estimate_private.h: what estimate.c is told and estimate_cluster.c makes of it, for estimate_figure.c.
 * Private to estimate*.c.
 *
 * All arrays are in the order of time, so a part of one is a range of the next finer: groups of strata,
 * strata of clusters, slots of clusters' cells.
 */
#ifndef POSTPROC_ESTIMATE_PRIVATE_H
#define POSTPROC_ESTIMATE_PRIVATE_H

#include "postproc/report/estimate.h"

/* What happened in a slot; several for one slot are one after estimate_settle(). */
struct slot {
	int64_t number; /* its time / slot_ms */
	double analysed, lost;
	size_t first, end; /* of its amounts */
	size_t cluster;	   /* whose cell it is in */
};

struct amount {
	int64_t number;
	size_t item;
	double amount;
};

struct cluster {
	int64_t first, last; /* numbers of slots */
	int64_t middle;	     /* that of the first one of its second half; FIRST: it has one slot */
	double analysed, half; /* packets; those of the first half */
	double lost;	       /* in its cell */
	size_t stratum;
};

struct stratum {
	size_t first, end; /* of its clusters */
	double analysed, lost;
	size_t group;
};

struct group {
	size_t first, end; /* of its clusters */
};

/* Packets were lost for longer than a slot. When they passed is known from how many there were before
 * and after: packets a millisecond. */
struct pause {
	int64_t from_ms, to_ms;
	double lost, before, after;
};

struct estimate {
	struct estimate_span span;
	int64_t slot_ms;
	size_t items;
	double *largest, sampling;
	/* as told */
	struct slot *slots;
	struct amount *amounts;
	size_t slot_count, slot_room, amount_count, amount_room;
	double analysed, ip, lost; /* packets of batches */
	double waiting;		   /* lost, until the next batch says until when */
	double captured;	   /* since the pause */
	struct pause pause; /* the last one of the run, until it is known what came after it */
	int64_t since_ms;   /* when the batch before the last one ended */
	int64_t first_ms, last_ms; /* of the last batch with packets */
	bool timed;		   /* there was one in this run */
	double stretches;	   /* sum over lost packets of the length of their stretch */
	/* estimate_settle() */
	struct cluster *clusters;
	struct stratum *strata;
	struct group *groups;
	size_t cluster_count, stratum_count, group_count;
	double *sums, *halves; /* [cluster][item]; of its first half */
};

/* estimate_cluster(): clusters, strata and groups of the slots. */
void estimate_cluster(struct estimate *estimate);

#endif
