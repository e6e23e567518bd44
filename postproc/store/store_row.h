/*
 * store_row.h: a record's fields as parameters of the statements that store it.
 */
#ifndef POSTPROC_STORE_ROW_H
#define POSTPROC_STORE_ROW_H

#include <sqlite3.h>
#include "postproc/store/store_feed.h"
#include "postproc/store/store_names.h"
#include "postproc/store/store_symptoms.h"
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

/* Words of a row of table biflow, in the order of its columns; the key comes first. */
enum store_row {
	ROW_WINDOW,
	ROW_SRC,
	ROW_DST,
	ROW_PROTO,
	ROW_SPORT,
	ROW_DPORT,
	ROW_KEYS,
	ROW_START = ROW_KEYS,
	ROW_DURATION,
	ROW_PACKETS,
	ROW_OCTETS,
	ROW_BACK_PACKETS,
	ROW_BACK_OCTETS,
	ROW_DECISION,
	ROW_AGGREGATE,
	ROW_NAME,
	ROW_PATH,
	ROW_SYMPTOMS,
	ROW_CARRIED,
	ROW_SAMPLING,
	ROW_BACK_SAMPLING,
	ROW_FLAGS,
	ROW_COLUMNS
};

/* Of ROW_FLAGS; what has more than one bit begins there. */
enum store_row_flags {
	ROW_LATE = 0x1,
	ROW_INCOMPLETE = 0x2,
	ROW_DIRECTION_AT = 2, /* 3 bits, enum store_direction */
	ROW_TCP_AT = 5,	      /* 16 bits each */
	ROW_BACK_TCP_AT = 21
};
#define ROW_DIRECTION(row) ((row)[ROW_FLAGS] >> ROW_DIRECTION_AT & 7)

/* store_row_feed_new(): table new_biflow of such rows. */
struct store_feed *store_row_feed_new(sqlite3 *db);
/* store_row_add(): a row of BIFLOW but for hosts and direction (store_names_settle()); SYMPTOMS as of store_symptoms(). Valid until the next one. */
const uint64_t *store_row_add(struct store_feed *feed, const struct biflow *biflow,
	const struct store_ids *ids, const struct store_symptom *symptoms, size_t symptom_count);

#endif
