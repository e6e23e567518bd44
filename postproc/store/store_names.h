/*
 * store_names.h: the dictionaries of mira.db (tables text, name, host, decision, path), remembered in memory, so that most rows
 * ask the database nothing.
 *
 * Ids are those of the database; 0 is the empty text or no text. What is remembered is true for the open
 * transaction: store_names_forget() after a rollback, for ids may have been rolled back with it.
 */
#ifndef POSTPROC_STORE_NAMES_H
#define POSTPROC_STORE_NAMES_H

#include <sqlite3.h>
#include <stdbool.h>
#include "postproc/store/store_feed.h"
#include "postproc/store/store_inside.h"
#include "spool/record.h"

/* What a biflow's row in the database is called. */
struct store_ids {
	uint64_t decision, aggregate, name, path;
};

struct store_names;

/* store_names_new(): NULL when DB lacks the tables. */
struct store_names *store_names_new(sqlite3 *db);
void store_names_free(struct store_names *names);
void store_names_forget(struct store_names *names);
/* store_names_inside(): which hosts are inside from now on; INSIDE is the caller's, NULL: nobody knows. */
void store_names_inside(struct store_names *names, const struct store_inside *inside);

/* Each adds what is not there yet. Hosts and direction of the rows, one for each store_names_biflow(), are told by
 * store_names_settle(). false: the database failed (sqlite3_errmsg()). */
bool store_names_biflow(struct store_names *names, const struct biflow *biflow,
	struct store_ids *ids);
bool store_names_text(struct store_names *names, uint32_t intern_id, uint64_t *id);
bool store_names_settle(struct store_names *names, struct store_feed *rows);

#endif
