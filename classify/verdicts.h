/*
 * verdicts.h: from a batch of biflows to a batch of verdicts: the same biflows with class, verdict and rule, the same ledger rows,
 * the same name and number.
 */
#ifndef CLASSIFY_VERDICTS_H
#define CLASSIFY_VERDICTS_H

#include "classify/ruleset.h"
#include "spool/stage.h"

enum verdicts_result {
	VERDICTS_DONE,
	VERDICTS_MACHINE, /* errno */
	VERDICTS_BAD,	  /* the input: WHY */
	VERDICTS_POLICY,  /* a condition failed, logged */
};

/* verdicts_write(): decides the biflows of BATCH by RULESET, whose rules have hash RULES, into its output. WHY holds SIZE bytes. Counts records and bytes in PROGRESS. */
enum verdicts_result verdicts_write(struct batch *batch, struct ruleset *ruleset, const char *rules,
	struct progress *progress, char *why, size_t size);

/* verdicts_write_empty(): for a batch that was rejected: none of its records, but its name and number, so that the store sees no
 * gap. 0, or -1 with errno. */
int verdicts_write_empty(struct batch *batch);

#endif
