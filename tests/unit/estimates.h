/*
 * estimates.h: what the unit programs of estimates share: an estimate of a day in slots, filled by hand, and what is asked of it.
 */
#ifndef TESTS_UNIT_ESTIMATES_H
#define TESTS_UNIT_ESTIMATES_H

#include "tests/unit/tmp.h"

#include <math.h>
#include <string.h>

#include "postproc/report/estimate.h"

#define SLOT 300000ll
#define HOUR 3600000ll

static const double largest[] = {1500, 1500};

static inline struct estimate *estimate_of_day(double sampling)
{
	return estimate_new((struct estimate_span){0, 24 * HOUR}, SLOT, 2, largest, sampling);
}

/* Slot NUMBER: X packets analysed, Y of item 0, Z of item 1, which is the whole. */
static inline void analysed(struct estimate *estimate, int64_t number, double x, double y, double z)
{
	estimate_packets(estimate, number * SLOT, x);
	estimate_add(estimate, number * SLOT, 0, y);
	estimate_add(estimate, number * SLOT, 1, z);
}

/* SLOTS from slot NUMBER on: so many packets could not be read. */
static inline void unread_for(struct estimate *estimate, int64_t number, int64_t slots,
	double packets)
{
	struct estimate_batch batch = {.timed = true,
		.first_ms = number * SLOT,
		.last_ms = (number + slots) * SLOT,
		.unread = packets};

	estimate_batch(estimate, &batch);
}

static inline void unread(struct estimate *estimate, int64_t number, double packets)
{
	unread_for(estimate, number, 1, packets);
}

static inline struct estimate_figure total_of(const struct estimate *estimate)
{
	struct estimate_figure figure;

	estimate_total(estimate, ESTIMATE_ALL, 0, &figure);
	return figure;
}

static inline struct estimate_figure share_of(const struct estimate *estimate)
{
	struct estimate_figure figure;

	estimate_share(estimate, ESTIMATE_ALL, 0, 1, &figure);
	return figure;
}

static inline void close_to(double value, double wanted)
{
	assert_float_equal(value, wanted, fabs(wanted) * 1e-6 + 1e-9);
}

#endif
