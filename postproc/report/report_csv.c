/*
 * report_csv.c: the tables of the audit for a spreadsheet, one file each (RFC 4180): every member of
 * the report that is a list of objects, or an object, with a column for each plain member.
 *
 * Texts come from packets: one that a spreadsheet would take for a formula gets an apostrophe.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/report/report.h"
#include "postproc/report/report_query.h"
#include "postproc/table.h"
#include "spool/log.h"
#include "spool/nfs.h"

static bool plain(const json_t *value)
{
	return !json_is_object(value) && !json_is_array(value);
}

static void put_text(const char *text, FILE *out)
{
	char *kept = *text && strchr("=+-@\t\r", *text) ? x_sprintf("'%s", text) : NULL;

	table_quote(kept ? kept : text, out);
	free(kept);
}

static void put_value(const json_t *value, FILE *out)
{
	switch (json_typeof(value)) {
	case JSON_STRING: put_text(json_string_value(value), out); break;
	case JSON_INTEGER: fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value)); break;
	case JSON_REAL: fprintf(out, "%.9g", json_real_value(value)); break;
	case JSON_TRUE: fputs("true", out); break;
	case JSON_FALSE: fputs("false", out); break;
	default: break; /* null is an empty field */
	}
}

/* A line of what PUT makes of the members of ROW that are plain in FIRST. */
static void put_line(json_t *first, const json_t *row, FILE *out)
{
	const char *separator = "", *key;
	json_t *value;

	json_object_foreach(first, key, value) {
		if (!plain(value))
			continue;
		fputs(separator, out);
		if (row)
			put_value(json_object_get(row, key), out);
		else
			put_text(key, out);
		separator = ",";
	}
	fputs("\r\n", out);
}

static char *table_of(const json_t *rows, size_t *size)
{
	json_t *first = json_array_get(rows, 0);
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		return NULL;
	put_line(first, NULL, out);
	for (size_t i = 0; i < json_array_size(rows); i++)
		put_line(first, json_array_get(rows, i), out);
	return fclose(out) ? NULL : text;
}

static int write_table(const json_t *rows, const char *folder, const char *name)
{
	char path[PATH_MAX], *file, *text;
	size_t size;
	int error;

	if (!json_is_object(json_array_get(rows, 0)))
		return 0;
	file = x_sprintf("%s.csv", name);
	text = table_of(rows, &size);
	error = !text || nfs_join(path, folder, file) || nfs_write_file(path, text, size);
	free(text);
	free(file);
	return error ? -1 : 0;
}

/* What hangs below each rule stands in a table of its own, which names the rule. */
static json_t *traces(json_t *rules, const char *part)
{
	json_t *all = json_array(), *rule, *row;
	size_t i, j;

	json_array_foreach(rules, i, rule)
		json_array_foreach(json_object_get(json_object_get(rule, "trace"), part), j, row) {
			json_t *line = json_pack("{sO}", "of_rule", json_object_get(rule, "rule"));

			json_object_update(line, row);
			json_array_append_new(all, line);
		}
	return all;
}

static int write_traces(const json_t *report, const char *folder)
{
	static const char *const kinds[] = {"symptoms", "alternatives", "examples"};
	int error = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !error; i++) {
		json_t *rows = traces(json_object_get(report, "rules"), kinds[i]);
		char *name = x_sprintf("rule_%s", kinds[i]);

		error = write_table(rows, folder, name);
		free(name);
		json_decref(rows);
	}
	return error;
}

static int write_tables(json_t *report, const char *folder)
{
	const char *name;
	json_t *part;
	int error = 0;

	json_object_foreach(report, name, part) {
		json_t *rows = json_is_object(part) ? json_pack("[O]", part) : json_incref(part);

		if (!error)
			error = write_table(rows, folder, name);
		json_decref(rows);
	}
	return error || write_traces(report, folder);
}

/* All tables or none: those of the report before go when the new ones are complete. */
int report_csv(json_t *report, const char *folder)
{
	char part[PATH_MAX], whole[PATH_MAX];
	int error;

	if (nfs_join(part, folder, NFS_TEMPORARY "csv") || nfs_join(whole, folder, "csv"))
		return -1;
	if (!nfs_remove(part, 1) && !nfs_mkdir(part) && !write_tables(report, part) &&
		!nfs_remove(whole, 1) && !rename(part, whole))
		return 0;
	error = errno;
	nfs_remove(part, 1);
	errno = error;
	return -1;
}
