/*
 * rows.c: what `mira query` prints. A table is as wide as its first rows need, so that a result of any length is printed as it
 * comes and is not kept.
 */
#include "postproc/store/rows.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "postproc/table.h"
#include "spool/fields.h"
#include "spool/log.h"

#define PREVIEW 1000 /* rows that a table's widths are taken from */

static bool is_number(sqlite3_stmt *row, int column)
{
	int type = sqlite3_column_type(row, column);

	return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

/* ---- CSV ---- */

static char *hex_of(sqlite3_stmt *row, int column)
{
	const unsigned char *bytes = sqlite3_column_blob(row, column);
	size_t size = (size_t)sqlite3_column_bytes(row, column);
	char *hex = x_calloc(1, 2 * size + 1);

	for (size_t i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	return hex;
}

/* A value that is not NULL as text; the caller's. */
static char *text_of(sqlite3_stmt *row, int column)
{
	if (sqlite3_column_type(row, column) == SQLITE_BLOB)
		return hex_of(row, column);
	return x_strdup((const char *)sqlite3_column_text(row, column));
}

static void csv_value(sqlite3_stmt *row, int column, FILE *out)
{
	char *text;

	if (sqlite3_column_type(row, column) == SQLITE_NULL)
		return;
	text = text_of(row, column);
	if (is_number(row, column))
		fputs(text, out);
	else
		table_quote(text, out);
	free(text);
}

static int print_csv(sqlite3_stmt *row, FILE *out)
{
	int columns = sqlite3_column_count(row), code;

	for (int i = 0; i < columns; i++) {
		fputs(i ? "," : "", out);
		table_quote(sqlite3_column_name(row, i), out);
	}
	fputs("\r\n", out);
	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		for (int i = 0; i < columns; i++) {
			fputs(i ? "," : "", out);
			csv_value(row, i, out);
		}
		fputs("\r\n", out);
	}
	return code;
}

/* ---- JSON ---- */

static json_t *json_value(sqlite3_stmt *row, int column)
{
	json_t *value;
	char *text;

	switch (sqlite3_column_type(row, column)) {
	case SQLITE_NULL: return json_null();
	case SQLITE_INTEGER: return json_integer(sqlite3_column_int64(row, column));
	/* An infinity, which JSON has not, is null. */
	case SQLITE_FLOAT:
		value = json_real(sqlite3_column_double(row, column));
		return value ? value : json_null();
	}
	text = text_of(row, column);
	value = json_text(text);
	free(text);
	return value;
}

static void json_row(sqlite3_stmt *row, FILE *out)
{
	json_t *object = json_object();

	for (int i = 0; i < sqlite3_column_count(row); i++)
		json_object_set_new(object, sqlite3_column_name(row, i), json_value(row, i));
	json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(object);
}

/* An object a line, so that it can be read as lines, too. */
static int print_json(sqlite3_stmt *row, FILE *out)
{
	const char *before = "[\n";
	int code;

	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		fputs(before, out);
		json_row(row, out);
		before = ",\n";
	}
	if (code == SQLITE_DONE)
		fputs(*before == '[' ? "[]\n" : "\n]\n", out);
	return code;
}

/* ---- a table ---- */

/* A value as it is shown. */
struct cell {
	char *text;
	size_t width; /* columns of the terminal */
	bool right;
};

/* One character at TEXT: its bytes, and the columns it takes; 0 columns: not to be printed. */
static size_t character(const char *text, size_t *columns)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t size = mbrtowc(&wide, text, MB_CUR_MAX, &state);
	int width = size > 0 && size <= MB_CUR_MAX ? wcwidth(wide) : 0;

	*columns = width > 0 ? (size_t)width : 0;
	return width > 0 ? size : 1;
}

static struct cell cell_of(const char *text, bool right)
{
	struct cell cell = {.right = right, .text = x_calloc(4, strlen(text) + 1)};
	char *to = cell.text;

	while (*text) {
		size_t columns, size = character(text, &columns);

		if (columns)
			to = (char *)memcpy(to, text, size) + size;
		else
			to += snprintf(to, 5, "\\x%02x", (unsigned char)*text);
		cell.width += columns ? columns : 4;
		text += size;
	}
	return cell;
}

static struct cell cell_at(sqlite3_stmt *row, int column)
{
	struct cell cell;
	char *text;

	if (sqlite3_column_type(row, column) == SQLITE_NULL)
		return cell_of("NULL", false);
	text = text_of(row, column);
	cell = cell_of(text, is_number(row, column));
	free(text);
	return cell;
}

static void put(const struct cell *cell, size_t width, bool last, FILE *out)
{
	int space = cell->width < width ? (int)(width - cell->width) : 0;

	if (cell->right)
		fprintf(out, "%*s", space, "");
	fputs(cell->text, out);
	if (!cell->right && !last)
		fprintf(out, "%*s", space, "");
	fputs(last ? "\n" : "  ", out);
}

static void put_row(const struct cell *cells, const size_t *widths, int columns, FILE *out)
{
	for (int i = 0; i < columns; i++)
		put(&cells[i], widths[i], i + 1 == columns, out);
}

static void put_rule(const size_t *widths, int columns, FILE *out)
{
	for (int i = 0; i < columns; i++) {
		for (size_t k = 0; k < widths[i]; k++)
			putc('-', out);
		fputs(i + 1 == columns ? "\n" : "  ", out);
	}
}

static void read_row(sqlite3_stmt *row, struct cell *cells, size_t *widths, int columns)
{
	for (int i = 0; i < columns; i++) {
		cells[i] = cell_at(row, i);
		if (cells[i].width > widths[i])
			widths[i] = cells[i].width;
	}
}

static void free_cells(struct cell *cells, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(cells[i].text);
}

/* Reads the first rows into CELLS, behind those of the head; how many there were. */
static size_t preview(sqlite3_stmt *row, struct cell *cells, size_t *widths, int *code)
{
	int columns = sqlite3_column_count(row);
	size_t rows = 0;

	for (int i = 0; i < columns; i++) {
		cells[i] = cell_of(sqlite3_column_name(row, i), false);
		widths[i] = cells[i].width;
	}
	while (rows < PREVIEW && (*code = sqlite3_step(row)) == SQLITE_ROW)
		read_row(row, cells + ++rows * (size_t)columns, widths, columns);
	return rows;
}

/* Wider values than those of the preview only push their own line. */
static int print_rest(sqlite3_stmt *row, struct cell *cells, size_t *widths, FILE *out)
{
	int columns = sqlite3_column_count(row), code;

	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		read_row(row, cells, widths, columns);
		put_row(cells, widths, columns, out);
		free_cells(cells, (size_t)columns);
	}
	return code;
}

static int print_table(sqlite3_stmt *row, FILE *out)
{
	int columns = sqlite3_column_count(row), code = SQLITE_DONE;
	struct cell *cells = x_calloc((PREVIEW + 1) * (size_t)columns, sizeof(*cells));
	size_t *widths = x_calloc((size_t)columns, sizeof(*widths));
	size_t rows = preview(row, cells, widths, &code);

	for (size_t i = 0; i <= rows; i++) {
		put_row(cells + i * (size_t)columns, widths, columns, out);
		if (i == 0)
			put_rule(widths, columns, out);
	}
	free_cells(cells, (rows + 1) * (size_t)columns);
	if (code == SQLITE_ROW)
		code = print_rest(row, cells, widths, out);
	free(widths);
	free(cells);
	return code;
}

rows_printer rows_printer_of(const char *name)
{
	static const struct {
		const char *name;
		rows_printer print;
	} formats[] = {{"table", print_table}, {"csv", print_csv}, {"json", print_json}};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(formats[i].name, name))
			return formats[i].print;
	return NULL;
}
