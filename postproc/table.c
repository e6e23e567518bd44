/*
 * table.c: what post-processors found, as rows and columns; the last step before a person's eyes or a
 * spreadsheet.
 */
#include "postproc/table.h"

#include <string.h>

#include "postproc/report/report.h"
#include "postproc/report/report_query.h"

#define CELL   32
#define WIDEST 40

/* ---- a terminal ---- */

static const char *format_cell(const json_t *value, enum table_kind kind, char out[CELL])
{
	if (!value || json_is_null(value))
		return "-";
	switch (kind) {
	case TABLE_COUNT: return report_count(json_integer_value(value), out);
	case TABLE_SIZE: return report_size(json_number_value(value), out);
	case TABLE_SHARE: return report_share(json_number_value(value), out);
	case TABLE_TEXT:
	case TABLE_FINAL: break;
	}
	return json_string_value(value);
}

/* Columns on a terminal, without those of more than one and of none. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width < WIDEST ? width : WIDEST;
}

static int width_of_column(const json_t *rows, const struct table_column *column)
{
	int widest = width_of(column->title), width;
	char text[CELL];
	const json_t *row;

	for (size_t i = 0; (row = json_array_get(rows, i)); i++) {
		width = width_of(
			format_cell(json_object_get(row, column->key), column->kind, text));
		if (width > widest)
			widest = width;
	}
	return widest;
}

static void put_cell(const char *text, enum table_kind kind, int width, FILE *out)
{
	if (kind == TABLE_TEXT)
		report_put(text, width, out);
	else
		fprintf(out, "%*s%s", width - width_of(text), "", text);
}

/* One line: of ROW, or of the titles. */
static void put_line(const json_t *row, const struct table_column *columns, const int *widths,
	FILE *out)
{
	char text[CELL];

	for (size_t i = 0; columns[i].key; i++) {
		if (i)
			fputs("  ", out);
		put_cell(row ? format_cell(json_object_get(row, columns[i].key), columns[i].kind,
				       text)
			     : columns[i].title,
			columns[i].kind, widths[i], out);
	}
	fputc('\n', out);
}

void table_text(const json_t *rows, const struct table_column *columns, FILE *out)
{
	int widths[32];
	const json_t *row;

	for (size_t i = 0; columns[i].key; i++)
		widths[i] = width_of_column(rows, &columns[i]);
	put_line(NULL, columns, widths, out);
	for (size_t i = 0; (row = json_array_get(rows, i)); i++)
		put_line(row, columns, widths, out);
}

/* ---- CSV ---- */

void table_quote(const char *text, FILE *out)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

static void csv_text(const char *text, FILE *out)
{
	if (text[strcspn(text, ",\"\r\n")])
		table_quote(text, out);
	else
		fputs(text, out);
}

static void csv_value(const json_t *value, FILE *out)
{
	if (json_is_string(value))
		csv_text(json_string_value(value), out);
	else if (json_is_integer(value))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		fprintf(out, "%.9g", json_real_value(value));
}

void table_csv(const json_t *rows, const struct table_column *columns, FILE *out)
{
	const json_t *row;

	for (size_t i = 0; columns[i].key; i++)
		fprintf(out, "%s%s", i ? "," : "", columns[i].key);
	fputc('\n', out);
	for (size_t n = 0; (row = json_array_get(rows, n)); n++) {
		for (size_t i = 0; columns[i].key; i++) {
			if (i)
				fputc(',', out);
			csv_value(json_object_get(row, columns[i].key), out);
		}
		fputc('\n', out);
	}
}
