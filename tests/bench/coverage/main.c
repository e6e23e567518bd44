/*
 * coverage: do the intervals of the audit hold what they promise?
 *
 *	coverage SLOTS [DAYS [SEED]]	SLOTS: lines "second class packets octets", from tests/bench/coverage/run
 *
 * Days on a link that captures of SLOTS are played over (world.h), too much for the preprocessors behind
 * it, so that the capture sheds by its own rule (line.h). What was analysed, and what the ledger says of
 * the rest, goes through estimate.h, as it does for a report; the truth is known. For each class of at
 * least 1 % of the octets: in how many of DAYS (default 4000) the 95 % interval held the truth, beside
 * the interval that takes packets for a sample of independent ones. Then the mean daily share over months
 * of 30 days. With 4000 days the standard error of a coverage of 95 % is 0.34 %.
 *
 * Exit code 1 when an interval holds the truth in less than 93 % or more than 97 % of the days, or the
 * mean daily share of a class of at least 5 % is off by more than 5 % of itself in more than one month of
 * twenty.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/report/estimate.h"
#include "spool/log.h"
#include "tests/bench/coverage/line.h"
#include "tests/bench/coverage/world.h"

#define DAY_MS	     86400000ll
#define WINDOW_MS    300000ll
#define WINDOW_SLOTS (int)(WINDOW_MS / 1000 / SLOT_S)
#define MONTH	     30
#define BEGINS	     8	  /* stretches a second */
#define LEAST	     0.01 /* classes that are looked at */
#define LARGE	     0.05 /* classes whose mean daily share is */

/*
 * How a capture is overloaded: what share of the octets the preprocessors can do, and how long the queue
 * is. A queue of 1000 makes seven pauses a day where 5 % are analysed; so few are refused.
 */
static const struct regime {
	double share;
	unsigned max_batches;
	bool months; /* the mean daily share is to be within 5 % */
} regimes[] = {
	{0.05, 200, true},
	{0.10, 500, false},
	{0.25, 1000, false},
	{0.60, 1000, false},
};
#define REGIMES (sizeof(regimes) / sizeof(regimes[0]))

enum figure { SHARE, TOTAL, NAIVE_SHARE, NAIVE_TOTAL, FIGURES };

struct score {
	double held[FIGURES], given, width, error, refused;
	double month_true, month_off,
		months; /* sums over months at hand; how many were off, of how many */
	double month_width;
	struct estimate_figure days[MONTH];
	double truth;
	size_t day_count;
};

/* How many rows, of a class in one way of shedding, are as they should be; and of how many large classes the
 * months. */
struct verdict {
	unsigned rows, within, large, near;
};

/* A day that is not settled yet: until the first batch of the next one came. */
struct day {
	struct estimate *estimate;
	struct mix truth, analysed;
	int64_t end_ms;
};

/* A capture that is overloaded in one of the ways. */
struct trial {
	const struct regime *regime;
	const struct pool *pool;
	struct config config;
	struct line *line;
	struct mix window;
	struct day days[2]; /* the one before, and this one */
	struct estimate_batch last;
	struct score scores[CLASSES];
	struct mix all;
	double seen, analysed, clusters, strata;
	unsigned settled;
};

/* ---- a day ---- */

static void open_day(struct trial *trial, int64_t start_ms)
{
	double largest[CLASSES + 1];

	for (size_t i = 0; i <= CLASSES; i++)
		largest[i] = ESTIMATE_OCTETS;
	trial->days[0] = trial->days[1];
	trial->days[1] = (struct day){.end_ms = start_ms + DAY_MS};
	trial->days[1].estimate = estimate_new((struct estimate_span){start_ms, start_ms + DAY_MS},
		WINDOW_MS, CLASSES + 1, largest, 1);
	estimate_batch(trial->days[1].estimate, &trial->last);
}

static double sum_of(const double *values)
{
	double sum = 0;

	for (size_t i = 0; i < CLASSES; i++)
		sum += values[i];
	return sum;
}

static bool holds(const struct estimate_figure *figure, double truth)
{
	return figure->low <= truth && truth <= figure->high;
}

/* As if packets were drawn one by one. */
static void naive(struct score *score, const struct day *day, size_t class, double share,
	double total)
{
	double packets = sum_of(day->analysed.packets), octets = sum_of(day->analysed.octets);
	double seen = sum_of(day->truth.packets);
	double p = day->analysed.octets[class] / octets;
	double half = 1.96 * sqrt(p * (1 - p) / packets);
	double y = day->analysed.octets[class] * seen / packets;

	score->held[NAIVE_SHARE] += fabs(p - share) <= half;
	score->held[NAIVE_TOTAL] += fabs(y - total) <= y * half / p;
}

/* The mean of the last MONTH days: within 5 % of what is true? */
static void look_at_month(struct score *score)
{
	struct estimate_figure mean;

	if (score->day_count < MONTH)
		return;
	estimate_mean(score->days, MONTH, &mean);
	score->months++;
	score->month_off += mean.refused[0] || fabs(mean.value / (score->truth / MONTH) - 1) > 0.05;
	score->month_width += (mean.high - mean.low) / 2 / mean.value;
	score->day_count = 0;
	score->truth = 0;
}

static void look_at_class(struct score *score, const struct day *day, size_t class)
{
	double total = day->truth.octets[class], share = total / sum_of(day->truth.octets);
	struct estimate_figure figure;

	estimate_share(day->estimate, ESTIMATE_ALL, class, CLASSES, &figure);
	score->days[score->day_count++] = figure;
	score->truth += share;
	look_at_month(score);
	if (figure.refused[0]) {
		score->refused++;
		return;
	}
	score->given++;
	score->held[SHARE] += holds(&figure, share);
	score->width += (figure.high - figure.low) / 2 / figure.value;
	score->error += figure.value / share - 1;
	estimate_total(day->estimate, ESTIMATE_ALL, class, &figure);
	score->held[TOTAL] += holds(&figure, total);
	naive(score, day, class, share, total);
}

static void settle_day(struct trial *trial, struct day *day)
{
	estimate_settle(day->estimate);
	trial->clusters += (double)estimate_clusters(day->estimate);
	trial->strata += (double)estimate_strata(day->estimate);
	for (size_t i = 0; i < trial->pool->classes; i++) {
		trial->all.octets[i] += day->truth.octets[i];
		look_at_class(&trial->scores[i], day, i);
	}
	trial->seen += sum_of(day->truth.packets);
	trial->analysed += sum_of(day->analysed.packets);
	trial->settled++;
	estimate_free(day->estimate);
	*day = (struct day){.estimate = NULL};
}

/* A batch that was closed, as the ledger tells of it. */
static void on_batch(void *own, const struct estimate_batch *batch)
{
	struct trial *trial = own;

	for (size_t i = 0; i < 2; i++)
		if (trial->days[i].estimate)
			estimate_batch(trial->days[i].estimate, batch);
	trial->last = *batch;
	if (trial->days[0].estimate && batch->timed && batch->first_ms >= trial->days[0].end_ms)
		settle_day(trial, &trial->days[0]);
}

/* ---- time ---- */

static void add_window(struct trial *trial, int64_t start_ms, const struct mix *mix)
{
	struct day *day = &trial->days[1];

	if (sum_of(mix->packets) <= 0)
		return;
	estimate_packets(day->estimate, start_ms, sum_of(mix->packets));
	estimate_add(day->estimate, start_ms, CLASSES, sum_of(mix->octets));
	for (size_t i = 0; i < trial->pool->classes; i++) {
		if (mix->octets[i] > 0)
			estimate_add(day->estimate, start_ms, i, mix->octets[i]);
		day->analysed.packets[i] += mix->packets[i];
		day->analysed.octets[i] += mix->octets[i];
	}
}

static void add_mix(struct mix *to, const struct mix *mix, double part)
{
	for (size_t i = 0; i < CLASSES; i++) {
		to->packets[i] += part * mix->packets[i];
		to->octets[i] += part * mix->octets[i];
	}
}

static void play_slot(struct trial *trial, int64_t start_ms, const struct mix *mix)
{
	double packets = sum_of(mix->packets) / SLOT_S, octets = sum_of(mix->octets) / SLOT_S;
	int taken = 0;

	for (int i = 0; i < SLOT_S; i++)
		taken += line_second(trial->line, start_ms + 1000 * i, packets, octets);
	add_mix(&trial->days[1].truth, mix, 1);
	add_mix(&trial->window, mix, (double)taken / SLOT_S);
	if (start_ms / 1000 / SLOT_S % WINDOW_SLOTS == WINDOW_SLOTS - 1) {
		add_window(trial, start_ms, &trial->window);
		trial->window = (struct mix){0};
	}
}

/* All of them see the same day. */
static void play_day(struct trial *trials, struct world *world, int64_t start_ms)
{
	for (size_t i = 0; i < REGIMES; i++)
		open_day(&trials[i], start_ms);
	for (int slot = 0; slot < DAY_SLOTS; slot++) {
		struct mix mix;

		world_slot(world, &mix);
		for (size_t i = 0; i < REGIMES; i++)
			play_slot(&trials[i], start_ms + slot * SLOT_S * 1000, &mix);
	}
}

/* Octets a second, on average over a week. */
static double rate_of(const struct pool *pool, uint64_t seed)
{
	struct world *world = world_new(pool, BEGINS, seed);
	struct mix mix;
	double octets = 0;

	for (int i = 0; i < 7 * DAY_SLOTS; i++) {
		world_slot(world, &mix);
		octets += sum_of(mix.octets);
	}
	return octets / (7 * 86400);
}

/* ---- what came out ---- */

static double percent(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : 0;
}

static bool within(double held)
{
	return held >= 93 && held <= 97;
}

static void tell_class(const char *name, const struct score *score, double share, bool months,
	struct verdict *verdict)
{
	double held[FIGURES];
	bool right, near = score->month_off <= score->months / 20;

	for (int i = 0; i < FIGURES; i++)
		held[i] = percent(score->held[i], score->given);
	right = within(held[SHARE]) && within(held[TOTAL]);
	months &= share >= LARGE;
	verdict->rows++;
	verdict->within += right;
	verdict->large += months;
	verdict->near += months && near;
	printf("%-16s %6.2f %7.1f %7.1f %7.1f %7.1f %8.1f %7.2f %8.1f %8.1f %6.1f%s%s\n", name,
		100 * share, held[SHARE], held[TOTAL], held[NAIVE_SHARE], held[NAIVE_TOTAL],
		percent(score->width, score->given), percent(score->error, score->given),
		percent(score->refused, score->given + score->refused),
		percent(score->month_width, score->months),
		percent(score->month_off, score->months), right ? "" : "  <- outside",
		near || !months ? "" : "  <- months");
}

static void tell(const struct trial *trial, struct verdict *verdict)
{
	const struct regime *regime = trial->regime;
	double octets = sum_of(trial->all.octets);

	printf("\nmax_batches %u, preprocessors for %.0f %%: %.1f %% of the packets analysed, %.1f clusters "
	       "and %.1f strata a day, %u days\n",
		regime->max_batches, 100 * regime->share, percent(trial->analysed, trial->seen),
		trial->clusters / trial->settled, trial->strata / trial->settled, trial->settled);
	printf("%-16s %6s %7s %7s %7s %7s %8s %7s %8s %8s %6s\n", "", "", "interval holds", "",
		"per packet", "", "half", "bias", "refused", "month:", "off");
	printf("%-16s %6s %7s %7s %7s %7s %8s %7s %8s %8s %6s\n", "class", "%", "share", "total",
		"share", "total", "width %", "%", "%", "half w.", "%");
	for (size_t i = 0; i < trial->pool->classes; i++) {
		double share = trial->all.octets[i] / octets;

		if (share >= LEAST)
			tell_class(trial->pool->names[i], &trial->scores[i], share, regime->months,
				verdict);
	}
}

static bool tell_verdict(const struct verdict *verdict)
{
	printf("\n%u of %u rows: intervals of both share and total hold the truth in 93 to 97 %% of the days\n"
	       "%u of %u classes of at least %.0f %%: mean daily share within 5 %% in 19 of 20 months or more\n",
		verdict->within, verdict->rows, verdict->near, verdict->large, 100 * LARGE);
	return verdict->within == verdict->rows && verdict->near == verdict->large;
}

static struct trial *start_trials(const struct pool *pool, double rate)
{
	struct trial *trials = x_calloc(REGIMES, sizeof(*trials));

	for (size_t i = 0; i < REGIMES; i++) {
		struct trial *trial = &trials[i];

		trial->pool = pool;
		trial->regime = &regimes[i];
		trial->config =
			(struct config){.max_batches = regimes[i].max_batches, .stream_count = 1};
		trial->line = line_new(&trial->config, regimes[i].share * rate, on_batch, trial);
	}
	return trials;
}

int main(int argc, char **argv)
{
	unsigned days = argc > 2 ? (unsigned)atoi(argv[2]) : 4000;
	uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 20261121;
	struct verdict verdict = {0};
	struct pool *pool;
	struct world *world;
	struct trial *trials;
	double rate;

	log_open("coverage");
	if (argc < 2 || days < 1 || !seed)
		die(MIRA_PERSON, "usage: coverage SLOTS [DAYS [SEED]]");
	pool = pool_read(argv[1]);
	rate = rate_of(pool, seed);
	printf("%zu stretches of captures, %zu classes, %.1f Mbit/s, seed %" PRIu64 "\n",
		pool->stretches, pool->classes, 8 * rate / 1e6, seed);
	world = world_new(pool, BEGINS, seed);
	trials = start_trials(pool, rate);
	/* the last day is settled by what comes after it */
	for (unsigned day = 0; day <= days; day++)
		play_day(trials, world, day * DAY_MS);
	for (size_t i = 0; i < REGIMES; i++)
		tell(&trials[i], &verdict);
	return tell_verdict(&verdict) ? MIRA_OK : MIRA_AGAIN;
}
