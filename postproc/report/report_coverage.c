/*
 * report_coverage.c: what the report's figures rest on: which share of the packets was analysed,
 * the balance, and what the rest could change at most. From the ledger of mira.db; the first part
 * of the report.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "postproc/report/report.h"
#include "postproc/report/report_parts.h"
#include "spool/share.h"

/* SQL is laid out as SQL. */
/* clang-format off */

#define SUM(column) "coalesce(sum(" column "), 0)"
#define SUM_OF(column) SUM(#column) " AS " #column
/* Of a batch that one shard lost, the others analysed their parts. */
#define STATUS(status) SUM("iif(status = '" status "', packets_captured - packets_ip - packets_not_ip" \
	" - packets_malformed, 0)")

static const char ledger_sql[] =
	"SELECT " SHARE_SEEN " AS packets_seen, " SUM_OF(packets_captured) ", "
	SHARE_FILTERED " AS packets_filtered, " SUM_OF(packets_dropped) ", " SUM_OF(packets_shed) ", "
	SUM_OF(packets_ip) ", " SUM_OF(packets_not_ip) ", " SUM_OF(packets_malformed) ", "
	SUM_OF(octets_ip) ", "
	STATUS("quarantined") " AS packets_quarantined, "
	STATUS("missing") " AS packets_missing, "
	SUM("status = 'analysed'") " AS batches_analysed, "
	SUM("status = 'quarantined'") " AS batches_quarantined, "
	SUM("status = 'missing'") " AS batches_missing FROM span_ledger";

static const char flags_sql[] =
	"SELECT count(DISTINCT window_ms) AS windows, "
	"count(DISTINCT iif(incomplete, window_ms, NULL)) AS incomplete_windows, "
	SUM("incomplete") " AS incomplete_biflows, " SUM("late") " AS late_biflows, "
	SUM("sampled") " AS sampled_biflows, " SUM("one_way") " AS one_way_biflows"
	" FROM rollup_window WHERE window_ms >= :from AND window_ms < :to";

/* The longest stretches without any window: the time before each, from the end of the one before. ?1:
 * length of a window. Before the first and after the last only a report with a period has some. */
static const char pauses_sql[] =
	"SELECT until AS from_ms, window_ms AS to_ms FROM"
	" (SELECT window_ms, lag(window_ms) OVER (ORDER BY window_ms) + ?1 AS until FROM"
	"  (SELECT DISTINCT window_ms FROM rollup_window WHERE window_ms >= :from AND window_ms < :to"
	"   UNION VALUES(:from - ?1), (:to)))"
	" WHERE until < window_ms ORDER BY window_ms - until DESC, window_ms LIMIT 20";

#define OF_LEDGER(column)  "(SELECT " SUM(column) " FROM ledger)"
/* With what retention removed from the table. */
#define OF_BIFLOWS(column)                                                                         \
	"(SELECT " SUM(column) " FROM rollup_window) + coalesce((SELECT CAST(value AS INTEGER)"    \
	" FROM meta WHERE key = 'retired_" column "'), 0)"

/* In the words of `mira balance`, so that the page carries its proof; the last one is about the report
 * itself. Columns l and r must be equal. A batch may lie across the ends of a period: what compares
 * batches with biflows is for the whole of the store. */
static const struct {
	const char *says, *sql;
	bool of_period;
} checks[] = {
	{"seen = captured + filtered + dropped + shed, in every batch",
		"SELECT count(*) AS l, 0 AS r FROM span_ledger WHERE packets_seen <>"
		" packets_captured + packets_filtered + packets_dropped + packets_shed", true},
	{"captured = IP + not IP + malformed, in every analysed batch",
		"SELECT count(*) AS l, 0 AS r FROM span_ledger WHERE status = 'analysed' AND"
		" packets_captured <> packets_ip + packets_not_ip + packets_malformed", true},
	{"nothing analysed in batches quarantined or missing",
		"SELECT count(*) AS l, 0 AS r FROM ledger_part WHERE status <> 'analysed' AND"
		" packets_ip + packets_not_ip + packets_malformed + octets_ip <> 0", false},
	{"every batch of every run is in the ledger, once",
		"SELECT " SUM("(last + 1) * shards") " AS l, " SUM("n") " AS r FROM"
		" (SELECT max(seq) AS last, max(shards) AS shards, count(*) AS n FROM ledger_part"
		"  GROUP BY probe, stream, run)", false},
	{"what the captures counted in total = the sum over the ledger",
		"SELECT " SUM("total") " AS l, " SUM("seen") " AS r FROM"
		" (SELECT max(cumulative_seen) AS total, sum(packets_seen) AS seen FROM ledger"
		"  GROUP BY probe, stream, run)", false},
	{"the last batch of every run says so, once the audit is complete",
		"SELECT count(*) AS l, 0 AS r FROM meta JOIN (SELECT max(end_of_run) AS ended,"
		" max(CASE status WHEN 'analysed' THEN seq END) AS analysed, max(seq) AS last"
		" FROM ledger GROUP BY probe, stream, run)"
		" WHERE key = 'inputs' AND NOT ended AND analysed = last", false},
	{"IP packets of the ledger = packets of the biflows",
		"SELECT " OF_LEDGER("packets_ip") " AS l, " OF_BIFLOWS("packets") " AS r", false},
	{"IP octets of the ledger = octets of the biflows",
		"SELECT " OF_LEDGER("octets_ip") " AS l, " OF_BIFLOWS("octets") " AS r", false},
	{"octets of the hours = octets of this report",
		"SELECT (SELECT " SUM("octets") " FROM span_hour) AS l,"
		" (SELECT " SUM("octets") " FROM span_rule) AS r", true},
};

static const char ends_sql[] =
	"SELECT min(window_ms) AS first, max(window_ms) + ?1 AS end FROM rollup_window";

/* clang-format on */

static json_t *check(struct query *query, const char *says, const char *sql)
{
	json_t *row = query_row(query, sql, 0);
	json_int_t left = json_integer_value(json_object_get(row, "l"));
	json_int_t right = json_integer_value(json_object_get(row, "r"));

	json_decref(row);
	return json_pack("{sssIsIsb}", "says", says, "left", left, "right", right, "holds",
		left == right);
}

json_t *report_balance(struct query *query)
{
	json_t *all = json_array();

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (checks[i].of_period || query->period.kind == PERIOD_ALL)
			json_array_append_new(all, check(query, checks[i].says, checks[i].sql));
	return all;
}

/* What the figures rest on, in words. */
static json_t *statement(double seen, double analysed, size_t damaged)
{
	char text[512], share[32], early[160] = "";

	if (damaged)
		snprintf(early, sizeof(early),
			" %zu input%s damaged: what came after the damage is in no figure.",
			damaged, damaged == 1 ? " is" : "s are");
	if (seen == 0)
		snprintf(text, sizeof(text), "No packet was seen, so there is nothing to judge.%s",
			early);
	else if (analysed >= seen)
		snprintf(text, sizeof(text),
			"Every packet seen was analysed: the figures are counts, not estimates.%s",
			early);
	else
		snprintf(text, sizeof(text),
			"%s of the packets seen were analysed. The figures are what was observed, so"
			" each amount is a lower bound of what was used; estimates of the whole stand"
			" apart, with their intervals.%s",
			report_share(analysed / seen, share), early);
	return json_string(text);
}

static json_t *share_of(double part, double whole)
{
	return whole > 0 ? json_real(part / whole) : json_null();
}

/*
 * How much of the time was observed: windows that hold traffic, of those from the first to the last,
 * or of the period as far as it has gone.
 */
static void add_time(json_t *coverage, struct query *query, int window_ms)
{
	struct query gone = *query;
	int64_t now_ms = (int64_t)time(NULL) * 1000;
	json_t *ends = query_row(query, ends_sql, window_ms), *pauses;
	double expected;

	if (query->period.kind == PERIOD_ALL)
		gone.period = (struct period){PERIOD_ALL, (int64_t)json_number(ends, "first"),
			(int64_t)json_number(ends, "end")};
	else if (gone.period.to_ms > now_ms)
		gone.period.to_ms = now_ms > gone.period.from_ms ? now_ms : gone.period.from_ms;
	json_decref(ends);
	expected = ceil((double)(gone.period.to_ms - gone.period.from_ms) / window_ms);
	pauses = query_rows(&gone, pauses_sql, window_ms);
	query_join(query, &gone);
	json_object_set_new(coverage, "windows_expected", json_integer((json_int_t)expected));
	json_object_set_new(coverage, "share_time",
		share_of(json_number(coverage, "windows"), expected));
	json_object_set_new(coverage, "pauses", pauses);
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

json_t *report_coverage(struct query *query, const struct config *config, const json_t *report)
{
	json_t *all = query_row(query, ledger_sql, 0), *flags = query_row(query, flags_sql, 0);
	/* What was filtered was not to be looked at. */
	double seen = json_number(all, "packets_seen") - json_number(all, "packets_filtered");
	double analysed = json_number(all, "packets_ip") + json_number(all, "packets_not_ip") +
			  json_number(all, "packets_malformed");

	json_object_update_missing(all, flags);
	json_decref(flags);
	json_object_set_new(all, "packets_analysed", json_integer((json_int_t)analysed));
	json_object_set_new(all, "packets_unanalysed",
		json_integer(seen > analysed ? (json_int_t)(seen - analysed) : 0));
	json_object_set_new(all, "share_analysed", share_of(analysed, seen));
	json_object_set_new(all, "share_blind_octets",
		share_of(octets_of_rule(json_object_get(report, "rules"), "blind"),
			json_number(json_object_get(report, "total"), "octets")));
	json_object_set_new(all, "statement",
		statement(seen, analysed, json_array_size(json_object_get(report, "damaged"))));
	add_time(all, query, (int)config->window_s * 1000);
	return all;
}

/*
 * Of the packets not analysed, none or all may be IP and of this verdict: the share lies between
 * these two, with certainty.
 */
void report_bound(json_t *verdicts, const json_t *coverage)
{
	double unknown = json_number(coverage, "packets_unanalysed");
	double whole = json_number(coverage, "packets_ip") + unknown;
	json_t *verdict;
	size_t i;

	json_array_foreach(verdicts, i, verdict) {
		double packets = json_number(verdict, "packets");

		json_object_set_new(verdict, "share_packets_low", share_of(packets, whole));
		json_object_set_new(verdict, "share_packets_high",
			share_of(packets + unknown, whole));
	}
}
