/*
 * report_parts.h: the parts of the report that take more than a query. Private to report*.c; each
 * returns an object the caller owns.
 */
#ifndef POSTPROC_REPORT_PARTS_H
#define POSTPROC_REPORT_PARTS_H

#include "postproc/report_query.h"
#include "spool/config.h"
#include "spool/policy.h"

/*
 * report_coverage(): what the figures rest on. BLIND: octets of rule blind; DAMAGED: inputs that
 * ended early.
 */
json_t *report_coverage(struct query *query, double blind, size_t damaged);
/*
 * report_balance(): [ { says, left, right, holds } ], the checks of `mira balance` and one of our
 * own.
 */
json_t *report_balance(struct query *query);
/*
 * report_bound(): adds to each of VERDICTS between which shares of the packets it lies, whatever
 * the packets not analysed were: share_packets_low, share_packets_high. COVERAGE as above.
 */
void report_bound(json_t *verdicts, const json_t *coverage);

/* report_explain(): adds to each of RULES how it decides: say, when, source. */
void report_explain(json_t *rules, const struct policy *policy);
/* report_policy(), report_symptoms(): which files, and hashes of their content. */
json_t *report_policy(const struct config *config, const struct policy *policy);
json_t *report_symptoms(const struct config *config);

#endif
