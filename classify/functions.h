/*
 * functions.h: the functions of MIRA in conditions.
 *
 *	net(address, 'prefix')	 1 when the address lies in the prefix; 0 when not, or when one is IPv4 and the other IPv6; NULL
 *				 for NULL; an error when the text is no prefix
 *	total(a, b, …)		 the sum; NULL counts as 0
 *	majority(a, b, …)	 1 when a is larger than the sum of all others: "most of what was seen is a"
 */
#ifndef CLASSIFY_FUNCTIONS_H
#define CLASSIFY_FUNCTIONS_H

#include <sqlite3.h>
#include "classify/row.h"

/* functions_register(): ROW lets net() take an address of the current row without parsing its text. An SQLite code. */
int functions_register(sqlite3 *db, struct row *row);

#endif
