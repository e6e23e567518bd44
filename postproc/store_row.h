/*
 * store_row.h: a record's fields as parameters of the statements that store it.
 */
#ifndef POSTPROC_STORE_ROW_H
#define POSTPROC_STORE_ROW_H

#include <sqlite3.h>
#include "postproc/store_names.h"
#include "postproc/store_rollup.h"
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

/*
 * store_row_bind_biflow(): IDS gets the ids for the rollups. false: the database failed. Texts are bound as views of
 * buffers that hold until the next call, so step before.
 */
bool store_row_bind_biflow(sqlite3_stmt *statement, struct store_names *names,
	const struct biflow *biflow, struct store_ids *ids);

#endif
