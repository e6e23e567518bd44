/*
 * estimate_figure.c: totals, shares and their intervals, from the clusters and strata that estimate.c
 * made. The formulas stand in estimate.h.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "postproc/estimate_private.h"

#define NORMAL_975   1.959963984540054
#define NEIGHBOURS   2	 /* on each side of a cluster */
#define FREEDOM_MIN  7.0 /* with fewer, the variance itself is hardly known */
#define CLUSTERS_MIN 3.0 /* that an item has to lie in */

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
	size_t clusters;	 /* of the groups that stand for lost packets */
	double sum, sum_squares; /* of the item over these clusters */
	/* at hand */
	size_t stratum, group;
	double lost, slots,
		bernoulli; /* of the stratum; its slots, through the lens, and their noise */
	double spread, freedom, group_variance;
	bool open, known; /* stratum at hand; spread of its group is known */
};

/* Hill, Algorithm 396, Communications of the ACM 13 (1970) 619. */
double estimate_student(double n)
{
	double a = 1 / (n - 0.5), b = 48 / (a * a);
	double c = ((20700 * a / b - 98) * a - 16) * a + 96.36;
	double d = ((94.5 / (b + c) - 3) / b + 1) * sqrt(a * M_PI_2) * n;
	double x = d * 0.05, y = pow(x, 2 / n);

	if (y > 0.05 + a) {
		x = -NORMAL_975;
		y = x * x;
		if (n < 5)
			c += 0.3 * (n - 4.5) * (x + 0.6);
		c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b;
		y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
		y = expm1(a * y * y);
	} else {
		y = ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) *
				    y -
			    1) *
			    (n + 1) / (n + 2) +
		    1 / y;
	}
	return sqrt(n * y);
}

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

/* The residual of a cluster from the ratio of those around it, squared, for as many packets as it has. */
static double residual_of(const struct moments *moments, size_t cluster)
{
	const struct estimate *estimate = moments->estimate;
	size_t first = cluster > NEIGHBOURS ? cluster - NEIGHBOURS : 0;
	size_t end = first + 2 * NEIGHBOURS + 1;
	double around = 0, own = estimate->clusters[cluster].analysed, rest;

	if (end > estimate->cluster_count) {
		end = estimate->cluster_count;
		first = end > 2 * NEIGHBOURS ? end - 2 * NEIGHBOURS - 1 : 0;
	}
	for (size_t i = first; i < end; i++)
		around += estimate->clusters[i].analysed;
	rest = through(moments->lens, sums_of(estimate, cluster)) -
	       sum_of(moments, first, end) / around * own;
	return around > own ? rest * rest / (1 - own / around) : 0;
}

/* v_g and its degrees of freedom. */
static void look_at_group(struct moments *moments)
{
	const struct estimate *estimate = moments->estimate;
	const struct group *group = &estimate->groups[moments->group];
	double spread = 0, squares = 0;

	for (size_t i = group->first; i < group->end; i++) {
		double part = estimate->clusters[i].analysed / group->analysed;
		double item = sums_of(estimate, i)[moments->lens->item];

		spread += residual_of(moments, i);
		squares += part * part;
		moments->sum += item;
		moments->sum_squares += item * item;
	}
	moments->clusters += group->end - group->first;
	moments->spread = spread / group->analysed;
	moments->freedom = 1 / squares - 1;
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
		moments->value += more * sum_of(moments, stratum->first, stratum->end);
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
	moments->certain = moments->certain > 0 ? moments->certain : 0;
	return true;
}

/* ---- figures ---- */

static void refuse(struct estimate_figure *figure, const char *why, size_t clusters)
{
	snprintf(figure->refused, sizeof(figure->refused), "not estimated: %zu cluster%s%s",
		clusters, clusters == 1 ? "" : "s", why);
	figure->error = figure->freedom = 0;
	figure->low = figure->high = figure->value;
}

/* Can the variance be told? Of the item's own sums, for a share varies as its item does. */
static bool told(const struct moments *moments, struct estimate_figure *figure)
{
	double clusters =
		moments->sum_squares > 0 ? moments->sum * moments->sum / moments->sum_squares : 0;

	if (!moments->clusters)
		return true;
	if (moments->sum <= 0) {
		refuse(figure, " without it", moments->clusters);
		return false;
	}
	if (moments->clusters <= FREEDOM_MIN ||
		(moments->variance > 0 && figure->freedom < FREEDOM_MIN))
		refuse(figure, "", moments->clusters);
	else if (clusters < CLUSTERS_MIN)
		refuse(figure,
			clusters < 1.5 ? " holds nearly all of it" : " hold nearly all of it",
			(size_t)lround(clusters));
	return !figure->refused[0];
}

static double student_of(const struct estimate_figure *figure)
{
	return isfinite(figure->freedom) ? estimate_student(figure->freedom) : NORMAL_975;
}

static void measure(const struct moments *moments, double scale, struct estimate_figure *figure)
{
	double variance = moments->variance + moments->certain;

	figure->error = sqrt(variance) / scale;
	figure->freedom = moments->squares > 0 ? variance * variance / moments->squares : INFINITY;
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
	factor = exp(student_of(figure) * figure->error / figure->value);
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
	lens = (struct lens){item, whole, part.value / total.value};
	figure->value = part.seen / total.seen;
	add_up(estimate, span, &lens, &part);
	measure(&part, total.value, figure);
	if (!told(&part, figure))
		return;
	figure->low = figure->high = figure->value = lens.share;
	if (lens.share <= 0 || lens.share >= 1 || figure->error <= 0)
		return;
	half = student_of(figure) * figure->error / (lens.share * (1 - lens.share));
	at = log(lens.share / (1 - lens.share));
	figure->low = logistic(at - half);
	figure->high = logistic(at + half);
}

/* From the limits of both, which keeps their skew: Zou and Donner, Statistics in Medicine 27 (2008) 1693. */
void estimate_change(const struct estimate_figure *now, const struct estimate_figure *before,
	struct estimate_figure *change)
{
	const char *refused = now->refused[0] ? now->refused : before->refused;

	*change = (struct estimate_figure){.value = now->value - before->value,
		.error = hypot(now->error, before->error)};
	snprintf(change->refused, sizeof(change->refused), "%s", refused);
	change->low = change->high = change->value;
	if (refused[0])
		return;
	change->low -= hypot(now->value - now->low, before->high - before->value);
	change->high += hypot(now->high - now->value, before->value - before->low);
}

void estimate_mean(const struct estimate_figure *figures, size_t count,
	struct estimate_figure *mean)
{
	double variance = 0, squares = 0, n = (double)count, half;

	assert(count > 0);
	*mean = (struct estimate_figure){0};
	for (size_t i = 0; i < count; i++) {
		double part = figures[i].error * figures[i].error / (n * n);

		if (figures[i].refused[0] && !mean->refused[0])
			memcpy(mean->refused, figures[i].refused, sizeof(mean->refused));
		mean->value += figures[i].value / n;
		variance += part;
		squares += part > 0 ? part * part / figures[i].freedom : 0;
	}
	mean->low = mean->high = mean->value;
	if (mean->refused[0])
		return;
	mean->error = sqrt(variance);
	mean->freedom = squares > 0 ? variance * variance / squares : INFINITY;
	half = variance > 0 ? student_of(mean) * mean->error : 0;
	mean->low -= half;
	mean->high += half;
}
