/*
 * store_feed.h: rows in memory as a table that SQLite reads, so that one INSERT … SELECT brings them all into the database, in the
 * order of their key: half the work of a statement for each row.
 *
 *	feed = store_feed_new(db, "new_biflow", columns, 24, 6);	a table of 24 columns, the first 6 of them the key, whole numbers
 *	row = feed_row(feed);						24 words, each 0, until the next call
 *	row[3] = 17; row[9] = feed_real(0.5); row[17] = feed_text(feed, "…");
 *	store_feed_sort(feed);
 *	… "INSERT INTO biflow SELECT * FROM new_biflow"
 *	store_feed_clear(feed);
 *	store_feed_free(feed);		before DB is closed; statements that use it are finalized before
 *
 * Or store_feed_borrow(), of rows that stand somewhere else, in place of feed_row() and store_feed_sort().
 */
#ifndef POSTPROC_STORE_FEED_H
#define POSTPROC_STORE_FEED_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

enum feed_type { FEED_NUMBER, FEED_REAL, FEED_TEXT };

#define FEED_ALWAYS UINT32_MAX
struct feed_column {
	enum feed_type type;
	uint32_t given; /* a column: where its word is 0 this one is NULL */
};

struct store_feed;

/* store_feed_new(): a copy of COLUMNS. NULL: sqlite3_errmsg(). */
struct store_feed *store_feed_new(sqlite3 *db, const char *name, const struct feed_column *columns,
	unsigned count, unsigned keys);
void store_feed_free(struct store_feed *feed);

uint64_t *feed_row(struct store_feed *feed);
uint64_t feed_real(double value);
double feed_real_of(uint64_t word);
/* feed_text(): of a copy; 0 of the empty text. */
uint64_t feed_text(struct store_feed *feed, const char *value);

size_t store_feed_count(const struct store_feed *feed);
void store_feed_sort(struct store_feed *feed);
/* store_feed_at(): the Ith row, since store_feed_sort() in the order of the key. */
uint64_t *store_feed_at(const struct store_feed *feed, size_t i);
/* store_feed_expect(): memory may begin to bring that row; there need not be one. */
void store_feed_expect(const struct store_feed *feed, size_t i);
/* store_feed_last(): the row that SQLite read last. */
const uint64_t *store_feed_last(const struct store_feed *feed);
/* store_feed_borrow(): the COUNT rows at WORDS, sorted, until store_feed_clear(). */
void store_feed_borrow(struct store_feed *feed, uint64_t *words, size_t count);
void store_feed_clear(struct store_feed *feed);

#endif
