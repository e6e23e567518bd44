/* Retention beside a store that goes on loading, after a run that died, and what unsealing finds. */
#include "tests/unit/tmp.h"
#include "tests/unit/stores.h"

#include <time.h>

#include "postproc/privacy/privacy_key.h"
#include "postproc/privacy/privacy_unseal.h"
#include "postproc/store/retain.h"
#include "postproc/store/store.h"
#include "spool/intern.h"
#include "spool/log.h"

static struct config config;
static struct store *store;
static uint64_t number;

static int setup(void **state)
{
	return tmp_setup(state) || config_load(&config, "") ? -1 : 0;
}

static int teardown(void **state)
{
	config_free(&config);
	return tmp_teardown(state);
}

static int nowhere(void *own, const char *shard, uint64_t wanted)
{
	return 0;
}

static void open_fresh(const char *name)
{
	int code;

	store = store_open(tmp_path(name), false, &code);
	assert_non_null(store);
	number = 0;
}

/* A biflow from 10.0.0.1 to 10.0.0.HOST, which bears the name NAME, so many days ago. */
static void load(int days, uint8_t host, const char *name)
{
	uint64_t window = ((uint64_t)time(NULL) - (uint64_t)days * 86400) / 300 * 300000;
	struct biflow biflow =
		{.key = {.src = {10, 0, 0, 1}, .dst = {10, 0, 0, host}, .proto = 6, .version = 4},
			.window_ms = window,
			.start_ms = window,
			.end_ms = window};
	char batch[32];

	biflow.forward = (struct direction){3, 300, 0, 1};
	biflow.class = intern("WEB");
	biflow.verdict = intern("review");
	biflow.rule = intern("web");
	biflow.host_name = intern(name);
	biflow.tunnel = intern("ipip");
	biflow.endpoint = intern("192.0.2.1-192.0.2.2");
	snprintf(batch, sizeof(batch), "%010d-shard-0", (int)++number);
	assert_int_equal(store_begin(store, batch, "shard-0", number, nowhere, NULL), STORE_LOAD);
	assert_int_equal(store_add_biflow(store, &biflow), 0);
	assert_int_equal(store_commit(store), 0);
}

static void open_retain(struct retain *retain, const char *name)
{
	assert_int_equal(retain_open(retain, tmp_path(name), &config), MIRA_OK);
}

static void run_retain(const char *name)
{
	struct retain retain;

	open_retain(&retain, name);
	assert_int_equal(retain_run(&retain), MIRA_OK);
	retain_close(&retain);
}

#define HOST2 "SELECT count(*) FROM host WHERE address = '10.0.0.2'"
#define NAMELESS                                                                                   \
	"SELECT count(*) FROM biflow_text WHERE src IS NULL OR dst IS NULL OR host_name IS NULL"

static void a_store_loads_on(void **state)
{
	open_fresh("on.db");
	load(100, 2, "nas.local");
	load(1, 3, "www.example.org");
	assert_int_equal(value_of("on.db", HOST2), 1);
	run_retain("on.db");
	assert_int_equal(value_of("on.db", HOST2), 0);
	assert_int_equal(value_of("on.db", "SELECT count(*) FROM host WHERE address = '10.0.0.1'"),
		1);
	assert_int_equal(value_of("on.db", "SELECT count(*) FROM name WHERE name = 'nas.local'"),
		0);
	assert_int_equal(value_of("on.db", "SELECT count(*) FROM name WHERE name LIKE 'n-%'"), 1);
	load(0, 2, "nas.local"); /* the store remembered them */
	assert_int_equal(value_of("on.db", NAMELESS), 0);
	assert_int_equal(value_of("on.db", HOST2), 1);
	store_close(store);
}

/* What comes late is too old when it comes; the sums of its day have a place already. */
static void what_comes_late_goes_with_the_next_run(void **state)
{
	open_fresh("late.db");
	load(100, 2, "nas.local");
	run_retain("late.db");
	load(100, 2, "nas.local");
	assert_int_equal(value_of("late.db", NAMELESS), 0);
	run_retain("late.db");
	assert_int_equal(value_of("late.db", "SELECT count(*) FROM biflow"), 0);
	assert_int_equal(value_of("late.db", HOST2), 0);
	assert_int_equal(value_of("late.db", "SELECT max(biflows) FROM rollup_host"), 2);
	assert_int_equal(value_of("late.db", "SELECT sum(packets) FROM observed"), 6);
	store_close(store);
}

/* Traces of long ago are loaded while addresses are sealed: their biflows go, and the balance knows. */
static void what_comes_before_sealing_stays_balanced(void **state)
{
	struct retain retain;

	open_fresh("between.db");
	load(102, 2, "nas.local");
	run_retain("between.db");
	load(100, 3, "nas.local");
	open_retain(&retain, "between.db");
	assert_int_equal(retain_seal(&retain), 0);
	retain_close(&retain);
	assert_int_equal(value_of("between.db", "SELECT count(*) FROM biflow"), 0);
	assert_int_equal(value_of("between.db", "SELECT sum(packets) FROM observed"), 6);
	store_close(store);
}

static void a_run_that_died_is_made_up_for(void **state)
{
	struct retain retain;

	open_fresh("died.db");
	load(100, 2, "nas.local");
	open_retain(&retain, "died.db");
	assert_int_equal(retain_seal(&retain), 0);
	retain_close(&retain);
	assert_int_equal(value_of("died.db", HOST2), 1);
	open_retain(&retain, "died.db");
	assert_int_equal(retain_exec(&retain, "INSERT INTO meta VALUES('anew_host', 1)", 0), 0);
	retain_close(&retain);
	run_retain("died.db");
	assert_int_equal(value_of("died.db", HOST2), 0);
	assert_int_equal(value_of("died.db", "SELECT count(*) FROM meta WHERE key LIKE 'anew%'"),
		0);
	store_close(store);
}

/* ---- unsealing ---- */

static char told[1024];

static void tell(const char *asked, const char *period, const char *plain)
{
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s;", plain);
}

static const char *unseal(const char *db_name, const char *asked)
{
	struct unseal one = {.asked = asked};
	uint8_t master[PSEUDONYM_MASTER];
	char path[PATH_MAX];
	sqlite3 *db;

	told[0] = '\0';
	privacy_key_path(&config.privacy, tmp_path(db_name), path);
	assert_int_equal(privacy_key_read(path, true, master), 0);
	assert_int_equal(store_open_read(tmp_path(db_name), &db), MIRA_OK);
	assert_int_equal(privacy_unseal(db, config.privacy.rotate, master, &one, 1, tell), 0);
	sqlite3_close(db);
	return told;
}

static void what_is_shown_is_found_again(void **state)
{
	struct privacy *privacy;
	char host[PRIVACY_TEXT], prefix[PRIVACY_TEXT], *name;
	uint8_t bytes[16], out[16];

	open_fresh("unseal.db");
	load(100, 2, "nas.local");
	privacy = privacy_new(&config, tmp_path("unseal.db"));
	privacy_at(privacy, ((int64_t)time(NULL) - 100 * 86400) * 1000);
	privacy_host(privacy, "10.0.0.2", host);
	name = privacy_names(privacy, "nas.local");
	assert_true(privacy_address(privacy, privacy_parse("10.0.0.2", bytes), bytes, out));
	snprintf(prefix, sizeof(prefix), "%u.%u.%u.%u", out[0], out[1], out[2], out[3]);
	assert_string_equal(unseal("unseal.db", host), "10.0.0.2;");
	assert_string_equal(unseal("unseal.db", name), "nas.local;");
	assert_string_equal(unseal("unseal.db", prefix), "10.0.0.2;");
	run_retain("unseal.db");
	assert_string_equal(unseal("unseal.db", host), "10.0.0.2;");
	assert_string_equal(unseal("unseal.db", prefix), "10.0.0.2;");
	assert_string_equal(unseal("unseal.db", name), "");
	assert_string_equal(unseal("unseal.db", "h-0000000000"), "");
	free(name);
	privacy_free(privacy);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_loads_on),
		cmocka_unit_test(what_comes_late_goes_with_the_next_run),
		cmocka_unit_test(what_comes_before_sealing_stays_balanced),
		cmocka_unit_test(a_run_that_died_is_made_up_for),
		cmocka_unit_test(what_is_shown_is_found_again),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
