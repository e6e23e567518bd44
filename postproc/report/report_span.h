/*
 * report_span.h: what of the store falls in the period of the report: temporary tables, from
 * which the parts of the report then read. Filled from the rollups, so a month costs seconds however
 * many biflows it had; where the period begins or ends within a UTC day, hosts names, paths and
 * symptoms of those hours come from the biflows themselves.
 *
 *	span_open(&query, systems); …query_rows()…; span_close(&query);
 *
 *	span_rule    class, verdict, rule, sums, first_ms, last_ms (windows), windows
 *	span_hour    hour_ms, class, verdict, sums
 *	span_part    aggregate, direction, class, verdict, sums
 *	span_host    host, address, inside (1, 0; NULL: cannot be told), system (NULL: inside, or nobody knows), HOST_SUMS
 *	span_host_sum	 host, decision, biflows, sent, received
 *	span_name    name, class, verdict, biflows, octets
 *	span_path    probe, vlan, tunnel, tunnel_endpoint ('' for none), class, verdict, sums
 *	span_symptom class, verdict, rule, symptom, biflows, packets; of what is not acceptable
 *	span_ledger  the rows of view ledger
 *
 * They live in memory until the database is closed: they hold addresses, which reach no other disk.
 */
#ifndef POSTPROC_REPORT_SPAN_H
#define POSTPROC_REPORT_SPAN_H

#include "postproc/as.h"
#include "postproc/report/report_query.h"

/* Columns of a query over span_host_sum and decision. */
#define OF_VERDICT(verdict, octets) "sum(iif(verdict = '" verdict "', " octets ", 0))"
#define HOST_SUMS                                                                                  \
	"sum(biflows) AS biflows, sum(sent) AS sent_octets, sum(received) AS received_octets,"     \
	" sum(sent + received) AS octets, " OF_VERDICT("unacceptable",                             \
		"sent + received") " AS unacceptable_octets, " OF_VERDICT("review",                \
		"sent + received") " AS review_octets"

/* span_open(): once a connection; begins a transaction too, so all parts see the store at one instant.
 * SYSTEMS: NULL when nobody knows who announces an address. span_close() ends the transaction. */
void span_open(struct query *query, const struct as_database *systems);
void span_close(struct query *query);

#endif
