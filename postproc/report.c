/* report.c: gathers the audit: a table of queries, each a part of the report. */
#include "postproc/report.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spool/hash.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define REPORT_FORMAT 1

/* What every list of the report is: its place and the query whose rows are its objects. */
static const struct part {
	const char *name, *sql;
} parts[] = {
	{"streams", "SELECT * FROM coverage ORDER BY probe, stream"},
	{"damaged",
		"SELECT probe, stream, damaged AS text FROM ledger WHERE damaged IS NOT NULL ORDER BY probe, stream, seq"},
	{"quarantined",
		"SELECT probe, stream, seq, status, packets_captured FROM ledger WHERE status <> 'analysed'"
		" ORDER BY probe, stream, run, seq LIMIT 100"},
	{"verdicts",
		"SELECT verdict, sum(biflows) AS biflows, sum(packets) AS packets, sum(octets) AS octets FROM class_total"
		" GROUP BY verdict ORDER BY octets DESC, verdict"},
	{"classes",
		"SELECT class, sum(biflows) AS biflows, sum(packets) AS packets, sum(octets) AS octets,"
		" sum(iif(verdict='acceptable', octets, 0)) AS acceptable_octets,"
		" sum(iif(verdict='unacceptable', octets, 0)) AS unacceptable_octets,"
		" sum(iif(verdict='review', octets, 0)) AS review_octets FROM class_total"
		" GROUP BY class ORDER BY octets DESC, class"},
	{"rules",
		"SELECT rule, class, verdict, biflows, packets, octets FROM rule_total ORDER BY octets DESC, rule"},
	{"aggregates",
		"SELECT coalesce(aggregate, '') AS aggregate, sum(biflows) AS biflows, sum(packets) AS packets,"
		" sum(octets) AS octets, sum(iif(verdict='unacceptable', octets, 0)) AS unacceptable_octets,"
		" sum(iif(verdict='review', octets, 0)) AS review_octets FROM aggregate_total"
		" GROUP BY aggregate ORDER BY octets DESC, aggregate"},
	{"hours",
		"SELECT hour_ms, class, sum(packets) AS packets, sum(octets) AS octets FROM hour_total"
		" GROUP BY hour_ms, class ORDER BY hour_ms, class"},
	{"windows",
		"SELECT window_ms, class, sum(packets + coalesce(reverse_packets, 0)) AS packets,"
		" sum(octets + coalesce(reverse_octets, 0)) AS octets FROM biflow_text"
		" GROUP BY window_ms, class ORDER BY window_ms, class"},
};

/* The same checks as `mira balance`, so that the page carries its proof. */
static const struct part checks[] = {
	{"packets seen = captured + filtered + dropped + shed",
		"SELECT coalesce(sum(packets_seen), 0), coalesce(sum(packets_captured + packets_filtered +"
		" packets_dropped + packets_shed), 0) FROM ledger"},
	{"captured = IP + not IP + malformed + quarantined + missing",
		"SELECT coalesce(sum(packets_captured), 0), coalesce(sum(packets_ip + packets_not_ip +"
		" packets_malformed), 0) + coalesce(sum(iif(status='analysed', 0, packets_captured)), 0) FROM ledger"},
	{"IP packets of the ledger = packets of the biflows",
		"SELECT coalesce(sum(packets_ip), 0), (SELECT coalesce(sum(packets), 0) FROM class_total) FROM ledger"},
	{"IP octets of the ledger = octets of the biflows",
		"SELECT coalesce(sum(octets_ip), 0), (SELECT coalesce(sum(octets), 0) FROM class_total) FROM ledger"},
};

static const char coverage_sql[] =
	"SELECT coalesce(sum(packets_seen), 0) AS packets_seen, coalesce(sum(packets_captured), 0) AS packets_captured,"
	" coalesce(sum(packets_filtered), 0) AS packets_filtered, coalesce(sum(packets_dropped), 0) AS packets_dropped,"
	" coalesce(sum(packets_shed), 0) AS packets_shed, coalesce(sum(packets_ip), 0) AS packets_ip,"
	" coalesce(sum(packets_not_ip), 0) AS packets_not_ip,"
	" coalesce(sum(packets_malformed), 0) AS packets_malformed, coalesce(sum(octets_ip), 0) AS octets_ip,"
	" coalesce(sum(iif(status='quarantined', packets_captured, 0)), 0) AS packets_quarantined,"
	" coalesce(sum(iif(status='missing', packets_captured, 0)), 0) AS packets_missing,"
	" coalesce(sum(status='analysed'), 0) AS batches_analysed,"
	" coalesce(sum(status='quarantined'), 0) AS batches_quarantined,"
	" coalesce(sum(status='missing'), 0) AS batches_missing, min(first_ms) AS first_ms, max(last_ms) AS last_ms"
	" FROM ledger";

static const char flags_sql[] =
	"SELECT coalesce(sum(incomplete), 0) AS incomplete_biflows, coalesce(sum(late), 0) AS late_biflows,"
	" coalesce(sum(sampling < 1 OR reverse_sampling < 1), 0) AS sampled_biflows,"
	" coalesce(sum(reverse_packets IS NULL), 0) AS one_way_biflows FROM biflow_text";

static const char total_sql[] =
	"SELECT coalesce(sum(biflows), 0) AS biflows, coalesce(sum(packets), 0) AS packets,"
	" coalesce(sum(octets), 0) AS octets FROM class_total";

/* A host's main class is the one with most of its octets. */
static const char hosts_sql[] =
	"WITH host AS (SELECT address, class, verdict, biflows, sent_octets, received_octets,"
	" sum(sent_octets + received_octets) OVER (PARTITION BY address, class) AS of_class FROM host_total)"
	" SELECT address, sum(biflows) AS biflows, sum(sent_octets) AS sent_octets,"
	" sum(received_octets) AS received_octets, sum(sent_octets + received_octets) AS octets,"
	" sum(iif(verdict='unacceptable', sent_octets + received_octets, 0)) AS unacceptable_octets,"
	" (SELECT class FROM host h WHERE h.address = host.address ORDER BY of_class DESC, class LIMIT 1) AS main_class"
	" FROM host GROUP BY address ORDER BY octets DESC, address LIMIT ?1";

static const char others_sql[] =
	"SELECT count(*) AS hosts, coalesce(sum(biflows), 0) AS biflows, coalesce(sum(sent), 0) AS sent_octets,"
	" coalesce(sum(received), 0) AS received_octets FROM (SELECT sum(biflows) AS biflows, sum(sent_octets) AS sent,"
	" sum(received_octets) AS received FROM host_total GROUP BY address"
	" ORDER BY sum(sent_octets + received_octets) DESC, address LIMIT -1 OFFSET ?1)";

static json_t *column(sqlite3_stmt *row, int i)
{
	switch (sqlite3_column_type(row, i)) {
	case SQLITE_NULL: return json_null();
	case SQLITE_INTEGER: return json_integer(sqlite3_column_int64(row, i));
	case SQLITE_FLOAT: return json_real(sqlite3_column_double(row, i));
	/* Names come from packets: what is no UTF-8 is no text to a reader. */
	default: return json_string((const char *)sqlite3_column_text(row, i)) ?: json_string("(not UTF-8)");
	}
}

/* The rows of SQL as an array of objects; LIMIT is bound where SQL has ?1. */
static json_t *rows_of(sqlite3 *db, const char *sql, int limit)
{
	json_t *rows = json_array();
	sqlite3_stmt *row;
	int code;

	if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK)
		return rows;
	if (sqlite3_bind_parameter_count(row))
		sqlite3_bind_int(row, 1, limit);
	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		json_t *object = json_object();

		for (int i = 0; i < sqlite3_column_count(row); i++)
			json_object_set_new(object, sqlite3_column_name(row, i), column(row, i));
		json_array_append_new(rows, object);
	}
	sqlite3_finalize(row);
	return rows;
}

/* The first row of SQL as an object. */
static json_t *row_of(sqlite3 *db, const char *sql, int limit)
{
	json_t *rows = rows_of(db, sql, limit), *first = json_incref(json_array_get(rows, 0));

	json_decref(rows);
	return first;
}

static double number(const json_t *object, const char *key)
{
	return (double)json_integer_value(json_object_get(object, key));
}

/* Each row's share of the octets of all rows, 0 … 1. */
static void add_shares(json_t *rows)
{
	double sum = 0;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		sum += number(row, "octets");
	json_array_foreach(rows, i, row)
		json_object_set_new(row, "share_octets", json_real(sum > 0 ? number(row, "octets") / sum : 0));
}

static json_t *balance(sqlite3 *db)
{
	json_t *all = json_array();

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		sqlite3_stmt *row;
		json_int_t left = -1, right = -2;

		if (sqlite3_prepare_v2(db, checks[i].sql, -1, &row, NULL) == SQLITE_OK &&
			sqlite3_step(row) == SQLITE_ROW) {
			left = sqlite3_column_int64(row, 0);
			right = sqlite3_column_int64(row, 1);
		}
		sqlite3_finalize(row);
		json_array_append_new(all, json_pack("{sssIsIsb}", "says", checks[i].name, "left", left, "right", right,
						"holds", left == right));
	}
	return all;
}

/* What the figures rest on, in one sentence; nothing is extrapolated. */
static json_t *statement(double seen, double analysed)
{
	char text[320], share[32];

	if (seen == 0)
		return json_string("No packet was seen.");
	if (analysed == seen)
		return json_string("Every packet seen was analysed: the figures are counts, not estimates.");
	snprintf(share, sizeof(share), "%.4g %%", analysed / seen * 100);
	snprintf(text, sizeof(text),
		"%s of the packets seen were analysed. The figures are what was observed; nothing is extrapolated, so "
		"each is a lower bound of what was used.", share);
	return json_string(text);
}

static json_t *coverage(sqlite3 *db, double blind_octets)
{
	json_t *all = row_of(db, coverage_sql, 0), *flags = row_of(db, flags_sql, 0);
	double seen = number(all, "packets_seen") - number(all, "packets_filtered");
	double analysed = number(all, "packets_ip") + number(all, "packets_not_ip") + number(all, "packets_malformed");
	double octets = number(all, "octets_ip");

	json_object_update_missing(all, flags);
	json_decref(flags);
	json_object_set_new(all, "packets_analysed", json_integer((json_int_t)analysed));
	json_object_set_new(all, "share_analysed", seen > 0 ? json_real(analysed / seen) : json_null());
	json_object_set_new(all, "share_blind_octets", octets > 0 ? json_real(blind_octets / octets) : json_null());
	json_object_set_new(all, "statement", statement(seen, analysed));
	return all;
}

/* ---- what the audit was made with ---- */

static const struct policy_class *find_class(const struct policy *policy, const char *rule)
{
	for (size_t i = 0; i < policy->class_count; i++)
		if (!strcmp(policy->classes[i].name, rule))
			return &policy->classes[i];
	return NULL;
}

/* How a verdict was reached: the rule's sentence and its condition, from the policy in force. */
static void explain(json_t *rules, const struct policy *policy)
{
	json_t *rule;
	size_t i;

	json_array_foreach(rules, i, rule)
	{
		const char *name = json_string_value(json_object_get(rule, "rule"));
		const struct policy_class *found = find_class(policy, name ? name : "");

		if (found) {
			json_object_set_new(rule, "say", json_string(found->say ? found->say : ""));
			json_object_set_new(rule, "when", json_string(found->when));
		}
		for (size_t f = 0; f < policy->fast_count && !found; f++)
			if (name && !strcmp(policy->fast[f].name, name)) {
				json_object_set_new(rule, "say", json_string(policy->fast[f].say ? policy->fast[f].say : ""));
				json_object_set_new(rule, "when", json_string("an address and port list; the payload was not scanned"));
			}
	}
}

static double octets_of_rule(const json_t *rules, const char *name)
{
	const json_t *rule;
	size_t i;

	json_array_foreach((json_t *)rules, i, rule)
	{
		const char *text = json_string_value(json_object_get(rule, "rule"));

		if (text && !strcmp(text, name))
			return number(rule, "octets");
	}
	return 0;
}

static json_t *hashed_file(const char *path)
{
	char hex[HASH_HEX + 1] = "";
	uint64_t bytes;

	if (hash_file(path, UINT64_MAX, &bytes, hex))
		hex[0] = '\0';
	return json_pack("{ssss}", "file", path, "xxh128", hex);
}

/* The symptom set: one hash over the files' hashes, in name order. */
static json_t *hashed_folder(const char *folder)
{
	struct namelist names = {0};
	XXH3_state_t *hash = XXH3_createState();
	char hex[HASH_HEX + 1], path[PATH_MAX];
	uint64_t bytes;
	size_t files = 0;

	XXH3_128bits_reset(hash);
	nfs_list(folder, &names);
	namelist_sort(&names);
	for (size_t i = 0; i < names.count; i++) {
		size_t length = strlen(names.names[i]);

		if (length < 4 || strcmp(names.names[i] + length - 4, ".sym"))
			continue;
		snprintf(path, sizeof(path), "%.*s/%s", PATH_MAX - NAME_MAX - 2, folder, names.names[i]);
		if (!hash_file(path, UINT64_MAX, &bytes, hex))
			XXH3_128bits_update(hash, hex, HASH_HEX);
		files++;
	}
	namelist_free(&names);
	hash_hex(XXH3_128bits_digest(hash), hex);
	XXH3_freeState(hash);
	return json_pack("{sssssI}", "folder", folder, "xxh128", hex, "files", (json_int_t)files);
}

static json_t *inputs(sqlite3 *db)
{
	json_t *row = row_of(db, "SELECT value FROM meta WHERE key = 'inputs'", 0);
	const char *text = json_string_value(json_object_get(row, "value"));
	json_t *all = text ? json_loads(text, 0, NULL) : NULL;

	json_decref(row);
	return all ? all : json_array();
}

json_t *report_gather(sqlite3 *db, const struct config *config, const struct policy *policy)
{
	json_t *report = json_pack("{sissss}", "format", REPORT_FORMAT, "program", "MIRA " MIRA_VERSION, "network",
		config->network ? config->network : "");
	json_t *rules;

	json_object_set_new(report, "generated_ms", json_integer((json_int_t)time(NULL) * 1000));
	json_object_set_new(report, "policy", hashed_file(config->policy));
	json_object_set_new(report, "symptoms", hashed_folder(config->symptoms));
	json_object_set_new(report, "inputs", inputs(db));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		json_object_set_new(report, parts[i].name, rows_of(db, parts[i].sql, 0));
	rules = json_object_get(report, "rules");
	explain(rules, policy);
	add_shares(json_object_get(report, "verdicts"));
	add_shares(json_object_get(report, "classes"));
	add_shares(rules);
	add_shares(json_object_get(report, "aggregates"));
	json_object_set_new(report, "coverage", coverage(db, octets_of_rule(rules, "blind")));
	json_object_set_new(report, "balance", balance(db));
	json_object_set_new(report, "total", row_of(db, total_sql, 0));
	json_object_set_new(report, "hosts", rows_of(db, hosts_sql, (int)config->top_hosts));
	json_object_set_new(report, "hosts_others", row_of(db, others_sql, (int)config->top_hosts));
	if (sqlite3_errcode(db) == SQLITE_OK || sqlite3_errcode(db) == SQLITE_DONE)
		return report;
	log_err("cannot read the audit's database: %s", sqlite3_errmsg(db));
	json_decref(report);
	return NULL;
}
