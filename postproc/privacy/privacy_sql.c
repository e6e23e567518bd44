/*
 * privacy_sql.c: the levels of privacy as functions of SQL, for those who show what a query gives.
 */
#include <stdlib.h>

#include "postproc/privacy/privacy.h"

static void shown_host(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *text = (const char *)sqlite3_value_text(values[0]);
	char out[PRIVACY_TEXT];

	if (text)
		sqlite3_result_text(context, privacy_host(sqlite3_user_data(context), text, out),
			-1, SQLITE_TRANSIENT);
}

static void shown_names(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *text = (const char *)sqlite3_value_text(values[0]);

	if (text)
		sqlite3_result_text(context, privacy_names(sqlite3_user_data(context), text), -1,
			free);
}

static void shown_text(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *text = (const char *)sqlite3_value_text(values[0]);

	if (text)
		sqlite3_result_text(context, privacy_text(sqlite3_user_data(context), text), -1,
			free);
}

int privacy_sql(struct privacy *privacy, sqlite3 *db)
{
	static const struct {
		const char *name;
		void (*call)(sqlite3_context *context, int count, sqlite3_value **values);
	} functions[] = {{"shown_host", shown_host}, {"shown_names", shown_names},
		{"shown_text", shown_text}};
	int code = SQLITE_OK;

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]) && code == SQLITE_OK; i++)
		code = sqlite3_create_function(db, functions[i].name, 1,
			SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, privacy,
			functions[i].call, NULL, NULL);
	return code;
}
