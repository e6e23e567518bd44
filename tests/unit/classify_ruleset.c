/* What conditions see, how they decide, and what is refused where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "classify/condition.h"
#include "classify/ruleset.h"
#include "classify/symbols.h"
#include "spool/intern.h"
#include "spool/log.h"

static struct namelist symbols;

static int begin(void **state)
{
	static const char *const names[] = {"bittorrent", "campus_dns", "dns", "ftp",
		"http_request", "lab", "tls"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		namelist_add(&symbols, names[i]);
	return 0;
}

/* 2026-11-22 was a Sunday; 21:34:56.789 UTC. */
#define START 1795383296789ull

static struct biflow sample(void)
{
	static struct symptom_count counts[4];
	struct biflow b = {.key = {.sport = 40000, .dport = 443, .proto = 6, .version = 4}};

	memcpy(b.key.src, (uint8_t[]){192, 168, 100, 7}, 4);
	memcpy(b.key.dst, (uint8_t[]){8, 8, 4, 4}, 4);
	b.start_ms = START;
	b.window_ms = START - START % 300000;
	b.end_ms = START + 1500;
	b.forward = (struct direction){10, 1000, 0x02, 1};
	b.reverse = (struct direction){8, 9000, 0x12, 1};
	b.aggregate = intern("campus,library");
	b.host_name = intern("www.example.org");
	b.tunnel = intern("6in4+4in4");
	b.endpoint = intern("192.0.2.1-198.51.100.7+2001:db8::1-2001:db8::2,~more");
	b.probe = intern("p1");
	counts[0] = (struct symptom_count){intern("tls"), 2, 3, 4};
	counts[1] = (struct symptom_count){intern("ftp"), 0, 0, 1};
	counts[2] = (struct symptom_count){intern("unknown_to_policy"), 5, 0, 0};
	b.symptoms = counts;
	b.symptom_count = 3;
	return b;
}

static struct ruleset *compile(const char *const *when, size_t count, int *code)
{
	struct policy_fast fast[] = {
		{.name = "lab", .class = "SYSTEM", .verdict = "acceptable"},
		{.name = "campus_dns", .class = "DNS", .verdict = "acceptable"},
	};
	struct policy_class classes[24];
	static char names[24][32];
	struct policy policy = {.file = "/nonexistent/policy.conf",
		.fast = fast,
		.fast_count = 2,
		.classes = classes,
		.class_count = count};

	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "rule%zu", i);
		classes[i] = (struct policy_class){.name = names[i],
			.class = "WEB",
			.verdict = "review",
			.when = (char *)when[i],
			.line = 1};
	}
	return ruleset_compile(&policy, &symbols, code);
}

static const char *rule_of(struct ruleset *ruleset, const struct biflow *biflow)
{
	struct decision decision;

	assert_int_equal(ruleset_decide(ruleset, biflow, &decision), 0);
	return intern_text(decision.rule);
}

static const char *decide(const char *const *when, size_t count, const struct biflow *biflow)
{
	int code;
	struct ruleset *ruleset = compile(when, count, &code);
	const char *rule;

	assert_non_null(ruleset);
	rule = rule_of(ruleset, biflow);
	ruleset_free(ruleset);
	return rule;
}

static bool holds(const char *when, const struct biflow *biflow)
{
	return strcmp(decide(&when, 1, biflow), "rule0") == 0;
}

static const char *const true_of_it[] = {
	"proto = 6",
	"src = '192.168.100.7'",
	"sport = 40000",
	"dst = '8.8.4.4'",
	"dport = 443",
	"dport = '443'",
	"packets = 10",
	"octets = 1000",
	"reverse_packets = 8",
	"reverse_octets = 9000",
	"total_packets = 18",
	"total_octets = 10000",
	"window_ms % 300000 = 0",
	"start_ms = 1795383296789",
	"end_ms - start_ms = 1500",
	"duration_s = 1.5",
	"hour = 21",
	"weekday = 0",
	"tcp_flags = 18",
	"aggregate = 'campus,library'",
	"host_name LIKE '%.EXAMPLE.org'",
	"tunnel = '6in4,4in4'",
	"tunnel_endpoint GLOB '192.0.2.1-198.51.100.7+*'",
	"probe = 'p1'",
	"vlan IS NULL",
	"user IS NULL",
	"tls = 9",
	"TLS = 9",
	"ftp",
	"dns = 0",
	"http_request IS NOT NULL",
	"\"tls\" = 9",
	"tls > 0 -- a comment",
	"dport IN (80, 443)",
	"dport BETWEEN 400 AND 500",
	"CASE proto WHEN 6 THEN tls ELSE 0 END",
};

static void columns(void **state)
{
	struct biflow b = sample();
	static const char *const false_of_it[] = {"dns", "vlan = ''", "vlan <> '7'", "user = 'x'",
		"NULL", "0", "'abc'", "packets > 10 OR octets < 1000"};

	for (size_t i = 0; i < sizeof(true_of_it) / sizeof(true_of_it[0]); i++)
		if (!holds(true_of_it[i], &b))
			fail_msg("should hold: %s", true_of_it[i]);
	for (size_t i = 0; i < sizeof(false_of_it) / sizeof(false_of_it[0]); i++)
		if (holds(false_of_it[i], &b))
			fail_msg("should not hold: %s", false_of_it[i]);
}

static void reverse_not_observed(void **state)
{
	struct biflow b = sample();

	b.reverse = (struct direction){0};
	assert_true(holds("reverse_packets IS NULL AND reverse_octets IS NULL", &b));
	assert_false(holds("reverse_packets = 0", &b));
	assert_true(holds("total_packets = 10", &b));
}

static void functions(void **state)
{
	struct biflow b = sample(), six = sample();

	assert_true(holds("net(src, '192.168.0.0/16') AND NOT net(dst, '192.168.0.0/16')", &b));
	assert_true(holds("net(src, '192.168.100.7') AND net(dst, '8.8.0.0/21')", &b));
	assert_true(holds("net(dst, '0.0.0.0/0') AND NOT net(dst, '::/0')", &b));
	assert_false(holds("net(dst, '8.8.8.0/21')", &b));
	assert_true(
		holds("net('10.1.2.3', '10.1.2.0/23') AND net(user, '10.0.0.0/8') IS NULL", &b));
	assert_false(holds("net(host_name, '0.0.0.0/0')", &b));
	assert_true(holds("net(tunnel_endpoint, '192.0.2.0/24') AND net(tunnel_endpoint,"
			  " '198.51.100.7') AND net(tunnel_endpoint, '2001:db8::2')",
		&b));
	assert_false(holds("net(tunnel_endpoint, '10.0.0.0/8') OR net(tunnel_endpoint, '2001::/32')"
			   " OR net('-,+', '0.0.0.0/0')",
		&b));
	assert_true(
		holds("total(tls, ftp, dns) = 10 AND total(tls) = 9 AND total(user, 3) = 3", &b));
	assert_true(holds("majority(tls, ftp, dns)", &b));
	assert_false(holds("majority(ftp, tls)", &b));
	assert_false(holds("majority(tls, 8, 1)", &b));

	six.key.version = 6;
	inet_pton(AF_INET6, "2001:db8:0:0:1::1", six.key.src);
	inet_pton(AF_INET6, "2001:db9::2", six.key.dst);
	assert_true(holds("src = '2001:db8::1:0:0:1' AND net(src, '2001:db8::/32')", &six));
	assert_true(holds("NOT net(dst, '2001:db8::/32') AND net(dst, '2001:db8::/31')", &six));
	assert_false(holds("net(src, '32.1.0.0/16')", &six));
}

static void order(void **state)
{
	static const char *const when[] = {"dport = 80", "tls > 0", "dport = 443"};
	struct symptom_count fast[2] = {{intern("campus_dns"), 1, 0, 0}, {intern("lab"), 0, 1, 0}};
	struct biflow b = sample();

	assert_string_equal(decide(when, 3, &b), "rule1");
	b.symptom_count = 0;
	assert_string_equal(decide(when, 3, &b), "rule2");
	b.key.dport = 25;
	assert_string_equal(decide(when, 3, &b), "blind");
	assert_string_equal(decide(when, 0, &b), "blind");
	b.symptoms = fast;
	b.symptom_count = 1;
	b.key.dport = 80;
	assert_string_equal(decide(when, 3, &b), "campus_dns");
	b.symptom_count = 2;
	assert_string_equal(decide(when, 3, &b), "lab");
	fast[1].reverse_packets = 0;
	assert_string_equal(decide(when, 3, &b), "campus_dns");
}

/* Nothing of a row is left in the next one. */
static void stream(void **state)
{
	static const char *const when[] = {"tls = 9 AND src LIKE '192.%'",
		"tls = 0 AND src LIKE '10.%'"};
	struct biflow b[4] = {sample(), sample(), sample(), sample()};
	int code;
	struct ruleset *ruleset = compile(when, 2, &code);
	static const char *const want[] = {"rule0", "rule1", "rule0", "blind"};

	b[1].symptom_count = b[3].symptom_count = 0;
	b[1].key.src[0] = 10;
	for (int i = 0; i < 4; i++)
		assert_string_equal(rule_of(ruleset, &b[i]), want[i]);
	ruleset_free(ruleset);
}

/* Biflow NUMBER differs from the sample in one member; false: there is none of that number. */
static bool differ(unsigned number, struct biflow *b)
{
	switch (number) {
	case 0: b->key.proto = 17; break;
	case 1: b->key.src[3] = 8; break;
	case 2: b->key.dst[0] = 9; break;
	case 3: b->key.sport = 40001; break;
	case 4: b->key.dport = 444; break;
	case 5: b->key.version = 6; break;
	case 6: b->forward.packets++; break;
	case 7: b->forward.octets++; break;
	case 8: b->forward.tcp_flags = 0x04; break;
	case 9: b->reverse.packets++; break;
	case 10: b->reverse.octets++; break;
	case 11: b->reverse.tcp_flags = 0x04; break;
	case 12: b->start_ms += 3600000 * 25; break;
	case 13: b->end_ms++; break;
	case 14: b->window_ms++; break;
	case 15: b->aggregate = intern("campus"); break;
	case 16: b->host_name = 0; break;
	case 17: b->tunnel = 0; break;
	case 18: b->endpoint = 0; break;
	case 19: b->probe = intern("p2"); break;
	case 20: b->vlan = intern("7"); break;
	case 21: b->symptom_count = 2; break;
	case 22: b->symptom_count = 1; break;
	case 23: b->symptom_count = 0; break;
	case 24: b->reverse.packets = 0; break;
	default: return false;
	}
	return true;
}

/* What was decided for one biflow does not decide for one that differs in a thing that matters. */
static void memory(void **state)
{
	for (size_t i = 0; i < sizeof(true_of_it) / sizeof(true_of_it[0]); i++) {
		struct biflow b = sample(), other = sample();
		int code;
		struct ruleset *ruleset = compile(&true_of_it[i], 1, &code);

		assert_string_equal(rule_of(ruleset, &b), "rule0");
		for (unsigned number = 0; differ(number, &other); number++, other = sample())
			if (strcmp(rule_of(ruleset, &other), "rule0") !=
				strcmp(decide(&true_of_it[i], 1, &other), "rule0"))
				fail_msg("%s: biflow %u as the sample", true_of_it[i], number);
		assert_string_equal(rule_of(ruleset, &b), "rule0");
		ruleset_free(ruleset);
	}
}

static void failures(void **state)
{
	static const char *const when[] = {
		"CASE WHEN dport = 443 THEN net(src, 'nonsense') ELSE 0 END"};
	struct biflow b = sample(), good = sample();
	struct decision decision;
	int code;
	struct ruleset *ruleset = compile(when, 1, &code);

	assert_non_null(ruleset);
	good.key.dport = 80;
	assert_int_equal(ruleset_decide(ruleset, &b, &decision), -1);
	assert_string_equal(rule_of(ruleset, &good), "blind");
	assert_int_equal(ruleset_decide(ruleset, &b, &decision), -1);
	ruleset_free(ruleset);
}

static void refused(void **state)
{
	static const struct {
		const char *when;
		size_t offset;
		const char *why;
	} bad[] = {
		{"dnss > 0", 0, "no such column: dnss"},
		{"tls > 0 AND dnss > 0", 12, "no such column: dnss"},
		{"tls > 0 AND \"dnss\" > 0", 12, "no such column: dnss"},
		{"host_name = \"x\"", 12, "no such column: x"},
		{"tls >", 5, "syntax error"},
		{"", 0, "syntax error"},
		{"tls > 0 AND foo(tls)", 12, "no such function: foo"},
		{"tls THEN 1 WHEN 2", 4, "syntax error"},
		{"1) FROM biflow --", 0, "syntax error"},
		{"(SELECT 1)", 0, "subqueries"},
		{"EXISTS (SELECT 1 FROM biflow)", 0, "subqueries"},
		{"tls IN (SELECT 9)", 0, "subqueries"},
		{"dport IN sqlite_master", 0, ""},
		{"9 IN json_each", 0, ""},
		{"random() > 0", 0, "not authorized to use function: random"},
		{"datetime('now') > 0", 0, "not authorized to use function: datetime"},
		{"load_extension('x')", 0, "load_extension"},
		{"count(*) > 0", 0, "not authorized to use function: count"},
		{"max(tls) > 0", 0, "aggregate"},
		{"1, 2", 0, ""},
		{"1), (2", 0, "one expression"},
		{"tls > ?1", 0, "parameters"},
		{"net(src, '10.0.0.0/33')", 0, "is no prefix"},
		{"net(src, '10.0.0.1/8') AND tls", 0, "is no prefix"},
		{"net(src)", 0, "wrong number of arguments"},
		{"majority(tls)", 0, "at least two"},
	};
	struct namelist names = {0};
	struct policy policy = {0};
	struct row row;
	sqlite3 *db;

	namelist_add(&names, "tls");
	row_init(&row, &names, &policy);
	db = condition_open(&row);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char why[256] = "";
		size_t offset;

		if (condition_check(db, &row, bad[i].when, why, sizeof(why), &offset))
			fail_msg("accepted: %s", bad[i].when);
		if (!strstr(why, bad[i].why))
			fail_msg("%s: says '%s', not '%s'", bad[i].when, why, bad[i].why);
		if (bad[i].offset > offset || offset > strlen(bad[i].when) ||
			(bad[i].offset && offset > bad[i].offset))
			fail_msg("%s: offset %zu, not %zu (%s)", bad[i].when, offset, bad[i].offset,
				why);
	}
	sqlite3_close(db);
	row_free(&row);
	namelist_free(&names);
}

/* Which conditions may be skipped when no symptom they name was seen. */
static void gates(void **state)
{
	static const struct {
		const char *when;
		bool needs;
	} list[] = {
		{"tls", true},
		{"tls > 0 AND dport = 443", true},
		{"tls > 2 OR (dns AND proto = 17)", true},
		{"total(tls, dns) >= 4", true},
		{"majority(tls, dns)", true},
		{"tls * 5 >= packets AND tls", true},
		{"tls AND NOT dns", true},
		{"net(src, '10.0.0.0/8') AND tls", true},
		{"0", true},
		{"dport = 443", false},
		{"tls OR dport = 443", false},
		{"NOT tls", false},
		{"tls = 0", false},
		{"1", false},
		{"tls * 5 >= packets", false},
		{"total(tls, packets) > 3", false},
		{"majority(packets, tls)", false},
		{"coalesce(dport = 443, 0)", false},
		{"(dport = 443) IS TRUE", false},
		{"user IS NULL", false},
		{"tls AND vlan NOTNULL", false},
		{"iif(dport = 443, 1, 0)", false},
		{"typeof(dport) = 'integer'", false},
		{"CASE WHEN dport = 443 THEN 1 ELSE 0 END", false},
		{"hex(dport) <> ''", false},
		{"'abc'", false},
	};
	struct policy policy = {0};
	struct row row;
	sqlite3 *db;

	row_init(&row, &symbols, &policy);
	db = condition_open(&row);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (condition_needs_symptom(db, &row, list[i].when) != list[i].needs)
			fail_msg("%s: should %sneed a symptom", list[i].when,
				list[i].needs ? "" : "not ");
	sqlite3_close(db);
	row_free(&row);
}

static unsigned long long state_of_random = 1;

static unsigned below(unsigned limit)
{
	state_of_random = state_of_random * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(state_of_random >> 33) % limit;
}

/* A random condition of at most DEPTH levels. */
static void invent(char *out, size_t room, int depth)
{
	static const char *const leaves[] = {"tls", "dns > 0", "ftp = 0", "bittorrent >= 2",
		"dport = 443", "proto = 6", "packets > 5", "reverse_packets > 3", "vlan = '7'",
		"tls * 3 > packets", "total(tls, dns)", "total(ftp, sport)",
		"majority(tls, dns, ftp)", "host_name LIKE '%x%'", "net(src, '192.168.0.0/16')",
		"dport IN (80, 443, tls)", "max(tls, octets) > 900", "NULL",
		"dport BETWEEN dns AND 500", "length(host_name) > 3"};
	static const char *const joins[] = {"(%s) AND (%s)", "(%s) OR (%s)", "NOT (%s) AND %s",
		"(%s) = (%s)", "(%s) + (%s) > 1", "coalesce(%s, %s)", "(%s) IS NOT (%s)",
		"NOT ((%s) OR %s)"};
	char left[512], right[512];

	if (!depth || !below(4)) {
		snprintf(out, room, "%s", leaves[below(sizeof(leaves) / sizeof(leaves[0]))]);
		return;
	}
	invent(left, sizeof(left), depth - 1);
	invent(right, sizeof(right), depth - 1);
	snprintf(out, room, joins[below(sizeof(joins) / sizeof(joins[0]))], left, right);
}

static struct biflow invent_biflow(struct symptom_count *counts)
{
	static const char *const names[] = {"tls", "dns", "ftp", "bittorrent", "unknown_to_policy"};
	struct biflow b = sample();

	b.symptoms = counts;
	b.symptom_count = below(3);
	for (size_t i = 0; i < b.symptom_count; i++)
		counts[i] = (struct symptom_count){intern(names[below(5)]), below(4), below(2),
			below(2)};
	b.key.dport = below(2) ? 443 : 80;
	b.key.proto = below(2) ? 6 : 17;
	b.forward.packets = 1 + below(10);
	if (below(2))
		b.reverse = (struct direction){0};
	b.host_name = below(2) ? b.host_name : 0;
	b.vlan = below(2) ? intern("7") : 0;
	return b;
}

/* Skipping changes no verdict: each condition against itself inside a CASE, which is never skipped. */
static void skipping(void **state)
{
	struct symptom_count counts[64][3];
	struct biflow biflows[64];
	char when[20][4096], cases[20][4200];
	const char *plain[20], *cased[20];

	for (int i = 0; i < 64; i++)
		biflows[i] = invent_biflow(counts[i]);
	for (int round = 0; round < 30; round++) {
		int code;
		struct ruleset *a, *b;

		for (int i = 0; i < 20; i++) {
			char text[512];

			invent(text, sizeof(text), 3);
			snprintf(when[i], sizeof(when[i]), "(%s) AND %d", text, below(4) > 0);
			snprintf(cases[i], sizeof(cases[i]), "CASE WHEN %s THEN 1 ELSE 0 END",
				when[i]);
			plain[i] = when[i];
			cased[i] = cases[i];
		}
		a = compile(plain, 20, &code);
		b = compile(cased, 20, &code);
		assert_true(a && b);
		for (int i = 0; i < 2 * 64; i++) { /* the second time from memory */
			const char *x = rule_of(a, &biflows[i % 64]);
			const char *y = rule_of(b, &biflows[i % 64]);

			if (strcmp(x, y) != 0)
				fail_msg("round %d: %s, not %s", round, x, y);
		}
		ruleset_free(a);
		ruleset_free(b);
	}
}

static void unbalanced(void **state)
{
	static const char *const when[] = {"1) FROM biflow /*", "tls"};
	int code = MIRA_OK;

	assert_null(compile(when, 2, &code));
	assert_int_equal(code, MIRA_PERSON);
}

static void reserved_name(void **state)
{
	static const char *const when[] = {"packets > 0"};
	int code = MIRA_OK;
	struct ruleset *ruleset;

	/* last: symbols is changed for good */
	namelist_add(&symbols, "packets");
	namelist_sort(&symbols);
	ruleset = compile(when, 1, &code);
	assert_null(ruleset);
	assert_int_equal(code, MIRA_PERSON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns),
		cmocka_unit_test(reverse_not_observed),
		cmocka_unit_test(functions),
		cmocka_unit_test(order),
		cmocka_unit_test(stream),
		cmocka_unit_test(memory),
		cmocka_unit_test(failures),
		cmocka_unit_test(refused),
		cmocka_unit_test(gates),
		cmocka_unit_test(skipping),
		cmocka_unit_test(unbalanced),
		cmocka_unit_test(reserved_name),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
