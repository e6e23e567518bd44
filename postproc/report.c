/*
 * report.c: gathers the audit: a table of queries, each a part of the report, and what takes more
 * than a query.
 */
#include "postproc/report.h"

#include <string.h>
#include <time.h>

#include "postproc/report_parts.h"
#include "postproc/store.h"
#include "spool/log.h"

#define REPORT_FORMAT  1
#define WINDOWS_SPAN_H 3 /* an audit that spans less is shown by windows, not by hours */

/* SQL is laid out as SQL. */
/* clang-format off */

/* Sums that several parts have. */
#define SUMS "sum(biflows) AS biflows, sum(packets) AS packets, sum(octets) AS octets"
#define OF_VERDICT(verdict, octets) "sum(iif(verdict = '" verdict "', " octets ", 0))"
#define BOTH "octets + coalesce(reverse_octets, 0)"
#define OBSERVED                                                                                   \
	"count(*) AS biflows, sum(packets + coalesce(reverse_packets, 0)) AS packets,"             \
	" sum(" BOTH ") AS octets"
#define MOVED "sent_octets + received_octets"

/* What every list of the report is: its name, and the query whose rows are its objects. ?1: rows
 * of a top table. */
static const struct part {
	const char *name, *sql;
} parts[] = {
	/* All three verdicts always, in this order; another one, should there be, after them. */
	{"verdicts",
		"SELECT verdict, " SUMS
		" FROM (SELECT verdict, biflows, packets, octets, 9 AS place FROM class_total"
		"  UNION ALL VALUES('acceptable', 0, 0, 0, 1), ('unacceptable', 0, 0, 0, 2),"
		"   ('review', 0, 0, 0, 3))"
		" GROUP BY verdict ORDER BY min(place), verdict"},
	{"classes",
		"SELECT class, " SUMS ","
		"  " OF_VERDICT("acceptable", "octets") " AS acceptable_octets,"
		"  " OF_VERDICT("unacceptable", "octets") " AS unacceptable_octets,"
		"  " OF_VERDICT("review", "octets") " AS review_octets"
		" FROM class_total GROUP BY class ORDER BY octets DESC, class"},
	{"rules",
		"SELECT rule, class, verdict, biflows, packets, octets"
		" FROM rule_total ORDER BY octets DESC, rule, class, verdict"},
	{"aggregates",
		"SELECT aggregate, " SUMS ","
		"  " OF_VERDICT("acceptable", "octets") " AS acceptable_octets,"
		"  " OF_VERDICT("unacceptable", "octets") " AS unacceptable_octets,"
		"  " OF_VERDICT("review", "octets") " AS review_octets"
		" FROM aggregate_total GROUP BY aggregate ORDER BY octets DESC, aggregate"},
	{"hours",
		"SELECT hour_ms, class, " SUMS
		" FROM hour_total GROUP BY hour_ms, class ORDER BY hour_ms, class"},
	/* A host's main class is the one with most of its octets. */
	{"hosts",
		"WITH part AS MATERIALIZED ("
		"  SELECT address, class, sum(biflows) AS biflows,"
		"   sum(sent_octets) AS sent, sum(received_octets) AS received,"
		"   " OF_VERDICT("unacceptable", MOVED) " AS unacceptable,"
		"   " OF_VERDICT("review", MOVED) " AS review"
		"  FROM host_total GROUP BY address, class),"
		" top AS ("
		"  SELECT address, sum(biflows) AS biflows, sum(sent) AS sent_octets,"
		"   sum(received) AS received_octets, sum(sent + received) AS octets,"
		"   sum(unacceptable) AS unacceptable_octets, sum(review) AS review_octets"
		"  FROM part GROUP BY address ORDER BY octets DESC, address LIMIT ?1),"
		" placed AS ("
		"  SELECT address, class, row_number() OVER"
		"   (PARTITION BY address ORDER BY sent + received DESC, class) AS place"
		"  FROM part WHERE address IN (SELECT address FROM top))"
		" SELECT top.*, class AS main_class FROM top JOIN placed USING(address)"
		" WHERE place = 1 ORDER BY octets DESC, address"},
	{"hosts_others",
		"SELECT count(*) AS hosts, coalesce(sum(biflows), 0) AS biflows,"
		"  coalesce(sum(sent), 0) AS sent_octets,"
		"  coalesce(sum(received), 0) AS received_octets,"
		"  coalesce(sum(sent + received), 0) AS octets,"
		"  coalesce(sum(unacceptable), 0) AS unacceptable_octets,"
		"  coalesce(sum(review), 0) AS review_octets"
		" FROM (SELECT sum(biflows) AS biflows,"
		"   sum(sent_octets) AS sent, sum(received_octets) AS received,"
		"   " OF_VERDICT("unacceptable", MOVED) " AS unacceptable,"
		"   " OF_VERDICT("review", MOVED) " AS review"
		"  FROM host_total GROUP BY address"
		"  ORDER BY sum(" MOVED ") DESC, address LIMIT -1 OFFSET ?1)"},
	{"names",
		"WITH named AS MATERIALIZED ("
		"  SELECT host_name AS name, class, verdict, count(*) AS biflows,"
		"   sum(" BOTH ") AS octets"
		"  FROM biflow_text WHERE host_name IS NOT NULL GROUP BY host_name, class, verdict),"
		" top AS ("
		"  SELECT name, sum(biflows) AS biflows, sum(octets) AS octets,"
		"   " OF_VERDICT("unacceptable", "octets") " AS unacceptable_octets"
		"  FROM named GROUP BY name ORDER BY octets DESC, name LIMIT ?1),"
		" placed AS ("
		"  SELECT name, class, row_number() OVER"
		"   (PARTITION BY name ORDER BY sum(octets) DESC, class) AS place"
		"  FROM named WHERE name IN (SELECT name FROM top) GROUP BY name, class)"
		" SELECT top.*, class AS main_class FROM top JOIN placed USING(name)"
		" WHERE place = 1 ORDER BY octets DESC, name"},
	{"names_others",
		"SELECT count(*) AS names, coalesce(sum(biflows), 0) AS biflows,"
		"  coalesce(sum(octets), 0) AS octets,"
		"  coalesce(sum(unacceptable), 0) AS unacceptable_octets"
		" FROM (SELECT count(*) AS biflows, sum(" BOTH ") AS octets,"
		"   " OF_VERDICT("unacceptable", BOTH) " AS unacceptable"
		"  FROM biflow_text WHERE host_name IS NOT NULL GROUP BY host_name"
		"  ORDER BY sum(" BOTH ") DESC, host_name LIMIT -1 OFFSET ?1)"},
	/* A biflow stands in one row: what is in a tunnel adds up to the rows and the others. */
	{"tunnels",
		"SELECT tunnel, tunnel_endpoint AS endpoints, " OBSERVED
		" FROM biflow_text WHERE tunnel IS NOT NULL GROUP BY tunnel, tunnel_endpoint"
		" ORDER BY octets DESC, tunnel, endpoints LIMIT ?1"},
	{"tunnels_others",
		"SELECT count(*) AS tunnels, coalesce(sum(biflows), 0) AS biflows,"
		"  coalesce(sum(packets), 0) AS packets, coalesce(sum(octets), 0) AS octets"
		" FROM (SELECT " OBSERVED
		"  FROM biflow_text WHERE tunnel IS NOT NULL GROUP BY tunnel, tunnel_endpoint"
		"  ORDER BY octets DESC, tunnel, tunnel_endpoint LIMIT -1 OFFSET ?1)"},
	{"streams",
		"SELECT * FROM coverage ORDER BY probe, stream"},
	{"damaged",
		"SELECT probe, stream, run, max(seq) AS seq, damaged AS text FROM ledger"
		" WHERE damaged IS NOT NULL GROUP BY probe, stream, run, damaged"
		" ORDER BY probe, stream, run"},
	/* As many as a person reads; how many there are in all stands in coverage. */
	{"unanalysed",
		"SELECT probe, stream, run, seq, status, packets_captured, first_ms, last_ms"
		" FROM ledger WHERE status <> 'analysed'"
		" ORDER BY probe, stream, run, seq LIMIT 1000"},
	{"rejected",
		"SELECT name AS batch, rejected AS text FROM batch"
		" WHERE rejected IS NOT NULL ORDER BY name LIMIT 1000"},
};

static const char windows_sql[] =
	"SELECT window_ms, class, " OBSERVED
	" FROM biflow_text GROUP BY window_ms, class ORDER BY window_ms, class";

static const char total_sql[] =
	"SELECT coalesce(sum(biflows), 0) AS biflows, coalesce(sum(packets), 0) AS packets,"
	"  coalesce(sum(octets), 0) AS octets FROM class_total";

static const char period_sql[] =
	"SELECT min(first_ms) AS from_ms, max(last_ms) AS to_ms FROM ledger";

/* clang-format on */

/* Parts whose rows divide the total among them. */
static const char *const shared[] = {"verdicts", "classes", "rules", "aggregates"};

/* Each row's share of the octets of all rows, 0 … 1. */
static void add_shares(json_t *rows)
{
	double sum = 0;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		sum += json_number(row, "octets");
	json_array_foreach(rows, i, row)
		json_object_set_new(row, "share_octets",
			json_real(sum > 0 ? json_number(row, "octets") / sum : 0));
}

static double octets_of_rule(const json_t *rules, const char *name)
{
	double octets = 0;
	const json_t *rule;

	for (size_t i = 0; (rule = json_array_get(rules, i)); i++)
		if (!strcmp(json_string_at(rule, "rule"), name))
			octets += json_number(rule, "octets");
	return octets;
}

/* `mira run` writes down what it was given; other stores have no such row. */
static json_t *inputs(struct query *query)
{
	json_t *row = query_row(query, "SELECT value FROM meta WHERE key = 'inputs'", 0);
	json_t *all = json_loads(json_string_at(row, "value"), 0, NULL);

	json_decref(row);
	return all ? all : json_array();
}

static void gather_cover(json_t *report, struct query *query, const struct config *config,
	const struct policy *policy)
{
	json_t *period = query_row(query, period_sql, 0);

	json_object_set_new(report, "format", json_integer(REPORT_FORMAT));
	json_object_set_new(report, "program", json_string("MIRA " MIRA_VERSION));
	json_object_set_new(report, "network", json_text(config->network ? config->network : ""));
	json_object_update(report, period);
	json_decref(period);
	json_object_set_new(report, "generated_ms", json_integer((json_int_t)time(NULL) * 1000));
	json_object_set_new(report, "policy", report_policy(config, policy));
	json_object_set_new(report, "symptoms", report_symptoms(config));
	json_object_set_new(report, "inputs", inputs(query));
}

static void gather_parts(json_t *report, struct query *query, int top)
{
	double span_ms = json_number(report, "to_ms") - json_number(report, "from_ms");

	json_object_set_new(report, "total", query_row(query, total_sql, 0));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		json_t *rows = query_rows(query, parts[i].sql, top);

		json_object_set_new(report, parts[i].name, rows);
		if (strstr(parts[i].name, "_others"))
			json_object_set(report, parts[i].name, json_array_get(rows, 0));
	}
	json_object_set_new(report, "windows",
		span_ms < WINDOWS_SPAN_H * STORE_HOUR_MS ? query_rows(query, windows_sql, 0)
							 : json_array());
}

json_t *report_gather(sqlite3 *db, const struct config *config, const struct policy *policy)
{
	struct query query = {.db = db};
	json_t *report = json_object(), *rules, *coverage;

	/*
	 * One transaction: all parts see the store at the same instant, though it may be filled
	 * meanwhile.
	 */
	json_decref(query_rows(&query, "BEGIN", 0));
	gather_cover(report, &query, config, policy);
	gather_parts(report, &query, (int)config->top_hosts);
	rules = json_object_get(report, "rules");
	report_explain(rules, policy);
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		add_shares(json_object_get(report, shared[i]));
	coverage = report_coverage(&query, octets_of_rule(rules, "blind"),
		json_array_size(json_object_get(report, "damaged")));
	report_bound(json_object_get(report, "verdicts"), coverage);
	json_object_set_new(report, "coverage", coverage);
	json_object_set_new(report, "balance", report_balance(&query));
	json_decref(query_rows(&query, "COMMIT", 0));
	if (!query.failed)
		return report;
	json_decref(report);
	return NULL;
}
