/* preprocess_aggregate.c: the labels of a flow. */
#include "tests/unit/tmp.h"

#include <arpa/inet.h>

#include "preprocess/aggregate.h"
#include "spool/intern.h"

static const char *labels(struct aggregates *aggregates, const char *src, const char *dst,
	const char *vlans, const char *circuits)
{
	int family = strchr(src, ':') ? AF_INET6 : AF_INET;
	struct flowkey key = {.version = family == AF_INET ? 4 : 6};

	assert_int_equal(inet_pton(family, src, key.src), 1);
	assert_int_equal(inet_pton(family, dst, key.dst), 1);
	return intern_text(aggregates_of(aggregates, &key, intern(vlans), intern(circuits)));
}

static void labels_of_addresses_and_vlans(void **state)
{
	const char *path = tmp_write("mira.conf",
		"aggregates = (\n"
		"  { name = \"campus\"; prefixes = [ \"10.0.0.0/8\", \"2001:db8::/32\" ]; },\n"
		"  { name = \"physics\"; prefixes = [ \"10.7.0.0/16\" ]; vlans = [ 7 ]; },\n"
		"  { name = \"guests\"; vlans = [ 7, 100 ]; },\n"
		"  { name = \"south\"; circuits = [ \"0/100\", \"1/32\" ]; },\n"
		"  { name = \"south2\"; circuits = [ \"1/32\" ]; } );\n");
	struct aggregates *aggregates;
	struct config config;

	assert_int_equal(config_load(&config, path), 0);
	aggregates = aggregates_new(&config);
	config_free(&config);
	assert_string_equal(labels(aggregates, "192.0.2.1", "192.0.2.2", "", ""), "");
	assert_string_equal(labels(aggregates, "10.1.0.1", "192.0.2.2", "", ""), "campus");
	assert_string_equal(labels(aggregates, "192.0.2.2", "10.1.0.1", "", ""), "campus");
	assert_string_equal(labels(aggregates, "192.0.2.2", "10.7.0.1", "", ""), "campus,physics");
	assert_string_equal(labels(aggregates, "2001:db8::1", "2001:db9::1", "", ""), "campus");
	assert_string_equal(labels(aggregates, "192.0.2.1", "192.0.2.2", "100", ""), "guests");
	assert_string_equal(labels(aggregates, "192.0.2.1", "192.0.2.2", "7", ""),
		"guests,physics");
	assert_string_equal(labels(aggregates, "10.1.0.1", "192.0.2.2", "9,100", ""),
		"campus,guests");
	assert_string_equal(labels(aggregates, "192.0.2.1", "192.0.2.2", "8", ""), "");
	assert_string_equal(labels(aggregates, "10.1.0.1", "192.0.2.2", "", "0/100"),
		"campus,south");
	assert_string_equal(labels(aggregates, "192.0.2.1", "192.0.2.2", "", "0/101,1/32"),
		"south,south2");
	assert_string_equal(labels(aggregates, "192.0.2.1", "192.0.2.2", "", "1/100"), "");
	aggregates_free(aggregates);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(labels_of_addresses_and_vlans)};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
