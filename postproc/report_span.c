/* report_span.c: what of the store falls in the period of the report; between the rollups of mira.db and the
 * parts of the report. */
#include "postproc/report_span.h"

#include <stdio.h>

#include "postproc/store_map.h"

#define KEYS   2
#define VALUES 3

/* SQL is laid out as SQL. */
/* clang-format off */

#define SUMS     "sum(biflows) AS biflows, sum(packets) AS packets, sum(octets) AS octets"
#define DECIDED  " LEFT JOIN decision d ON d.id = decision"
#define IN_PERIOD(time)  time " >= :from AND " time " < :to"
#define IN_DAYS  "day_ms >= :first_day AND day_ms < :last_day"
/* The hours of the period that lie outside of its whole UTC days: two ranges of the biflows' key. */
#define EDGES    "edge(since, until) AS (VALUES(:from, :first_day), (:last_day, :to))"
#define AT_EDGES " FROM edge CROSS JOIN biflow ON window_ms >= since AND window_ms < until"

/*
 * Sums of millions of rows a month, by key and decision: rows of key, decision, biflows, a, b. SQLite
 * would sort them; a table in memory need not.
 */
static const struct {
	const char *what, *sql;
} sums[] = {
	{"host",
		"WITH " EDGES
		" SELECT host, decision, biflows, sent_octets, received_octets FROM rollup_host WHERE " IN_DAYS
		" UNION ALL SELECT src, decision, 1, octets, coalesce(reverse_octets, 0)" AT_EDGES
		/* One that talks to itself stands in one biflow, though it sent and received all of it. */
		" UNION ALL SELECT dst, decision, src <> dst, coalesce(reverse_octets, 0), octets" AT_EDGES},
	{"name",
		"WITH " EDGES
		" SELECT host_name, decision, biflows, octets, 0 FROM rollup_name WHERE " IN_DAYS
		" UNION ALL SELECT host_name, decision, 1, octets + coalesce(reverse_octets, 0), 0" AT_EDGES
		"  WHERE host_name IS NOT NULL"},
};

static const char *const tables[] = {
	"CREATE TEMP TABLE span_rule AS"
	" SELECT class, verdict, rule, " SUMS ", min(window_ms) AS first_ms, max(window_ms) AS last_ms,"
	"  count(*) AS windows"
	" FROM rollup_window" DECIDED " WHERE " IN_PERIOD("window_ms") " GROUP BY decision",

	"CREATE TEMP TABLE span_hour AS"
	" SELECT * FROM hour_part WHERE " IN_PERIOD("hour_ms"),

	"CREATE TEMP TABLE span_host AS"
	" SELECT address, inside, class, verdict, biflows, a AS sent, b AS received"
	" FROM span_sum LEFT JOIN host h ON h.id = key" DECIDED " WHERE what = 'host'",

	/* Of what the report asks for six times; hosts are many. */
	"CREATE TEMP TABLE span_host_summed AS"
	" SELECT address, min(inside) AS inside, " HOST_SUMS " FROM span_host GROUP BY address",

	/* Who announces the addresses outside; nobody when there is no database. */
	"CREATE TEMP TABLE span_system AS"
	" SELECT mira_system(address) AS system, address, class, verdict, biflows, sent, received"
	" FROM span_host WHERE inside IS NOT 1 AND mira_system(address) IS NOT NULL",

	"CREATE TEMP TABLE span_name AS"
	" SELECT name, class, verdict, biflows, a AS octets"
	" FROM span_sum LEFT JOIN name n ON n.id = key" DECIDED " WHERE what = 'name'",

	"CREATE TEMP TABLE span_path AS"
	" WITH " EDGES ", part AS ("
	"  SELECT path, decision, biflows, packets, octets FROM rollup_path WHERE " IN_DAYS
	"  UNION ALL SELECT path, decision, 1, packets + coalesce(reverse_packets, 0),"
	"   octets + coalesce(reverse_octets, 0)" AT_EDGES ")"
	" SELECT probe, vlan, tunnel, tunnel_endpoint, class, verdict, " SUMS
	" FROM part LEFT JOIN path p ON p.id = path" DECIDED " GROUP BY path, decision",

	/* Of the decisions that are not acceptable. */
	"CREATE TEMP TABLE span_symptom AS"
	" WITH " EDGES ", part AS ("
	"  SELECT decision, text AS symptom, biflows, packets"
	"   FROM rollup_symptom LEFT JOIN text t ON t.id = symptom WHERE " IN_DAYS
	"  UNION ALL SELECT decision, key, 1, value" AT_EDGES
	"   AND decision IN (SELECT id FROM decision WHERE verdict <> 'acceptable'), json_each(symptoms))"
	" SELECT class, verdict, rule, symptom, sum(biflows) AS biflows, sum(packets) AS packets"
	" FROM part" DECIDED " WHERE verdict <> 'acceptable' GROUP BY decision, symptom",

	/*
	 * A batch belongs where its first packet does; one without packets where the one before it in
	 * its run ended. A run without any packet has no time, and stands in reports of all that is
	 * stored.
	 */
	"CREATE TEMP TABLE span_ledger AS"
	" WITH silent AS MATERIALIZED (SELECT probe, stream, run, seq, max(at_ms) AS at_ms FROM"
	"  (SELECT probe, stream, run, seq, first_ms,"
	"    coalesce(max(last_ms) OVER (PARTITION BY probe, stream, run ORDER BY seq),"
	"     min(first_ms) OVER (PARTITION BY probe, stream, run), 0) AS at_ms"
	"   FROM ledger_part WHERE (probe, stream, run) IN"
	"    (SELECT probe, stream, run FROM ledger_part WHERE first_ms IS NULL))"
	"  WHERE first_ms IS NULL GROUP BY probe, stream, run, seq)"
	" SELECT l.* FROM ledger l LEFT JOIN silent s USING(probe, stream, run, seq)"
	" WHERE " IN_PERIOD("coalesce(l.first_ms, s.at_ms)"),
};

/* clang-format on */

/* mira_system(address): "AS64500 name"; "unknown"; NULL without a database. */
static void system_of(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct as_database *systems = sqlite3_user_data(context);
	const char *address = (const char *)sqlite3_value_text(values[0]);
	char text[AS_NAME + 16] = "unknown";
	struct as as;

	if (!systems || !address)
		return;
	if (as_find(systems, address, &as))
		snprintf(text, sizeof(text), "AS%u%s%s", as.number, *as.name ? " " : "", as.name);
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void add(void *own, sqlite3_stmt *row)
{
	uint64_t key[] = {(uint64_t)sqlite3_column_int64(row, 0),
		(uint64_t)sqlite3_column_int64(row, 1)};
	uint64_t *values = map_at(own, key);

	for (int i = 0; i < VALUES; i++)
		values[i] += (uint64_t)sqlite3_column_int64(row, 2 + i);
}

static void keep(struct query *query, const char *what, const uint64_t *entry, sqlite3_stmt *insert)
{
	sqlite3_bind_text(insert, 1, what, -1, SQLITE_STATIC);
	for (int i = 0; i < KEYS + VALUES; i++)
		sqlite3_bind_int64(insert, 2 + i, (sqlite3_int64)entry[i]);
	if (sqlite3_step(insert) != SQLITE_DONE)
		query->failed = true;
	sqlite3_reset(insert);
}

static void sum_up(struct query *query)
{
	sqlite3_stmt *insert = NULL;
	struct store_map map;

	query_run(query, "CREATE TEMP TABLE span_sum(what, key, decision, biflows, a, b)");
	sqlite3_prepare_v2(query->db, "INSERT INTO span_sum VALUES(?, ?, ?, ?, ?, ?)", -1, &insert,
		NULL);
	map_init(&map, KEYS, VALUES);
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		size_t count;

		query_each(query, sums[i].sql, add, &map);
		count = map_sort(&map);
		for (size_t entry = 0; entry < count; entry++)
			keep(query, sums[i].what, map_entry(&map, entry), insert);
		map_clear(&map);
	}
	map_free(&map);
	sqlite3_finalize(insert);
}

void span_open(struct query *query, const struct as_database *systems)
{
	sqlite3_create_function(query->db, "mira_system", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
		(void *)systems, system_of, NULL, NULL);
	query_run(query, "PRAGMA temp_store = MEMORY");
	query_run(query, "BEGIN");
	sum_up(query);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		query_run(query, tables[i]);
}

void span_close(struct query *query)
{
	query_run(query, "COMMIT");
}
