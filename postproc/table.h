/*
 * table.h: rows of JSON objects as a table: aligned for a terminal, or as CSV (RFC 4180, but lines end
 * as those of other texts do).
 *
 *	static const struct table_column columns[] = {
 *		{"aggregate", "Aggregate", TABLE_TEXT}, {"octets", "octets", TABLE_SIZE}, {0}};
 *	table_text(rows, columns, stdout);
 *	table_csv(rows, columns, stdout);	first the keys, then texts and numbers as they are
 *
 * What a row has not, or is null, is "-" on a terminal and empty in CSV.
 */
#ifndef POSTPROC_TABLE_H
#define POSTPROC_TABLE_H

#include <jansson.h>
#include <stdio.h>

enum table_kind {
	TABLE_TEXT,  /* on the left, cut at 40 columns */
	TABLE_COUNT, /* 1,234,567 */
	TABLE_SIZE,  /* of octets: 1.2 MB */
	TABLE_SHARE, /* of 0 … 1: 12.3 % */
	TABLE_FINAL, /* a text on the right: an amount of money */
};

struct table_column {
	const char *key, *title;
	enum table_kind kind;
};

void table_text(const json_t *rows, const struct table_column *columns, FILE *out);
void table_csv(const json_t *rows, const struct table_column *columns, FILE *out);
/* table_quote(): TEXT as a field of CSV in quotes. */
void table_quote(const char *text, FILE *out);

#endif
