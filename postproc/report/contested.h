/*
 * contested.h: verdicts that somebody whom they concern was told of, or contests, and what came of it: a
 * file that a person keeps (mira-report(8), CONTESTED VERDICTS). Between that file and the report,
 * which has each entry beside its rule.
 */
#ifndef POSTPROC_CONTESTED_H
#define POSTPROC_CONTESTED_H

#include <jansson.h>

#include "postproc/period.h"

/*
 * contested_load(): *LIST gets the entries of PATH ("": there are none) that touch PERIOD, as objects
 * { rule, who, from, to, state, reason, by, decision }; the caller owns it. 0; or an exit code after
 * having logged why, and *LIST is NULL: a report without them would be unfair.
 */
int contested_load(const char *path, const struct period *period, json_t **list);

#endif
