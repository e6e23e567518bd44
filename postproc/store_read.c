/*
 * store_read.c: opening mira.db for reading only; what reports and other post-processors begin with.
 */
#include "postproc/store_private.h"

#include <unistd.h>

#include "spool/log.h"

static sqlite3_int64 pragma(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	sqlite3_int64 value = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

void store_refuse(const char *path, sqlite3_int64 format)
{
	if (format)
		log_err("%s is a store of format %lld, this MIRA has format %d: see mira-upgrade(7), or name another file"
			" with --db",
			path, (long long)format, STORE_FORMAT);
	else
		log_err("%s is no store of MIRA, which mira-store fills; name another file with --db",
			path);
}

int store_open_read(const char *path, sqlite3 **db)
{
	sqlite3_int64 format;

	if (access(path, R_OK)) {
		log_err("cannot read the store %s: %m", path);
		return MIRA_PERSON;
	}
	/* One thread uses it: without locks for others, millions of rows are read in a tenth less time. */
	if (sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
		SQLITE_OK) {
		log_err("cannot open the store %s: %s", path, sqlite3_errmsg(*db));
		sqlite3_close(*db);
		return MIRA_AGAIN;
	}
	sqlite3_busy_timeout(*db, 10000);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	format = pragma(*db, "PRAGMA user_version");
	if (pragma(*db, "PRAGMA application_id") != STORE_APP_ID)
		format = 0;
	if (format == STORE_FORMAT)
		return MIRA_OK;
	store_refuse(path, format);
	sqlite3_close(*db);
	return MIRA_PERSON;
}
