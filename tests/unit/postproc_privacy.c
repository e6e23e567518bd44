/* Pseudonyms against published vectors, the levels, and which names tell of a machine. */
#include "tests/unit/tmp.h"

#include <arpa/inet.h>
#include <sys/stat.h>

#include "postproc/privacy/privacy.h"
#include "postproc/privacy/privacy_key.h"
#include "spool/log.h"

#define ADDRESS "192.0.2.7"
#define SIX	"2001:db8::7"

static struct config config;
static char shown[PRIVACY_TEXT], other[PRIVACY_TEXT];

static const uint8_t master[PSEUDONYM_MASTER] = "0123456789abcdef0123456789abcde";

static int setup(void **state)
{
	return tmp_setup(state) || config_load(&config, "") ? -1 : 0;
}

static int teardown(void **state)
{
	config_free(&config);
	return tmp_teardown(state);
}

/* ---- Crypto-PAn ---- */

/* Key and addresses of the sample trace in the distribution of Crypto-PAn 1.0 (Georgia Tech, 2002). */
static const uint8_t sample_key[32] = {21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144,
	125, 16, 216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2};

static const char *const sample[][2] = {
	{"128.11.68.132", "135.242.180.132"},
	{"129.118.74.4", "134.136.186.123"},
	{"130.132.252.244", "133.68.164.234"},
	{"141.223.7.43", "141.167.8.160"},
	{"152.163.225.39", "151.140.114.167"},
	{"192.41.57.43", "252.222.221.184"},
	{"24.0.250.221", "100.15.198.226"},
	{"24.5.0.80", "100.9.15.210"},
	{"4.3.88.225", "124.60.155.63"},
	{"63.14.55.111", "95.9.215.7"},
	{"64.14.118.196", "0.255.183.58"},
	{"10.185.25.118", "117.161.29.118"},
	/* IPv6 has none; what the implementations that know it agree on (Go, Rust, JavaScript) */
	{"::1", "78ff:f001:9fc0:20df:8380:b1f1:704:ed"},
	{"::2", "78ff:f001:9fc0:20df:8380:b1f1:704:ef"},
	{"::ffff", "78ff:f001:9fc0:20df:8380:b1f1:704:f838"},
	{"2001:db8::1", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e"},
	{"2001:db8::2", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1c"},
};

static void prefixes_are_those_of_crypto_pan(void **state)
{
	struct pseudonym_keys keys;

	pseudonym_prefix_key(&keys, sample_key);
	for (size_t i = 0; i < sizeof(sample) / sizeof(sample[0]); i++) {
		uint8_t address[16], out[16];
		char text[INET6_ADDRSTRLEN];
		uint8_t version = privacy_parse(sample[i][0], address);

		pseudonym_prefix(&keys, version, address, out);
		inet_ntop(version == 4 ? AF_INET : AF_INET6, out, text, sizeof(text));
		assert_string_equal(text, sample[i][1]);
	}
}

static void what_is_sealed_opens_with_its_key_only(void **state)
{
	struct pseudonym_keys november, december;
	uint8_t address[16], sealed[PSEUDONYM_SEALED], out[16];

	privacy_parse(SIX, address);
	pseudonym_keys(&november, master, "2026-11");
	pseudonym_keys(&december, master, "2026-12");
	pseudonym_seal(&november, address, sealed);
	assert_memory_not_equal(sealed, address, 16);
	pseudonym_open(&november, sealed, out);
	assert_memory_equal(out, address, 16);
	pseudonym_open(&december, sealed, out);
	assert_memory_not_equal(out, address, 16);
}

/* ---- pseudonyms ---- */

static void a_period_is_of_the_calendar(void **state)
{
	static const struct {
		enum privacy_rotate rotate;
		int64_t ms;
		const char *period;
	} cases[] = {
		{ROTATE_NONE, 0, "all"},
		{ROTATE_DAY, 86399999, "1970-01-01"},
		{ROTATE_DAY, -1, "1969-12-31"},
		{ROTATE_WEEK, 1798761600000, "2026-W53"}, /* 1 January 2027, a Friday */
		{ROTATE_MONTH, 1798761599999, "2026-12"},
		{ROTATE_YEAR, 1798761600000, "2027"},
	};
	char period[PSEUDONYM_PERIOD];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pseudonym_period(cases[i].rotate, cases[i].ms, period);
		assert_string_equal(period, cases[i].period);
	}
}

/* Whoever knew the form would find old pseudonyms changed: so it is fixed here. HMAC by another program. */
static void a_pseudonym_is_as_documented(void **state)
{
	struct pseudonym_keys keys;
	uint8_t address[16];
	char text[PSEUDONYM_TEXT], again[PSEUDONYM_TEXT];

	pseudonym_keys(&keys, master, "2026-11");
	privacy_parse(ADDRESS, address);
	pseudonym_host(&keys, 4, address, text);
	assert_string_equal(text, "h-wwgwkg6kv2");
	pseudonym_host(&keys, 4, address, again);
	assert_string_equal(text, again);
	pseudonym_name(&keys, "Laptop.local", text);
	pseudonym_name(&keys, "laptop.LOCAL", again);
	assert_string_equal(text, again);
	assert_int_equal(text[0], 'n');
	assert_true(pseudonym_is(text));
	assert_false(pseudonym_is("h-7k2m9qx4t"));
	assert_false(pseudonym_is("h-7k2m9qx4tpp"));
	assert_false(pseudonym_is("h-7k2m9qx4ti"));
	assert_false(pseudonym_is("x-7k2m9qx4tp"));
	assert_false(pseudonym_is(""));
}

/* ---- levels ---- */

static struct privacy *privacy_of(enum privacy_level level)
{
	struct privacy *privacy;

	config.privacy.level = level;
	privacy = privacy_new(&config, tmp_path("mira.db"));
	privacy_at(privacy, 0);
	return privacy;
}

static void pseudonyms_rotate(void **state)
{
	struct privacy *privacy = privacy_of(PRIVACY_PSEUDONYM);

	assert_int_equal(privacy_level(privacy), PRIVACY_PSEUDONYM);
	assert_true(pseudonym_is(privacy_host(privacy, ADDRESS, shown)));
	assert_string_not_equal(shown, privacy_host(privacy, "192.0.2.8", other));
	privacy_at(privacy, 30 * 86400000ll);
	assert_string_equal(shown, privacy_host(privacy, ADDRESS, other));
	privacy_at(privacy, 31 * 86400000ll);
	assert_string_not_equal(shown, privacy_host(privacy, ADDRESS, other));
	assert_string_equal(privacy_host(privacy, shown, other), shown);
	assert_string_equal(privacy_host(privacy, "not an address", other), PRIVACY_WITHHELD);
	privacy_free(privacy);
}

static void assert_text(struct privacy *privacy, const char *text, const char *wanted)
{
	char *got = privacy_text(privacy, text);

	assert_string_equal(got, wanted);
	free(got);
}

static void levels_say_what_is_shown(void **state)
{
	struct privacy *group = privacy_of(PRIVACY_GROUP), *address = privacy_of(PRIVACY_ADDRESS);
	uint8_t bytes[16], out[16];

	assert_string_equal(privacy_host(group, ADDRESS, shown), PRIVACY_WITHHELD);
	assert_false(privacy_group(group, 9));
	assert_true(privacy_group(group, 10));
	assert_text(group, "10.0.0.1-10.0.0.2+::1-fe80::2,~more",
		"withheld-withheld+withheld-withheld,~more");
	assert_text(group, "from 10.0.0.1:80, or 10.0.0.2. At 12:30.",
		"from withheld:80, or withheld. At 12:30.");
	assert_text(group, "", "");
	privacy_parse(ADDRESS, bytes);
	assert_false(privacy_address(group, 4, bytes, out));
	assert_string_equal(privacy_host(address, SIX, shown), SIX);
	assert_true(privacy_group(address, 1));
	assert_true(privacy_address(address, 4, bytes, out));
	assert_memory_equal(bytes, out, 4);
	privacy_free(group);
	privacy_free(address);
}

static void a_key_is_its_owners_alone(void **state)
{
	struct privacy *privacy;
	uint8_t one[PSEUDONYM_MASTER], two[PSEUDONYM_MASTER];
	struct stat status;

	assert_int_equal(privacy_key_read(tmp_path("new"), true, one), 0);
	assert_int_equal(privacy_key_read(tmp_path("new"), true, two), 0);
	assert_memory_equal(one, two, sizeof(one));
	assert_int_equal(stat(tmp_path("new"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	snprintf(config.privacy.key, sizeof(config.privacy.key), "%s", tmp_path("new"));
	chmod(tmp_path("new"), 0640);
	tmp_log_begin();
	privacy = privacy_of(PRIVACY_PSEUDONYM);
	assert_says(tmp_log_end(), "may be read by others than its owner (mode 640)");
	assert_int_equal(privacy_level(privacy), PRIVACY_GROUP);
	assert_string_equal(privacy_host(privacy, ADDRESS, shown), PRIVACY_WITHHELD);
	privacy_free(privacy);
	config.privacy.key[0] = '\0';
}

static void what_is_no_key_is_refused(void **state)
{
	static const char *const texts[] = {"", "0123",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1g\n",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00\n"};
	uint8_t key[PSEUDONYM_MASTER];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *path = tmp_write("bad", texts[i]);

		chmod(path, 0600);
		tmp_log_begin();
		assert_int_equal(privacy_key_read(path, true, key), -1);
		assert_says(tmp_log_end(), "is no key of 64 hexadecimal digits");
	}
	tmp_log_begin();
	assert_int_equal(privacy_key_read(tmp_path("none/key"), true, key), -1);
	assert_int_equal(privacy_key_read(tmp_path("none"), false, key), -1);
	assert_says(tmp_log_end(), "cannot read the key");
	assert_int_equal(access(tmp_path("none"), F_OK), -1);
}

/* ---- names ---- */

static void names_of_machines_are_told_from_names_of_services(void **state)
{
	static const char *const machines[] = {"DESKTOP-7K2", "johns-iphone.local", "nas.LAN.",
		"7.2.0.192.in-addr.arpa", "pc17.example.edu", "example.edu",
		"host-192-0-2-7.dsl.example.net", "192.0.2.7", "h192_0_2_7.example.net",
		"2001-db8-0-0-7.example.net", "2001:db8::7", ""};
	static const char *const services[] = {"www.example.org", "notexample.edu",
		"e1234.a.akamaiedge.net", "r3---sn-4g5e6nz7.c.docs.example", "1.2.3.example.org",
		"300.1.2.3x.example.org", "local.example.org",
		"00112233-4455-6677-8899-aabbccddeeff.example.org"};
	char *domains[] = {"example.edu"};
	struct config_privacy settings = {.domains = domains, .domain_count = 1};

	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (!privacy_machine(&settings, machines[i]))
			fail_msg("%s tells of a machine", machines[i]);
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (privacy_machine(&settings, services[i]))
			fail_msg("%s is a service", services[i]);
}

static void names_are_shown_by_level(void **state)
{
	struct privacy *privacy = privacy_of(PRIVACY_PSEUDONYM);
	char *names = privacy_names(privacy, "www.example.org,nas.local");

	assert_memory_equal(names, "www.example.org,n-", 18);
	assert_true(pseudonym_is(names + 16));
	free(names);
	config.privacy.names = PRIVACY_NAMES_WITHHOLD;
	names = privacy_names(privacy, "www.example.org,nas.local");
	assert_string_equal(names, "withheld,withheld");
	free(names);
	privacy_free(privacy);
	privacy = privacy_of(PRIVACY_ADDRESS);
	names = privacy_names(privacy, "www.example.org");
	assert_string_equal(names, "withheld");
	free(names);
	privacy_free(privacy);
	config.privacy.names = PRIVACY_NAMES_SERVICES;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_are_those_of_crypto_pan),
		cmocka_unit_test(what_is_sealed_opens_with_its_key_only),
		cmocka_unit_test(a_period_is_of_the_calendar),
		cmocka_unit_test(a_pseudonym_is_as_documented),
		cmocka_unit_test(pseudonyms_rotate),
		cmocka_unit_test(levels_say_what_is_shown),
		cmocka_unit_test(a_key_is_its_owners_alone),
		cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(names_of_machines_are_told_from_names_of_services),
		cmocka_unit_test(names_are_shown_by_level),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
