/*
 * ruleset.h: a policy, compiled: from a biflow to a decision.
 *
 * A condition is an SQL expression over the columns of row.h. Each is compiled alone first, so that a mistake is
 * reported with its place in policy.conf; then all become one statement
 *
 *	SELECT CASE WHEN (condition) THEN 0 WHEN (condition) THEN 1 … END FROM biflow
 *
 * of which each step answers for the biflow that is then shown. A condition reads the row and calls functions that depend on nothing else; subqueries, aggregates, parameters,
 * clocks and chance are refused, so a biflow has the same verdict whenever and wherever it is asked for. What was asked for before is
 * remembered (memo.h).
 *
 * Order: the first fast list (in the policy's order) with a count above 0; else the first class whose condition is true (neither 0
 * nor NULL); else class UNKNOWN, verdict review, rule "blind".
 *
 * Calling sequence: ruleset_load(), ruleset_decide() for each biflow, ruleset_free(). No intern id may be forgotten meanwhile.
 */
#ifndef CLASSIFY_RULESET_H
#define CLASSIFY_RULESET_H

#include "classify/row.h"

/* Intern ids. */
struct decision {
	uint32_t class, verdict, rule;
};

struct ruleset;

/*
 * ruleset_load(): reads the policy at PATH and the symptom names in folder SYMPTOMS, and compiles. POLICY and SYMBOLS get what was read and
 * are the caller's to free, also after a failure. NULL: *CODE is an exit code, the reason is logged.
 */
struct ruleset *ruleset_load(struct policy *policy, struct namelist *symbols, const char *path,
	const char *symptoms, int *code);

/*
 * ruleset_compile(): of POLICY, with the names of SYMBOLS (symbols.h), which are needed for this call only. NULL after having logged file, line, column
 * and reason of every condition that is refused, with *CODE MIRA_PERSON (MIRA_AGAIN when SQLite itself failed).
 */
struct ruleset *ruleset_compile(const struct policy *policy, const struct namelist *symbols,
	int *code);
void ruleset_free(struct ruleset *ruleset);

/* ruleset_decide(): -1: a condition failed while running: logged; a person is needed. */
int ruleset_decide(struct ruleset *ruleset, const struct biflow *biflow, struct decision *decision);

#endif
