/*
 * try.h: what another policy would say of biflows that are stored already.
 */
#ifndef CLASSIFY_TRY_H
#define CLASSIFY_TRY_H

#include "classify/ruleset.h"

/*
 * try_policy(): decides every biflow of STORE (a folder with mira.db, or the database) by RULESET, made from POLICY, and prints
 * what would change. Fast lists are matched by address and port, as preprocess would; biflows whose payload an earlier fast list kept
 * from being scanned, and that no list takes now, are told apart. SYMBOLS as in symbols.h. An exit code.
 */
int try_policy(struct ruleset *ruleset, const struct policy *policy, const struct namelist *symbols,
	const char *store);

#endif
