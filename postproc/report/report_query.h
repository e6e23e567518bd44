/*
 * report_query.h: rows of the store as JSON, for those who gather parts of the report.
 *
 *	struct query query = {.db = db, .period = period};
 *	json_t *rows = query_rows(&query, "SELECT …", 0);
 *	…
 *	if (query.failed) …	it has been logged; what was returned since is not to be shown
 *
 * Where SQL has them, ?1 is LIMIT, :from and :to are the period (windows that begin in [from, to)),
 * and :first_day and :last_day the whole UTC days in it, [first, last); what is left at its ends is
 * less than a day each.
 */
#ifndef POSTPROC_REPORT_QUERY_H
#define POSTPROC_REPORT_QUERY_H

#include <jansson.h>
#include <sqlite3.h>

#include "postproc/period.h"
#include "spool/fields.h" /* json_text() */

struct query {
	sqlite3 *db;
	int failed;	      /* the exit code */
	struct period period; /* what :from and :to are */
	int limit;	      /* what ?1 is */
};

/* query_rows(): the rows of SQL as an array of objects, a member a column. */
json_t *query_rows(struct query *query, const char *sql, int limit);
/* query_row(): the first row as an object; an empty object when there is none. */
json_t *query_row(struct query *query, const char *sql, int limit);
/* query_each(): TAKES is shown each row, where there are too many to keep. */
void query_each(struct query *query, const char *sql, void (*takes)(void *own, sqlite3_stmt *row),
	void *own);
/* query_run(): SQL that returns no rows. */
void query_run(struct query *query, const char *sql);

/* query_fail(): logs what SQLite says of SQL; once a query. */
void query_fail(struct query *query, const char *sql);
/* query_join(): what failed in PART failed in QUERY. */
void query_join(struct query *query, const struct query *part);

/* json_number(): the integer member KEY of OBJECT, 0 when it has none. */
double json_number(const json_t *object, const char *key);
/* json_string_at(): the text member KEY of OBJECT, "" when it has none. */
const char *json_string_at(const json_t *object, const char *key);

#endif
