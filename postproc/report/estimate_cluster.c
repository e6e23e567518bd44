/*
 * estimate_cluster.c: from slots to the clusters, strata and groups that stand for what was lost; between
 * estimate.c and estimate_figure.c.
 */
#include <math.h>
#include <stdlib.h>

#include "postproc/report/estimate_private.h"
#include "spool/log.h"

#define HOUR_MS 3600000
#define THIN	0.1 /* less of a stratum is analysed than this part of what is of all: see thin() */

static int compare_amounts(const void *left, const void *right)
{
	const struct amount *a = left, *b = right;

	return (a->number > b->number) - (a->number < b->number);
}

/* The amounts of each slot; packets that were lost count as many as are IP. */
static void fill_slots(struct estimate *estimate)
{
	double ip = estimate->analysed > 0 ? estimate->ip / estimate->analysed : 1;
	size_t at = 0;

	if (estimate->amount_count)
		qsort(estimate->amounts, estimate->amount_count, sizeof(*estimate->amounts),
			compare_amounts);
	for (size_t i = 0; i < estimate->slot_count; i++) {
		struct slot *slot = &estimate->slots[i];

		slot->lost *= ip;
		slot->first = at;
		while (at < estimate->amount_count && estimate->amounts[at].number == slot->number)
			at++;
		slot->end = at;
	}
}

/* How many slots a cluster may have. */
static int64_t longest(const struct estimate *estimate)
{
	double slots = estimate->lost > 0
			       ? estimate->stretches / estimate->lost / (double)estimate->slot_ms
			       : 1;

	return slots < 1 ? 1 : llround(slots);
}

/* The slots from AT on of which something was analysed and that follow each other. */
static size_t end_of_stretch(const struct estimate *estimate, size_t at)
{
	size_t end = at + 1;

	while (end < estimate->slot_count && estimate->slots[end].analysed > 0 &&
		estimate->slots[end].number == estimate->slots[end - 1].number + 1)
		end++;
	return end;
}

/* The cluster has slots FROM up to END; its halves are as equal as slots allow. */
static void halve(const struct estimate *estimate, struct cluster *cluster, size_t from, size_t end)
{
	double half = 0, equal = cluster->analysed / 2;

	cluster->middle = cluster->first;
	for (size_t i = from; i + 1 < end; i++) {
		half += estimate->slots[i].analysed;
		if (fabs(half - equal) >= fabs(cluster->half - equal))
			continue;
		cluster->half = half;
		cluster->middle = estimate->slots[i + 1].number;
	}
}

/* Slots AT up to END in clusters of about the same length, none longer than MOST. */
static void cut_stretch(struct estimate *estimate, size_t at, size_t end, int64_t most)
{
	size_t length = end - at, parts = (length + (size_t)most - 1) / (size_t)most;

	for (size_t part = 0; part < parts; part++) {
		struct cluster *cluster = &estimate->clusters[estimate->cluster_count++];
		size_t from = at + length * part / parts, to = at + length * (part + 1) / parts;

		*cluster = (struct cluster){.first = estimate->slots[from].number,
			.last = estimate->slots[to - 1].number};
		for (size_t i = from; i < to; i++)
			cluster->analysed += estimate->slots[i].analysed;
		halve(estimate, cluster, from, to);
	}
}

static void make_clusters(struct estimate *estimate)
{
	int64_t most = longest(estimate);
	size_t end;

	estimate->clusters = x_calloc(estimate->slot_count, sizeof(*estimate->clusters));
	for (size_t at = 0; at < estimate->slot_count; at = end) {
		end = at + 1;
		if (estimate->slots[at].analysed <= 0)
			continue;
		end = end_of_stretch(estimate, at);
		cut_stretch(estimate, at, end, most);
	}
}

static void add_slot(struct estimate *estimate, const struct slot *slot)
{
	struct cluster *cluster = &estimate->clusters[slot->cluster];

	cluster->lost += slot->lost;
	for (size_t i = slot->first; i < slot->end; i++) {
		size_t at = slot->cluster * estimate->items + estimate->amounts[i].item;

		estimate->sums[at] += estimate->amounts[i].amount;
		if (slot->number < cluster->middle)
			estimate->halves[at] += estimate->amounts[i].amount;
	}
}

/* Each slot goes to the nearest cluster, its own where it is in one. */
static void make_cells(struct estimate *estimate)
{
	size_t at = 0, size = estimate->cluster_count * estimate->items;

	estimate->sums = x_calloc(size, sizeof(*estimate->sums));
	estimate->halves = x_calloc(size, sizeof(*estimate->halves));
	for (size_t i = 0; i < estimate->slot_count; i++) {
		struct slot *slot = &estimate->slots[i];

		while (at + 1 < estimate->cluster_count &&
			estimate->clusters[at + 1].first - slot->number <=
				slot->number - estimate->clusters[at].last)
			at++;
		slot->cluster = at;
		add_slot(estimate, slot);
	}
}

static int64_t hour_of(const struct estimate *estimate, const struct cluster *cluster)
{
	int64_t start_ms = cluster->first * estimate->slot_ms;

	return start_ms / HOUR_MS - (start_ms % HOUR_MS < 0);
}

/*
 * Hardly anything was analysed of it, as when a stretch ends with the first seconds of an hour: its few
 * packets would stand for too many.
 */
static bool thin(const struct stratum *stratum, double least)
{
	return stratum->analysed < least * (stratum->analysed + stratum->lost);
}

static void add_cluster(struct stratum *stratum, struct cluster *cluster, size_t number)
{
	stratum->end++;
	stratum->analysed += cluster->analysed;
	stratum->lost += cluster->lost;
	cluster->stratum = number;
}

/* One that is thin goes with the next one, the last one with that before it. */
static void make_strata(struct estimate *estimate)
{
	double least = THIN * (1 - estimate_lost(estimate));
	struct stratum *stratum = NULL;
	size_t last;

	estimate->strata = x_calloc(estimate->cluster_count, sizeof(*estimate->strata));
	for (size_t i = 0; i < estimate->cluster_count; i++) {
		struct cluster *cluster = &estimate->clusters[i];

		if (!stratum || (hour_of(estimate, cluster) != hour_of(estimate, cluster - 1) &&
					!thin(stratum, least))) {
			stratum = &estimate->strata[estimate->stratum_count++];
			stratum->first = stratum->end = i;
		}
		add_cluster(stratum, cluster, estimate->stratum_count - 1);
	}
	last = estimate->stratum_count - 1;
	if (!last || !thin(stratum, least))
		return;
	for (size_t i = stratum->first; i < estimate->cluster_count; i++)
		add_cluster(stratum - 1, &estimate->clusters[i], last - 1);
	estimate->stratum_count--;
}

/* The last one takes what is too little for one more. */
static void make_groups(struct estimate *estimate)
{
	struct group *group = NULL;
	size_t end = 0;

	estimate->groups = x_calloc(estimate->stratum_count, sizeof(*estimate->groups));
	for (size_t i = 0; i < estimate->stratum_count; i++) {
		struct stratum *stratum = &estimate->strata[i];

		if (i == 0 ||
			(stratum->first - group->first >= ESTIMATE_CLUSTERS &&
				estimate->cluster_count - stratum->first >= ESTIMATE_CLUSTERS)) {
			group = &estimate->groups[estimate->group_count++];
			group->first = end;
		}
		stratum->group = estimate->group_count - 1;
		group->end = end = stratum->end;
	}
}

void estimate_cluster(struct estimate *estimate)
{
	fill_slots(estimate);
	make_clusters(estimate);
	if (!estimate->cluster_count)
		return;
	make_cells(estimate);
	make_strata(estimate);
	make_groups(estimate);
}

size_t estimate_clusters(const struct estimate *estimate)
{
	return estimate->cluster_count;
}

size_t estimate_strata(const struct estimate *estimate)
{
	return estimate->stratum_count;
}

double estimate_lost(const struct estimate *estimate)
{
	double analysed = 0, lost = 0;

	for (size_t i = 0; i < estimate->slot_count; i++) {
		analysed += estimate->slots[i].analysed;
		lost += estimate->slots[i].lost;
	}
	return lost > 0 ? lost / (analysed + lost) : 0;
}
