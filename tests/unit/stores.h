/*
 * stores.h: what unit tests of stores share: a value of one, and statements on an open one. After tmp.h.
 */
#ifndef TESTS_STORES_H
#define TESTS_STORES_H

#include "postproc/store/store.h"
#include "spool/log.h"

static inline sqlite3_int64 value_of(const char *name, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *row;
	sqlite3_int64 value;

	assert_int_equal(store_open_read(tmp_path(name), &db), MIRA_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(row), SQLITE_ROW);
	value = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	sqlite3_close(db);
	return value;
}

static inline void run(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		print_error("%s\n%s\n", sql, why);
	assert_null(why);
}

#endif
