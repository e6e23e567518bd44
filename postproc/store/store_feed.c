/*
 * store_feed.c: a virtual table of SQLite over an array, see https://www.sqlite.org/vtab.html. Measured: 10,600 instructions a row of
 * biflow with a statement for each, of which seeking its place took half; here a row is appended behind the one before it.
 */
#include "postproc/store/store_feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/store/store_radix.h"
#include "spool/log.h"

#define LINE  8		 /* words that come from memory together */
#define AHEAD 4		 /* rows */
#define LARGE (1u << 18) /* rows */

struct store_feed {
	sqlite3 *db;
	char *name;
	struct feed_column *columns;
	unsigned width, keys;
	/* Of each row: numbers, bits of a double, where behind texts a text begins. */
	uint64_t *words;
	size_t count, room;
	char *texts;
	size_t text_used, text_room;
	struct radix_place *order;  /* of the rows */
	struct radix_place *spaces; /* memory of two orders */
	size_t places;
	size_t at; /* in the order */
};

/* ---- filling ---- */

uint64_t *feed_row(struct store_feed *feed)
{
	uint64_t *row;

	if (feed->count == feed->room) {
		feed->room = feed->room ? feed->room * 2 : 1024;
		feed->words =
			x_realloc(feed->words, feed->room * feed->width * sizeof(*feed->words));
	}
	row = feed->words + feed->count++ * feed->width;
	memset(row, 0, feed->width * sizeof(*row));
	return row;
}

uint64_t feed_real(double value)
{
	uint64_t word;

	memcpy(&word, &value, sizeof(word));
	return word;
}

double feed_real_of(uint64_t word)
{
	double value;

	memcpy(&value, &word, sizeof(value));
	return value;
}

uint64_t feed_text(struct store_feed *feed, const char *value)
{
	size_t size = strlen(value) + 1, at = feed->text_used;

	if (size == 1)
		return 0;
	if (at + size > feed->text_room) {
		feed->text_room = (at + size) * 2;
		feed->texts = x_realloc(feed->texts, feed->text_room);
	}
	memcpy(feed->texts + at, value, size);
	feed->text_used += size;
	return at + 1;
}

size_t store_feed_count(const struct store_feed *feed)
{
	return feed->count;
}

/* What a large order took is given back: the next one may be small. */
void store_feed_clear(struct store_feed *feed)
{
	if (feed->places > LARGE) {
		free(feed->spaces);
		feed->spaces = NULL;
	}
	feed->count = feed->places = feed->text_used = 0;
}

/* ---- order ---- */

/* The words of a key behind those of its place. */
static int by_key(const void *left, const void *right, void *own)
{
	const uint64_t *a = ((const struct radix_place *)left)->item;
	const uint64_t *b = ((const struct radix_place *)right)->item;
	const struct store_feed *feed = own;

	for (unsigned i = RADIX_WORDS; i < feed->keys; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static struct radix_place place_of(uint64_t *row, unsigned keys)
{
	struct radix_place place = {.item = row};

	for (unsigned i = 0; i < RADIX_WORDS && i < keys; i++)
		place.words[RADIX_WORDS - 1 - i] = row[i];
	return place;
}

static void sort_equal(struct store_feed *feed)
{
	struct radix_place *order = feed->order;

	for (size_t begin = 0, end; begin < feed->places; begin = end) {
		for (end = begin + 1;
			end < feed->places &&
			!memcmp(order[begin].words, order[end].words, sizeof(order->words));)
			end++;
		if (end - begin > 1)
			qsort_r(&order[begin], end - begin, sizeof(*order), by_key, feed);
	}
}

void store_feed_borrow(struct store_feed *feed, uint64_t *words, size_t count)
{
	feed->spaces = x_realloc(feed->spaces, (2 * count + 1) * sizeof(*feed->spaces));
	for (size_t i = 0; i < count; i++)
		feed->spaces[i] = place_of(words + i * feed->width, feed->keys);
	feed->places = count;
	feed->order = radix_sort(feed->spaces, feed->spaces + count, count);
	if (feed->keys > RADIX_WORDS)
		sort_equal(feed);
}

void store_feed_sort(struct store_feed *feed)
{
	store_feed_borrow(feed, feed->words, feed->count);
}

uint64_t *store_feed_at(const struct store_feed *feed, size_t i)
{
	return feed->places ? (uint64_t *)feed->order[i].item : feed->words + i * feed->width;
}

void store_feed_expect(const struct store_feed *feed, size_t i)
{
	const uint64_t *row;

	if (i >= feed->places)
		return;
	row = feed->order[i].item;
	for (unsigned word = 0; word < feed->width; word += LINE)
		__builtin_prefetch(row + word);
}

const uint64_t *store_feed_last(const struct store_feed *feed)
{
	return feed->order[feed->at].item;
}

/* ---- the virtual table ---- */

struct table {
	sqlite3_vtab base;
	struct store_feed *feed;
};

static int table_connect(sqlite3 *db, void *own, int count, const char *const *words,
	sqlite3_vtab **out, char **error)
{
	struct store_feed *feed = own;
	struct table *table = x_calloc(1, sizeof(*table));
	char *sql;
	size_t size;
	FILE *text = open_memstream(&sql, &size);
	int code;

	if (!text)
		die(MIRA_AGAIN, "out of memory");
	fputs("CREATE TABLE rows(column0", text);
	for (unsigned i = 1; i < feed->width; i++)
		fprintf(text, ", column%u", i);
	fputs(")", text);
	fclose(text);
	code = sqlite3_declare_vtab(db, sql);
	free(sql);
	table->feed = feed;
	*out = &table->base;
	return code;
}

static int table_disconnect(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

/* It is read from the first row to the last, whatever is asked. */
static int table_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	return SQLITE_OK;
}

static int table_open(sqlite3_vtab *base, sqlite3_vtab_cursor **cursor)
{
	*cursor = x_calloc(1, sizeof(**cursor));
	return SQLITE_OK;
}

static int table_close(sqlite3_vtab_cursor *cursor)
{
	free(cursor);
	return SQLITE_OK;
}

static struct store_feed *feed_of(const sqlite3_vtab_cursor *cursor)
{
	return ((struct table *)cursor->pVtab)->feed;
}

static int table_filter(sqlite3_vtab_cursor *cursor, int number, const char *text, int count,
	sqlite3_value **values)
{
	feed_of(cursor)->at = 0;
	return SQLITE_OK;
}

static int table_next(sqlite3_vtab_cursor *cursor)
{
	struct store_feed *feed = feed_of(cursor);

	store_feed_expect(feed, ++feed->at + AHEAD);
	return SQLITE_OK;
}

static int table_eof(sqlite3_vtab_cursor *cursor)
{
	return feed_of(cursor)->at >= feed_of(cursor)->places;
}

static int table_column(sqlite3_vtab_cursor *cursor, sqlite3_context *out, int column)
{
	const struct store_feed *feed = feed_of(cursor);
	const struct feed_column *shape = &feed->columns[column];
	const uint64_t *row = feed->order[feed->at].item;

	if (shape->given != FEED_ALWAYS && !row[shape->given])
		return SQLITE_OK;
	switch (shape->type) {
	case FEED_NUMBER: sqlite3_result_int64(out, (sqlite3_int64)row[column]); break;
	case FEED_REAL: sqlite3_result_double(out, feed_real_of(row[column])); break;
	case FEED_TEXT:
		sqlite3_result_text(out, feed->texts + row[column] - 1, -1, SQLITE_STATIC);
		break;
	}
	return SQLITE_OK;
}

static int table_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id)
{
	*id = (sqlite3_int64)feed_of(cursor)->at;
	return SQLITE_OK;
}

/* Without xCreate: the table is there under the module's name, and nowhere in the database. */
static const sqlite3_module module = {
	.xConnect = table_connect,
	.xBestIndex = table_best_index,
	.xDisconnect = table_disconnect,
	.xOpen = table_open,
	.xClose = table_close,
	.xFilter = table_filter,
	.xNext = table_next,
	.xEof = table_eof,
	.xColumn = table_column,
	.xRowid = table_rowid,
};

struct store_feed *store_feed_new(sqlite3 *db, const char *name, const struct feed_column *columns,
	unsigned count, unsigned keys)
{
	struct store_feed *feed = x_calloc(1, sizeof(*feed));

	*feed = (struct store_feed){.db = db,
		.name = x_strdup(name),
		.columns = x_calloc(count, sizeof(*columns)),
		.width = count,
		.keys = keys};
	memcpy(feed->columns, columns, count * sizeof(*columns));
	if (sqlite3_create_module_v2(db, name, &module, feed, NULL) == SQLITE_OK)
		return feed;
	store_feed_free(feed);
	return NULL;
}

void store_feed_free(struct store_feed *feed)
{
	if (!feed)
		return;
	sqlite3_create_module_v2(feed->db, feed->name, NULL, NULL, NULL);
	free(feed->name);
	free(feed->columns);
	free(feed->words);
	free(feed->texts);
	free(feed->spaces);
	free(feed);
}
