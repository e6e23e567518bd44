/*
 * estimate.c: what was analysed and what was lost, slot by slot, as batches and windows tell; between the
 * ledger of mira.db and estimate_cluster.c.
 */
#include "postproc/report/estimate.h"

#include <stdlib.h>
#include <string.h>

#include "postproc/report/estimate_private.h"
#include "spool/log.h"

struct estimate *estimate_new(struct estimate_span span, int64_t slot_ms, size_t items,
	const double *largest, double sampling)
{
	struct estimate *estimate = x_calloc(1, sizeof(*estimate));

	estimate->span = span;
	estimate->slot_ms = slot_ms;
	estimate->items = items;
	estimate->sampling = sampling;
	estimate->largest = x_calloc(items, sizeof(*estimate->largest));
	memcpy(estimate->largest, largest, items * sizeof(*largest));
	return estimate;
}

void estimate_free(struct estimate *estimate)
{
	if (!estimate)
		return;
	free(estimate->largest);
	free(estimate->slots);
	free(estimate->amounts);
	free(estimate->clusters);
	free(estimate->strata);
	free(estimate->groups);
	free(estimate->sums);
	free(estimate->halves);
	free(estimate);
}

/* ---- what is told ---- */

static bool inside(const struct estimate *estimate, int64_t time_ms)
{
	return time_ms >= estimate->span.from_ms && time_ms < estimate->span.to_ms;
}

static int64_t number_of(const struct estimate *estimate, int64_t time_ms)
{
	int64_t number = time_ms / estimate->slot_ms;

	return number - (time_ms % estimate->slot_ms < 0);
}

static int compare_slots(const void *left, const void *right)
{
	const struct slot *a = left, *b = right;

	return (a->number > b->number) - (a->number < b->number);
}

/* One slot a number, in order. */
static void merge_slots(struct estimate *estimate)
{
	size_t kept = 0;

	if (!estimate->slot_count)
		return;
	qsort(estimate->slots, estimate->slot_count, sizeof(*estimate->slots), compare_slots);
	for (size_t i = 1; i < estimate->slot_count; i++) {
		const struct slot *slot = &estimate->slots[i];

		if (slot->number != estimate->slots[kept].number) {
			estimate->slots[++kept] = *slot;
			continue;
		}
		estimate->slots[kept].analysed += slot->analysed;
		estimate->slots[kept].lost += slot->lost;
	}
	estimate->slot_count = kept + 1;
}

/* Many of them may be of few slots, as when time goes back and forth. */
static void make_room(struct estimate *estimate)
{
	merge_slots(estimate);
	if (estimate->slot_count < estimate->slot_room / 2)
		return;
	estimate->slot_room = estimate->slot_room ? 2 * estimate->slot_room : 256;
	estimate->slots =
		x_realloc(estimate->slots, estimate->slot_room * sizeof(*estimate->slots));
}

/* The slot at hand, or a new one behind all others. */
static struct slot *slot_at(struct estimate *estimate, int64_t number)
{
	struct slot *last = NULL;

	if (estimate->slot_count)
		last = &estimate->slots[estimate->slot_count - 1];
	if (last && last->number == number)
		return last;
	if (estimate->slot_count == estimate->slot_room)
		make_room(estimate);
	last = estimate->slots + estimate->slot_count++;
	*last = (struct slot){.number = number};
	return last;
}

/* Which part of a pause's packets came until U (0 … 1) of it: their rate went from that of before to that
 * of after. */
static double passed(const struct pause *pause, double u)
{
	double first = pause->before, last = pause->after;

	return first + last > 0 ? (2 * first * u + (last - first) * u * u) / (first + last) : u;
}

/* The packets lost in a pause, to the slots of it; those outside of the span are not ours. */
static void spread(struct estimate *estimate, const struct pause *pause)
{
	double length = (double)(pause->to_ms - pause->from_ms), before = 0, after;
	int64_t at = pause->from_ms;

	do {
		int64_t number = number_of(estimate, at), next = (number + 1) * estimate->slot_ms;
		int64_t end = next < pause->to_ms ? next : pause->to_ms;
		double part;

		after = length > 0 ? passed(pause, (double)(end - pause->from_ms) / length) : 1;
		part = (after - before) * pause->lost;
		if (inside(estimate, at)) {
			slot_at(estimate, number)->lost += part;
			estimate->lost += part;
			estimate->stretches += part * length;
		}
		before = after;
		at = end;
	} while (at < pause->to_ms && at < estimate->span.to_ms);
}

/* Packets a millisecond; OTHERWISE where no time passed. */
static double rate_of(double packets, int64_t from_ms, int64_t to_ms, double otherwise)
{
	return to_ms > from_ms ? packets / (double)(to_ms - from_ms) : otherwise;
}

/* Now it is known how many packets there were after the pause: NEXT a millisecond. */
static void end_pause(struct estimate *estimate, double next)
{
	struct pause *pause = &estimate->pause;
	double mean = rate_of(pause->lost, pause->from_ms, pause->to_ms, 0);

	if (pause->lost > 0) {
		pause->before = (pause->before + mean) / 2;
		pause->after = (mean + next) / 2;
		spread(estimate, pause);
	}
	pause->lost = 0;
}

/* What is known before the pause, of the pause and the packets before it. */
static void begin_pause(struct estimate *estimate, struct pause *pause)
{
	struct pause *old = &estimate->pause;
	double mean = rate_of(pause->lost, pause->from_ms, pause->to_ms, 0);

	pause->before = rate_of(old->lost + estimate->captured, old->from_ms, pause->from_ms, mean);
	end_pause(estimate,
		rate_of(estimate->captured + pause->lost, old->to_ms, pause->to_ms, mean));
	*old = *pause;
	estimate->captured = 0;
}

/*
 * Now it is known when the next batch began. Packets were lost in the longest of three: before the
 * first packet of their batch, among its packets, or after the last one.
 */
static void place_lost(struct estimate *estimate, int64_t until_ms)
{
	const int64_t times[] = {estimate->since_ms, estimate->first_ms, estimate->last_ms,
		until_ms};
	struct pause pause = {.lost = estimate->waiting};

	for (size_t i = 0; i < 3; i++) {
		if (i && times[i + 1] - times[i] <= pause.to_ms - pause.from_ms)
			continue;
		pause.from_ms = times[i];
		pause.to_ms = times[i + 1];
	}
	if (pause.lost > 0 && pause.to_ms - pause.from_ms > estimate->slot_ms)
		begin_pause(estimate, &pause);
	else if (pause.lost > 0)
		spread(estimate, &pause);
	estimate->waiting = 0;
}

void estimate_batch(struct estimate *estimate, const struct estimate_batch *batch)
{
	if (!batch->timed) {
		estimate->waiting += batch->lost + batch->unread;
		return;
	}
	if (!estimate->timed) {
		estimate->since_ms = estimate->first_ms = estimate->last_ms = batch->first_ms;
		estimate->pause =
			(struct pause){.from_ms = batch->first_ms, .to_ms = batch->first_ms};
	}
	place_lost(estimate, batch->first_ms);
	if (batch->unread > 0)
		spread(estimate,
			&(struct pause){batch->first_ms, batch->last_ms, .lost = batch->unread});
	estimate->captured += batch->analysed + batch->unread;
	if (inside(estimate, batch->first_ms)) {
		estimate->analysed += batch->analysed;
		estimate->ip += batch->ip;
	}
	estimate->timed = true;
	estimate->since_ms = estimate->last_ms;
	estimate->first_ms = batch->first_ms;
	estimate->last_ms = batch->last_ms;
	estimate->waiting = batch->lost;
}

/* Who lost all packets of a run is waited for: the next run tells a time. */
void estimate_run(struct estimate *estimate)
{
	if (estimate->timed)
		place_lost(estimate, estimate->last_ms);
	end_pause(estimate, rate_of(estimate->captured, estimate->pause.to_ms, estimate->last_ms,
				    estimate->pause.before));
	estimate->captured = 0;
	estimate->timed = false;
}

void estimate_packets(struct estimate *estimate, int64_t time_ms, double packets)
{
	if (inside(estimate, time_ms))
		slot_at(estimate, number_of(estimate, time_ms))->analysed += packets;
}

void estimate_add(struct estimate *estimate, int64_t time_ms, size_t item, double amount)
{
	if (!inside(estimate, time_ms))
		return;
	if (estimate->amount_count == estimate->amount_room) {
		estimate->amount_room = estimate->amount_room ? 2 * estimate->amount_room : 256;
		estimate->amounts = x_realloc(estimate->amounts,
			estimate->amount_room * sizeof(*estimate->amounts));
	}
	estimate->amounts[estimate->amount_count++] =
		(struct amount){number_of(estimate, time_ms), item, amount / estimate->sampling};
	slot_at(estimate, number_of(estimate, time_ms));
}

void estimate_settle(struct estimate *estimate)
{
	estimate_run(estimate);
	place_lost(estimate, estimate->last_ms);
	merge_slots(estimate);
	estimate_cluster(estimate);
}
