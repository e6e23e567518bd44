/* symptom_chain.c, symptom_keep.c, symptom_where.c: patterns that belong together, what PCRE2
 * confirms, and what a symptom asks of addresses, ends and direction. */
#include "tests/unit/tmp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include "preprocess/symptom.h"

static struct symptoms *load(const char *lines)
{
	char text[1024];

	mkdir(tmp_path("s"), 0700);
	snprintf(text, sizeof(text), "symptom a\n%s\n", lines);
	tmp_write("s/a.sym", text);
	return symptoms_load(tmp_path("s"), NULL);
}

static bool found(struct symptoms *symptoms, const char *payload)
{
	struct symptom_hits hits = {.count = 0};

	symptoms_scan(symptoms, (const uint8_t *)payload, strlen(payload), IPPROTO_TCP, 1, 2,
		&hits);
	return hits.count == 1;
}

static const struct {
	const char *lines, *yes[4], *no[4];
} chains[] = {
	{"text \"ab\" at 2..4", {"xxab", "xxxxab"}, {"xab", "xxxxxab", "ab"}},
	{"text \"ab\" at 2", {"xxabab"}, {"xab", "xxxab"}},
	{"text \"ab\" nocase at 0..2", {"xAb"}, {"xxxAB"}},
	{"hex 61 ?? 62 at 1", {"xa-b"}, {"a-b", "xab"}},
	{"text \"ab\"\nand text \"cd\"", {"abcd", "cdab"}, {"ab", "cd"}},
	{"text \"ab\"\nand text \"cd\" start", {"cdab"}, {"abcd", "xcdab"}},
	{"text \"ab\" start\nand text \"cd\"", {"abcd"}, {"cdab", "xabcd"}},
	{"text \"ab\"\nand text \"cd\" after 0", {"xabcd"}, {"cdab", "ab-cd"}},
	{"text \"ab\"\nand text \"cd\" after 1..2", {"ab-cd", "ab--cd"}, {"abcd", "ab---cd"}},
	/* the first place of ab does not do, the second does */
	{"text \"ab\"\nand text \"cd\" after 0", {"abxabcd"}, {"abxcd"}},
	{"text \"ab\"\nand text \"cd\" after 0..\nand text \"ef\" after 0", {"ab cd cdef"},
		{"cdef ab cd", "ab cd ef"}},
	/* before the one above, and over it */
	{"text \"abc\"\nand text \"xy\" after -5..-5", {"xyabc"}, {"xy-abc", "abcxy"}},
	{"text \"abab\"\nand text \"abcd\" after -2", {"ababcd"}, {"abab-abcd"}},
	{"text \"ab\"\nand not text \"cd\"", {"ab", "xab"}, {"abcd", "cdab"}},
	{"text \"ab\"\nand not text \"cd\" after 0..3", {"ab", "ab----cd", "cdab"},
		{"ab-cd", "abcd"}},
	/* some ab is not followed by cd */
	{"text \"ab\"\nand not text \"cd\" after 0", {"abcd ab"}, {"abcd abcd"}},
	{"text \"ab\"\nand not text \"cd\" after 9..", {"abcd"}, {"ab---------cd"}},
	{"text \"ab\"\nand pcre /^c.d/ after 0..", {"abcxd", "ab abcxd"}, {"ab cxd", "cxdab"}},
	{"text \"ab\"\nand regex /[0-9]{3}/ after 2..", {"ab12345"}, {"ab123", "12345ab"}},
	{"text \"ab\"\nand pcre /[0-9]{3}/\nand text \"z\" after 0", {"123zab", "1234z ab"},
		{"123 zab"}},
	{"text \"ab\"\nand not pcre /\\A.{0,4}\\z/s", {"abcde"}, {"ab", "abcd"}},
	{"text \"ab\"\nand text \"cd\" after 0..\nand text \"x\"\nand text \"y\" after 0",
		{"xyabcd", "abcdxxy"}, {"abcdx"}},
	{"pcre /(?<!a)b/", {"xb", "b"}, {"ab", "a"}},
	{"pcre /(a|b)\\1/", {"xaa", "bb"}, {"ab", "ba"}},
	{"pcre /foo(?=bar)/i", {"FOObar"}, {"foo", "bar foo"}},
	{"pcre /^foo(?!bar)/", {"foo", "fooba"}, {"foobar", " foo"}},
	{"regex /a+b/\nand text \"cd\" first", {"cd aab"}, {"aab", "cd"}},
	{"text \"ab\"\ntext \"uv\"\nand text \"cd\"", {"ab", "uvcd"}, {"uv", "cd"}},
};

static void chains_are_found(void **state)
{
	for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++) {
		struct symptoms *symptoms = load(chains[i].lines);
		assert_non_null(symptoms);
		for (size_t j = 0; j < 4; j++) {
			const char *yes = chains[i].yes[j], *no = chains[i].no[j];
			if (yes && !found(symptoms, yes))
				fail_msg("not found in '%s': %s", yes, chains[i].lines);
			if (no && found(symptoms, no))
				fail_msg("found in '%s': %s", no, chains[i].lines);
		}
		symptoms_free(symptoms);
	}
}

/* An expression that would try 2^60 ways ends, and is not found. */
static void time_is_bounded(void **state)
{
	struct symptoms *symptoms = load("text \"aaaa\"\nand pcre /(a+)+$/ after 0..");
	char payload[1400];

	memset(payload, 'a', sizeof(payload));
	strcpy(payload + sizeof(payload) - 2, "b");
	assert_non_null(symptoms);
	assert_false(found(symptoms, payload));
	assert_true(found(symptoms, "aaaaaaaa"));
	symptoms_free(symptoms);
	symptoms = load("text \"aaaa\"\nand not pcre /(a+)+$/ after 0..");
	assert_non_null(symptoms);
	assert_false(found(symptoms, payload)); /* not known is not absent */
	assert_true(found(symptoms, "aaaab"));
	symptoms_free(symptoms);
}

static void mistakes_have_a_place(void **state)
{
	static const struct {
		const char *lines, *says;
	} wrong[] = {
		{"and text \"a\"", "a.sym:2:1: `and` needs a line"},
		{"host example.org\nand text \"a\"", "a.sym:3:1: `and` needs a line"},
		{"text \"a\"\nand host example.org", "a.sym:3:5: a pattern is expected"},
		{"text \"a\"\nand not", "a.sym:3:8: a pattern is expected"},
		{"text \"a\" at", "a.sym:2:12: a number or a range"},
		{"text \"a\" at 9..1", "a.sym:2:13: a number or a range"},
		{"text \"a\" at -1", "a.sym:2:13: a number or a range"},
		{"text \"a\" at 65536", "a.sym:2:13: a number or a range"},
		{"text \"a\" at 1.2", "a.sym:2:13: a number or a range"},
		{"text \"a\" at 1 at 2", "a.sym:2:15: at and after exclude"},
		{"text \"a\" start at 1", "start is `at 0`"},
		{"text \"a\" after 1", "after needs a pattern above it"},
		{"regex /a/ at 1", "an expression is looked for from a byte on"},
		{"text \"a\"\nand not text \"b\" first", "cannot be looked for first"},
		{"text \"a\"\nand pcre /(/", "a.sym:2:1: PCRE2 refuses the pattern"},
		{"pcre /(?=a)/", "a.sym:2:1: Hyperscan refuses the pattern"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct symptoms *symptoms;
		tmp_log_begin();
		symptoms = load(wrong[i].lines);
		assert_says(tmp_log_end(), wrong[i].says);
		assert_null(symptoms);
	}
}

/* ---- addresses, ends, direction ---- */

enum { ACK = 0x10, SYN = 0x02, RST = 0x04 };

static struct symptoms *load_where(const char *where)
{
	char text[256];

	mkdir(tmp_path("w"), 0700);
	snprintf(text, sizeof(text), "symptom a %s\n text \"x\"\n", where);
	tmp_write("w/a.sym", text);
	return symptoms_load(tmp_path("w"), NULL);
}

static void set_address(uint8_t out[16], const char *text)
{
	assert_int_equal(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, out), 1);
}

static void restrictions_are_asked(void **state)
{
	static const struct {
		const char *where, *src, *dst;
		uint16_t sport, dport, flags;
		enum symptom_side side;
		bool fits;
	} asked[] = {
		{"src 10.0.0.0/8", "10.1.2.3", "192.0.2.1", 1, 2, ACK, SIDE_UNKNOWN, true},
		{"src 10.0.0.0/8", "192.0.2.1", "10.1.2.3", 1, 2, ACK, SIDE_UNKNOWN, false},
		{"src 10.0.0.0/8 twoway", "192.0.2.1", "10.1.2.3", 1, 2, ACK, SIDE_UNKNOWN, true},
		{"src 10.0.0.0/8,!10.1.0.0/16", "10.1.2.3", "192.0.2.1", 1, 2, ACK, SIDE_UNKNOWN,
			false},
		{"src 10.0.0.0/8,!10.1.0.0/16", "10.2.2.3", "192.0.2.1", 1, 2, ACK, SIDE_UNKNOWN,
			true},
		{"dst !10.0.0.0/8", "10.1.2.3", "192.0.2.1", 1, 2, ACK, SIDE_UNKNOWN, true},
		{"dst !10.0.0.0/8", "192.0.2.1", "10.1.2.3", 1, 2, ACK, SIDE_UNKNOWN, false},
		{"dst !10.0.0.0/8", "2001:db8::1", "2001:db8::2", 1, 2, ACK, SIDE_UNKNOWN, true},
		{"src 2001:db8::/32", "2001:db8::1", "2001:db8::2", 1, 2, ACK, SIDE_UNKNOWN, true},
		{"src 2001:db8::/32", "10.1.2.3", "192.0.2.1", 1, 2, ACK, SIDE_UNKNOWN, false},
		{"sport 1-5", "10.1.2.3", "192.0.2.1", 5, 80, ACK, SIDE_UNKNOWN, true},
		{"sport 1-5", "10.1.2.3", "192.0.2.1", 80, 5, ACK, SIDE_UNKNOWN, false},
		{"dport 80 sport 9", "10.1.2.3", "192.0.2.1", 9, 80, ACK, SIDE_UNKNOWN, true},
		{"dport 80 sport 9", "10.1.2.3", "192.0.2.1", 80, 9, ACK, SIDE_UNKNOWN, false},
		{"dport 80 sport 9 twoway", "10.1.2.3", "192.0.2.1", 80, 9, ACK, SIDE_UNKNOWN,
			true},
		/* exchanged as a whole, not one by one */
		{"src 10.0.0.0/8 dport 80 twoway", "10.1.2.3", "192.0.2.1", 80, 9, ACK,
			SIDE_UNKNOWN, false},
		{"to server", "10.1.2.3", "192.0.2.1", 80, 9, ACK, SIDE_SERVER, true},
		{"to server", "10.1.2.3", "192.0.2.1", 80, 9, ACK, SIDE_CLIENT, false},
		{"to client", "10.1.2.3", "192.0.2.1", 80, 9, ACK, SIDE_SERVER, false},
		{"to client", "10.1.2.3", "192.0.2.1", 80, 80, ACK, SIDE_UNKNOWN, true},
		{"established", "10.1.2.3", "192.0.2.1", 80, 9, ACK, SIDE_UNKNOWN, true},
		{"established", "10.1.2.3", "192.0.2.1", 80, 9, SYN, SIDE_UNKNOWN, false},
		{"established", "10.1.2.3", "192.0.2.1", 80, 9, ACK | RST, SIDE_UNKNOWN, false},
	};

	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		struct symptoms *symptoms = load_where(asked[i].where);
		struct flowkey key = {.proto = IPPROTO_TCP,
			.version = strchr(asked[i].src, ':') ? 6 : 4,
			.sport = asked[i].sport,
			.dport = asked[i].dport};
		struct symptom_hits hits = {.index = {0}, .count = 1};

		set_address(key.src, asked[i].src);
		set_address(key.dst, asked[i].dst);
		assert_non_null(symptoms);
		symptoms_keep(symptoms, &hits, &key, asked[i].flags, asked[i].side);
		if (hits.count != asked[i].fits)
			fail_msg("row %zu: %s", i, asked[i].where);
		symptoms_free(symptoms);
	}
}

static void bad_restrictions_have_a_place(void **state)
{
	static const struct {
		const char *where, *says;
	} wrong[] = {
		{"src", "a.sym:1:14: a list of prefixes"},
		{"src 10.0.0.1/8", "a.sym:1:15: a list of prefixes"},
		{"src 10.0.0.0/8,", "a list of prefixes"},
		{"dst !", "a list of prefixes"},
		{"dport", "dport must be followed by a list"},
		{"to nowhere", "a.sym:1:14: 'to' must be followed by server or client"},
		{"to", "'to' must be followed"},
		{"in other", "a.sym:1:14: 'in' must be followed by the name of a group"},
		{"in", "'in' must be followed"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct symptoms *symptoms;
		tmp_log_begin();
		symptoms = load_where(wrong[i].where);
		assert_says(tmp_log_end(), wrong[i].says);
		assert_null(symptoms);
	}
}

/* A group is shown once with any of its own that fit. */
static void groups_are_shown(void **state)
{
	const struct flowkey key = {.proto = IPPROTO_TCP, .version = 4, .sport = 1, .dport = 2};
	struct symptom_hits hits = {.index = {1, 2, 3}, .count = 3};
	struct symptoms *symptoms;

	mkdir(tmp_path("g"), 0700);
	tmp_write("g/a.sym",
		"symptom all\n group\nsymptom a in all\n text \"x\"\n"
		"symptom b in all\n text \"x\"\nsymptom c dport 9 in all\n text \"x\"\n");
	symptoms = symptoms_load(tmp_path("g"), NULL);
	assert_non_null(symptoms);
	symptoms_keep(symptoms, &hits, &key, ACK, SIDE_UNKNOWN);
	assert_int_equal(hits.count, 3); /* a, b, all */
	assert_int_equal(hits.index[2], 0);
	hits = (struct symptom_hits){.index = {3}, .count = 1};
	symptoms_keep(symptoms, &hits, &key, ACK, SIDE_UNKNOWN);
	assert_int_equal(hits.count, 0);
	symptoms_free(symptoms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_are_found),
		cmocka_unit_test(time_is_bounded),
		cmocka_unit_test(mistakes_have_a_place),
		cmocka_unit_test(restrictions_are_asked),
		cmocka_unit_test(bad_restrictions_have_a_place),
		cmocka_unit_test(groups_are_shown),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
