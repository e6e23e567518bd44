/* Money is exact and rounded once; tariffs with a mistake are refused with the line it stands in. */
#include "tests/unit/tmp.h"

#include "postproc/account/charge.h"
#include "postproc/account/money.h"
#include "postproc/account/tariff.h"
#include "postproc/report/report_query.h"
#include "spool/intern.h"
#include "spool/log.h"

static void money_is_read(void **state)
{
	static const struct {
		const char *text;
		int64_t micros;
	} good[] = {{"0", 0}, {"12", 12000000}, {"0.85", 850000}, {"0.000001", 1},
		{"1000000000", 1000000000000000}, {"007.50", 7500000}};
	static const char *const wrong[] = {"", ".5", "1.", "-1", "+1", "1,5", "1e3", " 1", "1 ",
		"0.0000001", "1000000000.000001", "99999999999", "1.2.3", "x"};
	int64_t micros;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(money_parse(good[i].text, &micros));
		assert_int_equal(micros, good[i].micros);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (money_parse(wrong[i], &micros))
			fail_msg("\"%s\" was taken for money", wrong[i]);
}

/* Halves go up; nothing is lost on the way to the one rounding. */
static void money_is_rounded_once(void **state)
{
	static const struct {
		int64_t price;
		uint64_t quantity, per;
		unsigned digits;
		int64_t amount;
	} rows[] = {
		{1000000, 5, 1000, 2, 10000},	/* 0.005: up */
		{1000000, 4999, 1000000, 2, 0}, /* 0.004999: down */
		{1005000, 1, 1, 2, 1010000},	/* 1.005 */
		{1, 500000, 1, 0, 1000000},	/* half a unit */
		{1, 499999, 1, 0, 0},
		{333333, 3, 1, 6, 999999},
		{1000000, 1, 3, 6, 333333},
		{1000000, 2, 3, 6, 666667},
	};
	int64_t amount;
	char text[MONEY_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(money_times(rows[i].price, rows[i].quantity, rows[i].per,
			rows[i].digits, &amount));
		assert_int_equal(amount, rows[i].amount);
	}
	assert_false(money_times(MONEY_MOST * MONEY_ONE, UINT64_MAX, 1, 2, &amount));
	assert_string_equal(money_text(1234500000, 2, text), "1234.50");
	assert_string_equal(money_text(1234000000, 0, text), "1234");
	assert_string_equal(money_text(1, 6, text), "0.000001");
}

#define GOOD "currency = \"EUR\"; users = \"u\"; tariffs = ( { name = \"n\"; "

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *file, *says;
	} rows[] = {
		{"users = \"u\";", "is missing in this group"},
		{"currency = \"EUR\"; users = \"u\";", "at least one tariff"},
		{"currency = \"EUR\"; tariffs = ( { name = \"n\"; } );",
			"name the file of prefixes"},
		{"currency = \"EUR\"; by = \"day\";\ntariffs = ( { name = \"n\"; } );",
			"f:1: \\\"by\\\" is \\\"day\\\": allowed are \\\"user"},
		{GOOD "\nflat = \"1,5\"; } );", "1,5\\\": an amount is"},
		{GOOD "\nmeasure = \"speed\"; } );", "allowed are \\\"volume"},
		{GOOD "steps = ( { up_to = \"1\"; price = \"1\"; } ); } );", "has no \\\"up_to"},
		{GOOD "steps = ( { price = \"1\"; }, { price = \"1\"; } ); } );",
			"more than the one"},
		{GOOD "included = \"2\"; steps = ( { up_to = \"1\"; price = \"1\"; }, { price = \"1\"; }"
		      " ); } );",
			"more than the one before"},
		{GOOD "steps = ( { up_to = \"1\"; } ); } );", "is missing in this group"},
		{GOOD "customers = [ 1 ]; } );", "list of texts"},
		{"currency = \"EUR\"; by = \"class\"; tariffs = ( { name = \"n\"; direction = \"in\"; } );",
			"a class has no side"},
		{GOOD "prize = \"1\"; } );", "prize\\\" is no setting"},
	};
	struct tariffs tariffs;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *path = tmp_write("f", rows[i].file);

		tmp_log_begin();
		assert_int_equal(tariffs_load(&tariffs, path), MIRA_PERSON);
		assert_says(tmp_log_end(), rows[i].says);
	}
}

/* Of 19 samples none is put aside, of 20 one. */
static void the_twentieth_is_put_aside(void **state)
{
	const char *path = tmp_write("f", GOOD
		"measure = \"p95\"; direction = \"out\"; steps = ( { price = \"1\"; } ); } );");
	struct tariffs tariffs;

	assert_int_equal(tariffs_load(&tariffs, path), MIRA_OK);
	for (int samples = 19; samples <= 20; samples++) {
		struct period period = {PERIOD_SPAN, 0, samples * TARIFF_SLOT_MS};
		struct charge *charge = charge_new(&tariffs, &period);
		json_t *found;
		int code = MIRA_OK;

		charge_add(charge, 0, intern("a"), 0, 5 * TARIFF_PER_MBITS);
		charge_add(charge, TARIFF_SLOT_MS, intern("a"), 0, TARIFF_PER_MBITS);
		charge_add(charge, 2 * TARIFF_SLOT_MS - 1, intern("a"), 0, TARIFF_PER_MBITS);
		found = charge_json(charge, &code);
		assert_string_equal(json_string_at(found, "total"),
			samples == 19 ? "5.00" : "2.00");
		json_decref(found);
		charge_free(charge);
	}
	tariffs_free(&tariffs);
}

static void sums_that_cannot_be_counted(void **state)
{
	const char *path = tmp_write("f", GOOD "steps = ( { price = \"1000000000\"; } ); } );");
	struct period period = {PERIOD_SPAN, 0, TARIFF_SLOT_MS};
	struct tariffs tariffs;
	struct charge *charge;
	int code = MIRA_OK;

	assert_int_equal(tariffs_load(&tariffs, path), MIRA_OK);
	charge = charge_new(&tariffs, &period);
	for (int i = 0; i < 3; i++)
		charge_add(charge, 0, intern("abc" + i), 0, 5000 * TARIFF_PER_GB);
	tmp_log_begin();
	assert_null(charge_json(charge, &code));
	assert_says(tmp_log_end(), "larger than can be counted");
	assert_int_equal(code, MIRA_PERSON);
	charge_free(charge);
	tariffs_free(&tariffs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(money_is_read),
		cmocka_unit_test(money_is_rounded_once),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(the_twentieth_is_put_aside),
		cmocka_unit_test(sums_that_cannot_be_counted),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
