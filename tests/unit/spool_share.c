/* share.c: names of shares, and nothing else, are read as such. */
#include "tests/unit/tmp.h"

#include "spool/share.h"

static void what_is_allowed_is_parsed(void **state)
{
	static const char *const wrong[] = {"0/1", "2/1", "1/100", "1", "1/", "/2", "a/b", "1/2/3",
		"1 /2", "01/2", "+1/2", "1/2 ", "-1/2", "1of2"};
	struct share share;

	assert_true(share_parse("2/3", &share));
	assert_int_equal(share.number, 2);
	assert_int_equal(share.count, 3);
	assert_true(share_parse("99/99", &share));
	assert_true(share_parse("", &share));
	assert_int_equal(share.count, 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(share_parse(wrong[i], &share));
}

static void a_name_tells_its_share(void **state)
{
	char name[NAME_PART_MAX + 1], longest[NAME_PART_MAX + 1] = "";
	struct share share = {12, 34};

	memset(longest, 'x', NAME_PART_MAX);
	share_stream(&share, "all", name);
	assert_string_equal(name, "all.12of34");
	assert_int_equal(share_from(name, &share), 3);
	assert_int_equal(share.number, 12);
	assert_int_equal(share.count, 34);
	share_stream(&share, longest, name);
	assert_int_equal(strlen(name), NAME_PART_MAX);
	assert_int_equal(share_from(name, &share), SHARE_STREAM_MAX);
	assert_int_equal(share.count, 34);
}

static void what_is_not_shared_does_not_look_so(void **state)
{
	static const char *const names[] = {"all", "a.1of1", "a.3of2", "1of2", ".1of2", "a.01of2",
		"a.1of2_", "a.1of2.pcap"};
	char name[NAME_PART_MAX + 1];
	struct share share = {1, 1};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(share_from(names[i], &share), strlen(names[i]));
		assert_int_equal(share.count, 1);
		share_stream(&share, names[i], name);
		assert_string_equal(name, names[i]);
	}
	share_stream(&share, "trace.1of2", name);
	assert_string_equal(name, "trace.1of2_");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_allowed_is_parsed),
		cmocka_unit_test(a_name_tells_its_share),
		cmocka_unit_test(what_is_not_shared_does_not_look_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
