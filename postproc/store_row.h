/*
 * store_row.h: a record's fields as parameters of the statements that store it.
 */
#ifndef POSTPROC_STORE_ROW_H
#define POSTPROC_STORE_ROW_H

#include <sqlite3.h>
#include "postproc/store_feed.h"
#include "postproc/store_names.h"
#include "postproc/store_symptoms.h"
#include "spool/record.h"

/* Parameters in the order of the table's columns. */
extern const char store_row_ledger_sql[];

/* Whose row it is: which shard of how many, by which of its commits. */
struct store_origin {
	const char *shard;
	uint64_t shards, number;
};

void store_row_bind_ledger(sqlite3_stmt *statement, const struct ledger *row,
	const struct store_origin *origin);

/* Of the table biflow: columns, and those of its key, which come first. */
#define STORE_ROW_COLUMNS 24
#define STORE_ROW_KEYS	  6
/* store_row_feed(): SYMPTOMS as of store_symptoms(). */
void store_row_feed(struct store_feed *feed, const struct biflow *biflow,
	const struct store_ids *ids, const struct store_symptom *symptoms, size_t symptom_count);

#endif
