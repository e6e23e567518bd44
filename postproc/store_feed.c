/*
 * store_feed.c: a virtual table of SQLite over an array, see https://www.sqlite.org/vtab.html. Measured: 10,600 instructions a row of
 * biflow with a statement for each, of which seeking its place took half; here a row is appended behind the one before it.
 */
#include "postproc/store_feed.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/log.h"

enum type { NUMBER, REAL, EMPTY, TEXT };

struct store_feed {
	sqlite3 *db;
	char *name;
	unsigned columns, keys;
	uint64_t *words; /* a number, the bits of a double, or where in texts it begins */
	uint8_t *types;
	size_t cells, room;
	char *texts;
	size_t text_used, text_room;
	uint32_t *order; /* of the rows */
	size_t at;	 /* place in the order */
};

/* ---- filling ---- */

static void add(struct store_feed *feed, uint64_t word, enum type type)
{
	if (feed->cells == feed->room) {
		feed->room = feed->room ? feed->room * 2 : 1024 * feed->columns;
		feed->words = x_realloc(feed->words, feed->room * sizeof(*feed->words));
		feed->types = x_realloc(feed->types, feed->room * sizeof(*feed->types));
	}
	feed->words[feed->cells] = word;
	feed->types[feed->cells++] = (uint8_t)type;
}

void feed_number(struct store_feed *feed, uint64_t value)
{
	add(feed, value, NUMBER);
}

void feed_real(struct store_feed *feed, double value)
{
	uint64_t word;

	memcpy(&word, &value, sizeof(word));
	add(feed, word, REAL);
}

void feed_null(struct store_feed *feed)
{
	add(feed, 0, EMPTY);
}

void feed_text(struct store_feed *feed, const char *value)
{
	size_t size = strlen(value) + 1;

	if (size == 1) {
		feed_null(feed);
		return;
	}
	if (feed->text_used + size > feed->text_room) {
		feed->text_room = (feed->text_used + size) * 2;
		feed->texts = x_realloc(feed->texts, feed->text_room);
	}
	memcpy(feed->texts + feed->text_used, value, size);
	add(feed, feed->text_used, TEXT);
	feed->text_used += size;
}

size_t store_feed_count(const struct store_feed *feed)
{
	return feed->cells / feed->columns;
}

void store_feed_clear(struct store_feed *feed)
{
	feed->cells = feed->text_used = 0;
}

static int by_key(const void *left, const void *right, void *own)
{
	const struct store_feed *feed = own;
	const uint64_t *a = feed->words + (size_t) * (const uint32_t *)left * feed->columns;
	const uint64_t *b = feed->words + (size_t) * (const uint32_t *)right * feed->columns;

	for (unsigned i = 0; i < feed->keys; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

void store_feed_sort(struct store_feed *feed)
{
	size_t count = store_feed_count(feed);

	assert(feed->cells == count * feed->columns);
	feed->order = x_realloc(feed->order, (count + 1) * sizeof(*feed->order));
	for (size_t i = 0; i < count; i++)
		feed->order[i] = (uint32_t)i;
	qsort_r(feed->order, count, sizeof(*feed->order), by_key, feed);
}

const uint64_t *store_feed_at(const struct store_feed *feed)
{
	return feed->words + (size_t)feed->order[feed->at] * feed->columns;
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
	for (unsigned i = 1; i < feed->columns; i++)
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
	feed_of(cursor)->at++;
	return SQLITE_OK;
}

static int table_eof(sqlite3_vtab_cursor *cursor)
{
	return feed_of(cursor)->at >= store_feed_count(feed_of(cursor));
}

static int table_column(sqlite3_vtab_cursor *cursor, sqlite3_context *out, int column)
{
	const struct store_feed *feed = feed_of(cursor);
	size_t cell = (size_t)feed->order[feed->at] * feed->columns + (size_t)column;
	double value;

	switch (feed->types[cell]) {
	case NUMBER: sqlite3_result_int64(out, (sqlite3_int64)feed->words[cell]); break;
	case REAL:
		memcpy(&value, &feed->words[cell], sizeof(value));
		sqlite3_result_double(out, value);
		break;
	case TEXT:
		sqlite3_result_text(out, feed->texts + feed->words[cell], -1, SQLITE_STATIC);
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

struct store_feed *store_feed_new(sqlite3 *db, const char *name, unsigned columns, unsigned keys)
{
	struct store_feed *feed = x_calloc(1, sizeof(*feed));

	*feed = (struct store_feed){.db = db,
		.name = x_strdup(name),
		.columns = columns,
		.keys = keys};
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
	free(feed->words);
	free(feed->types);
	free(feed->texts);
	free(feed->order);
	free(feed);
}
