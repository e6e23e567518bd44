/* prefix.c: prefixes as operators write them. */
#include "tests/unit/tmp.h"

#include <arpa/inet.h>

#include "spool/config.h"

static void legal_prefixes(void **state)
{
	static const struct {
		const char *text;
		int version, bits;
	} rows[] = {
		{"10.0.0.0/8", 4, 8},
		{"192.0.2.1", 4, 32},
		{"0.0.0.0/0", 4, 0},
		{"192.0.2.128/25", 4, 25},
		{"2001:db8::/32", 6, 32},
		{"::1", 6, 128},
		{"::/0", 6, 0},
		{"fe80::/10", 6, 10},
		{"::ffff:10.0.0.0/104", 6, 104},
	};
	struct prefix prefix;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!prefix_parse(rows[i].text, &prefix))
			fail_msg("refused: %s", rows[i].text);
		assert_int_equal(prefix.version, rows[i].version);
		assert_int_equal(prefix.bits, rows[i].bits);
	}
}

static void illegal_prefixes(void **state)
{
	static const char *const wrong[] = {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8",
		"10.0.0.0/-1", "10.0.0.0/8 ", "10.0.0.0/ 8", "10.0.0.0/+8", "10.0.0/8",
		"10.0.0.0/8/8", "10.0.0.0/0008", "host", "2001:db8::1/32", "2001:db8::/129", "::g",
		"1:2:3", "fe80::1%eth0", "10.0.0.0/300",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};
	struct prefix prefix;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (prefix_parse(wrong[i], &prefix))
			fail_msg("accepted: %s", wrong[i]);
}

static bool holds(const char *prefix_text, const char *address_text)
{
	struct prefix prefix;
	uint8_t address[16] = {0};
	bool six = strchr(address_text, ':');

	assert_true(prefix_parse(prefix_text, &prefix));
	assert_int_equal(inet_pton(six ? AF_INET6 : AF_INET, address_text, address), 1);
	return prefix_holds(&prefix, address, six ? 6 : 4);
}

static void addresses_lie_in_prefixes(void **state)
{
	assert_true(holds("10.0.0.0/8", "10.255.0.1"));
	assert_false(holds("10.0.0.0/8", "11.0.0.0"));
	assert_true(holds("192.0.2.128/25", "192.0.2.255"));
	assert_false(holds("192.0.2.128/25", "192.0.2.127"));
	assert_true(holds("0.0.0.0/0", "255.1.2.3"));
	assert_false(holds("0.0.0.0/0", "::1"));
	assert_false(holds("::/0", "10.0.0.1"));
	assert_true(holds("192.0.2.1", "192.0.2.1"));
	assert_false(holds("192.0.2.1", "192.0.2.0"));
	assert_true(holds("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(holds("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(holds("::1", "::1"));
	assert_false(holds("::1", "::3"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legal_prefixes),
		cmocka_unit_test(illegal_prefixes),
		cmocka_unit_test(addresses_lie_in_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
