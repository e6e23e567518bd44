/*
 * store_names.h: the dictionaries of mira.db (tables text, host, decision), remembered in memory, so that most rows ask the
 * database nothing.
 *
 * Ids are those of the database; 0 is an error, the empty text or no text. What is remembered is true for the open
 * transaction: store_names_forget() after a rollback, for ids may have been rolled back with it.
 */
#ifndef POSTPROC_STORE_NAMES_H
#define POSTPROC_STORE_NAMES_H

#include <sqlite3.h>
#include <stdbool.h>
#include "spool/record.h"

struct store_names;

/* store_names_new(): NULL when DB lacks the tables. */
struct store_names *store_names_new(sqlite3 *db);
void store_names_free(struct store_names *names);
void store_names_forget(struct store_names *names);

/* Each adds what is not there yet. false: the database failed (sqlite3_errmsg()). */
bool store_names_text(struct store_names *names, uint32_t intern_id, sqlite3_int64 *id);
bool store_names_host(struct store_names *names, uint8_t version, const uint8_t address[16],
	sqlite3_int64 *id);
bool store_names_decision(struct store_names *names, const struct biflow *biflow,
	sqlite3_int64 *id);

#endif
