/*
 * store_feed.h: rows in memory as a table that SQLite reads, so that one INSERT … SELECT brings them all into the database, in the
 * order of their key: half the work of a statement for each row.
 *
 *	feed = store_feed_new(db, "new_biflow", 24, 6);		a table of 24 columns, the first 6 of them the key, whole numbers
 *	feed_number(feed, …), feed_real(), feed_null(), feed_text()	24 of them make a row
 *	store_feed_sort(feed);
 *	… "INSERT INTO biflow SELECT * FROM new_biflow"
 *	store_feed_clear(feed);
 *	store_feed_free(feed);					before DB is closed; statements that use it are finalized before
 */
#ifndef POSTPROC_STORE_FEED_H
#define POSTPROC_STORE_FEED_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

struct store_feed;

/* store_feed_new(): NULL: sqlite3_errmsg(). */
struct store_feed *store_feed_new(sqlite3 *db, const char *name, unsigned columns, unsigned keys);
void store_feed_free(struct store_feed *feed);

void feed_number(struct store_feed *feed, uint64_t value);
void feed_real(struct store_feed *feed, double value);
void feed_null(struct store_feed *feed);
/* feed_text(): a copy; the empty text is NULL. */
void feed_text(struct store_feed *feed, const char *value);

/* store_feed_count(): whole rows. */
size_t store_feed_count(const struct store_feed *feed);
void store_feed_sort(struct store_feed *feed);
void store_feed_clear(struct store_feed *feed);
/* store_feed_at(): the key of the row that SQLite read last. */
const uint64_t *store_feed_at(const struct store_feed *feed);

#endif
