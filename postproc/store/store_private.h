/*
 * store_private.h: what store.c and store_open.c share: the store's state and its statements. For nobody else.
 */
#ifndef POSTPROC_STORE_PRIVATE_H
#define POSTPROC_STORE_PRIVATE_H

#include <limits.h>
#include "postproc/store/store.h"
#include "postproc/store/store_feed.h"
#include "postproc/store/store_names.h"
#include "postproc/store/store_rollup.h"

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	BATCH_KNOWN,
	BATCH_OF_NUMBER,
	BATCH_NUMBERS,
	BATCH_LIST,
	BATCH_PUT,
	LEDGER_PUT,
	BIFLOW_PUT,
	META_GET,
	META_PUT,
	DATA_VERSION,
	STATEMENTS
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	struct store_names *names;
	struct store_rollup *rollup;
	struct store_feed *feed; /* biflows of the batch at hand */
	struct store_inside *inside;
	int lock; /* the database file itself */
	char path[PATH_MAX], identity[STORE_IDENTITY + 1], spool[PATH_MAX];
	char error[PATH_MAX + 256];
	int error_number;
	sqlite3_int64 version; /* of the data, as others last changed it */
	uint64_t shards;       /* of the spool */
	/* The batch at hand. */
	char batch[NAME_MAX + 1], shard[NAME_PART_MAX + 1];
	uint64_t number, biflows, ledger_rows;
	/* Of this shard all numbers up to WHOLE are loaded; "" is none. */
	char whole_shard[NAME_PART_MAX + 1];
	uint64_t whole;
	bool at_hand;  /* store_begin() said STORE_LOAD */
	uint64_t kept; /* in the open transaction: batches and biflows */
};

/* store_refuse(): logs that PATH, of FORMAT (0: none of ours), cannot be used. */
void store_refuse(const char *path, sqlite3_int64 format);
/* store_fail(): notes what SQLite says of WHAT; -1. */
int store_fail(struct store *store, const char *what);
/* store_run(): steps a statement that gives no row; -1 when it failed. */
int store_run(struct store *store, enum statement which);
void store_bind_text(struct store *store, enum statement which, int parameter, const char *text);

#endif
