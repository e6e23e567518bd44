/* The report: numbers as people read them, parts that add up, and hostile names that stay text. */
#include "tests/unit/tmp.h"
#include "tests/unit/stores.h"

#include <locale.h>
#include <sqlite3.h>

#include "postproc/report/report.h"
#include "postproc/report/report_query.h"
#include "postproc/store/store.h"

static struct config config;
static const struct period whole = {PERIOD_ALL, INT64_MIN, INT64_MAX};

static int setup(void **state)
{
	int error = tmp_setup(state) || config_load(&config, "");

	config.privacy.level = PRIVACY_ADDRESS;
	return error ? -1 : 0;
}

static int teardown(void **state)
{
	config_free(&config);
	return tmp_teardown(state);
}

/* ---- stores in memory ---- */

static sqlite3 *empty_store(void)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	run(db, store_schema);
	return db;
}

/*
 * Two batches: one analysed (6 packets, 600 octets), one quarantined (4 packets); 10 more were
 * dropped.
 */
static sqlite3 *small_store(void)
{
	sqlite3 *db = empty_store();

	run(db, "INSERT INTO decision VALUES(1, 'WEB', 'acceptable', 'web'), (2, 'P2P',"
		" 'unacceptable', 'bittorrent'),"
		" (3, 'UNKNOWN', 'review', 'blind');"
		"INSERT INTO text VALUES(1, 'campus');"
		"INSERT INTO name VALUES(2, '</script><img src=x>');"
		"INSERT INTO path VALUES(3, 'p1', '', '', ''), (4, 'p1', '', 'gre', '192.0.2.1-192.0.2.2'),"
		" (5, 'p1', '', 'gre', '');"
		"INSERT INTO host(id, address) VALUES(1, '10.0.0.1'), (2, '10.0.0.2'), (3, '10.0.0.3');"
		"INSERT INTO biflow"
		" VALUES(0,1,2,6,1000,80,0,5,1,100,1,100,1,1,2,3,NULL,NULL,1,1,16),"
		" (0,1,3,6,1001,6881,0,5,3,300,NULL,NULL,2,NULL,NULL,4,NULL,NULL,1,NULL,18),"
		" (300000,2,3,17,1002,9,0,5,1,100,NULL,NULL,3,NULL,NULL,5,NULL,NULL,1,NULL,17);"
		"INSERT INTO rollup_window VALUES(0,1,1,2,200,0,0,0,0,2,200), (0,2,1,3,300,0,1,0,1,3,300),"
		" (300000,3,1,1,100,1,0,0,1,1,100);"
		"INSERT INTO rollup_hour VALUES(0,1,1,4,1,2,200), (0,2,0,4,1,3,300), (0,3,0,4,1,1,100);"
		"INSERT INTO rollup_name VALUES(0,2,1,1,2,200);"
		"INSERT INTO rollup_path VALUES(0,3,1,1,2,200), (0,4,2,1,3,300), (0,5,3,1,1,100);"
		"INSERT INTO rollup_host VALUES(0,1,1,1,1,100,1,100), (0,2,1,1,1,100,1,100),"
		" (0,1,2,1,3,300,0,0),"
		" (0,3,2,1,0,0,3,300), (0,2,3,1,1,100,0,0), (0,3,3,1,0,0,1,100);"
		"INSERT INTO ledger_part VALUES"
		" ('p1','all','r',0,'analysed',16,6,0,10,0,6,0,0,600,0,0,0,1000,2000,'cut at"
		" \x1b[31m byte 9',16,6,0,10,0,'shard-0',1,1),"
		" ('p1','all','r',1,'quarantined',4,4,0,0,0,0,0,0,0,0,1,0,2000,3000,NULL,20,10,0,10,0,'shard-0',1,1);");
	return db;
}

static json_t *gather_with(sqlite3 *db, const struct policy *policy)
{
	struct privacy *privacy = privacy_new(&config, tmp_path("mira.db"));
	struct report_sources sources = {.config = &config,
		.policy = policy,
		.period = &whole,
		.privacy = privacy};
	int code;
	json_t *report = report_gather(db, &sources, &code);

	privacy_free(privacy);
	assert_non_null(report);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return report;
}

static json_t *gather(sqlite3 *db)
{
	return gather_with(db, NULL);
}

static double sum_of(const json_t *report, const char *part, const char *key)
{
	const json_t *rows = json_object_get(report, part), *row;
	double sum = 0;

	assert_true(json_is_array(rows));
	for (size_t i = 0; (row = json_array_get(rows, i)); i++)
		sum += json_number(row, key);
	return sum;
}

static const json_t *find(const json_t *report, const char *part, const char *key,
	const char *value)
{
	const json_t *rows = json_object_get(report, part), *row;

	for (size_t i = 0; (row = json_array_get(rows, i)); i++)
		if (!strcmp(json_string_at(row, key), value))
			return row;
	fail_msg("no %s with %s %s", part, key, value);
	return NULL;
}

static char *printed(const json_t *report)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	report_print(report, out);
	fclose(out);
	return text;
}

/* ---- numbers ---- */

static void sizes(void **state)
{
	char out[32];

	assert_string_equal(report_size(0, out), "0 B");
	assert_string_equal(report_size(999, out), "999 B");
	assert_string_equal(report_size(1000, out), "1.0 kB");
	assert_string_equal(report_size(99949, out), "99.9 kB");
	assert_string_equal(report_size(99950, out), "100 kB");
	assert_string_equal(report_size(999499, out), "999 kB");
	assert_string_equal(report_size(999500, out), "1.0 MB");
	assert_string_equal(report_size(1.5e15, out), "1.5 PB");
	assert_string_equal(report_size(1e18, out), "1000 PB");
}

static void counts(void **state)
{
	char out[32];

	assert_string_equal(report_count(0, out), "0");
	assert_string_equal(report_count(999, out), "999");
	assert_string_equal(report_count(1000, out), "1,000");
	assert_string_equal(report_count(-123456, out), "-123,456");
	assert_string_equal(report_count(INT64_MAX, out), "9,223,372,036,854,775,807");
}

static void shares_are_never_rounded_to_all_or_nothing(void **state)
{
	char out[32];

	assert_string_equal(report_share(0, out), "0 %");
	assert_string_equal(report_share(1, out), "100 %");
	assert_string_equal(report_share(1e-9, out), "<0.1 %");
	assert_string_equal(report_share(1 - 1e-9, out), ">99.9 %");
	assert_string_equal(report_share(0.9994, out), "99.9 %");
	assert_string_equal(report_share(0.123, out), "12.3 %");
}

/* ---- the object ---- */

static void parts_add_up(void **state)
{
	static const char *const parts[] = {"verdicts", "classes", "rules", "aggregates", "hours",
		"windows"};
	json_t *report = gather(small_store());

	assert_int_equal(json_number(json_object_get(report, "total"), "octets"), 600);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_int_equal(sum_of(report, parts[i], "octets"), 600);
	assert_int_equal(sum_of(report, "hosts", "octets"), 1200);
	assert_int_equal(sum_of(report, "tunnels", "octets"), 400);
	assert_int_equal(sum_of(report, "tunnels", "packets"), 4);
	assert_int_equal(json_number(find(report, "tunnels", "endpoints", "192.0.2.1-192.0.2.2"),
				 "octets"),
		300);
	assert_int_equal(json_number(json_object_get(report, "tunnels_others"), "tunnels"), 0);
	assert_int_equal(json_number(find(report, "hosts", "address", "10.0.0.3"),
				 "unacceptable_octets"),
		300);
	assert_string_equal(json_string_at(find(report, "hosts", "address", "10.0.0.3"),
				    "main_class"),
		"P2P");
	assert_int_equal(json_number(report, "from_ms"), 1000);
	assert_int_equal(json_number(report, "to_ms"), 3000);
	json_decref(report);
}

/* What is shown of hosts is a matter of the level; what they sum up to is not. */
static void levels(void **state)
{
	json_t *report;
	char *text;

	config.privacy.level = PRIVACY_PSEUDONYM;
	report = gather(small_store());
	text = json_dumps(report, 0);
	assert_null(strstr(text, "10.0.0."));
	assert_null(strstr(text, "192.0.2."));
	assert_memory_equal(json_string_at(json_array_get(json_object_get(report, "hosts"), 0),
				    "address"),
		"h-", 2);
	free(text);
	json_decref(report);

	config.privacy.level = PRIVACY_GROUP;
	report = gather(small_store());
	config.privacy.level = PRIVACY_ADDRESS;
	assert_int_equal(json_array_size(json_object_get(report, "hosts")), 0);
	assert_int_equal(json_number(json_object_get(report, "hosts_others"), "hosts"), 3);
	assert_int_equal(json_number(json_object_get(report, "hosts_others"), "octets"), 1200);
	assert_int_equal(json_array_size(json_object_get(report, "names")), 0);
	assert_int_equal(json_number(json_object_get(report, "names_others"), "octets"), 200);
	assert_int_equal(json_number(json_object_get(report, "tunnels_others"), "tunnels"), 1);
	find(report, "aggregates", "aggregate", "small groups");
	assert_int_equal(sum_of(report, "aggregates", "octets"), 600);
	json_decref(report);
}

/* What is beyond the top is the others', to the octet. */
static void others(void **state)
{
	uint32_t top = config.top_hosts;
	json_t *report;

	config.top_hosts = 1;
	report = gather(small_store());
	config.top_hosts = top;
	assert_int_equal(json_array_size(json_object_get(report, "hosts")), 1);
	assert_int_equal(json_number(json_object_get(report, "hosts_others"), "hosts"), 2);
	assert_int_equal(sum_of(report, "hosts", "octets") +
				 json_number(json_object_get(report, "hosts_others"), "octets"),
		1200);
	assert_int_equal(sum_of(report, "tunnels", "octets"), 300);
	assert_int_equal(json_number(json_object_get(report, "tunnels_others"), "tunnels"), 1);
	assert_int_equal(json_number(json_object_get(report, "tunnels_others"), "octets"), 100);
	json_decref(report);
}

static void coverage_counts_what_was_lost(void **state)
{
	json_t *report = gather(small_store());
	const json_t *coverage = json_object_get(report, "coverage"),
		     *verdict = find(report, "verdicts", "verdict", "unacceptable");

	assert_int_equal(json_number(coverage, "packets_analysed"), 6);
	assert_int_equal(json_number(coverage, "packets_unanalysed"), 14);
	assert_int_equal(json_number(coverage, "packets_quarantined"), 4);
	assert_int_equal(json_number(coverage, "one_way_biflows"), 2);
	assert_int_equal(json_number(coverage, "incomplete_windows"), 1);
	assert_int_equal(json_number(coverage, "late_biflows"), 1);
	assert_float_equal(json_real_value(json_object_get(coverage, "share_analysed")), 0.3, 1e-9);
	assert_float_equal(json_real_value(json_object_get(coverage, "share_blind_octets")),
		1 / 6.0, 1e-9);
	assert_says(json_string_at(coverage, "statement"),
		"30.0 % of the packets seen were analysed");
	assert_says(json_string_at(coverage, "statement"), "1 input is damaged");
	/* 3 of 6 packets analysed; 14 could have been anything. */
	assert_float_equal(json_real_value(json_object_get(verdict, "share_packets_low")), 3 / 20.0,
		1e-9);
	assert_float_equal(json_real_value(json_object_get(verdict, "share_packets_high")),
		17 / 20.0, 1e-9);
	json_decref(report);
}

static bool holds(const json_t *report, const char *says)
{
	return json_is_true(json_object_get(find(report, "balance", "says", says), "holds"));
}

static void balance_sees_a_lost_packet(void **state)
{
	sqlite3 *db = small_store();
	json_t *report = gather(db);
	char *text;

	assert_true(holds(report, "IP packets of the ledger = packets of the biflows"));
	json_decref(report);
	db = small_store();
	run(db, "UPDATE rollup_window SET packets = packets - 1 WHERE decision = 1; UPDATE ledger_part SET"
		" packets_seen = 17 WHERE seq = 0;");
	report = gather(db);
	assert_false(holds(report, "IP packets of the ledger = packets of the biflows"));
	assert_false(holds(report, "seen = captured + filtered + dropped + shed, in every batch"));
	text = printed(report);
	assert_says(text,
		"balance DOES NOT HOLD: IP packets of the ledger = packets of the biflows: 6, not"
		" 5");
	free(text);
	json_decref(report);
}

static void rules_say_how(void **state)
{
	struct policy policy;
	const char *path = tmp_write("policy.conf",
		"version = \"2026-03\"; fast = ( { name = \"web\"; class = \"WEB\"; verdict = \"acceptable\"; ports = ["
		" \"tcp/80\" ]; } );\n"
		"classes = ( { name = \"bittorrent\"; class = \"P2P\"; verdict ="
		" \"unacceptable\"; say = \"Fichiers partag\xe9s\";"
		" when = \"bt > 0\"; } );\n");
	json_t *report;

	assert_int_equal(policy_load(&policy, path), 0);
	report = gather_with(small_store(), &policy);
	assert_string_equal(json_string_at(json_object_get(report, "policy"), "version"),
		"2026-03");
	assert_string_equal(json_string_at(find(report, "rules", "rule", "bittorrent"), "when"),
		"bt > 0");
	assert_string_equal(json_string_at(find(report, "rules", "rule", "bittorrent"), "say"),
		"Fichiers partag?s");
	assert_string_equal(json_string_at(find(report, "rules", "rule", "web"), "source"),
		"fast list");
	assert_string_equal(json_string_at(find(report, "rules", "rule", "blind"), "source"),
		"built in");
	json_decref(report);
	report = gather(small_store());
	assert_string_equal(json_string_at(find(report, "rules", "rule", "bittorrent"), "source"),
		"unknown");
	json_decref(report);
	policy_free(&policy);
}

static void nothing_seen(void **state)
{
	json_t *report = gather(empty_store());
	char *text = printed(report), *page;
	size_t size;

	assert_true(json_is_null(json_object_get(report, "from_ms")));
	assert_true(json_is_null(
		json_object_get(json_object_get(report, "coverage"), "share_analysed")));
	assert_int_equal(json_array_size(json_object_get(report, "verdicts")), 3);
	assert_says(text, "No packet was seen");
	page = report_page(report, &size);
	assert_int_equal(strlen(page), size);
	free(page);
	free(text);
	json_decref(report);
}

static void unreadable_store(void **state)
{
	struct privacy *privacy;
	sqlite3 *db = empty_store();
	int code;

	run(db, "DROP TABLE rollup_window");
	privacy = privacy_new(&config, tmp_path("mira.db"));
	tmp_log_begin();
	assert_null(report_gather(db,
		&(struct report_sources){.config = &config, .period = &whole, .privacy = privacy},
		&code));
	assert_says(tmp_log_end(), "no such table: rollup_window");
	assert_int_equal(code, MIRA_PERSON);
	privacy_free(privacy);
	sqlite3_close(db);
}

/* ---- text and page ---- */

static void text_is_short_and_steers_nothing(void **state)
{
	sqlite3 *db = small_store();
	json_t *report;
	size_t lines = 0;
	char *text;

	run(db, "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
		" INSERT INTO ledger_part SELECT 'p1',"
		" 'stream' || char(0x9b) || i, 'r', i, 'missing',"
		" 0,0,0,0,0,0,0,0,0,0,0,0,NULL,NULL,'d' || i,20,10,0,10,0,'shard-0',1,1 FROM n");
	report = gather(db);
	text = printed(report);
	assert_says(text, "Coverage: 30.0 %");
	assert_says(text, "cut at ?[31m byte 9");
	assert_says(text, "more, see report.json");
	for (const char *byte = text; *byte; byte++) {
		assert_true((*byte >= ' ' && *byte < 0x7f) || *byte == '\n');
		lines += *byte == '\n';
	}
	assert_in_range(lines, 20, 60);
	free(text);
	json_decref(report);
}

static void text_in_utf8(void **state)
{
	json_t *report;
	char *text;

	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		print_message("# not looked at: there is no locale C.UTF-8\n");
		return; /* not skip(): its "not ok # SKIP" is a failure to prove */
	}
	report = gather(small_store());
	text = printed(report);
	assert_says(text, "█");
	assert_null(strchr(text, '\x1b'));
	setlocale(LC_CTYPE, "C");
	free(text);
	json_decref(report);
}

static size_t occurrences(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

static void page_is_complete_and_inert(void **state)
{
	json_t *report = gather(small_store()), *inside;
	size_t size;
	char *page = report_page(report, &size), *data = strstr(page, "id=\"report\">"), *end;

	assert_null(strstr(page, "@@"));
	assert_null(strstr(page, "<img"));
	assert_int_equal(occurrences(page, "</script>"), 6);
	assert_int_equal(occurrences(page, "'sha256-"), 6);
	assert_non_null(data);
	data += strlen("id=\"report\">");
	end = strstr(data, "</script>");
	inside = json_loadb(data, (size_t)(end - data), 0, NULL);
	assert_true(json_equal(inside, report));
	json_decref(inside);
	json_decref(report);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(counts),
		cmocka_unit_test(shares_are_never_rounded_to_all_or_nothing),
		cmocka_unit_test(parts_add_up),
		cmocka_unit_test(levels),
		cmocka_unit_test(others),
		cmocka_unit_test(coverage_counts_what_was_lost),
		cmocka_unit_test(balance_sees_a_lost_packet),
		cmocka_unit_test(rules_say_how),
		cmocka_unit_test(nothing_seen),
		cmocka_unit_test(unreadable_store),
		cmocka_unit_test(text_is_short_and_steers_nothing),
		cmocka_unit_test(text_in_utf8),
		cmocka_unit_test(page_is_complete_and_inert),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
