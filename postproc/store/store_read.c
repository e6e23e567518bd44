/*
 * store_read.c: opening mira.db for reading only; what reports and other post-processors begin with.
 */
#include "postproc/store/store_private.h"

#include <unistd.h>

#include "spool/log.h"

int store_exit(int error)
{
	static const int passing[] = {SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL, SQLITE_IOERR,
		SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_NOMEM, SQLITE_INTERRUPT};

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if ((error & 0xff) == passing[i])
			return MIRA_AGAIN;
	return MIRA_PERSON;
}

/* What SQLite says of it. */
static int pragma(sqlite3 *db, const char *sql, sqlite3_int64 *value)
{
	sqlite3_stmt *statement = NULL;
	int error = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (!error && sqlite3_step(statement) == SQLITE_ROW)
		*value = sqlite3_column_int64(statement, 0);
	return error ? error : sqlite3_finalize(statement);
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

/* Another program may hold the database, so what cannot be read is not taken for something else. */
static int check(sqlite3 *db, const char *path)
{
	sqlite3_int64 application = 0, format = 0;
	int error = pragma(db, "PRAGMA application_id", &application);

	if (!error)
		error = pragma(db, "PRAGMA user_version", &format);
	if (error && error != SQLITE_NOTADB) {
		log_err("cannot read the store %s: %s", path, sqlite3_errmsg(db));
		return store_exit(error);
	}
	if (!error && application == STORE_APP_ID && format == STORE_FORMAT)
		return MIRA_OK;
	store_refuse(path, application == STORE_APP_ID ? format : 0);
	return MIRA_PERSON;
}

int store_open_read(const char *path, sqlite3 **db)
{
	int code;

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
	code = check(*db, path);
	if (code)
		sqlite3_close(*db);
	return code;
}
