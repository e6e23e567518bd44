/* Estimates: where in time what was lost is placed, and what makes a cluster. */
#include "tests/unit/estimates.h"

/*
 * A batch that stays open while packets are shed: captured for 10 s, then 5 h 59 min 50 s shed. The 600
 * packets lost are 100 an hour, nearer to what was captured before or after.
 */
static void shed_stretch_is_filled_from_both_sides(void **state)
{
	struct estimate *estimate = estimate_of_day(1);
	struct estimate_batch open = {.timed = true,
		.first_ms = 6 * HOUR,
		.last_ms = 6 * HOUR + 10000,
		.analysed = 20,
		.ip = 10,
		.lost = 1200};
	struct estimate_batch next = {.timed = true,
		.first_ms = 12 * HOUR,
		.last_ms = 12 * HOUR + 5000,
		.analysed = 20,
		.ip = 10};
	struct estimate_figure figure;

	estimate_batch(estimate, &open);
	estimate_batch(estimate, &next);
	estimate_run(estimate);
	analysed(estimate, 72, 10, 10, 10);
	analysed(estimate, 144, 10, 30, 30);
	estimate_settle(estimate);
	assert_int_equal(estimate_clusters(estimate), 2);
	close_to(estimate_lost(estimate), 1200.0 / 1240);
	/* half of the lost packets are no IP packets; 300 are nearer to one, 300 to the other */
	figure = total_of(estimate);
	assert_string_equal(figure.refused, "not estimated: 2 clusters");
	assert_true(figure.value == 40 && figure.low == 40 && figure.high == 40);
	estimate_free(estimate);
}

/* An hour of which nothing is lost stays one stretch of time; one of 5 minutes lost makes clusters so long. */
static void clusters_are_as_long_as_what_was_lost(void **state)
{
	struct estimate *estimate = estimate_of_day(1);

	for (int i = 0; i < 48; i++)
		analysed(estimate, i, 10, 10, 10);
	for (int i = 48; i < 60; i += 4) {
		struct estimate_batch batch = {.timed = true,
			.first_ms = i * SLOT,
			.last_ms = (i + 4) * SLOT,
			.unread = 40};

		estimate_batch(estimate, &batch);
	}
	estimate_settle(estimate);
	assert_int_equal(estimate_clusters(estimate), 12);
	assert_int_equal(estimate_strata(estimate), 4);
	estimate_free(estimate);
}

/* Lost among the packets of a batch, and by batches that have no packet to tell the time. */
static void lost_packets_are_all_placed(void **state)
{
	struct estimate *estimate = estimate_of_day(1);
	struct estimate_batch among = {.timed = true,
		.first_ms = HOUR,
		.last_ms = HOUR + 5000,
		.analysed = 10,
		.ip = 10,
		.lost = 3};
	struct estimate_batch none = {.lost = 4};
	struct estimate_figure figure;

	estimate_batch(estimate, &none);
	estimate_batch(estimate, &among);
	estimate_batch(estimate, &none);
	estimate_run(estimate);
	estimate_batch(estimate, &none);
	estimate_run(estimate);
	analysed(estimate, 12, 10, 10, 10);
	estimate_settle(estimate);
	close_to(estimate_lost(estimate), 15.0 / 25);
	figure = total_of(estimate);
	assert_string_equal(figure.refused, "not estimated: 1 cluster");
	estimate_free(estimate);
}

/* Pauses of an hour with 3000, 2000 and 1000 packets: in the second one the rate goes from 2500 to 1500 an
 * hour, so its first half has (2 · 2500 · 0.5 - 1000 · 0.25) / 4000 = 0.5625 of its packets. */
static void a_pause_goes_from_the_rate_before_to_that_after(void **state)
{
	struct estimate *estimate =
		estimate_new((struct estimate_span){HOUR, HOUR + HOUR / 2}, SLOT, 2, largest, 1);

	for (int i = 0; i < 4; i++) {
		struct estimate_batch batch = {.timed = true,
			.first_ms = i * (HOUR + i),
			.last_ms = i * (HOUR + i),
			.lost = 3000 - 1000 * i};

		estimate_batch(estimate, &batch);
	}
	estimate_run(estimate);
	analysed(estimate, 12, 1125, 1, 1);
	estimate_settle(estimate);
	assert_float_equal(estimate_lost(estimate), 0.5, 1e-4);
	estimate_free(estimate);
}

/* A batch that is begun while packets are shed: all of them are lost before its first packet. */
static void lost_before_the_first_packet(void **state)
{
	struct estimate *estimate =
		estimate_new((struct estimate_span){0, HOUR}, SLOT, 2, largest, 1);
	struct estimate_batch batches[] = {{.timed = true, .last_ms = 5000},
		{.timed = true, .first_ms = 2 * HOUR, .last_ms = 2 * HOUR + 5000, .lost = 2000}};

	estimate_batch(estimate, &batches[0]);
	estimate_batch(estimate, &batches[1]);
	estimate_run(estimate);
	analysed(estimate, 0, 1000, 1, 1);
	estimate_settle(estimate);
	assert_float_equal(estimate_lost(estimate), 0.5, 0.01);
	estimate_free(estimate);
}

static void what_lies_outside_is_not_ours(void **state)
{
	struct estimate *estimate =
		estimate_new((struct estimate_span){HOUR, 2 * HOUR}, SLOT, 2, largest, 1);

	analysed(estimate, 11, 7, 7, 7);
	analysed(estimate, 12, 10, 10, 10);
	analysed(estimate, 24, 7, 7, 7);
	unread(estimate, -1, 7);
	unread(estimate, 23, 10);
	unread(estimate, 24, 7);
	estimate_settle(estimate);
	close_to(estimate_lost(estimate), 0.5);
	assert_int_equal(estimate_clusters(estimate), 1);
	estimate_free(estimate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shed_stretch_is_filled_from_both_sides),
		cmocka_unit_test(clusters_are_as_long_as_what_was_lost),
		cmocka_unit_test(lost_packets_are_all_placed),
		cmocka_unit_test(a_pause_goes_from_the_rate_before_to_that_after),
		cmocka_unit_test(lost_before_the_first_packet),
		cmocka_unit_test(what_lies_outside_is_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
