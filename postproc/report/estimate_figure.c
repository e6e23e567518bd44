/*
 * estimate_figure.c: totals, shares and their intervals, from the clusters and strata that estimate.c
 * made. The formulas stand in estimate.h.
 */
#include <math.h>
#include <stdio.h>

#include "postproc/report/estimate_private.h"

#define NEIGHBOURS   2	 /* on each side of a cluster */
#define CLUSTERS_MIN 8.0 /* that what was lost rests on: with fewer, the variance is hardly known */
#define ITEM_MIN     3.0 /* of which an item has to lie in so many */
#define FREEDOM_MIN  4.0 /* that there were fewer, so few clusters cannot tell */

/* What is added up: an item, less a share of the whole it is a part of. */
struct lens {
	size_t item, whole;
	double share;
};

/* The sum over a span, as it is made slot by slot. */
struct moments {
	const struct estimate *estimate;
	const struct lens *lens;
	double value, seen, variance,
		certain;	 /* certain: of the variance, what is known and not estimated */
	double squares;		 /* sum of variance² / degrees of freedom over groups */
	double clusters;	 /* of the groups that stand for lost packets, as if equal */
	double sum, sum_squares; /* of the item over these clusters */
	/* at hand */
	size_t stratum, group;
	double lost, slots,
		bernoulli; /* of the stratum; its slots, through the lens, and their noise */
	double bias, spread, freedom, group_variance;
	bool open, known; /* stratum at hand; what its group says is known */
};

/* ---- sums ---- */

static double through(const struct lens *lens, const double *sums)
{
	return sums[lens->item] - (lens->share > 0 ? lens->share * sums[lens->whole] : 0);
}

static const double *sums_of(const struct estimate *estimate, size_t cluster)
{
	return estimate->sums + cluster * estimate->items;
}

static double sum_of(const struct moments *moments, size_t first, size_t end)
{
	double sum = 0;

	for (size_t i = first; i < end; i++)
		sum += through(moments->lens, sums_of(moments->estimate, i));
	return sum;
}

/* A cluster and those around it. */
struct around {
	size_t count;
	double packets, ratio;
};

static struct around around_of(const struct moments *moments, size_t at)
{
	const struct estimate *estimate = moments->estimate;
	size_t first = at > NEIGHBOURS ? at - NEIGHBOURS : 0, end = first + 2 * NEIGHBOURS + 1;
	struct around around = {0};

	if (end > estimate->cluster_count) {
		end = estimate->cluster_count;
		first = end > 2 * NEIGHBOURS ? end - 2 * NEIGHBOURS - 1 : 0;
	}
	around.count = end - first;
	for (size_t i = first; i < end; i++)
		around.packets += estimate->clusters[i].analysed;
	around.ratio = sum_of(moments, first, end) / around.packets;
	return around;
}

/* What a cluster says of bias and variance: e, e² / (1 - x / x_()), k, and d. */
struct residual {
	double value, square, halves, excess;
};

static struct residual residual_of(const struct moments *moments, size_t at)
{
	const struct estimate *estimate = moments->estimate;
	const struct cluster *cluster = &estimate->clusters[at];
	struct around around = around_of(moments, at);
	double x = cluster->analysed, n = (double)around.count, half, common;
	struct residual residual = {0};

	if (around.packets <= x)
		return residual;
	residual.value = through(moments->lens, sums_of(estimate, at)) - around.ratio * x;
	residual.square = residual.value * residual.value / (1 - x / around.packets);
	residual.excess = (x - around.packets / n) / (1 - 1 / n);
	if (cluster->half <= 0)
		return residual;
	half = through(moments->lens, estimate->halves + at * estimate->items) -
	       around.ratio * cluster->half;
	common = cluster->half * (x - cluster->half) / (x * around.packets);
	residual.halves = half * (residual.value - half) + common * residual.square;
	return residual;
}

/* Of the two ends of a cluster: at how many was its stretch cut? */
static int cuts_of(const struct estimate *estimate, size_t at)
{
	const struct cluster *cluster = &estimate->clusters[at];

	return (at > 0 && cluster[-1].last + 1 == cluster->first) +
	       (at + 1 < estimate->cluster_count && cluster->last + 1 == cluster[1].first);
}

/* B of a cluster, of whose stratum W packets were lost for each analysed. */
static double border_of(const struct moments *moments, size_t at, double w, double halves)
{
	int cuts = cuts_of(moments->estimate, at);

	return (1 + w) * (cuts * w - (2 - cuts) * fmin(w, 1)) * halves;
}

static double lost_for_each(const struct stratum *stratum)
{
	return stratum->lost / stratum->analysed;
}

/* X_g, sum of w over strata, and sums of w (1 + w) x and of its square. */
struct weights {
	double analysed, strata, sum, squares;
};

static struct weights weigh(struct moments *moments, const struct group *group)
{
	const struct estimate *estimate = moments->estimate;
	struct weights weights = {0};

	for (size_t i = group->first; i < group->end; i++) {
		const struct cluster *cluster = &estimate->clusters[i];
		const struct stratum *stratum = &estimate->strata[cluster->stratum];
		double item = sums_of(estimate, i)[moments->lens->item];
		double x = cluster->analysed, w = lost_for_each(stratum), weight = w * (1 + w) * x;

		weights.analysed += x;
		weights.strata += w * x / stratum->analysed;
		weights.sum += weight;
		weights.squares += weight * weight;
		moments->sum += item;
		moments->sum_squares += item * item;
	}
	moments->clusters += weights.sum * weights.sum / weights.squares;
	return weights;
}

/* b_g, v_g and its degrees of freedom. */
static void look_at_group(struct moments *moments)
{
	const struct estimate *estimate = moments->estimate;
	const struct group *group = &estimate->groups[moments->group];
	struct weights weights = weigh(moments, group);
	double sum = 0, squares = 0, borders = 0;

	moments->bias = 0;
	for (size_t i = group->first; i < group->end; i++) {
		double w = lost_for_each(&estimate->strata[estimate->clusters[i].stratum]);
		struct residual residual = residual_of(moments, i);
		double part = residual.excess / weights.analysed, own = w + weights.strata * part;
		double square = (own * own + w) * residual.square;

		moments->bias += part * residual.value;
		sum += square;
		squares += square * square;
		borders += border_of(moments, i, w, residual.halves);
	}
	moments->spread = fmax(sum + borders, sum / 2) / weights.sum;
	moments->freedom = squares > 0 ? 3 * (sum * sum / squares - 1) : 0;
	moments->known = true;
}

static void end_group(struct moments *moments)
{
	double variance = moments->group_variance;

	if (variance > 0)
		moments->squares += variance * variance / moments->freedom;
	moments->variance += variance;
	moments->group_variance = 0;
	moments->known = false;
}

static void end_stratum(struct moments *moments)
{
	const struct stratum *stratum = &moments->estimate->strata[moments->stratum];
	double lost = moments->lost, more = lost / stratum->analysed;

	moments->value += moments->slots;
	moments->certain += moments->bernoulli * (1 + more);
	if (lost > 0) {
		if (!moments->known)
			look_at_group(moments);
		moments->value +=
			more * (sum_of(moments, stratum->first, stratum->end) + moments->bias);
		moments->group_variance += moments->spread * lost * (1 + more);
	}
	moments->lost = moments->slots = moments->bernoulli = 0;
}

static void move_to(struct moments *moments, size_t stratum)
{
	size_t group = moments->estimate->strata[stratum].group;

	if (moments->open && moments->stratum != stratum)
		end_stratum(moments);
	if (moments->open && moments->group != group)
		end_group(moments);
	moments->open = true;
	moments->stratum = stratum;
	moments->group = group;
}

/* What Bernoulli sampling makes of AMOUNT through the lens: an item is a part of its whole. */
static double bernoulli_of(const struct moments *moments, const struct amount *amount)
{
	const struct estimate *estimate = moments->estimate;
	const struct lens *lens = moments->lens;
	double p = estimate->sampling, share = lens->share, weight = 0;

	if (amount->item == lens->item)
		weight = (1 - share) * (1 - share) - share * share;
	if (amount->item == lens->whole && share > 0)
		weight += share * share;
	return weight * (1 - p) / p * estimate->largest[amount->item] * amount->amount;
}

static void add_slot(struct moments *moments, const struct slot *slot)
{
	const struct estimate *estimate = moments->estimate;

	move_to(moments, estimate->clusters[slot->cluster].stratum);
	moments->lost += slot->lost;
	for (size_t i = slot->first; i < slot->end; i++) {
		const struct amount *amount = &estimate->amounts[i];

		if (amount->item == moments->lens->item) {
			moments->slots += amount->amount;
			moments->seen += amount->amount * estimate->sampling;
		}
		if (amount->item == moments->lens->whole && moments->lens->share > 0)
			moments->slots -= moments->lens->share * amount->amount;
		moments->bernoulli += bernoulli_of(moments, amount);
	}
}

/* The first slot that begins at TIME_MS or later. */
static size_t slot_from(const struct estimate *estimate, int64_t time_ms)
{
	size_t low = 0, high = estimate->slot_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (estimate->slots[middle].number * estimate->slot_ms < time_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* False when nothing was analysed at all. */
static bool add_up(const struct estimate *estimate, struct estimate_span span,
	const struct lens *lens, struct moments *moments)
{
	size_t end;

	*moments = (struct moments){.estimate = estimate, .lens = lens};
	if (!estimate->cluster_count)
		return false;
	end = slot_from(estimate, span.to_ms);
	for (size_t i = slot_from(estimate, span.from_ms); i < end; i++)
		add_slot(moments, &estimate->slots[i]);
	if (moments->open) {
		end_stratum(moments);
		end_group(moments);
	}
	moments->certain = fmax(moments->certain, 0);
	moments->value = fmax(moments->value, moments->seen);
	return true;
}

/* ---- figures ---- */

static void refuse(struct estimate_figure *figure, const char *why, double clusters)
{
	long count = lround(clusters);

	snprintf(figure->refused, sizeof(figure->refused), "not estimated: %ld cluster%s%s", count,
		count == 1 ? "" : "s", why);
	figure->error = figure->freedom = 0;
	figure->low = figure->high = figure->value;
}

/* Can the variance be told? Of the item's own sums, for a share varies as its item does. */
static bool told(const struct moments *moments, struct estimate_figure *figure)
{
	double clusters =
		moments->sum_squares > 0 ? moments->sum * moments->sum / moments->sum_squares : 0;

	if (moments->clusters <= 0)
		return true;
	if (moments->sum <= 0)
		refuse(figure, " without it", moments->clusters);
	else if (moments->clusters < CLUSTERS_MIN)
		refuse(figure, "", moments->clusters);
	else if (clusters < ITEM_MIN)
		refuse(figure,
			clusters < 1.5 ? " holds nearly all of it" : " hold nearly all of it",
			clusters);
	return !figure->refused[0];
}

static void measure(const struct moments *moments, double scale, struct estimate_figure *figure)
{
	double variance = moments->variance + moments->certain;

	figure->error = sqrt(variance) / scale;
	figure->freedom = moments->squares > 0
				  ? fmax(variance * variance / moments->squares, FREEDOM_MIN)
				  : INFINITY;
}

void estimate_total(const struct estimate *estimate, struct estimate_span span, size_t item,
	struct estimate_figure *figure)
{
	struct lens lens = {.item = item};
	struct moments moments;
	double factor;

	*figure = (struct estimate_figure){0};
	if (!add_up(estimate, span, &lens, &moments)) {
		refuse(figure, "", 0);
		return;
	}
	measure(&moments, 1, figure);
	figure->value = moments.seen;
	if (!told(&moments, figure))
		return;
	figure->low = figure->high = figure->value = moments.value;
	if (figure->value <= 0 || figure->error <= 0)
		return;
	factor = exp(estimate_student(figure->freedom) * figure->error / figure->value);
	figure->low = fmax(figure->value / factor, moments.seen);
	figure->high = figure->value * factor;
}

static double logistic(double x)
{
	return 1 / (1 + exp(-x));
}

void estimate_share(const struct estimate *estimate, struct estimate_span span, size_t item,
	size_t whole, struct estimate_figure *figure)
{
	struct lens lens = {.item = item}, all = {.item = whole};
	struct moments part, total;
	double half, at;

	*figure = (struct estimate_figure){0};
	if (!add_up(estimate, span, &all, &total) || total.value <= 0) {
		refuse(figure, "", 0);
		return;
	}
	add_up(estimate, span, &lens, &part);
	lens = (struct lens){item, whole, fmin(part.value / total.value, 1)};
	figure->value = part.seen / total.seen;
	add_up(estimate, span, &lens, &part);
	measure(&part, total.value, figure);
	if (!told(&part, figure))
		return;
	figure->low = figure->high = figure->value = lens.share;
	if (lens.share <= 0 || lens.share >= 1 || figure->error <= 0)
		return;
	half = estimate_student(figure->freedom) * figure->error / (lens.share * (1 - lens.share));
	at = log(lens.share / (1 - lens.share));
	figure->low = logistic(at - half);
	figure->high = logistic(at + half);
}
