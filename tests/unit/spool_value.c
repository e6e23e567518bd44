/* value.c: figures as people write them. */
#include "tests/unit/tmp.h"

#include "spool/value.h"

static void counts(void **state)
{
	uint64_t value;

	assert_true(value_count("64", 64, &value));
	assert_int_equal(value, 64);
	for (size_t i = 0; i < 8; i++) {
		static const char *const wrong[] = {"0", "65", "2x", "-1", "+1", " 1", "",
			"99999999999999999999"};

		assert_false(value_count(wrong[i], 64, &value));
	}
}

static void sizes(void **state)
{
	static const char *const wrong[] = {"0", "17G", "10X", "10kk", "k", "-5", "", "1.5k",
		"18446744073709551616", "99999999999999999999G"};
	uint64_t value;

	assert_true(value_size("10k", 17179869184, &value));
	assert_int_equal(value, 10240);
	assert_true(value_size("16G", 17179869184, &value));
	assert_int_equal(value, 17179869184);
	assert_true(value_size("3", 17179869184, &value));
	assert_int_equal(value, 3);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(value_size(wrong[i], 17179869184, &value));
}

static void seconds(void **state)
{
	static const char *const wrong[] = {"0", "-1", "nan", "inf", "1e400", "5x", "", "86401"};
	double value;

	assert_true(value_seconds("0.05", 0.001, 86400, &value));
	assert_true(value > 0.049 && value < 0.051);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(value_seconds(wrong[i], 0.001, 86400, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(counts), cmocka_unit_test(sizes),
		cmocka_unit_test(seconds)};

	return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
