/* The store's promises where a process is not needed: what a rollback leaves, numbers, names, rows. */
#include "tests/unit/tmp.h"
#include "tests/unit/stores.h"

#include "postproc/store/store_private.h"
#include "postproc/store/store_upstream.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/spool.h"

static int nowhere(void *own, const char *shard, uint64_t number)
{
	return 0;
}

static int on_its_way(void *own, const char *shard, uint64_t number)
{
	return number == *(uint64_t *)own;
}

static int is_on_its_way(void *own, const char *shard, uint64_t number)
{
	return 1;
}

static struct store *open_fresh(const char *name)
{
	int code;
	struct store *store = store_open(tmp_path(name), false, &code);

	assert_non_null(store);
	return store;
}

static struct biflow sample(uint64_t window, uint8_t host)
{
	struct biflow biflow = {.key = {.src = {10, 0, 0, 1},
					.dst = {10, 0, 0, host},
					.sport = 1,
					.dport = 2,
					.proto = 6,
					.version = 4},
		.window_ms = window,
		.start_ms = window,
		.end_ms = window};

	biflow.forward = (struct direction){3, 300, 0, 1};
	biflow.class = intern("WEB");
	biflow.verdict = intern("review");
	biflow.rule = intern("web");
	biflow.host_name = intern("a.example");
	return biflow;
}

static void begin(struct store *store, uint64_t number)
{
	char name[32];

	snprintf(name, sizeof(name), "%010d-shard-0", (int)number);
	assert_int_equal(store_begin(store, name, "shard-0", number, nowhere, NULL), STORE_LOAD);
}

/* Ids that were given out in a transaction that was rolled back must not be used again. */
static void rollback(void **state)
{
	struct store *store = open_fresh("rollback.db");
	struct biflow biflow = sample(0, 2), other = sample(0, 3);

	other.host_name = intern("b.example");
	other.rule = intern("other");
	begin(store, 1);
	assert_int_equal(store_add_biflow(store, &biflow), 0);
	store_rollback(store);
	begin(store, 1);
	assert_int_equal(store_add_biflow(store, &other), 0);
	assert_int_equal(store_add_biflow(store, &biflow), 0);
	assert_int_equal(store_commit(store), 0);
	store_close(store);
	assert_int_equal(
		value_of("rollback.db",
			"SELECT count(*) FROM biflow_text WHERE src = '10.0.0.1' AND"
			" (dst, host_name, rule) IN (VALUES('10.0.0.2', 'a.example', 'web'), ('10.0.0.3', 'b.example', 'other'))"),
		2);
	assert_int_equal(value_of("rollback.db", "SELECT sum(biflows) FROM class_total"), 2);
}

static void twice(void **state)
{
	struct store *store = open_fresh("twice.db");
	struct biflow biflow = sample(0, 2);

	begin(store, 1);
	assert_int_equal(store_add_biflow(store, &biflow), 0);
	assert_int_equal(store_add_biflow(store, &biflow), 0);
	assert_int_equal(store_keep(store), -2);
	assert_says(store_error(store), "stands in the store already");
	assert_int_equal(store_errno(store), 0);
	store_rollback(store);
	begin(store, 1);
	assert_int_equal(store_commit(store), 0);
	store_close(store);
	assert_int_equal(value_of("twice.db", "SELECT count(*) FROM biflow"), 0);
}

/* Batches that are kept are one step: all of them, or none. */
static void kept(void **state)
{
	struct store *store = open_fresh("kept.db");
	struct biflow first = sample(0, 2), second = sample(300000, 2);

	begin(store, 1);
	assert_int_equal(store_add_biflow(store, &first), 0);
	assert_int_equal(store_keep(store), 0);
	assert_int_equal(store_kept(store), 2);
	begin(store, 2);
	assert_int_equal(store_add_biflow(store, &second), 0);
	assert_int_equal(value_of("kept.db", "SELECT count(*) FROM batch"), 0);
	store_rollback(store);
	assert_int_equal(store_kept(store), 0);
	begin(store, 1);
	assert_int_equal(store_add_biflow(store, &first), 0);
	assert_int_equal(store_keep(store), 0);
	assert_int_equal(store_begin(store, "0000000001-shard-0", "shard-0", 1, nowhere, NULL),
		STORE_KNOWN);
	begin(store, 2);
	assert_int_equal(store_add_biflow(store, &second), 0);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(store_commit(store), 0); /* nothing is at hand */
	store_close(store);
	assert_int_equal(value_of("kept.db", "SELECT count(*) FROM batch"), 2);
	assert_int_equal(value_of("kept.db", "SELECT sum(biflows) FROM host_total WHERE address ="
					     " '10.0.0.2'"),
		2);
	assert_int_equal(value_of("kept.db", "SELECT count(*) = 1 AND sum(biflows) = 2 FROM"
					     " rollup_name"),
		1);
}

/* As SQLite does by itself when the disk fails: it must not look as if they were in the database. */
static void kept_and_lost(void **state)
{
	struct store *store = open_fresh("rolled.db");
	struct biflow first = sample(0, 2);

	begin(store, 1);
	assert_int_equal(store_add_biflow(store, &first), 0);
	assert_int_equal(store_keep(store), 0);
	assert_int_equal(sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_begin(store, "0000000002-shard-0", "shard-0", 2, nowhere, NULL),
		STORE_FAILED);
	assert_int_equal(store_commit(store), -1);
	assert_true(store_errno(store));
	store_rollback(store);
	begin(store, 1);
	assert_int_equal(store_add_biflow(store, &first), 0);
	assert_int_equal(store_commit(store), 0);
	store_close(store);
	assert_int_equal(value_of("rolled.db", "SELECT count(*) FROM biflow"), 1);
	assert_int_equal(value_of("rolled.db", "SELECT sum(biflows) FROM rollup_window"), 1);
}

/* A table that cannot be read may name the batch. */
static void an_unreadable_table(void **state)
{
	struct store *store = open_fresh("unreadable.db");

	begin(store, 1);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(sqlite3_exec(store->db, "ALTER TABLE batch RENAME TO elsewhere", NULL,
				 NULL, NULL),
		SQLITE_OK);
	assert_int_equal(store_begin(store, "0000000001-shard-0", "shard-0", 1, nowhere, NULL),
		STORE_FAILED);
	assert_says(store_error(store), "look for a batch");
	store_close(store);
}

static void numbers(void **state)
{
	struct store *store = open_fresh("numbers.db");
	uint64_t late = 1;

	assert_int_equal(store_begin(store, "b", "shard-0", 2, nowhere, NULL), STORE_GAP);
	assert_says(store_error(store), "number 1 of shard-0");
	assert_int_equal(store_begin(store, "b", "shard-0", 2, on_its_way, &late), STORE_LOAD);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(store_begin(store, "d", "shard-0", 4, on_its_way, &late), STORE_GAP);
	assert_says(store_error(store), "number 3 of shard-0");
	assert_int_equal(store_begin(store, "c", "shard-0", 3, on_its_way, &late), STORE_LOAD);
	assert_int_equal(store_commit(store), 0);
	/* Shards count on their own. */
	assert_int_equal(store_begin(store, "x", "shard-1", 1, nowhere, NULL), STORE_LOAD);
	assert_int_equal(store_commit(store), 0);
	begin(store, 1);
	assert_int_equal(store_commit(store), 0);
	begin(store, 4);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(store_begin(store, "b", "shard-0", 2, nowhere, NULL), STORE_KNOWN);
	store_close(store);
}

/* Nothing was under the number: it may come again. Something was: it may not. */
static void again(void **state)
{
	struct store *store = open_fresh("again.db");
	struct biflow biflow = sample(0, 2);

	begin(store, 1);
	assert_int_equal(store_reject(store, "unreadable"), 0);
	begin(store, 1); /* the same name, after a crash before it was moved to bad/ */
	assert_int_equal(store_reject(store, "unreadable"), 0);
	assert_int_equal(store_begin(store, "0000000001-shard-0+1", "shard-0", 1, nowhere, NULL),
		STORE_LOAD);
	assert_int_equal(store_add_biflow(store, &biflow), 0);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(store_begin(store, "0000000001-shard-0+2", "shard-0", 1, nowhere, NULL),
		STORE_CLASH);
	assert_says(store_error(store), "0000000001-shard-0+1");
	store_close(store);
	assert_int_equal(value_of("again.db", "SELECT count(*) FROM batch"), 1);
}

static void one_writer(void **state)
{
	struct store *store = open_fresh("lock.db");
	int code = MIRA_OK;

	tmp_log_begin();
	assert_null(store_open(tmp_path("lock.db"), false, &code));
	assert_says(tmp_log_end(), "another mira-store");
	assert_int_equal(code, MIRA_AGAIN);
	/* Reading opens and closes the file, which must not drop the lock. */
	assert_int_equal(value_of("lock.db", "SELECT count(*) FROM biflow"), 0);
	tmp_log_begin();
	assert_null(store_open(tmp_path("lock.db"), false, &code));
	tmp_log_end();
	begin(store, 1);
	assert_int_equal(store_commit(store), 0);
	store_close(store);
	store = store_open(tmp_path("lock.db"), false, &code);
	assert_non_null(store);
	store_close(store);
}

/* ---- the rows of a packets batch, one from each shard ---- */

/* A store of a spool with two shards. */
static struct store *open_two(const char *name)
{
	struct spool spool;
	struct config config;
	struct store *store = open_fresh(name);
	char root[64];

	snprintf(root, sizeof(root), "%s.spool", name);
	assert_int_equal(config_load(&config, ""), 0);
	config.shards = 2;
	assert_int_equal(spool_open(&spool, tmp_path(root), &config, false), 0);
	assert_int_equal(store_join(store, &spool), 0);
	config_free(&config);
	return store;
}

static struct ledger row_of(enum ledger_status status, uint64_t captured, uint64_t ip)
{
	struct ledger row = {.probe = "p", .stream = "s", .run = "r", .seq = 7, .status = status};

	row.counts.seen = row.counts.captured = captured;
	row.cumulative.seen = 1000;
	row.ip = ip;
	row.octets_ip = 100 * ip;
	return row;
}

/* Commit NUMBER of shard SHARD says ROW; earlier numbers are on their way. */
static void says(struct store *store, unsigned shard, uint64_t number, const struct ledger *row)
{
	char name[32], reader[SHARD_NAME];

	snprintf(name, sizeof(name), "%010d-shard-%u", (int)number, shard);
	assert_int_equal(store_begin(store, name, shard_name(shard, reader), number, is_on_its_way,
				 NULL),
		STORE_LOAD);
	assert_int_equal(store_add_ledger(store, row), 0);
	assert_int_equal(store_commit(store), 0);
}

static void parts_are_one_batch(void **state)
{
	struct store *store = open_two("parts.db");
	struct ledger one = row_of(LEDGER_ANALYSED, 10, 4), other = row_of(LEDGER_ANALYSED, 10, 3);

	one.not_ip = 2;
	one.malformed = 1;
	other.late = true;
	says(store, 1, 1, &other);
	assert_int_equal(value_of("parts.db", "SELECT count(*) FROM ledger"), 0);
	says(store, 0, 1, &one);
	assert_int_equal(
		value_of("parts.db",
			"SELECT count(*) FROM ledger WHERE status = 'analysed' AND late AND packets_seen = 10"
			" AND packets_captured = packets_ip + packets_not_ip + packets_malformed"
			" AND packets_ip = 7 AND octets_ip = 700 AND cumulative_seen = 1000"),
		1);
	store_close(store);
}

/* One shard lost its part: what the other analysed is not lost with it. */
static void a_part_is_lost(void **state)
{
	struct store *store = open_two("lost.db");
	struct ledger good = row_of(LEDGER_ANALYSED, 10, 4),
		      bad = row_of(LEDGER_QUARANTINED, 10, 0);

	says(store, 0, 1, &good);
	says(store, 1, 1, &bad);
	assert_int_equal(value_of("lost.db",
				 "SELECT status = 'quarantined' AND packets_ip = 4 FROM ledger"),
		1);
	store_close(store);
}

/* The latest commit of a shard has the say, in whatever order they are loaded, and for its own part only. */
static void the_last_commit_counts(void **state)
{
	struct store *store = open_two("last.db");
	struct ledger missing = row_of(LEDGER_MISSING, 10, 0),
		      found = row_of(LEDGER_ANALYSED, 10, 4);
	struct ledger withdrawn = row_of(LEDGER_QUARANTINED, 10, 0);

	says(store, 0, 2, &found);
	says(store, 0, 1, &missing);
	says(store, 1, 1, &found);
	assert_int_equal(value_of("last.db", "SELECT status = 'analysed' FROM ledger"), 1);
	says(store, 1, 5, &withdrawn);
	says(store, 1, 4, &found);
	assert_int_equal(value_of("last.db",
				 "SELECT status = 'quarantined' AND packets_ip = 4 FROM ledger"),
		1);
	store_close(store);
}

/* Their books may differ for a while: counts are those of one shard, so they add up. */
static void counts_of_one_shard(void **state)
{
	struct store *store = open_two("counts.db");
	struct ledger gap = row_of(LEDGER_MISSING, 25, 0), known = row_of(LEDGER_MISSING, 10, 0);

	says(store, 1, 1, &known);
	says(store, 0, 1, &gap);
	assert_int_equal(value_of("counts.db", "SELECT packets_captured FROM ledger"), 25);
	says(store, 0, 2, &known);
	says(store, 1, 2, &gap);
	assert_int_equal(value_of("counts.db", "SELECT packets_captured FROM ledger"), 10);
	store_close(store);
}

/* A process that died before the first commit of the schema leaves an empty file. */
static void empty_file(void **state)
{
	struct stat info;
	struct store *store;
	int code;

	tmp_write("empty.db", "");
	store = store_open(tmp_path("empty.db"), true, &code);
	assert_non_null(store);
	assert_int_equal(strlen(store_identity(store)), STORE_IDENTITY);
	store_close(store);
	store = open_fresh("mode.db");
	store_close(store);
	assert_int_equal(stat(tmp_path("mode.db"), &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
}

/* A name out of a file may be anything; the view stays JSON. */
static void odd_names(void **state)
{
	struct store *store = open_fresh("odd.db");
	struct symptom_count counts[] = {{intern("z\"\\\x01\xff"), 1, 0, 0}, {intern("a"), 2, 3, 0},
		{intern("a"), 0, 1, 7}, {intern("none"), 0, 0, 0}};
	struct biflow biflow = sample(0, 2);

	biflow.symptoms = counts;
	biflow.symptom_count = 4;
	biflow.start_ms = biflow.end_ms = 0;
	biflow.window_ms = 600000; /* a late one: before its window */
	begin(store, 1);
	assert_int_equal(store_add_biflow(store, &biflow), 0);
	assert_int_equal(store_commit(store), 0);
	store_close(store);
	assert_int_equal(value_of("odd.db",
				 "SELECT json_extract(symptoms, '$.a') FROM biflow_text"),
		6);
	assert_int_equal(value_of("odd.db",
				 "SELECT json_extract(carried_symptoms, '$.a') FROM biflow_text"),
		7);
	assert_int_equal(value_of("odd.db",
				 "SELECT count(*) FROM biflow_text, json_each(symptoms)"),
		2);
	assert_int_equal(
		value_of("odd.db",
			"SELECT start_ms = 0 AND end_ms = 0 AND window_ms = 600000 FROM biflow_text"),
		1);
}

/* More hosts than a table holds at first, IPv4 and IPv6 of the same bytes. */
static void many_hosts(void **state)
{
	struct store *store = open_fresh("hosts.db");

	begin(store, 1);
	for (int i = 0; i < 20000; i++) {
		struct biflow biflow = sample(0, 0);

		memcpy(biflow.key.dst, (uint8_t[]){(uint8_t)(i >> 8), (uint8_t)i, 1, 1}, 4);
		biflow.key.version = i % 2 ? 4 : 6;
		biflow.key.sport = (uint16_t)i;
		assert_int_equal(store_add_biflow(store, &biflow), 0);
	}
	assert_int_equal(store_commit(store), 0);
	store_close(store);
	assert_int_equal(value_of("hosts.db", "SELECT count(DISTINCT dst) FROM biflow_text"),
		20000);
	assert_int_equal(value_of("hosts.db", "SELECT count(*) FROM host"), 20002);
	assert_int_equal(
		value_of("hosts.db",
			"SELECT sum(received_octets) FROM host_total WHERE address <> '10.0.0.1'"
			" AND address <> 'a00:1::'"),
		6000000);
}

static void add_hosts(uint64_t number, const uint8_t *hosts, size_t count)
{
	struct store *store = open_fresh("known.db");

	begin(store, number);
	for (size_t i = 0; i < count; i++) {
		struct biflow biflow = sample(300000 * number, hosts[i]);

		assert_int_equal(store_add_biflow(store, &biflow), 0);
	}
	assert_int_equal(store_commit(store), 0);
	store_close(store);
}

/* What an earlier process brought in keeps its id, whatever is new beside it. */
static void hosts_known_before(void **state)
{
	add_hosts(1, (const uint8_t[]){7, 5}, 2);
	add_hosts(2, (const uint8_t[]){9, 7, 3, 5, 6}, 5);
	assert_int_equal(value_of("known.db", "SELECT count(*) FROM host"), 6);
	assert_int_equal(value_of("known.db",
				 "SELECT count(*) FROM biflow_text WHERE src = '10.0.0.1'"),
		7);
	assert_int_equal(
		value_of("known.db",
			"SELECT sum(biflows = iif(address IN ('10.0.0.5', '10.0.0.7'), 2, 1))"
			" FROM host_total WHERE address <> '10.0.0.1'"),
		5);
	assert_int_equal(value_of("known.db", "SELECT count(*) FROM biflow_text b JOIN host_total t"
					      " ON t.address = b.dst WHERE b.dst = '10.0.0.7'"),
		2);
}

static void talks_to_itself(void **state)
{
	struct store *store = open_fresh("self.db");
	struct biflow biflow = sample(0, 1);

	biflow.reverse = (struct direction){1, 50, 0, 1};
	begin(store, 1);
	assert_int_equal(store_add_biflow(store, &biflow), 0);
	assert_int_equal(store_commit(store), 0);
	store_close(store);
	assert_int_equal(
		value_of("self.db",
			"SELECT biflows = 1 AND sent_octets = 350 AND received_packets = 4 FROM host_total"),
		1);
}

static void batch_names(void **state)
{
	static const char *const bad[] = {"", "shard-0", "12-shard-0", "0000000012", "0000000012-",
		"0000000012-+1", "00000000000000000000000000000012-shard-0", "x0000000012-shard-0",
		"0000000012-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	char shard[NAME_PART_MAX + 1];
	uint64_t number;

	assert_true(store_batch_parse("0000000012-shard-0", &number, shard));
	assert_int_equal(number, 12);
	assert_string_equal(shard, "shard-0");
	assert_true(store_batch_parse("12345678901-shard-7+3", &number, shard));
	assert_true(number == 12345678901ull);
	assert_string_equal(shard, "shard-7");
	assert_true(store_batch_parse("0000000001-s~classify.host.1", &number, shard));
	assert_string_equal(shard, "s");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(store_batch_parse(bad[i], &number, shard));
}

/* Every place between consolidation and the store, and some that are not. */
static void upstream(void **state)
{
	static const struct {
		const char *folder;
		int found;
	} places[] = {
		{"biflows/classify/ready/0000000003-shard-0", 1},
		{"biflows/classify/ready/0000000003-shard-0+2", 1},
		{"biflows/classify/work/w1/0000000003-shard-0", 1},
		{"biflows/classify/done/0000000003-shard-0~w1.7", 1},
		{"verdicts/store/ready/0000000003-shard-0", 1},
		{"verdicts/store/work/w2/0000000003-shard-0", 1},
		{"state/shard-0/done/0000000009~w3.1", 1},
		{"biflows/classify/bad/0000000003-shard-0", 0},
		{"biflows/classify/ready/0000000003-shard-1", 0},
		{"biflows/classify/ready/0000000004-shard-0", 0},
		{"state/shard-1/done/0000000009~w3.1", 0},
		{"biflows/archive/ready/0000000003-shard-0", 0},
	};
	struct spool spool = {0};

	snprintf(spool.root, sizeof(spool.root), "%s", tmp_path("spool"));
	assert_int_equal(store_upstream(&spool, "shard-0", 3), 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char path[PATH_MAX];

		assert_int_equal(nfs_mkdir(spool_path(&spool, path, "%s", places[i].folder)), 0);
		if (store_upstream(&spool, "shard-0", 3) != places[i].found)
			fail_msg("%s", places[i].folder);
		tmp_remove(spool.root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rollback),
		cmocka_unit_test(twice),
		cmocka_unit_test(kept),
		cmocka_unit_test(kept_and_lost),
		cmocka_unit_test(an_unreadable_table),
		cmocka_unit_test(numbers),
		cmocka_unit_test(again),
		cmocka_unit_test(one_writer),
		cmocka_unit_test(parts_are_one_batch),
		cmocka_unit_test(a_part_is_lost),
		cmocka_unit_test(the_last_commit_counts),
		cmocka_unit_test(counts_of_one_shard),
		cmocka_unit_test(empty_file),
		cmocka_unit_test(odd_names),
		cmocka_unit_test(many_hosts),
		cmocka_unit_test(hosts_known_before),
		cmocka_unit_test(talks_to_itself),
		cmocka_unit_test(batch_names),
		cmocka_unit_test(upstream),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
