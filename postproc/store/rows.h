/*
 * rows.h: the rows of a query as text: a table for people, CSV (RFC 4180) or JSON for programs.
 *
 * Texts out of packets may hold anything. A table shows what is no printable text of the locale as \xNN, so nothing else
 * reaches the terminal; JSON has '?' for what is no UTF-8; CSV passes bytes on as they are, in quotes. NULL is "NULL" in a
 * table, an empty field in CSV (the empty text is ""), null in JSON. A blob is its hexadecimal digits.
 */
#ifndef POSTPROC_ROWS_H
#define POSTPROC_ROWS_H

#include <sqlite3.h>
#include <stdio.h>

typedef int (*rows_printer)(sqlite3_stmt *statement, FILE *out);

/* rows_printer_of(): of the format called "table", "csv" or "json"; NULL for another name. */
rows_printer rows_printer_of(const char *name);
/*
 * The printer steps through all rows of STATEMENT and returns what sqlite3_step() said at last: SQLITE_DONE or an error, after
 * which JSON is not closed. Errors of OUT are the caller's to look for.
 */

#endif
