/*
 * report.c: gathers the audit: a table of queries, each a part of the report, and what takes more
 * than a query.
 */
#include "postproc/report/report.h"

#include <string.h>
#include <time.h>

#include "postproc/report/report_parts.h"
#include "postproc/report/report_span.h"
#include "postproc/store/store.h"
#include "spool/log.h"

#define REPORT_FORMAT  1
#define WINDOWS_SPAN_H 3 /* an audit that spans less is shown by windows, not by hours */

/* SQL is laid out as SQL. */
/* clang-format off */

/* Sums that several parts have. */
#define SUMS "sum(biflows) AS biflows, sum(packets) AS packets, sum(octets) AS octets"
#define ALL(column) "coalesce(sum(" #column "), 0) AS " #column
#define BY_VERDICT                                                                                 \
	OF_VERDICT("acceptable", "octets") " AS acceptable_octets,"                                \
	OF_VERDICT("unacceptable", "octets") " AS unacceptable_octets,"                            \
	OF_VERDICT("review", "octets") " AS review_octets"
/* Of a UTC hour, in the zone of the report. */
#define LOCAL(format) "CAST(strftime('" format "', hour_ms / 1000, 'unixepoch', 'localtime') AS INTEGER)"

/*
 * The top of hosts, systems or names: each with the class that has most of its octets, of rows KEY, class, octets of
 * the top; and the rest.
 */
#define TOP(key, summed, by_class)                                                                 \
	"WITH top AS (" summed " ORDER BY octets DESC, " key " LIMIT ?1),"                         \
	" placed AS (SELECT " key ", class, row_number() OVER"                                     \
	"   (PARTITION BY " key " ORDER BY sum(octets) DESC, class) AS place"                      \
	"  FROM (" by_class ") GROUP BY " key ", class)"                                           \
	" SELECT top.*, class AS main_class FROM top JOIN placed USING(" key ")"                   \
	" WHERE place = 1 ORDER BY octets DESC, " key
#define REST(key, summed) " FROM (" summed " ORDER BY octets DESC, " key " LIMIT -1 OFFSET ?1)"

#define HOSTS(where)                                                                               \
	"SELECT address, biflows, sent_octets, received_octets, octets, unacceptable_octets,"      \
	" review_octets FROM span_host WHERE " where
#define OF_HOST " CROSS JOIN span_host_sum s ON s.host = h."
#define TOP_HOSTS(where)                                                                           \
	TOP("address", HOSTS(where),                                                               \
		"SELECT top.address, class, sent + received AS octets"                             \
		" FROM top CROSS JOIN host h USING(address)" OF_HOST "id"                          \
		" JOIN decision d ON d.id = decision")
#define REST_HOSTS(what, where)                                                                    \
	"SELECT count(*) AS " what ", " ALL(biflows) ", " ALL(sent_octets) ", "                    \
	ALL(received_octets) ", " ALL(octets) ", " ALL(unacceptable_octets) ", " ALL(review_octets) \
	REST("address", HOSTS(where))
#define SYSTEMS                                                                                    \
	"SELECT system, count(*) AS hosts, " ALL(biflows) ", " ALL(sent_octets) ", "               \
	ALL(received_octets) ", " ALL(octets) ", " ALL(unacceptable_octets) ", "                   \
	ALL(review_octets) " FROM span_host WHERE system IS NOT NULL GROUP BY system"
#define NAMES                                                                                      \
	"SELECT name, sum(biflows) AS biflows, sum(octets) AS octets, "                            \
	OF_VERDICT("unacceptable", "octets") " AS unacceptable_octets"                             \
	" FROM span_name GROUP BY name"
#define TUNNELS                                                                                    \
	"SELECT tunnel, nullif(tunnel_endpoint, '') AS endpoints, " SUMS                           \
	" FROM span_path WHERE tunnel <> '' GROUP BY tunnel, endpoints"                            \
	" ORDER BY octets DESC, tunnel, endpoints"

/* What every list of the report is: its name, and the query whose rows are its objects; of NAME_others
 * the first row. ?1: rows of a top table. */
static const struct part {
	const char *name, *sql;
} parts[] = {
	/* All three verdicts always, in this order; another one, should there be, after them. */
	{"verdicts",
		"SELECT verdict, " SUMS
		" FROM (SELECT verdict, biflows, packets, octets, 9 AS place FROM span_rule"
		"  UNION ALL VALUES('acceptable', 0, 0, 0, 1), ('unacceptable', 0, 0, 0, 2),"
		"   ('review', 0, 0, 0, 3))"
		" GROUP BY verdict ORDER BY min(place), verdict"},
	{"classes",
		"SELECT class, " SUMS ", " BY_VERDICT
		" FROM span_rule GROUP BY class ORDER BY octets DESC, class"},
	{"rules",
		"SELECT rule, class, verdict, biflows, packets, octets, first_ms, last_ms, windows"
		" FROM span_rule ORDER BY octets DESC, rule, class, verdict"},
	{"aggregates",
		"SELECT aggregate, " SUMS ", " BY_VERDICT
		" FROM span_part GROUP BY aggregate ORDER BY octets DESC, aggregate"},
	{"directions",
		"SELECT direction, " SUMS ", " BY_VERDICT
		" FROM span_part WHERE direction IS NOT NULL GROUP BY direction ORDER BY octets DESC"},
	{"hours",
		"SELECT hour_ms, class, " SUMS
		" FROM span_hour GROUP BY hour_ms, class ORDER BY hour_ms, class"},
	/* Monday is 0. */
	{"weekdays",
		"SELECT (" LOCAL("%w") " + 6) % 7 AS weekday, " LOCAL("%H") " AS hour, " SUMS ", " BY_VERDICT
		" FROM span_hour GROUP BY 1, 2 ORDER BY 1, 2"},
	{"class_hours",
		"SELECT class, " LOCAL("%H") " AS hour, " SUMS
		" FROM span_hour GROUP BY 1, 2 ORDER BY 1, 2"},
	{"hosts", TOP_HOSTS("true")},
	{"hosts_others", REST_HOSTS("hosts", "true")},
	{"inside", TOP_HOSTS("inside = 1")},
	{"inside_others", REST_HOSTS("hosts", "inside = 1")},
	{"peers", TOP_HOSTS("inside = 0")},
	{"peers_others", REST_HOSTS("hosts", "inside = 0")},
	{"systems",
		TOP("system", SYSTEMS,
			"SELECT top.system, class, sent + received AS octets"
			" FROM top JOIN span_host h USING(system)" OF_HOST "host"
			" JOIN decision d ON d.id = decision")},
	{"systems_others",
		"SELECT count(*) AS systems, " ALL(hosts) ", " ALL(biflows) ", " ALL(sent_octets) ", "
		ALL(received_octets) ", " ALL(octets) ", " ALL(unacceptable_octets) ", "
		ALL(review_octets)
		REST("system", SYSTEMS)},
	{"names",
		TOP("name", NAMES, "SELECT name, class, octets FROM span_name WHERE name IN (SELECT name FROM top)")},
	{"names_others",
		"SELECT count(*) AS names, " ALL(biflows) ", " ALL(octets) ", " ALL(unacceptable_octets)
		REST("name", NAMES)},
	/* A biflow stands in one row: what is in a tunnel adds up to the rows and the others. */
	{"tunnels", TUNNELS " LIMIT ?1"},
	{"tunnels_others",
		"SELECT count(*) AS tunnels, " ALL(biflows) ", " ALL(packets) ", " ALL(octets)
		" FROM (" TUNNELS " LIMIT -1 OFFSET ?1)"},
	/* Where packets were seen: the probes of a biflow, as they stand together, and its VLANs. */
	{"links",
		"SELECT nullif(probe, '') AS probe, nullif(vlan, '') AS vlan, " SUMS ", " BY_VERDICT
		" FROM span_path GROUP BY probe, vlan ORDER BY octets DESC, probe, vlan LIMIT ?1"},
	{"links_others",
		"SELECT count(*) AS links, " ALL(biflows) ", " ALL(packets) ", " ALL(octets)
		" FROM (SELECT " SUMS " FROM span_path GROUP BY probe, vlan"
		"  ORDER BY octets DESC, probe, vlan LIMIT -1 OFFSET ?1)"},
	{"streams",
		"SELECT probe, stream, count(*) AS batches,"
		" sum(status = 'analysed') AS analysed, sum(status = 'quarantined') AS quarantined,"
		" sum(status = 'missing') AS missing, min(first_ms) AS first_ms, max(last_ms) AS last_ms,"
		" sum(packets_seen) AS packets_seen, sum(packets_captured) AS packets_captured,"
		" sum(packets_filtered) AS packets_filtered, sum(packets_dropped) AS packets_dropped,"
		" sum(packets_shed) AS packets_shed, sum(packets_ip) AS packets_ip,"
		" sum(packets_not_ip) AS packets_not_ip, sum(packets_malformed) AS packets_malformed,"
		" sum(octets_ip) AS octets_ip"
		" FROM span_ledger GROUP BY probe, stream ORDER BY probe, stream"},
	{"damaged",
		"SELECT probe, stream, run, max(seq) AS seq, damaged AS text FROM span_ledger"
		" WHERE damaged IS NOT NULL GROUP BY probe, stream, run, damaged"
		" ORDER BY probe, stream, run"},
	/* As many as a person reads; how many there are in all stands in coverage. */
	{"unanalysed",
		"SELECT probe, stream, run, seq, status, packets_captured, first_ms, last_ms"
		" FROM span_ledger WHERE status <> 'analysed'"
		" ORDER BY probe, stream, run, seq LIMIT 1000"},
	{"rejected",
		"SELECT name AS batch, rejected AS text FROM batch"
		" WHERE rejected IS NOT NULL ORDER BY name LIMIT 1000"},
};

static const char windows_sql[] =
	"SELECT window_ms, class, " SUMS " FROM rollup_window LEFT JOIN decision d ON d.id = decision"
	" WHERE window_ms >= :from AND window_ms < :to GROUP BY window_ms, class ORDER BY window_ms, class";

static const char total_sql[] =
	"SELECT " ALL(biflows) ", " ALL(packets) ", " ALL(octets) " FROM span_rule";

static const char period_sql[] =
	"SELECT min(first_ms) AS from_ms, max(last_ms) AS to_ms FROM span_ledger";

/* clang-format on */

/* Parts whose rows divide the total among them. */
static const char *const shared[] = {"verdicts", "classes", "rules", "aggregates", "directions"};

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
	const struct config_privacy *keep = &config->privacy;
	json_t *observed = query_row(query, period_sql, 0);

	json_object_set_new(report, "format", json_integer(REPORT_FORMAT));
	json_object_set_new(report, "program", json_string("MIRA " MIRA_VERSION));
	json_object_set_new(report, "network", json_text(config->network));
	json_object_update(report, observed);
	json_decref(observed);
	json_object_set_new(report, "generated_ms", json_integer((json_int_t)time(NULL) * 1000));
	json_object_set_new(report, "made_by", report_maker());
	json_object_set_new(report, "purpose", json_text(config->report_purpose));
	json_object_set_new(report, "legal_basis", json_text(config->report_legal_basis));
	json_object_set_new(report, "recipients", json_text(config->report_recipients));
	json_object_set_new(report, "retention",
		json_pack("{sisisisi}", "biflows_days", (int)keep->keep_biflows_days,
			"addresses_days", (int)keep->keep_addresses_days, "hosts_days",
			(int)keep->keep_hosts_days, "totals_days", (int)keep->keep_totals_days));
	json_object_set_new(report, "policy", report_policy(config, policy));
	json_object_set_new(report, "symptoms", report_symptoms(config));
	json_object_set_new(report, "inputs", inputs(query));
}

/* The caller's list stays as it is: what is shown of it is changed. */
static json_t *copy_of(json_t *list)
{
	return list ? json_deep_copy(list) : json_array();
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
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		add_shares(json_object_get(report, shared[i]));
}

json_t *report_gather(sqlite3 *db, const struct report_sources *sources, int *code)
{
	const struct config *config = sources->config;
	const struct period *period = sources->period;
	struct query query = {.db = db, .period = *period};
	json_t *report = json_object(), *rules, *coverage;

	if (period->kind == PERIOD_ALL) /* as far as times can be reckoned with */
		query.period = (struct period){PERIOD_ALL, 0, INT64_MAX / 2};
	span_open(&query, sources->systems);
	gather_cover(report, &query, config, sources->policy);
	gather_parts(report, &query, (int)config->top_hosts);
	report_time(report, period);
	rules = json_object_get(report, "rules");
	report_explain(rules, sources->policy);
	report_trace(rules, &query, sources->policy);
	coverage = report_coverage(&query, config, report);
	report_bound(json_object_get(report, "verdicts"), coverage);
	json_object_set_new(report, "coverage", coverage);
	json_object_set_new(report, "balance", report_balance(&query));
	json_object_set_new(report, "previous", report_previous(&query, period));
	json_object_set_new(report, "estimates", report_estimate(&query, config, period));
	json_object_set_new(report, "contested", copy_of(sources->contested));
	report_privacy(report, &query, config, sources->privacy);
	span_close(&query);
	*code = query.failed;
	if (!query.failed)
		return report;
	json_decref(report);
	return NULL;
}
