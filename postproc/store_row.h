/*
 * store_row.h: a record's fields as parameters of the statements that store it.
 */
#ifndef POSTPROC_STORE_ROW_H
#define POSTPROC_STORE_ROW_H

#include <sqlite3.h>
#include "postproc/store_names.h"
#include "postproc/store_symptoms.h"
#include "spool/record.h"

/* The statements, parameters in the order of the tables' columns. */
extern const char store_row_ledger_sql[], store_row_biflow_sql[];

/* Whose row it is: which shard of how many, by which of its commits. */
struct store_origin {
	const char *shard;
	uint64_t shards, number;
};

void store_row_bind_ledger(sqlite3_stmt *statement, const struct ledger *row,
	const struct store_origin *origin);

/* store_row_bind_biflow(): SYMPTOMS as of store_symptoms(). Texts are bound as views that hold until the next call, so step before. */
void store_row_bind_biflow(sqlite3_stmt *statement, const struct biflow *biflow,
	const struct store_ids *ids, const struct store_symptom *symptoms, size_t symptom_count);

#endif
