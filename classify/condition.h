/*
 * condition.h: the SQLite connection in which conditions live, and the test each must pass before it becomes part of a
 * ruleset. In memory, without tables; double-quoted strings are switched off, an authorizer allows reading the row and calling
 * the functions of a list.
 */
#ifndef CLASSIFY_CONDITION_H
#define CLASSIFY_CONDITION_H

#include "classify/row.h"

/* condition_open(): a connection that knows ROW and the functions; NULL after a message. */
sqlite3 *condition_open(struct row *row);

/*
 * condition_check(): is TEXT one scalar expression that compiles and can be evaluated? false: WHY (not more than SIZE bytes) says why not,
 * and *OFFSET is the byte of TEXT that it is about.
 */
bool condition_check(sqlite3 *db, struct row *row, const char *text, char *why, size_t size,
	size_t *offset);

/*
 * condition_needs_symptom(): is TEXT, which passed the check, false whenever all symptoms are 0, whatever the other columns hold?
 *
 * It is evaluated once with every other column NULL. SQL's logic has three values, and NULL is "unknown" to all of its operators but
 * those that ask for NULL: so what is false then is false for any values. A condition with such an operator is not judged.
 */
bool condition_needs_symptom(sqlite3 *db, struct row *row, const char *text);

/* condition_reads(): the properties that TEXT, which passed the check, names: bits of row_property(); all when that cannot be told. */
uint64_t condition_reads(sqlite3 *db, const char *text);

#endif
