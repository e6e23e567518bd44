/*
 * report.h: the Acceptable Use Policy audit: gathered from mira.db into one JSON object, and printed from that object
 * only, so page, terminal and report.json cannot disagree. Manual page: mira-report(8).
 *
 * The object, in the order of the page (octets are IP total lengths, as observed, both directions; times ms UTC):
 *
 *	format, program, network, from_ms, to_ms, generated_ms
 *	policy { file, hash }, symptoms { folder, hash }
 *	coverage { packets_seen, packets_captured, …, octets_ip, share_analysed, share_blind_octets, incomplete_biflows, late_biflows,
 *	           sampled_biflows, statement }
 *	balance [ { says, left, right, holds } ]
 *	inputs [ { file | interface, run } ], streams [ coverage of one probe and stream ], damaged [ { probe, stream, text } ]
 *	total { biflows, packets, octets }
 *	verdicts, classes, rules, aggregates [ { …, biflows, packets, octets, share_octets } ]
 *	hours [ { hour_ms, class, octets, packets } ]
 *	hosts [ { address, octets_sent, octets_received, biflows, unacceptable_octets, main_class } ], hosts_others { hosts, octets_* }
 *
 * Totals of verdicts, classes, rules and aggregates each are the total of the audit. Hosts are not summed: a biflow has two.
 */
#ifndef POSTPROC_REPORT_H
#define POSTPROC_REPORT_H

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>

#include "spool/config.h"
#include "spool/policy.h"

/* report_gather(): NULL after having logged why. The caller owns the object. */
json_t *report_gather(sqlite3 *db, const struct config *config, const struct policy *policy);
/* report_print(): the short text for a terminal. */
void report_print(const json_t *report, FILE *out);
/* report_page(): the page, complete in itself, malloc'ed. */
char *report_page(const json_t *report);

/* report_size(): "1.2 MB" of OCTETS; report_count(): "1,234,567"; OUT holds 32 bytes; return OUT. */
char *report_size(double octets, char *out);
char *report_count(json_int_t count, char *out);

#endif
