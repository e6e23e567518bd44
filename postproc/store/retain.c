/*
 * retain.c: removes from mira.db what is past its days, one window or day a transaction, and leaves
 * nothing of it to be read. After the store, beside the reports.
 */
#include "postproc/store/retain.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "postproc/store/store.h"
#include "spool/log.h"

#define BUSY_MS	 60000
#define PAUSE_MS 100 /* the longest that a writer who waits sleeps between two tries */

int retain_exec(struct retain *retain, const char *sql, int64_t value)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(retain->db, sql, -1, &statement, NULL);

	if (code == SQLITE_OK) {
		if (sqlite3_bind_parameter_count(statement))
			sqlite3_bind_int64(statement, 1, value);
		while ((code = sqlite3_step(statement)) == SQLITE_ROW)
			;
	}
	return sqlite3_finalize(statement) == SQLITE_OK && code == SQLITE_DONE ? 0 : -1;
}

int64_t retain_limit(const struct retain *retain, uint32_t days)
{
	int64_t limit = retain->now_ms - (int64_t)days * STORE_DAY_MS;

	return days ? limit - limit % STORE_DAY_MS : INT64_MIN;
}

/* The loader gets its turn. */
void retain_pause(void)
{
	sqlite3_sleep(PAUSE_MS);
}

/* ---- what is past its days ---- */

/* `mira balance` takes what came before from the sums. */
const char retain_biflows_from_sql[] =
	"INSERT INTO meta VALUES('biflows_from_ms', ?1) ON CONFLICT DO UPDATE SET value ="
	" max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))";

#define RULE(table, time, note, also, step_ms, kept, count)                                        \
	{                                                                                          \
		"SELECT min(" time ") FROM " table, note, also,                                    \
			"DELETE FROM " table " WHERE " time " < ?1", step_ms,                      \
			offsetof(struct config_privacy, keep_##kept##_days),                       \
			offsetof(struct retain, count)                                             \
	}
#define RETIRED(sum)                                                                               \
	"INSERT INTO meta SELECT 'retired_" sum "', coalesce(sum(" sum "), 0) FROM rollup_window"  \
	" WHERE window_ms < ?1 ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) +"         \
	" excluded.value"

/* Rows of a table: the first of them, how much goes at once, what is noted before, and the removal. */
static const struct rule {
	const char *first, *note, *also, *remove;
	int64_t step_ms;
	size_t days;  /* in struct config_privacy */
	size_t count; /* in struct retain */
} rules[] = {
	RULE("biflow", "window_ms", retain_biflows_from_sql, NULL, 1, biflows, biflows),
	RULE("rollup_host", "day_ms", NULL, NULL, STORE_DAY_MS, hosts, removed),
	RULE("rollup_name", "day_ms", NULL, NULL, STORE_DAY_MS, hosts, removed),
	RULE("rollup_path", "day_ms", NULL, NULL, STORE_DAY_MS, hosts, removed),
	RULE("rollup_window", "window_ms", RETIRED("packets"), RETIRED("octets"), STORE_DAY_MS,
		totals, removed),
	RULE("rollup_hour", "hour_ms", NULL, NULL, STORE_DAY_MS, totals, removed),
	RULE("rollup_symptom", "day_ms", NULL, NULL, STORE_DAY_MS, totals, removed),
};

/* INT64_MAX: the table is empty. */
static int first_time(struct retain *retain, const char *sql, int64_t *first)
{
	sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(retain->db, sql, -1, &row, NULL);

	*first = INT64_MAX;
	if (code == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW &&
		sqlite3_column_type(row, 0) != SQLITE_NULL)
		*first = sqlite3_column_int64(row, 0);
	return sqlite3_finalize(row) == SQLITE_OK && code == SQLITE_OK ? 0 : -1;
}

static int remove_until(struct retain *retain, const struct rule *rule, int64_t until)
{
	uint64_t *count = (uint64_t *)((char *)retain + rule->count);

	if (retain_exec(retain, "BEGIN IMMEDIATE", 0) ||
		(rule->note && retain_exec(retain, rule->note, until)) ||
		(rule->also && retain_exec(retain, rule->also, until)) ||
		retain_exec(retain, rule->remove, until))
		return -1;
	*count += (uint64_t)sqlite3_changes64(retain->db);
	return retain_exec(retain, "COMMIT", 0);
}

static int apply(struct retain *retain, const struct rule *rule)
{
	uint32_t days = *(const uint32_t *)((const char *)retain->settings + rule->days);
	int64_t limit = retain_limit(retain, days), first;

	for (;;) {
		if (first_time(retain, rule->first, &first))
			return -1;
		if (first >= limit)
			return 0;
		first -= first % rule->step_ms;
		if (remove_until(retain, rule, first + rule->step_ms))
			return -1;
		retain_pause();
	}
}

/* ---- the database ---- */

/* What names hosts stays in memory. */
static const char set_up_sql[] =
	"PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON; PRAGMA cache_size = -65536;"
	"CREATE TEMP TABLE plain(id INTEGER PRIMARY KEY, text TEXT);"
	"CREATE TEMP TABLE gone(id INTEGER PRIMARY KEY);";

int retain_open(struct retain *retain, const char *path, const struct config *config)
{
	int code = store_open_read(path, &retain->db); /* says what is wrong with it */

	*retain = (struct retain){.path = path,
		.db = retain->db,
		.settings = &config->privacy,
		.config = *config,
		.now_ms = (int64_t)time(NULL) * 1000};
	if (code)
		return code;
	sqlite3_close(retain->db);
	if (sqlite3_open_v2(path, &retain->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
		sqlite3_busy_timeout(retain->db, BUSY_MS) != SQLITE_OK ||
		sqlite3_exec(retain->db, set_up_sql, NULL, NULL, NULL) != SQLITE_OK) {
		log_err("cannot write to the store %s: %s", path, sqlite3_errmsg(retain->db));
		code = store_exit(sqlite3_errcode(retain->db));
		sqlite3_close(retain->db);
		return code;
	}
	return MIRA_OK;
}

static int fold_once(struct retain *retain)
{
	return sqlite3_wal_checkpoint_v2(retain->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

/*
 * In WAL mode the journal holds what was removed until it is folded into the file. SQLite waits for
 * readers, but not for another program that folds just then, as mira-store does.
 */
static int fold_journal(struct retain *retain)
{
	time_t end = time(NULL) + BUSY_MS / 1000;
	int code = fold_once(retain);

	while (code == SQLITE_BUSY && time(NULL) < end) {
		retain_pause();
		code = fold_once(retain);
	}
	if (code == SQLITE_OK)
		return MIRA_OK;
	log_warn("what was removed from %s is still in its journal (%s); run mira-retain again",
		retain->path, sqlite3_errstr(code));
	return MIRA_AGAIN;
}

static int failed(struct retain *retain)
{
	int code = store_exit(sqlite3_errcode(retain->db));

	log_err("cannot remove from the store %s: %s; %s", retain->path, sqlite3_errmsg(retain->db),
		code == MIRA_AGAIN ? "run mira-retain again"
				   : "mira-store --check tells whether it is sound");
	return code;
}

int retain_run(struct retain *retain)
{
	int sealed;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (apply(retain, &rules[i]))
			return failed(retain);
	sealed = retain_seal(retain);
	if (sealed == -1 || retain_forget(retain))
		return failed(retain);
	return sealed ? MIRA_PERSON : fold_journal(retain);
}

void retain_close(struct retain *retain)
{
	sqlite3_close(retain->db);
	privacy_free(retain->privacy);
}
