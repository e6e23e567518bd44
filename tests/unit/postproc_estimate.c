/* Estimates: examples worked by hand, all samples of a small population, and what must be refused. */
#include "tests/unit/estimates.h"

/* ---- examples ---- */

/* Tables of Student's distribution; that of 4.5 degrees by Simpson's rule over its density. */
static void student(void **state)
{
	assert_float_equal(estimate_student(4), 2.776445, 1e-4);
	assert_float_equal(estimate_student(4.5), 2.658912, 1e-4);
	assert_float_equal(estimate_student(7), 2.364624, 1e-4);
	assert_float_equal(estimate_student(30), 2.042272, 1e-4);
	assert_float_equal(estimate_student(1e6), 1.959966, 1e-4);
}

static void all_analysed_is_counted(void **state)
{
	struct estimate *estimate = estimate_of_day(1);
	struct estimate_figure total, share;

	analysed(estimate, 3, 10, 600, 1000);
	estimate_settle(estimate);
	total = total_of(estimate);
	share = share_of(estimate);
	assert_string_equal(total.refused, "");
	assert_true(total.low == 600 && total.value == 600 && total.high == 600);
	assert_true(share.low == 0.6 && share.value == 0.6 && share.high == 0.6);
	estimate_free(estimate);
}

/*
 * Ten slots of an hour analysed, 10 packets each; 60 packets of the fourth slot and 40 of the ninth lost.
 * By hand: T = 180 (1 + 100 / 100) = 360. The means of five neighbours are 17 17 17 17.6 18 17.4 18 19 19
 * 19, so
 *	e = -5 1 6 4.4 -8 -2.4 2 1 6 -4		v = 208.12 / 0.8 / 100 = 2.6015
 *	V = v 100 (1 + 100 / 100) = 520.3	sum of e^4 = 7994.9872
 * and 3 (208.12^2 / 7994.9872 - 1) = 13.252972 degrees of freedom.
 */
static struct estimate *ten(void)
{
	static const double y[] = {12, 18, 23, 0, 22, 10, 15, 20, 0, 20, 25, 15};
	struct estimate *estimate = estimate_of_day(1);

	for (int i = 0; i < 12; i++)
		if (y[i] > 0)
			analysed(estimate, i, 10, y[i], 100);
	unread(estimate, 3, 60);
	unread(estimate, 8, 40);
	estimate_settle(estimate);
	return estimate;
}

static void worked_total(void **state)
{
	struct estimate *estimate = ten();
	struct estimate_figure total = total_of(estimate);
	double half;

	assert_int_equal(estimate_clusters(estimate), 10);
	assert_int_equal(estimate_strata(estimate), 1);
	close_to(estimate_lost(estimate), 0.5);
	close_to(total.value, 360);
	close_to(total.error, sqrt(520.3));
	close_to(total.freedom, 3 * (208.12 * 208.12 / 7994.9872 - 1));
	half = estimate_student(total.freedom) * total.error / 360;
	assert_float_equal(total.low, 360 * exp(-half), 0.01);
	assert_float_equal(total.high, 360 * exp(half), 0.01);
	estimate_free(estimate);
}

/* z is 10 x, so S = T / 2000 and its error that of T / 2000; the whole is known. */
static void worked_share(void **state)
{
	struct estimate *estimate = ten();
	struct estimate_figure share = share_of(estimate), whole;
	double half = estimate_student(share.freedom) * share.error / (0.18 * 0.82);

	close_to(share.value, 0.18);
	close_to(share.error, sqrt(520.3) / 2000);
	assert_float_equal(share.high, 1 / (1 + exp(-(log(0.18 / 0.82) + half))), 1e-5);
	assert_float_equal(share.low, 1 / (1 + exp(-(log(0.18 / 0.82) - half))), 1e-5);
	estimate_share(estimate, ESTIMATE_ALL, 1, 1, &whole);
	assert_true(whole.low == 1 && whole.high == 1);
	estimate_free(estimate);
}

/* Half of the hour: 85 of 50 packets seen, 60 packets lost. */
static void worked_part(void **state)
{
	struct estimate *estimate = ten();
	struct estimate_figure figure;

	estimate_total(estimate, (struct estimate_span){0, HOUR / 2}, 0, &figure);
	close_to(figure.value, 85 + 60 * 1.8);
	close_to(figure.error, sqrt(2.6015 * 60 * (1 + 60.0 / 100)));
	assert_true(figure.low >= 85);
	estimate_total(estimate, (struct estimate_span){HOUR, 2 * HOUR}, 0, &figure);
	assert_true(figure.value == 0 && figure.low == 0 && figure.high == 0);
	estimate_free(estimate);
}

/*
 * Two hours of six slots each, 10 packets a slot; before each of them 10 packets lost in the first hour,
 * 20 in the second: w is 1 and 2, g 2 and 6. Residuals from five neighbours:
 *	e = -2 -2 -2 -2 8 -2	-6 -2 16 -14 6 -4
 *	v = (2 84 + 6 544) / 0.8 / (2 60 + 6 60) = 8.9375
 *	V = v (60 2 + 120 3), of the first hour v 60 2
 * The sum of the squares of g e^2 is 3862080, that of g e^2 is 3432.
 */
static void residuals_count_as_they_weigh(void **state)
{
	static const double y[] = {10, 10, 10, 10, 20, 10, 10, 10, 30, 0, 20, 10};
	struct estimate *estimate = estimate_of_day(1);
	struct estimate_figure figure;

	for (int i = 0; i < 12; i++) {
		unread(estimate, 2 * i, i < 6 ? 10 : 20);
		analysed(estimate, 2 * i + 1, 10, y[i], 100);
	}
	estimate_settle(estimate);
	assert_int_equal(estimate_strata(estimate), 2);
	figure = total_of(estimate);
	close_to(figure.value, 70 * 2 + 80 * 3);
	close_to(figure.error, sqrt(8.9375 * 480));
	close_to(figure.freedom, 3 * (3432. * 3432 / 3862080 - 1));
	estimate_total(estimate, (struct estimate_span){0, HOUR}, 0, &figure);
	close_to(figure.error, sqrt(8.9375 * 120));
	estimate_free(estimate);
}

/*
 * Nine slots of an hour with 1 a packet, but the fifth with 20 packets of 2, and as many packets lost. The
 * ratio of five neighbours is 80 / 60, so e = -10/3, and 40/3 of the fifth; d = -2.5 and 10; sum of x is
 * 100:
 *	b = 8 (2.5 10/3 / 100) + 10 40/3 / 100 = 2	Y = 120 + 120 + 2
 *	weights 0.975 and 1.1, squares 13.33333 and 266.66667
 *	V = 8 (0.975^2 + 1) 13.33333 + (1.1^2 + 1) 266.66667 = 797.4
 */
static void what_is_done_for_bias_has_its_variance(void **state)
{
	struct estimate *estimate = estimate_of_day(1);
	struct estimate_figure total;

	for (int i = 0; i < 9; i++) {
		analysed(estimate, i, i == 4 ? 20 : 10, i == 4 ? 40 : 10, 100);
		unread(estimate, i, i == 4 ? 20 : 10);
	}
	estimate_settle(estimate);
	total = total_of(estimate);
	close_to(total.value, 242);
	close_to(total.error, sqrt(797.4));
	estimate_free(estimate);
}

/* In the first hour slots of few packets hold 40 in all, in the second, with nearly all losses, none does:
 * less than none is taken for none. */
static void no_total_is_less_than_what_was_seen(void **state)
{
	struct estimate *estimate = estimate_of_day(1);

	for (int i = 0; i < 20; i++) {
		bool few = i % 2, first = i < 8;

		analysed(estimate, first ? i : i + 4, few ? 5 : 15, few && first ? 10 : 0, 100);
		unread(estimate, first ? i : i + 4, first ? 1 : 1000);
	}
	estimate_settle(estimate);
	close_to(total_of(estimate).value, 40);
	close_to(total_of(estimate).low, 40);
	assert_true(share_of(estimate).value > 0);
	estimate_free(estimate);
}

/*
 * COUNT clusters of two slots of 10 packets: 1 a packet, and 2 a packet in the fifth of them. The ratio of
 * five neighbours is 1.2 where that is one of them, so e = -4, 16 for the fifth: 20 and 320 when divided
 * by 0.8, a quarter of which is k, for both halves are the same. One makes nearly all of the variance, so
 * degrees of freedom are as few as can be. W: of the stratum of each cluster.
 */
static void check_borders(const struct estimate *estimate, size_t count, const double *w, int cuts)
{
	double variance = 0;

	assert_int_equal(estimate_clusters(estimate), count);
	for (size_t i = 0; i < count; i++) {
		double square = i == 4 ? 320 : i < 7 || count == 9 ? 20 : 0;

		variance += w[i] * (1 + w[i]) * square;
		variance += (1 + w[i]) * (cuts * w[i] - (2 - cuts) * fmin(w[i], 1)) * square / 4;
	}
	close_to(total_of(estimate).error, sqrt(variance));
	close_to(total_of(estimate).freedom, 4);
}

/* Two slots analysed, two lost; seven lost slots are nearest to what was analysed in the third hour. */
static void what_was_lost_depends_on_what_was_not(void **state)
{
	static const double w[] = {5 / 6., 5 / 6., 5 / 6., 1, 1, 1, 7 / 6., 7 / 6., 7 / 6.};
	struct estimate *estimate = estimate_of_day(1);

	for (int i = 0; i < 9; i++) {
		analysed(estimate, 4 * i, 10, i == 4 ? 20 : 10, 100);
		analysed(estimate, 4 * i + 1, 10, i == 4 ? 20 : 10, 100);
		unread_for(estimate, 4 * i + 2, 2, 20);
	}
	estimate_settle(estimate);
	check_borders(estimate, 9, w, 0);
	estimate_free(estimate);
}

/* Four slots analysed, which make two clusters, and two lost, which are as long as clusters may be. */
static void cut_clusters_depend_on_each_other(void **state)
{
	static const double w[] = {1.5, 1.5, 1.5, 1.5, 2, 2, 2, 2, 3, 3};
	struct estimate *estimate = estimate_of_day(1);

	for (int i = 0; i < 5; i++) {
		for (int j = 0; j < 4; j++)
			analysed(estimate, 6 * i + j, 10, i == 2 && j < 2 ? 20 : 10, 100);
		unread_for(estimate, 6 * i + 4, 2, 80);
	}
	estimate_settle(estimate);
	check_borders(estimate, 10, w, 1);
	estimate_free(estimate);
}

/* Of the second and the last hour one packet of 51 was analysed, of the others half: they are no strata. */
static void hardly_anything_is_no_stratum(void **state)
{
	struct estimate *estimate = estimate_of_day(1);

	for (int i = 0; i < 24; i++) {
		bool little = i / 6 % 2;

		unread(estimate, 2 * i, little && i % 6 ? 0 : little ? 50 : 10);
		if (!little || i % 6 == 0)
			analysed(estimate, 2 * i + 1, little ? 1 : 10, little ? 2 : 20, 100);
	}
	estimate_settle(estimate);
	assert_int_equal(estimate_clusters(estimate), 14);
	assert_int_equal(estimate_strata(estimate), 2);
	close_to(total_of(estimate).value, 2 * (122 + 220));
	estimate_free(estimate);
}

/*
 * All 220 samples of 9 of the 12 slots of an hour: the totals are right on average, and the variance
 * that each sample tells is on average that of the totals.
 */
static void all_samples(void **state)
{
	static const double x[] = {40, 42, 55, 38, 61, 47, 52, 44, 58, 49, 36, 50};
	static const double y[] = {21, 30, 35, 15, 41, 22, 33, 28, 37, 18, 22, 29};
	double truth = 0, sum = 0, squares = 0, variance = 0, samples = 0;

	for (int i = 0; i < 12; i++)
		truth += y[i];
	for (unsigned sample = 0; sample < 1u << 12; sample++) {
		struct estimate *estimate;
		struct estimate_figure total;

		if (__builtin_popcount(sample) != 9)
			continue;
		estimate = estimate_of_day(1);
		for (int i = 0; i < 12; i++) {
			if (sample >> i & 1)
				analysed(estimate, i, x[i], y[i], 10 * x[i]);
			else
				unread(estimate, i, x[i]);
		}
		estimate_settle(estimate);
		total = total_of(estimate);
		assert_string_equal(total.refused, "");
		sum += total.value;
		squares += (total.value - truth) * (total.value - truth);
		variance += total.error * total.error;
		samples++;
		estimate_free(estimate);
	}
	assert_true(samples == 220);
	assert_float_equal(sum / samples, truth, 0.002 * truth);
	assert_float_equal(variance / squares, 1, 0.1);
}

/*
 * In each of 12 hours 8 packets analysed that hold 2 each or 12 that hold 4, and 10 lost that hold 32, as
 * the others do on average: 64 an hour. In all 4096 cases the ratio alone would tell (16 + 48 + 10 2 +
 * 10 4) / 2 = 62 on average.
 */
static void the_ratio_is_right_on_average(void **state)
{
	double sum = 0;

	for (unsigned sample = 0; sample < 1u << 12; sample++) {
		struct estimate *estimate = estimate_of_day(1);

		for (int hour = 0; hour < 12; hour++) {
			bool large = sample >> hour & 1;

			analysed(estimate, 12 * hour, large ? 12 : 8, large ? 48 : 16, 100);
			unread(estimate, 12 * hour + 1, 10);
		}
		estimate_settle(estimate);
		sum += total_of(estimate).value;
		estimate_free(estimate);
	}
	assert_float_equal(sum / 4096 / 12, 64, 0.2);
}

/* Each packet with a probability of 1/4: 4 times what was seen, variance 3 · 1500 · 4 · seen. */
static void sampled_packets(void **state)
{
	struct estimate *estimate = estimate_of_day(0.25);
	struct estimate_figure total, share;

	for (int i = 0; i < 12; i++)
		analysed(estimate, i, 1000, 100000, 400000);
	estimate_settle(estimate);
	total = total_of(estimate);
	share = share_of(estimate);
	close_to(total.value, 4800000);
	close_to(total.error, sqrt(3 * 1500 * 4800000.0));
	close_to(share.value, 0.25);
	/* item: (3/4)² of its packets, the others of the whole: (1/4)² */
	close_to(share.error, sqrt(3 * 1500 * (0.5625 * 4800000 + 0.0625 * 14400000)) / 19200000);
	assert_true(isinf(total.freedom));
	estimate_free(estimate);
}

/* ---- what is refused ---- */

static void nothing_is_not_estimated(void **state)
{
	struct estimate *estimate = estimate_of_day(1);

	unread(estimate, 3, 10);
	estimate_settle(estimate);
	assert_string_equal(total_of(estimate).refused, "not estimated: 0 clusters");
	assert_string_equal(share_of(estimate).refused, "not estimated: 0 clusters");
	estimate_free(estimate);
}

/* Half of each slot lost: as many clusters as slots, all of the same weight. */
static void too_few_are_not_estimated(void **state)
{
	for (int count = 7; count <= 8; count++) {
		struct estimate *estimate = estimate_of_day(1);

		for (int i = 0; i < count; i++) {
			analysed(estimate, i, 10, i + 1, 100);
			unread(estimate, i, 10);
		}
		estimate_settle(estimate);
		assert_string_equal(total_of(estimate).refused,
			count < 8 ? "not estimated: 7 clusters" : "");
		estimate_free(estimate);
	}
}

static void one_burst_is_not_estimated(void **state)
{
	struct estimate *estimate = estimate_of_day(1);

	for (int i = 0; i < 12; i++) {
		analysed(estimate, 2 * i, 100, i == 5 ? 1000 : 1, 5000);
		unread(estimate, 2 * i + 1, 100);
	}
	estimate_settle(estimate);
	assert_string_equal(total_of(estimate).refused,
		"not estimated: 1 cluster holds nearly all of it");
	assert_true(total_of(estimate).value == 1011);
	assert_string_equal(share_of(estimate).refused,
		"not estimated: 1 cluster holds nearly all of it");
	estimate_free(estimate);
}

/* ---- changes and means ---- */

static void change(void **state)
{
	struct estimate_figure now = {.value = 0.30, .low = 0.27, .high = 0.34, .error = 0.02};
	struct estimate_figure before = {.value = 0.20, .low = 0.16, .high = 0.23, .error = 0.02};
	struct estimate_figure counted = {.value = 0.20, .low = 0.20, .high = 0.20}, found;

	estimate_change(&now, &before, &found);
	close_to(found.value, 0.1);
	close_to(found.low, 0.1 - hypot(0.03, 0.03));
	close_to(found.high, 0.1 + hypot(0.04, 0.04));
	estimate_change(&counted, &counted, &found);
	assert_true(found.low == 0 && found.high == 0);
	strcpy(before.refused, "not estimated: 1 cluster");
	estimate_change(&now, &before, &found);
	assert_string_equal(found.refused, "not estimated: 1 cluster");
}

/* Two of 4 degrees with the same error: 8 degrees, the error divided by √2; t is 2.306004. */
static void mean(void **state)
{
	struct estimate_figure two[] = {{.value = 10, .error = 2, .freedom = 4},
		{.value = 20, .error = 2, .freedom = 4}};
	struct estimate_figure found;

	estimate_mean(two, 2, &found);
	close_to(found.value, 15);
	close_to(found.error, sqrt(2));
	close_to(found.freedom, 8);
	assert_float_equal(found.high, 15 + 2.306004 * sqrt(2), 1e-4);
	strcpy(two[1].refused, "not estimated: 1 cluster");
	estimate_mean(two, 2, &found);
	assert_string_equal(found.refused, "not estimated: 1 cluster");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(student),
		cmocka_unit_test(all_analysed_is_counted),
		cmocka_unit_test(worked_total),
		cmocka_unit_test(worked_share),
		cmocka_unit_test(worked_part),
		cmocka_unit_test(residuals_count_as_they_weigh),
		cmocka_unit_test(what_is_done_for_bias_has_its_variance),
		cmocka_unit_test(no_total_is_less_than_what_was_seen),
		cmocka_unit_test(what_was_lost_depends_on_what_was_not),
		cmocka_unit_test(cut_clusters_depend_on_each_other),
		cmocka_unit_test(hardly_anything_is_no_stratum),
		cmocka_unit_test(all_samples),
		cmocka_unit_test(the_ratio_is_right_on_average),
		cmocka_unit_test(sampled_packets),
		cmocka_unit_test(nothing_is_not_estimated),
		cmocka_unit_test(too_few_are_not_estimated),
		cmocka_unit_test(one_burst_is_not_estimated),
		cmocka_unit_test(change),
		cmocka_unit_test(mean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
