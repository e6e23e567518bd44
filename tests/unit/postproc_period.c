/*
 * Periods: the calendar of a zone, changes of the clocks, and words that are refused. The seconds are
 * those of date(1) of GNU coreutils; the years are past, for rules of years to come do change.
 */
#include "tests/unit/tmp.h"

#include "postproc/period.h"
#include "spool/log.h"

#define PRAGUE "Europe/Prague"

static int parse(struct period *period, time_t now, const char *kind, const char *date,
	const char *from, const char *to, const char *zone)
{
	struct period_words words = {{kind, date, from, to, zone}};

	return period_parse(&words, now, period);
}

static void spans(const struct period *period, int64_t from_s, int64_t to_s)
{
	assert_int_equal(period->from_ms, from_s * 1000);
	assert_int_equal(period->to_ms, to_s * 1000);
}

static void calendar(void **state)
{
	static const struct {
		const char *kind, *date, *zone;
		int64_t from_s, to_s;
	} rows[] = {
		{"day", "2024-02-29", "UTC", 1709164800, 1709251200},
		{"day", "2018-03-25", PRAGUE, 1521932400, 1522015200},	/* 23 hours */
		{"day", "2018-10-28", PRAGUE, 1540677600, 1540767600},	/* 25 hours */
		{"week", "2018-03-25", PRAGUE, 1521414000, 1522015200}, /* a Sunday: from Monday */
		{"week", "2018-03-19", PRAGUE, 1521414000, 1522015200},
		{"month", "2018-03-31", PRAGUE, 1519858800, 1522533600},
		{"month", "2025-12-24", "UTC", 1764547200, 1767225600},
		/* no midnight: the day begins at one o'clock */
		{"day", "2018-11-04", "America/Sao_Paulo", 1541300400, 1541383200},
		/* two midnights: it begins at the first */
		{"day", "2018-11-04", "America/Havana", 1541304000, 1541394000},
		{"day", "2018-11-21", "Asia/Kolkata", 1542738600, 1542825000},
	};
	struct period period;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(&period, 0, rows[i].kind, rows[i].date, NULL, NULL,
					 rows[i].zone),
			MIRA_OK);
		spans(&period, rows[i].from_s, rows[i].to_s);
	}
}

/* Without a date: what has ended before now, Monday 26 March 2018, 00:10 in Prague. */
static void the_last_whole_one(void **state)
{
	const time_t now = 1522015200 + 600;
	struct period period;

	assert_int_equal(parse(&period, now, "day", NULL, NULL, NULL, PRAGUE), MIRA_OK);
	spans(&period, 1521932400, 1522015200);
	assert_int_equal(parse(&period, now, "week", NULL, NULL, NULL, PRAGUE), MIRA_OK);
	spans(&period, 1521414000, 1522015200);
	assert_int_equal(parse(&period, now, "month", NULL, NULL, NULL, PRAGUE), MIRA_OK);
	spans(&period, 1517439600, 1519858800);
}

static void spans_of_time(void **state)
{
	struct period period, before;
	char text[PERIOD_TEXT];

	assert_int_equal(parse(&period, 0, NULL, NULL, "2018-03-25", "2018-03-25T03:30", PRAGUE),
		MIRA_OK);
	spans(&period, 1521932400, 1521932400 + 9000);
	assert_true(period_before(&period, &before));
	spans(&before, 1521932400 - 9000, 1521932400);
	assert_int_equal(parse(&period, 0, NULL, NULL, "1970-01-01T00:00:01", "1970-01-02", "UTC"),
		MIRA_OK);
	spans(&period, 1, 86400);
	assert_string_equal(period_text(&period, text),
		"1970-01-01 00:00:01 to 1970-01-02 00:00 (UTC)");
	assert_int_equal(parse(&period, 0, NULL, NULL, NULL, NULL, "UTC"), MIRA_OK);
	assert_true(period.from_ms == INT64_MIN && period.to_ms == INT64_MAX);
	assert_false(period_before(&period, &before));
}

/* The day before that of 25 hours has 24; the month before March has 28 days. */
static void the_one_before(void **state)
{
	struct period period, before;

	parse(&period, 0, "day", "2018-10-29", NULL, NULL, PRAGUE);
	assert_true(period_before(&period, &before));
	spans(&before, 1540677600, 1540767600);
	parse(&period, 0, "month", "2018-03-31", NULL, NULL, PRAGUE);
	assert_true(period_before(&period, &before));
	spans(&before, 1517439600, 1519858800);
	parse(&period, 0, "week", "2018-03-26", NULL, NULL, PRAGUE);
	assert_true(period_before(&period, &before));
	spans(&before, 1521414000, 1522015200);
}

static void refused(void **state)
{
	static const struct {
		const char *kind, *date, *from, *to, *zone, *says;
	} rows[] = {
		{"year", NULL, NULL, NULL, NULL, "--period year: allowed are day, week and month"},
		{"day", "2026-02-29", NULL, NULL, NULL, "--date 2026-02-29: a date is"},
		{"day", "today", NULL, NULL, NULL, "--date today"},
		{"day", "2026-02-01T00:00", NULL, NULL, NULL, "--date 2026-02-01T00:00"},
		{NULL, "2026-02-01", NULL, NULL, NULL, "give --period day"},
		{"day", NULL, "2026-02-01", NULL, NULL, "or --from and --to"},
		{NULL, NULL, "2026-02-01", NULL, NULL, "given together"},
		{NULL, NULL, NULL, "2026-02-01", NULL, "given together"},
		{NULL, NULL, "2026-02-01", "2026-02-01", NULL, "ends before it begins"},
		{NULL, NULL, "2026-02-01 ", "2026-02-02", NULL, "--from 2026-02-01 : a time is"},
		{NULL, NULL, "2026-02-01", "2026-13-02", NULL, "--to 2026-13-02: a time is"},
		{"day", NULL, NULL, NULL, "Europe/Brno", "--timezone Europe/Brno: no such zone"},
		{"day", NULL, NULL, NULL, "../UTC", "no such zone"},
		{"day", NULL, NULL, NULL, "", "no such zone"},
	};
	struct period period;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tmp_log_begin();
		assert_int_equal(parse(&period, 0, rows[i].kind, rows[i].date, rows[i].from,
					 rows[i].to, rows[i].zone),
			MIRA_PERSON);
		assert_says(tmp_log_end(), rows[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calendar),
		cmocka_unit_test(the_last_whole_one),
		cmocka_unit_test(spans_of_time),
		cmocka_unit_test(the_one_before),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
