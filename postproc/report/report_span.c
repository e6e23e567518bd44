/* report_span.c: what of the store falls in the period of the report; between the rollups of mira.db and the
 * parts of the report. */
#include "postproc/report/report_span.h"

#include <stdio.h>

#include "postproc/store/store.h"
#include "postproc/store/store_map.h"

/* SQL is laid out as SQL. */
/* clang-format off */

#define SUMS     "sum(biflows) AS biflows, sum(packets) AS packets, sum(octets) AS octets"
#define DECIDED  " LEFT JOIN decision d ON d.id = decision"
#define IN_PERIOD(time)  time " >= :from AND " time " < :to"
#define IN_DAYS  "day_ms >= :first_day AND day_ms < :last_day"
/* The hours of the period that lie outside of its whole UTC days: two ranges of the biflows' key. */
#define EDGES    "edge(since, until) AS (VALUES(:from, :first_day), (:last_day, :to))"
#define AT_EDGES " FROM edge CROSS JOIN biflow ON window_ms >= since AND window_ms < until"

enum sum { HOST, NAME, PATH, PART, SUMS_COUNT };

/*
 * Sums of millions of rows a month, which SQL gives as they stand: some columns of a key, then those to be
 * added up. SQLite would sort them; a table in memory need not.
 */
static const struct {
	unsigned keys, values;
	const char *sql, *create, *insert;
} kinds[SUMS_COUNT] = {
	/* INTEGER, or SQLite would not find a host.id by the key. */
	[HOST] = {2, 3,
		"SELECT host, decision, biflows, sent_octets, received_octets FROM rollup_host WHERE " IN_DAYS,
		"CREATE TEMP TABLE span_host_sum(host INTEGER, decision INTEGER, biflows, sent, received,"
		" PRIMARY KEY(host, decision)) WITHOUT ROWID",
		"INSERT INTO span_host_sum VALUES(?, ?, ?, ?, ?)"},
	[NAME] = {2, 2,
		"SELECT host_name, decision, biflows, octets FROM rollup_name WHERE " IN_DAYS,
		"CREATE TEMP TABLE span_name_sum(name, decision, biflows, octets)",
		"INSERT INTO span_name_sum VALUES(?, ?, ?, ?)"},
	[PATH] = {2, 3,
		"SELECT path, decision, biflows, packets, octets FROM rollup_path WHERE " IN_DAYS,
		"CREATE TEMP TABLE span_path_sum(path, decision, biflows, packets, octets)",
		"INSERT INTO span_path_sum VALUES(?, ?, ?, ?, ?)"},
	[PART] = {3, 3,
		"SELECT aggregate, direction, decision, biflows, packets, octets FROM rollup_hour"
		" WHERE " IN_PERIOD("hour_ms"),
		"CREATE TEMP TABLE span_part_sum(aggregate, direction, decision, biflows, packets, octets)",
		"INSERT INTO span_part_sum VALUES(?, ?, ?, ?, ?, ?)"},
};

/* The day of a zone is two edges and no whole day of UTC, so each biflow is read once for all sums. */
static const char edges_sql[] =
	"WITH " EDGES " SELECT src, dst, decision, host_name, path, packets + coalesce(reverse_packets, 0),"
	" octets, coalesce(reverse_octets, 0)" AT_EDGES;

static const char *const tables[] = {
	"CREATE TEMP TABLE span_rule AS"
	" SELECT class, verdict, rule, s.* FROM (SELECT decision, " SUMS ","
	"  min(window_ms) AS first_ms, max(window_ms) AS last_ms, count(*) AS windows"
	"  FROM rollup_window WHERE " IN_PERIOD("window_ms") " GROUP BY decision) s" DECIDED,

	/* In the order of the rollup's key, which needs no sorting. */
	"CREATE TEMP TABLE span_hour AS"
	" SELECT class, verdict, s.* FROM (SELECT hour_ms, decision, " SUMS
	"  FROM rollup_hour WHERE " IN_PERIOD("hour_ms") " GROUP BY hour_ms, decision) s" DECIDED,

	"CREATE TEMP TABLE span_part AS"
	" SELECT text AS aggregate, " STORE_DIRECTION("direction") ", class, verdict, biflows, packets, octets"
	" FROM span_part_sum LEFT JOIN text t ON t.id = aggregate" DECIDED,

	/* Who announces the addresses outside: nobody when there is no database. */
	"CREATE TEMP TABLE span_host AS"
	" SELECT address, inside, iif(inside IS 1, NULL, mira_system(address)) AS system, s.*"
	" FROM (SELECT host, " HOST_SUMS " FROM span_host_sum" DECIDED " GROUP BY host) s"
	" LEFT JOIN host h ON h.id = host",

	"CREATE TEMP TABLE span_name AS"
	" SELECT n.name AS name, class, verdict, biflows, octets"
	" FROM span_name_sum s LEFT JOIN name n ON n.id = s.name" DECIDED,

	"CREATE TEMP TABLE span_path AS"
	" SELECT probe, vlan, tunnel, tunnel_endpoint, class, verdict, biflows, packets, octets"
	" FROM span_path_sum LEFT JOIN path p ON p.id = path" DECIDED,

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

/* ---- sums in memory ---- */

struct summing {
	enum sum sum;
	struct store_map *map;
};

static void take(void *own, sqlite3_stmt *row)
{
	const struct summing *summing = own;
	unsigned keys = kinds[summing->sum].keys;
	uint64_t key[MAP_KEYS], *values;

	for (unsigned i = 0; i < keys; i++)
		key[i] = (uint64_t)sqlite3_column_int64(row, (int)i);
	values = map_at(summing->map, key);
	for (unsigned i = 0; i < kinds[summing->sum].values; i++)
		values[i] += (uint64_t)sqlite3_column_int64(row, (int)(keys + i));
}

static void add(struct store_map *map, uint64_t id, uint64_t decision, const uint64_t *sums)
{
	uint64_t *values = map_at(map, (uint64_t[]){id, decision});

	for (unsigned i = 0; i < map->width - map->keys; i++)
		values[i] += sums[i];
}

/* As the loader adds it to the rollups. */
static void take_biflow(void *own, sqlite3_stmt *row)
{
	struct store_map *maps = own;
	uint64_t of[8];

	for (int i = 0; i < 8; i++)
		of[i] = (uint64_t)sqlite3_column_int64(row, i);
	uint64_t src = of[0], dst = of[1], decision = of[2], name = of[3], packets = of[5];
	uint64_t there = of[6], back = of[7];

	add(&maps[HOST], src, decision, (uint64_t[]){1, there, back});
	/* One that talks to itself stands in one biflow, though it sent and received all of it. */
	add(&maps[HOST], dst, decision, (uint64_t[]){src != dst, back, there});
	if (name)
		add(&maps[NAME], name, decision, (uint64_t[]){1, there + back});
	add(&maps[PATH], of[4], decision, (uint64_t[]){1, packets, there + back});
}

static void keep(struct query *query, enum sum sum, struct store_map *map)
{
	size_t count = map_sort(map);
	sqlite3_stmt *insert = NULL;

	query_run(query, kinds[sum].create);
	sqlite3_prepare_v2(query->db, kinds[sum].insert, -1, &insert, NULL);
	for (size_t i = 0; i < count; i++) {
		const uint64_t *entry = map_entry(map, i);

		for (unsigned word = 0; word < map->width; word++)
			sqlite3_bind_int64(insert, (int)word + 1, (sqlite3_int64)entry[word]);
		if (sqlite3_step(insert) != SQLITE_DONE)
			query_fail(query, kinds[sum].insert);
		sqlite3_reset(insert);
	}
	sqlite3_finalize(insert);
}

static void sum_up(struct query *query)
{
	struct store_map maps[SUMS_COUNT];

	for (enum sum sum = 0; sum < SUMS_COUNT; sum++) {
		map_init(&maps[sum], kinds[sum].keys, kinds[sum].values);
		query_each(query, kinds[sum].sql, take, &(struct summing){sum, &maps[sum]});
	}
	query_each(query, edges_sql, take_biflow, maps);
	for (enum sum sum = 0; sum < SUMS_COUNT; sum++) {
		keep(query, sum, &maps[sum]);
		map_free(&maps[sum]);
	}
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
