/*
 * store_rollup.h: the sums that a report needs (tables rollup_*), added up in memory over a batch and brought into the
 * database once for each distinct row, in its transaction.
 */
#ifndef POSTPROC_STORE_ROLLUP_H
#define POSTPROC_STORE_ROLLUP_H

#include <sqlite3.h>
#include <stdint.h>

#include "postproc/store/store_feed.h"

struct store_rollup;

struct store_rollup *store_rollup_new(sqlite3 *db);
void store_rollup_free(struct store_rollup *rollup);

/* store_rollup_add(): all ROWS of table biflow (store_row.h), whose hosts have their ids. */
void store_rollup_add(struct store_rollup *rollup, const struct store_feed *rows);
/* store_rollup_symptom(): SYMPTOM (text.id) was seen in so many PACKETS of ROW; once a biflow and symptom. */
void store_rollup_symptom(struct store_rollup *rollup, const uint64_t *row, uint64_t symptom,
	uint64_t packets);
/* store_rollup_count(): sums in memory. */
size_t store_rollup_count(const struct store_rollup *rollup);
/* store_rollup_flush(): 0, or -1 (sqlite3_errmsg()). Empty afterwards. */
int store_rollup_flush(struct store_rollup *rollup);
void store_rollup_clear(struct store_rollup *rollup);

#endif
