/*
 * store_open.c: the database of one line, opened by one writer: its lock, its tables, its identity, and the spool it belongs to.
 */
#include "postproc/store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "postproc/store/store_row.h"
#include "spool/fault.h"
#include "spool/log.h"

#define BUSY_MS 60000
/* Of the lock against a second writer: a byte that SQLite, which locks from 0x40000000 on, never touches. */
#define LOCK_BYTE 0x3fffffff

static const char *const sql_of[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[BATCH_KNOWN] = "SELECT rejected IS NULL FROM batch WHERE name = ?1",
	[BATCH_OF_NUMBER] =
		"SELECT name, biflows + ledger_rows > 0 FROM batch WHERE shard = ?1 AND number = ?2",
	[BATCH_NUMBERS] = "SELECT count(*), coalesce(max(number), 0) FROM batch WHERE shard = ?1",
	[BATCH_LIST] = "SELECT number FROM batch WHERE shard = ?1 AND number < ?2 ORDER BY number",
	[BATCH_PUT] = "INSERT OR REPLACE INTO batch VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[LEDGER_PUT] = store_row_ledger_sql,
	/* OR FAIL: whoever fails gives the whole transaction up, so SQLite need not keep what this one statement changed. */
	[BIFLOW_PUT] = "INSERT OR FAIL INTO biflow SELECT * FROM new_biflow",
	[META_GET] = "SELECT value FROM meta WHERE key = ?1",
	[META_PUT] = "INSERT OR REPLACE INTO meta VALUES(?1, ?2)",
	[DATA_VERSION] = "PRAGMA data_version",
};

static int prepare(struct store *store)
{
	store->feed = store_row_feed_new(store->db);
	if (!store->feed)
		return -1;
	for (int i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(store->db, sql_of[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &store->statements[i], NULL) != SQLITE_OK)
			return -1;
	store->names = store_names_new(store->db);
	store->rollup = store_rollup_new(store->db);
	return store->names && store->rollup ? 0 : -1;
}

static int exec(struct store *store, const char *sql)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

/* meta: VALUE gets SIZE bytes, "" when the key is absent. */
static int meta_get(struct store *store, const char *key, char *value, size_t size)
{
	sqlite3_stmt *get = store->statements[META_GET];
	int code;

	*value = '\0';
	store_bind_text(store, META_GET, 1, key);
	code = sqlite3_step(get);
	if (code == SQLITE_ROW && sqlite3_column_text(get, 0))
		snprintf(value, size, "%s", sqlite3_column_text(get, 0));
	sqlite3_reset(get);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}

static int meta_put(struct store *store, const char *key, const char *value)
{
	store_bind_text(store, META_PUT, 1, key);
	store_bind_text(store, META_PUT, 2, value);
	return store_run(store, META_PUT);
}

/* ---- opening ---- */

/* 0600 from its first byte on: the file holds who talked to whom. */
static int lock_file(struct store *store)
{
	struct flock lock = {.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCK_BYTE,
		.l_len = 1};

	store->lock = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock < 0) {
		log_err("cannot open the store %s: %m; make its folder, or name another file with --db",
			store->path);
		return errno == EISDIR || errno == ENOENT || errno == ENOTDIR ? MIRA_PERSON
									      : MIRA_AGAIN;
	}
	/* Of the open file, not of the process: SQLite closing the file must not drop it. */
	if (fcntl(store->lock, F_OFD_SETLK, &lock) == 0)
		return MIRA_OK;
	if (errno == EAGAIN || errno == EACCES)
		log_err("another mira-store loads into %s; wait for it to end, or stop it",
			store->path);
	else
		log_err("cannot lock the store %s: %m", store->path);
	return MIRA_AGAIN;
}

static bool is_remote(const char *path)
{
	struct statfs info;

	return statfs(path, &info) == 0 &&
	       (info.f_type == NFS_SUPER_MAGIC || info.f_type == SMB_SUPER_MAGIC ||
		       info.f_type == CIFS_SUPER_MAGIC || info.f_type == SMB2_SUPER_MAGIC);
}

static const char *journal_of(const struct store *store)
{
	if (!is_remote(store->path))
		return "PRAGMA journal_mode = WAL";
	log_warn(
		"the store %s is on a network file system: readers and mira-store block each other, and a host that dies"
		" may leave a lock; a local disk is the place for it",
		store->path);
	return "PRAGMA journal_mode = DELETE";
}

static int number_of(struct store *store, const char *sql, sqlite3_int64 *value)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);

	if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
		*value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return sqlite3_errcode(store->db) == SQLITE_OK ||
			       sqlite3_errcode(store->db) == SQLITE_ROW ||
			       sqlite3_errcode(store->db) == SQLITE_DONE
		       ? 0
		       : -1;
}

static void new_identity(char *identity)
{
	unsigned char bytes[STORE_IDENTITY / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		die(MIRA_AGAIN, "cannot get random bytes: %m");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(identity + 2 * i, 3, "%02x", bytes[i]);
}

static void now_text(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

/* All or nothing: a process that dies here leaves an empty file, which is begun again. */
static int make_schema(struct store *store)
{
	char identity[STORE_IDENTITY + 1], created[32], *sql;
	int code;

	new_identity(identity);
	now_text(created, sizeof(created));
	/* Measured: pages of 16 KiB instead of 4 save a fifth of the time of loading. */
	sql = x_sprintf(
		"PRAGMA page_size = 16384; BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d;"
		" INSERT INTO meta VALUES('format', '%d'), ('identity', '%s'), ('created', '%s'); COMMIT;",
		store_schema, STORE_APP_ID, STORE_FORMAT, STORE_FORMAT, identity, created);
	code = exec(store, sql);
	free(sql);
	return code;
}

/* Is it ours, of this format, or empty? An exit code. */
static int check_format(struct store *store)
{
	sqlite3_int64 application = 0, format = 0, tables = 0;

	if (number_of(store, "PRAGMA application_id", &application) ||
		number_of(store, "PRAGMA user_version", &format) ||
		number_of(store, "SELECT count(*) FROM sqlite_schema", &tables)) {
		store_fail(store, "read");
		log_err("%s%s", store->error,
			store->error_number ? "" : "; it is damaged or no database: move it away");
		return store->error_number ? MIRA_AGAIN : MIRA_PERSON;
	}
	if (!tables && !application && make_schema(store)) {
		store_fail(store, "make the tables");
		log_err("%s", store->error);
		return MIRA_AGAIN;
	}
	if (!tables && !application)
		return MIRA_OK;
	if (application == STORE_APP_ID && format == STORE_FORMAT)
		return MIRA_OK;
	store_refuse(store->path, application == STORE_APP_ID ? format : 0);
	return MIRA_PERSON;
}

static int set_up(struct store *store)
{
	if (sqlite3_open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		    NULL) != SQLITE_OK) {
		log_err("cannot open the store %s: %s", store->path, sqlite3_errmsg(store->db));
		return MIRA_AGAIN;
	}
	sqlite3_busy_timeout(store->db, BUSY_MS);
	/* Constraints and views are ours; nothing in a file from elsewhere may run functions of its own choice. */
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return check_format(store);
}

static int open_all(struct store *store, bool durable)
{
	int code = lock_file(store);

	if (!code)
		code = set_up(store);
	if (code)
		return code;
	if (exec(store, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF") ||
		exec(store, "PRAGMA cache_size = -262144; PRAGMA secure_delete = OFF") ||
		exec(store, journal_of(store)) || exec(store, "PRAGMA wal_autocheckpoint = 4096") ||
		prepare(store) ||
		meta_get(store, "identity", store->identity, sizeof(store->identity)) ||
		!*store->identity) {
		store_fail(store, "set up the tables");
		log_err("%s", store->error);
		return store->error_number ? MIRA_AGAIN : MIRA_PERSON;
	}
	return MIRA_OK;
}

/* One thread uses it, and nobody asks how much memory it has: without this each of its allocations takes a lock. Refused, at no
 * harm, when SQLite is in use already. */
static void configure_sqlite(void)
{
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

struct store *store_open(const char *path, bool durable, int *code)
{
	struct store *store = x_calloc(1, sizeof(*store));

	configure_sqlite();
	store->lock = -1;
	store->shards = 1;
	snprintf(store->path, sizeof(store->path), "%s", path);
	*code = open_all(store, durable);
	if (!*code)
		return store;
	store_close(store);
	return NULL;
}

/* When nobody reads, the journal is folded into the file, which then may be copied or stand on a read-only disk. */
void store_close(struct store *store)
{
	if (!store)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(store->statements[i]);
	store_names_free(store->names);
	store_rollup_free(store->rollup);
	store_feed_free(store->feed);
	store_inside_free(store->inside);
	if (store->identity[0]) {
		sqlite3_busy_timeout(store->db, 0);
		exec(store, "PRAGMA journal_mode = DELETE");
	}
	sqlite3_close(store->db);
	/* Last: closing any descriptor of the file drops SQLite's own locks of this process. */
	if (store->lock >= 0)
		close(store->lock);
	free(store);
}

int store_inside(struct store *store, const struct config *config)
{
	store_inside_free(store->inside);
	store->inside = store_inside_new(config);
	store_names_inside(store->names, store->inside);
	if (!store_inside_apply(store->inside, store->db))
		return MIRA_OK;
	store_fail(store, "tell which hosts are inside");
	log_err("%s", store->error);
	return store->error_number ? MIRA_AGAIN : MIRA_PERSON;
}

const char *store_identity(const struct store *store)
{
	return store->identity;
}

/* ---- the spool ---- */

static int refuse_spool(struct store *store, const struct spool *spool, const char *known)
{
	log_err("the store %s was loaded from %s, not from spool %s; two spools in one store would count twice: name"
		" another file with --db",
		store->path, known, spool->root);
	return MIRA_PERSON;
}

/*
 * The spool is told first: a process that dies between the two leaves a spool that knows this store, which is what the next
 * start asks first.
 */
int store_join(struct store *store, struct spool *spool)
{
	char known[PATH_MAX];

	if (meta_get(store, "spool", known, sizeof(known))) {
		log_err("cannot read the store %s: %s", store->path, sqlite3_errmsg(store->db));
		return MIRA_AGAIN;
	}
	if (*known && strcmp(spool->store, store->identity) != 0 && !*spool->store)
		return refuse_spool(store, spool, known);
	if (spool_set_store(spool, store->identity)) {
		if (errno != EEXIST) {
			log_err("cannot write to the spool %s: %m; free space there, then start again",
				spool->root);
			return MIRA_AGAIN;
		}
		log_err("spool %s fills another store than %s (identity %s): name that one with --db",
			spool->root, store->path, spool->store);
		return MIRA_PERSON;
	}
	FAULT("joined");
	snprintf(store->spool, sizeof(store->spool), "%s", spool->root);
	store->shards = spool->shards;
	if (!*known && meta_put(store, "spool", spool->root)) {
		log_err("cannot write to the store %s: %s", store->path, sqlite3_errmsg(store->db));
		return MIRA_AGAIN;
	}
	return MIRA_OK;
}
