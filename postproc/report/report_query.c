/* report_query.c: rows of mira.db as JSON; between the store and the parts of the report. */
#include "postproc/report/report_query.h"

#include <string.h>

#include "postproc/store/store.h"
#include "spool/log.h"

double json_number(const json_t *object, const char *key)
{
	return (double)json_integer_value(json_object_get(object, key));
}

const char *json_string_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static json_t *column(sqlite3_stmt *row, int i)
{
	switch (sqlite3_column_type(row, i)) {
	case SQLITE_NULL: return json_null();
	case SQLITE_INTEGER: return json_integer(sqlite3_column_int64(row, i));
	case SQLITE_FLOAT: return json_real(sqlite3_column_double(row, i));
	default: return json_text((const char *)sqlite3_column_text(row, i));
	}
}

static json_t *object_of(sqlite3_stmt *row)
{
	json_t *object = json_object();

	for (int i = 0; i < sqlite3_column_count(row); i++)
		json_object_set_new(object, sqlite3_column_name(row, i), column(row, i));
	return object;
}

void query_fail(struct query *query, const char *sql)
{
	int code = store_exit(sqlite3_errcode(query->db));

	if (!query->failed)
		log_err("cannot read the audit's database: %s (%.60s…)", sqlite3_errmsg(query->db),
			sql);
	query->failed = code > query->failed ? code : query->failed;
}

void query_join(struct query *query, const struct query *part)
{
	query->failed = part->failed > query->failed ? part->failed : query->failed;
}

/* The first UTC midnight that is not before MS. */
static int64_t midnight(int64_t ms)
{
	return ms + (STORE_DAY_MS - 1 - (ms + STORE_DAY_MS - 1) % STORE_DAY_MS);
}

static void bind(sqlite3_stmt *row, const struct query *query, int limit)
{
	int64_t from = query->period.from_ms, to = query->period.to_ms;
	int64_t first = midnight(from), last = midnight(to - STORE_DAY_MS + 1);
	const struct {
		const char *name;
		int64_t value;
	} values[] = {{"?1", limit}, {":from", from}, {":to", to},
		{":first_day", first < last ? first : to}, {":last_day", first < last ? last : to}};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		sqlite3_bind_int64(row, sqlite3_bind_parameter_index(row, values[i].name),
			values[i].value);
}

void query_each(struct query *query, const char *sql, void (*takes)(void *own, sqlite3_stmt *row),
	void *own)
{
	sqlite3_stmt *row;
	int code;

	if (sqlite3_prepare_v2(query->db, sql, -1, &row, NULL) != SQLITE_OK) {
		query_fail(query, sql);
		return;
	}
	bind(row, query, query->limit);
	while ((code = sqlite3_step(row)) == SQLITE_ROW)
		takes(own, row);
	if (code != SQLITE_DONE)
		query_fail(query, sql);
	sqlite3_finalize(row);
}

static void keep(void *own, sqlite3_stmt *row)
{
	json_array_append_new(own, object_of(row));
}

json_t *query_rows(struct query *query, const char *sql, int limit)
{
	json_t *rows = json_array();

	query->limit = limit;
	query_each(query, sql, keep, rows);
	return rows;
}

json_t *query_row(struct query *query, const char *sql, int limit)
{
	json_t *rows = query_rows(query, sql, limit), *first = json_incref(json_array_get(rows, 0));

	json_decref(rows);
	return first ? first : json_object();
}

void query_run(struct query *query, const char *sql)
{
	json_decref(query_rows(query, sql, 0));
}
