/*
 * condition.c: compiles one condition of the policy and says what is wrong with it. Policies are written by administrators, but a
 * verdict must be reproducible, so what could depend on anything but the biflow is refused here and not merely discouraged.
 */
#include "classify/condition.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "classify/functions.h"
#include "spool/log.h"

static const char *const allowed[] = {"abs", "char", "coalesce", "glob", "hex", "ifnull", "iif",
	"instr", "length", "like", "lower", "ltrim", "majority", "max", "min", "net", "nullif",
	"replace", "round", "rtrim", "sign", "substr", "substring", "total", "trim", "typeof",
	"unicode", "upper"};

static int is_allowed(const char *function)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (strcasecmp(allowed[i], function) == 0)
			return SQLITE_OK;
	return SQLITE_DENY;
}

/* Which selects the statement under preparation holds; its own is the first. */
static int selects;

static int authorize(void *own, int action, const char *first, const char *second,
	const char *database, const char *view)
{
	switch (action) {
	case SQLITE_SELECT: return selects++ ? SQLITE_DENY : SQLITE_OK;
	case SQLITE_READ: return strcmp(first, "biflow") == 0 ? SQLITE_OK : SQLITE_DENY;
	case SQLITE_FUNCTION: return is_allowed(second);
	default: return SQLITE_DENY;
	}
}

/* The first use of the table declares it, which the authorizer would refuse: so it happens here. */
sqlite3 *condition_open(struct row *row)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
			SQLITE_OK ||
		row_register(row, db) != SQLITE_OK || functions_register(db, row) != SQLITE_OK ||
		sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL) != SQLITE_OK ||
		sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL) != SQLITE_OK ||
		sqlite3_exec(db, "SELECT 1 FROM biflow WHERE 0", NULL, NULL, NULL) != SQLITE_OK) {
		log_err("cannot set up SQLite for the policy: %s",
			db ? sqlite3_errmsg(db) : "out of memory");
		sqlite3_close(db);
		return NULL;
	}
	return db;
}

/* For a trial run; the other one is on no biflow at all. */
static const struct biflow zero_biflow = {.key = {.version = 4}, .forward = {.sampling = 1}};

static int run(sqlite3_stmt *statement, struct row *row, const struct biflow *biflow)
{
	int code;

	row_show(row, biflow);
	code = sqlite3_step(statement);
	sqlite3_reset(statement);
	row_show(row, NULL);
	return code;
}

static const char *shape_of(sqlite3_stmt *statement, struct row *row)
{
	if (sqlite3_column_count(statement) != 1)
		return "a condition is one expression";
	if (sqlite3_bind_parameter_count(statement))
		return "a condition has no parameters";
	/* Over no rows an aggregate gives a row all the same. */
	if (run(statement, row, NULL) == SQLITE_ROW)
		return "aggregate functions are not allowed: a condition sees one biflow (max and min take two or more)";
	return NULL;
}

static const char *explain(const char *message)
{
	static const struct {
		const char *said, *meant;
	} known[] = {
		{"not authorized",
			"subqueries and tables are not allowed: a condition reads one biflow"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(message, known[i].said) == 0)
			return known[i].meant;
	return message;
}

/* Operators and functions whose result may be known when an operand is not. A word in a text does no harm. */
static bool asks_for_null(const char *text)
{
	static const char *const words[] = {"is", "null", "isnull", "notnull", "case", "iif",
		"coalesce", "ifnull", "nullif", "typeof", "hex", "char"};

	while (*text) {
		size_t size = 0;

		while (isalnum((unsigned char)text[size]) || text[size] == '_')
			size++;
		for (size_t i = 0; size && i < sizeof(words) / sizeof(words[0]); i++)
			if (strlen(words[i]) == size && strncasecmp(words[i], text, size) == 0)
				return true;
		text += size ? size : 1;
	}
	return false;
}

bool condition_needs_symptom(sqlite3 *db, struct row *row, const char *text)
{
	char *sql = x_sprintf("SELECT 1 FROM biflow WHERE (%s\n) = 0", text);
	sqlite3_stmt *statement = NULL;
	bool needs = false;

	row->unknown = true;
	if (!asks_for_null(text) && sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK)
		needs = run(statement, row, &zero_biflow) == SQLITE_ROW;
	row->unknown = false;
	sqlite3_finalize(statement);
	free(sql);
	return needs;
}

static int note_property(void *properties, int action, const char *table, const char *column,
	const char *database, const char *view)
{
	int property = action == SQLITE_READ ? row_property(column) : -1;

	if (property >= 0)
		*(uint64_t *)properties |= 1ull << property;
	return SQLITE_OK;
}

uint64_t condition_reads(sqlite3 *db, const char *text)
{
	char *sql = x_sprintf("SELECT (%s\n) FROM biflow", text);
	sqlite3_stmt *statement = NULL;
	uint64_t properties = 0;

	sqlite3_set_authorizer(db, note_property, &properties);
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		properties = UINT64_MAX;
	sqlite3_set_authorizer(db, NULL, NULL);
	sqlite3_finalize(statement);
	free(sql);
	return properties;
}

bool condition_check(sqlite3 *db, struct row *row, const char *text, char *why, size_t size,
	size_t *offset)
{
	static const char before[] = "SELECT (",
			  after[] = "\n) FROM biflow"; /* the line end ends a "--" comment */
	char *sql = x_sprintf("%s%s%s", before, text, after);
	sqlite3_stmt *statement = NULL;
	const char *wrong = NULL;
	int at = -1;

	selects = 0;
	sqlite3_set_authorizer(db, authorize, NULL);
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
		wrong = explain(sqlite3_errmsg(db));
		at = sqlite3_error_offset(db);
	} else {
		wrong = shape_of(statement, row);
		if (!wrong && run(statement, row, &zero_biflow) != SQLITE_ROW)
			wrong = sqlite3_errmsg(db);
	}
	if (wrong)
		snprintf(why, size, "%s", wrong);
	sqlite3_set_authorizer(db, NULL, NULL);
	sqlite3_finalize(statement);
	free(sql);
	at -= (int)strlen(before);
	*offset = at < 0 ? 0 : at > (int)strlen(text) ? strlen(text) : (size_t)at;
	return !wrong;
}
