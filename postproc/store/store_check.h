/*
 * store_check.h: is a store what it says? Its file, its sums and its ledger, each against the other.
 */
#ifndef POSTPROC_STORE_CHECK_H
#define POSTPROC_STORE_CHECK_H

#include <sqlite3.h>
#include <stdio.h>

/* store_check(): prints a line for each check to OUT; DB is open for reading. How many failed; -1: the database could not be
 * read, sqlite3_errmsg(). */
int store_check(sqlite3 *db, FILE *out);

#endif
