/*
 * store.c: filling the database of one line batch by batch, each exactly once.
 *
 * A transaction holds the rows of some batches, their rollups and their names, so whatever instant the process dies at, a batch
 * is either all there with its name, or not at all. What claims the batch again after a crash asks for the name first.
 */
#include "postproc/store/store_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "postproc/store/store_row.h"
#include "postproc/store/store_symptoms.h"
#include "spool/fault.h"

#define FEED_MAX 131072 /* rows, 32 MB; a window of more is brought in by parts */

/* ---- errors ---- */

static int errno_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL: return ENOSPC;
	case SQLITE_BUSY: return EAGAIN;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN: return EIO;
	default: return 0;
	}
}

int store_fail(struct store *store, const char *what)
{
	store->error_number = errno_of(sqlite3_errcode(store->db));
	snprintf(store->error, sizeof(store->error), "cannot %s in %s: %s", what, store->path,
		sqlite3_errmsg(store->db));
	return -1;
}

static int explain(struct store *store, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int explain(struct store *store, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(store->error, sizeof(store->error), format, arguments);
	va_end(arguments);
	store->error_number = 0;
	return -1;
}

const char *store_error(const struct store *store)
{
	return store->error;
}

int store_errno(const struct store *store)
{
	return store->error_number;
}

/* ---- statements ---- */

/* Steps a statement that gives no row. */
int store_run(struct store *store, enum statement which)
{
	int code = sqlite3_step(store->statements[which]);

	sqlite3_reset(store->statements[which]);
	return code == SQLITE_DONE ? 0 : -1;
}

void store_bind_text(struct store *store, enum statement which, int parameter, const char *text)
{
	sqlite3_bind_text(store->statements[which], parameter, text, -1, SQLITE_STATIC);
}

/* ---- a batch ---- */

/* SQLite may end a transaction by itself when the disk fails: what was kept is not in the database. */
static bool is_lost(struct store *store)
{
	if (!store->kept || !sqlite3_get_autocommit(store->db))
		return false;
	explain(store, "the transaction in %s was given up after an error of the disk",
		store->path);
	store->error_number = EIO;
	return true;
}

/* What cannot be read may stand there. */
static enum store_turn unreadable(struct store *store)
{
	store_fail(store, "look for a batch");
	return STORE_FAILED;
}

/* Has this batch, or one under its number, been loaded? */
static enum store_turn known(struct store *store)
{
	sqlite3_stmt *same_name = store->statements[BATCH_KNOWN],
		     *same_number = store->statements[BATCH_OF_NUMBER];
	enum store_turn turn = STORE_LOAD;
	int failed;

	store_bind_text(store, BATCH_KNOWN, 1, store->batch);
	store_bind_text(store, BATCH_OF_NUMBER, 1, store->shard);
	sqlite3_bind_int64(same_number, 2, (sqlite3_int64)store->number);
	if (sqlite3_step(same_name) == SQLITE_ROW && sqlite3_column_int(same_name, 0)) {
		turn = STORE_KNOWN;
	} else if (sqlite3_step(same_number) == SQLITE_ROW && sqlite3_column_int(same_number, 1)) {
		explain(store, "number %llu of %s was loaded as %s; %s may not be loaded too",
			(unsigned long long)store->number, store->shard,
			sqlite3_column_text(same_number, 0), store->batch);
		turn = STORE_CLASH;
	}
	failed = sqlite3_reset(same_name);
	failed |= sqlite3_reset(same_number);
	return failed ? unreadable(store) : turn;
}

static enum store_turn missing(struct store *store, uint64_t number, store_elsewhere elsewhere,
	void *own)
{
	int stands = elsewhere(own, store->shard, number), error = errno;

	if (stands > 0)
		return STORE_LOAD;
	if (stands < 0) {
		explain(store, "cannot look for number %llu of %s: %m", (unsigned long long)number,
			store->shard);
		store->error_number = error;
		return STORE_FAILED;
	}
	explain(store, "number %llu of %s was never loaded and stands nowhere before %s",
		(unsigned long long)number, store->shard, store->batch);
	return STORE_GAP;
}

/* Each number before this one that was not loaded must stand elsewhere. */
static enum store_turn look_for_gaps(struct store *store, store_elsewhere elsewhere, void *own)
{
	sqlite3_stmt *list = store->statements[BATCH_LIST];
	enum store_turn turn = STORE_LOAD;
	uint64_t expected = 1;

	store_bind_text(store, BATCH_LIST, 1, store->shard);
	sqlite3_bind_int64(list, 2, (sqlite3_int64)store->number);
	while (expected < store->number && turn == STORE_LOAD) {
		uint64_t next = sqlite3_step(list) == SQLITE_ROW
					? (uint64_t)sqlite3_column_int64(list, 0)
					: store->number;

		for (; expected < next && turn == STORE_LOAD; expected++)
			turn = missing(store, expected, elsewhere, own);
		expected = next + 1;
	}
	return sqlite3_reset(list) ? unreadable(store) : turn;
}

/* What the last batch that was kept proved is remembered: a count costs more from month to month. */
static int is_next(struct store *store)
{
	sqlite3_stmt *numbers = store->statements[BATCH_NUMBERS];
	uint64_t count = 0, last = 0;

	if (strcmp(store->shard, store->whole_shard) == 0)
		return store->number == store->whole + 1;
	store_bind_text(store, BATCH_NUMBERS, 1, store->shard);
	if (sqlite3_step(numbers) == SQLITE_ROW) {
		count = (uint64_t)sqlite3_column_int64(numbers, 0);
		last = (uint64_t)sqlite3_column_int64(numbers, 1);
	}
	if (sqlite3_reset(numbers))
		return -1;
	if (count == last) {
		snprintf(store->whole_shard, sizeof(store->whole_shard), "%s", store->shard);
		store->whole = last;
	}
	return count == last && store->number == last + 1;
}

/* Numbers come without a gap nearly always, which is seen at once. */
static enum store_turn turn_of_number(struct store *store, store_elsewhere elsewhere, void *own)
{
	int next = is_next(store);

	if (next < 0)
		return unreadable(store);
	return next ? STORE_LOAD : look_for_gaps(store, elsewhere, own);
}

/* Who else wrote, such as mira-retain, may have removed what dictionaries held. */
static void look_for_others(struct store *store)
{
	sqlite3_stmt *ask = store->statements[DATA_VERSION];
	sqlite3_int64 version = sqlite3_step(ask) == SQLITE_ROW ? sqlite3_column_int64(ask, 0) : -1;

	sqlite3_reset(ask);
	if (version != store->version)
		store_names_forget(store->names);
	store->version = version;
}

enum store_turn store_begin(struct store *store, const char *name, const char *shard,
	uint64_t number, store_elsewhere elsewhere, void *own)
{
	enum store_turn turn;

	snprintf(store->batch, sizeof(store->batch), "%s", name);
	snprintf(store->shard, sizeof(store->shard), "%s", shard);
	store->number = number;
	store->biflows = store->ledger_rows = 0;
	store->error[0] = '\0';
	store->at_hand = false;
	if (is_lost(store))
		return STORE_FAILED;
	if (sqlite3_get_autocommit(store->db) && store_run(store, BEGIN)) {
		store_fail(store, "begin");
		return STORE_FAILED;
	}
	look_for_others(store);
	turn = known(store);
	if (turn == STORE_LOAD)
		turn = turn_of_number(store, elsewhere, own);
	store->at_hand = turn == STORE_LOAD;
	if (turn == STORE_LOAD)
		FAULT("store-begin");
	else if (!store->kept)
		store_rollback(store);
	return turn;
}

int store_add_ledger(struct store *store, const struct ledger *row)
{
	struct store_origin origin = {store->shard, store->shards, store->number};

	store->ledger_rows++;
	store_row_bind_ledger(store->statements[LEDGER_PUT], row, &origin);
	return store_run(store, LEDGER_PUT) ? store_fail(store, "write a ledger row") : 0;
}

static int twice(struct store *store)
{
	const uint64_t *key = store_feed_last(store->feed);

	explain(store,
		"window %llu of %s holds a biflow that stands in the store already (protocol %llu, ports %llu and %llu)",
		(unsigned long long)key[0], store->batch, (unsigned long long)key[3],
		(unsigned long long)key[4], (unsigned long long)key[5]);
	return -2;
}

static int flush(struct store *store)
{
	struct store_feed *feed = store->feed;
	int code;

	if (!store_names_settle(store->names, feed))
		return store_fail(store, "write addresses");
	store_feed_sort(feed);
	/* In this order the sums of a host are asked for one behind the other. */
	store_rollup_add(store->rollup, feed);
	code = store_run(store, BIFLOW_PUT);
	if (code)
		code = sqlite3_errcode(store->db) % 256 == SQLITE_CONSTRAINT
			       ? twice(store)
			       : store_fail(store, "write biflows");
	store_feed_clear(feed);
	return code;
}

/* The symptoms' names are in the dictionary, too, since the rollups know them by id. */
static int add_symptoms(struct store *store, const uint64_t *row,
	const struct store_symptom *symptoms, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t id;

		if (!symptoms[i].packets)
			continue;
		if (!store_names_text(store->names, symptoms[i].name, &id))
			return -1;
		store_rollup_symptom(store->rollup, row, id, symptoms[i].packets);
	}
	return 0;
}

int store_add_biflow(struct store *store, const struct biflow *biflow)
{
	const struct store_symptom *symptoms;
	size_t count = store_symptoms(biflow, &symptoms);
	struct store_ids ids;
	const uint64_t *row;

	if (!store_names_biflow(store->names, biflow, &ids))
		return store_fail(store, "write a name");
	row = store_row_add(store->feed, biflow, &ids, symptoms, count);
	store->biflows++;
	if (add_symptoms(store, row, symptoms, count))
		return store_fail(store, "write a name");
	return store_feed_count(store->feed) < FEED_MAX ? 0 : flush(store);
}

static int put_batch(struct store *store, const char *rejected)
{
	sqlite3_stmt *put = store->statements[BATCH_PUT];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	store_bind_text(store, BATCH_PUT, 1, store->batch);
	store_bind_text(store, BATCH_PUT, 2, store->spool);
	store_bind_text(store, BATCH_PUT, 3, store->shard);
	sqlite3_bind_int64(put, 4, (sqlite3_int64)store->number);
	sqlite3_bind_int64(put, 5, (sqlite3_int64)store->biflows);
	sqlite3_bind_int64(put, 6, (sqlite3_int64)store->ledger_rows);
	sqlite3_bind_int64(put, 7, now.tv_sec * 1000LL + now.tv_nsec / 1000000);
	store_bind_text(store, BATCH_PUT, 8, rejected);
	return store_run(store, BATCH_PUT);
}

int store_keep(struct store *store)
{
	int code = flush(store);

	if (code)
		return code;
	if (put_batch(store, NULL))
		return store_fail(store, "write the batch");
	store->at_hand = false;
	store->kept += 1 + store->biflows;
	if (strcmp(store->shard, store->whole_shard) == 0 && store->number == store->whole + 1)
		store->whole++;
	return 0;
}

uint64_t store_kept(const struct store *store)
{
	return store->kept;
}

size_t store_sums(const struct store *store)
{
	return store_rollup_count(store->rollup);
}

int store_commit(struct store *store)
{
	int code = store->at_hand ? store_keep(store) : 0;

	if (code)
		return code;
	if (is_lost(store))
		return -1;
	if (sqlite3_get_autocommit(store->db))
		return 0;
	if (store_rollup_flush(store->rollup))
		return store_fail(store, "write rollups");
	FAULT("store-commit");
	if (store_run(store, COMMIT))
		return store_fail(store, "commit");
	store->kept = 0;
	return 0;
}

int store_reject(struct store *store, const char *why)
{
	if (put_batch(store, why))
		return store_fail(store, "note a rejected batch");
	store->at_hand = false;
	store->whole_shard[0] = '\0'; /* counted anew */
	return store_commit(store);
}

void store_rollback(struct store *store)
{
	if (!sqlite3_get_autocommit(store->db))
		store_run(store, ROLLBACK);
	store_rollup_clear(store->rollup);
	store_feed_clear(store->feed);
	store_names_forget(store->names);
	store->kept = 0;
	store->at_hand = false;
	store->whole_shard[0] = '\0';
}
