/*
 * report_parts.h: the parts of the report that take more than a query. Private to report*.c; each
 * returns an object the caller owns.
 */
#ifndef POSTPROC_REPORT_PARTS_H
#define POSTPROC_REPORT_PARTS_H

#include "postproc/period.h"
#include "postproc/privacy/privacy.h"
#include "postproc/report/report_query.h"
#include "spool/config.h"
#include "spool/policy.h"

/* report_coverage(): what the figures of REPORT, whose parts are there, rest on. */
json_t *report_coverage(struct query *query, const struct config *config, const json_t *report);
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

/* report_time(): adds to REPORT what its times are: members timezone, zones and period. */
void report_time(json_t *report, const struct period *period);
/* report_previous(): the sums of the period before, or null where there is none. */
json_t *report_previous(struct query *query, const struct period *period);

/*
 * report_estimate(): what of PERIOD was not analysed, extrapolated with its intervals (estimate.h), and
 * whether verdicts and classes changed since the period before.
 */
json_t *report_estimate(struct query *query, const struct config *config,
	const struct period *period);

/*
 * report_trace(): adds to each of RULES whose verdict is not acceptable what its decisions rest on:
 * trace { symptoms, alternatives, examples }.
 */
void report_trace(json_t *rules, struct query *query, const struct policy *policy);
/* report_explain(): adds to each of RULES how it decides: say, when, source. */
void report_explain(json_t *rules, const struct policy *policy);
/* report_policy(), report_symptoms(): which files, and hashes of their content. */
json_t *report_policy(const struct config *config, const struct policy *policy);
json_t *report_symptoms(const struct config *config);
/* report_maker(): who makes the report, and where: "alice on audit1". */
json_t *report_maker(void);

/*
 * report_privacy(): has REPORT show of hosts and names what PRIVACY permits, and says so: members
 * privacy and disclosures. The last step of gathering.
 */
void report_privacy(json_t *report, struct query *query, const struct config *config,
	struct privacy *privacy);

/* page_put_text(): TEXT for HTML. page_put_style(), page_put_style_hash(): the looks of our pages, and
 * what a Content-Security-Policy calls them by. */
void page_put_text(const char *text, FILE *out);
void page_put_style(FILE *out);
void page_put_style_hash(FILE *out);

#endif
