/* Windows and labels have numbers, which unite as the labels do. */
#include "tests/unit/tmp.h"

#include "consolidate/common.h"
#include "spool/intern.h"

#define MANY 5000

static struct common common_of(uint64_t window_ms, const char *vlan, const char *tunnel,
	const char *probe)
{
	return (struct common){.window_ms = window_ms,
		.vlan = intern(vlan),
		.tunnel = intern(tunnel),
		.probe = intern(probe)};
}

static void test_what_is_equal_has_one_number(void **unused)
{
	struct common_table *table = common_new();
	struct common all[] = {common_of(0, "", "", ""), common_of(0, "7", "gre", "north"),
		common_of(0, "8", "gre", "north"), common_of(300000, "7", "gre", "north")};

	for (int round = 0; round < 3; round++)
		for (uint32_t i = 0; i < 4; i++)
			assert_int_equal(common_id(table, &all[i]), i);
	common_free(table);
}

static void test_labels_unite_in_any_order(void **unused)
{
	struct common_table *table = common_new();
	struct common a = common_of(9, "7", "", "north"), b = common_of(9, "100", "gre", ""),
		      c = common_of(9, "", "ipip", "south");
	uint32_t ids[] = {common_id(table, &a), common_id(table, &b), common_id(table, &c)}, all;

	all = common_unite(table, common_unite(table, ids[0], ids[1]), ids[2]);
	assert_int_equal(common_unite(table, common_unite(table, ids[2], ids[0]), ids[1]), all);
	assert_int_equal(common_unite(table, all, ids[1]), all);
	assert_int_equal(common_get(table, all)->window_ms, 9);
	assert_string_equal(intern_text(common_get(table, all)->vlan), "7,100");
	assert_string_equal(intern_text(common_get(table, all)->tunnel), "gre,ipip");
	assert_string_equal(intern_text(common_get(table, all)->probe), "north,south");
	common_free(table);
}

static void test_many_and_none_again(void **unused)
{
	struct common_table *table = common_new();

	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 2 * MANY; i++) {
			struct common what = {.window_ms = i % MANY};

			assert_int_equal(common_id(table, &what), i % MANY);
			assert_int_equal(common_get(table, i % MANY)->window_ms, i % MANY);
		}
		common_reset(table);
	}
	common_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_equal_has_one_number),
		cmocka_unit_test(test_labels_unite_in_any_order),
		cmocka_unit_test(test_many_and_none_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
