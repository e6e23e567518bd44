/* The report's estimates: from a ledger and windows to figures, series and changes. */
#include "tests/unit/tmp.h"
#include "tests/unit/stores.h"

#include <math.h>
#include <sqlite3.h>

#include "postproc/report/report_parts.h"
#include "postproc/store/store.h"

#define DAY 86400000ll

static struct config config;

static int setup(void **state)
{
	return tmp_setup(state) || config_load(&config, "") ? -1 : 0;
}

static int teardown(void **state)
{
	config_free(&config);
	return tmp_teardown(state);
}

/*
 * Two days of windows. WEB has 10000 octets in each, and a little more or less; P2P a fifth of that on the
 * first day and twice as much on the second. LOST: every other window is shed, by a batch without packets.
 */
static sqlite3 *two_days(bool lost)
{
	sqlite3 *db;
	char sql[2048];

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	run(db, store_schema);
	run(db, "INSERT INTO decision VALUES(1, 'WEB', 'acceptable', 'web'), (2, 'P2P', 'unacceptable', 'bt');");
	snprintf(sql, sizeof(sql),
		"CREATE TEMP TABLE w AS WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n WHERE i < 575)"
		" SELECT i, i * 300000 AS ms, i %% 7 * 100 AS more, i %% 2 AND %d AS shed FROM n;"
		"INSERT INTO rollup_window SELECT ms, 1, 1, 90, 10000 + more, 0, 0, 0, 0, 90, 0 FROM w WHERE NOT shed;"
		"INSERT INTO rollup_window SELECT ms, 2, 1, 10, (2000 - more) * iif(ms < 86400000, 1, 2), 0, 0, 0, 0, 10, 0"
		" FROM w WHERE NOT shed;"
		"INSERT INTO ledger_part SELECT 'p', 's', 'r', i, 'analysed', 100, iif(shed, 0, 100), 0, 0, iif(shed, 100, 0),"
		" iif(shed, 0, 100), 0, 0, 12000, 0, 0, 1, iif(shed, NULL, ms), iif(shed, NULL, ms + 299990), NULL,"
		" 0, 0, 0, 0, 0, 'shard-0', 1, 1 FROM w;",
		lost);
	run(db, sql);
	return db;
}

static json_t *estimates_of(sqlite3 *db, const struct period *period)
{
	struct query query = {.db = db, .period = *period};
	json_t *estimates = report_estimate(&query, &config, period);

	assert_false(query.failed);
	sqlite3_close(db);
	return estimates;
}

static json_t *row_of(json_t *estimates, const char *part, size_t at)
{
	return json_array_get(json_object_get(estimates, part), at);
}

static double real_of(const json_t *row, const char *name, const char *key)
{
	return json_number_value(json_object_get(json_object_get(row, name), key));
}

static const struct period all = {PERIOD_ALL, 0, INT64_MAX / 2},
			   second = {PERIOD_SPAN, DAY, 2 * DAY};

/* As much again was lost: totals are twice what was seen, and their intervals hold the truth. */
static void half_is_lost(void **state)
{
	json_t *estimates = estimates_of(two_days(true), &all), *web;
	double observed = 0;

	for (int i = 0; i < 576; i += 2)
		observed += 10000 + i % 7 * 100;
	web = row_of(estimates, "classes", 1);
	assert_string_equal(json_string_at(web, "class"), "WEB");
	assert_float_equal(json_number(web, "octets"), 2 * observed, 0.01 * observed);
	assert_true(
		json_number(web, "low") < 2 * observed && json_number(web, "high") > 2 * observed);
	assert_true(json_number(web, "high") < 2.1 * observed);
	assert_true(json_is_null(json_object_get(web, "refused")));
	assert_float_equal(json_real_value(json_object_get(estimates, "share_lost")), 0.5, 1e-3);
	assert_int_equal(json_integer_value(json_object_get(estimates, "clusters")), 288);
	assert_int_equal(json_array_size(json_object_get(estimates, "series")), 2 * 48);
	assert_true(json_is_object(json_object_get(web, "mean_daily_share")));
	assert_null(json_object_get(web, "change"));
	assert_non_null(strstr(json_string_at(estimates, "statement"), "50.0 % of the IP packets"));
	json_decref(estimates);
}

/* P2P goes from 17 of 120 octets to 34 of 137. */
static void change_is_significant(void **state)
{
	json_t *estimates = estimates_of(two_days(true), &second);
	json_t *p2p = row_of(estimates, "classes", 0);

	assert_float_equal(real_of(p2p, "change", "value"), 34.0 / 137 - 17.0 / 120, 0.005);
	assert_true(real_of(p2p, "change", "low") > 0.08);
	assert_true(json_is_true(json_object_get(json_object_get(p2p, "change"), "significant")));
	json_decref(estimates);
}

static void all_is_counted(void **state)
{
	json_t *estimates = estimates_of(two_days(false), &second);
	json_t *p2p = row_of(estimates, "classes", 0);

	assert_true(json_number(p2p, "low") == json_number(p2p, "high"));
	assert_true(real_of(p2p, "share", "low") == real_of(p2p, "share", "high"));
	assert_true(real_of(p2p, "change", "low") == real_of(p2p, "change", "high"));
	assert_true(json_is_true(json_object_get(json_object_get(p2p, "change"), "significant")));
	assert_int_equal(json_array_size(json_object_get(estimates, "series")), 0);
	assert_non_null(
		strstr(json_string_at(estimates, "statement"), "Every packet was analysed"));
	json_decref(estimates);
}

/* 25 minutes of which little is known. */
static void small_samples_are_refused(void **state)
{
	static const struct period few = {PERIOD_SPAN, DAY, DAY + 1500000};
	json_t *estimates = estimates_of(two_days(true), &few),
	       *web = row_of(estimates, "classes", 1);

	assert_string_equal(json_string_at(web, "refused"), "not estimated: 3 clusters");
	assert_true(json_number(web, "low") == json_number(web, "octets"));
	assert_non_null(
		strstr(json_string_at(estimates, "statement"), "not estimated: 3 clusters"));
	json_decref(estimates);
}

/* One packet in four was taken: sampling shows it, with or without what was shed. */
static void sampling_is_told_from_shedding(void **state)
{
	sqlite3 *db = two_days(true);
	json_t *estimates;

	run(db, "UPDATE rollup_window SET expanded_packets = 4 * packets");
	estimates = estimates_of(db, &all);
	assert_float_equal(json_real_value(json_object_get(estimates, "sampling")), 0.25, 1e-6);
	json_decref(estimates);
	db = two_days(true);
	run(db, "UPDATE ledger_part SET packets_dropped = packets_captured; UPDATE rollup_window SET expanded_packets = 2 * packets");
	estimates = estimates_of(db, &all);
	assert_true(json_real_value(json_object_get(estimates, "sampling")) == 1);
	json_decref(estimates);
}

static void nothing_is_stored(void **state)
{
	sqlite3 *db;
	json_t *estimates;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	run(db, store_schema);
	estimates = estimates_of(db, &all);
	assert_true(json_is_null(estimates));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_is_lost),
		cmocka_unit_test(change_is_significant),
		cmocka_unit_test(all_is_counted),
		cmocka_unit_test(small_samples_are_refused),
		cmocka_unit_test(sampling_is_told_from_shedding),
		cmocka_unit_test(nothing_is_stored),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
