/* Sets of labels have numbers, which unite as the sets do. */
#include "tests/unit/tmp.h"

#include "consolidate/labels.h"
#include "spool/intern.h"

#define MANY 5000

static struct labels labels_of(const char *vlan, const char *tunnel, const char *probe)
{
	return (struct labels){.vlan = intern(vlan),
		.tunnel = intern(tunnel),
		.probe = intern(probe)};
}

static void test_equal_sets_have_one_number(void **unused)
{
	struct labels_table *table = labels_new();
	struct labels a = labels_of("7", "gre", "north"), b = labels_of("8", "gre", "north"),
		      none = labels_of("", "", "");
	uint32_t id = labels_id(table, &a), other = labels_id(table, &b);

	assert_int_equal(labels_id(table, &none), 0);
	assert_int_not_equal(id, 0);
	assert_int_not_equal(id, other);
	assert_int_equal(labels_id(table, &a), id);
	assert_int_equal(labels_id(table, &b), other);
	labels_free(table);
}

static void test_sets_unite_in_any_order(void **unused)
{
	struct labels_table *table = labels_new();
	struct labels a = labels_of("7", "", "north"), b = labels_of("100", "gre", ""),
		      c = labels_of("", "ipip", "south");
	uint32_t ids[] = {labels_id(table, &a), labels_id(table, &b), labels_id(table, &c)}, all;

	all = labels_unite(table, labels_unite(table, ids[0], ids[1]), ids[2]);
	assert_int_equal(labels_unite(table, labels_unite(table, ids[2], ids[0]), ids[1]), all);
	assert_int_equal(labels_unite(table, all, ids[1]), all);
	assert_int_equal(labels_unite(table, 0, all), all);
	assert_string_equal(intern_text(labels_get(table, all)->vlan), "7,100");
	assert_string_equal(intern_text(labels_get(table, all)->tunnel), "gre,ipip");
	assert_string_equal(intern_text(labels_get(table, all)->probe), "north,south");
	labels_free(table);
}

static void test_many_sets(void **unused)
{
	struct labels_table *table = labels_new();
	struct labels set = {0};

	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 1; i < MANY; i++) {
			set.vlan = i;
			assert_int_equal(labels_id(table, &set), i);
		}
		for (uint32_t i = 1; i < MANY; i++) {
			set.vlan = i;
			assert_int_equal(labels_id(table, &set), i);
			assert_int_equal(labels_get(table, i)->vlan, i);
		}
		labels_reset(table);
	}
	labels_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_sets_have_one_number),
		cmocka_unit_test(test_sets_unite_in_any_order),
		cmocka_unit_test(test_many_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
