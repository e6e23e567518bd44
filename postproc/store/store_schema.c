/*
 * store_schema.c: the SQL text of mira.db. The last file format of the line: reports, `mira dump` and `mira balance` read it with
 * plain SQL, so do people. Manual page: mira.db(5).
 *
 * Texts and addresses repeat, so biflow holds ids of dictionaries; ids differ between two databases of the same
 * packets, which is why everything outside reads the views.
 *
 * biflow is WITHOUT ROWID: its primary key is the table, so "one row per window and key" costs no second index, and rows of a
 * window lie together, which is what a report reads and retention removes.
 *
 * The rollups hold what is asked of a month: their rows are as many as there are hosts and names a day, not biflows.
 */
#include "postproc/store/store.h"

/* For the dictionary ids in the views. */
#define LABEL(column)	  "(SELECT text FROM text WHERE id = " column ")"
#define ADDRESS(column)	  "(SELECT address FROM host WHERE id = " column ")"
#define HOST_NAME(column) "(SELECT name FROM name WHERE id = " column ")"
#define OF_PATH(column)	  "nullif(p." column ", '') AS " column

/* Of a rollup r: what was decided, and what is added up. */
#define DECIDED	      "d.class AS class, d.verdict AS verdict, d.rule AS rule"
#define WITH_DECISION " LEFT JOIN decision d ON d.id = r.decision"
#define COUNTS	      "r.biflows AS biflows, r.packets AS packets, r.octets AS octets"
#define SUMS	      "sum(r.biflows) AS biflows, sum(r.packets) AS packets, sum(r.octets) AS octets"

/* Columns that every rollup ends with. */
#define SUM_COLUMNS "biflows INTEGER NOT NULL, packets INTEGER NOT NULL, octets INTEGER NOT NULL"

/* SQL is laid out as SQL. */
/* clang-format off */
const char store_schema[] =
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;\n"

	"CREATE TABLE text(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);\n"
	"CREATE TABLE name(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);\n"
	/* inside: does a prefix of an aggregate hold it? 0, 1; NULL when no aggregate has prefixes. */
	/* sealed: NULL; of a pseudonym, the address as the master key opens it (retain.h). */
	"CREATE TABLE host(id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, inside INTEGER, sealed TEXT);\n"
	"CREATE TABLE decision(id INTEGER PRIMARY KEY, class TEXT NOT NULL, verdict TEXT NOT NULL, rule TEXT NOT NULL,"
	" UNIQUE(class, verdict, rule));\n"
	/* Where packets came by; the empty text for none. */
	"CREATE TABLE path(id INTEGER PRIMARY KEY, probe TEXT NOT NULL, vlan TEXT NOT NULL, tunnel TEXT NOT NULL,"
	" tunnel_endpoint TEXT NOT NULL, UNIQUE(probe, vlan, tunnel, tunnel_endpoint));\n"

	/* A batch; biflows and ledger_rows are what it held. rejected: why nothing of it was loaded, or NULL. */
	"CREATE TABLE batch(name TEXT PRIMARY KEY, spool TEXT NOT NULL, shard TEXT NOT NULL, number INTEGER NOT NULL,"
	" biflows INTEGER NOT NULL, ledger_rows INTEGER NOT NULL, loaded_ms INTEGER NOT NULL,"
	" rejected TEXT, UNIQUE(shard, number)) WITHOUT ROWID;\n"

	/* One row per packets batch and shard, as the shard's last commit has it; the view ledger puts them together. */
	"CREATE TABLE ledger_part("
	"probe TEXT NOT NULL, stream TEXT NOT NULL, run TEXT NOT NULL, seq INTEGER NOT NULL,"
	" status TEXT NOT NULL CHECK(status IN ('analysed', 'quarantined', 'missing')),"
	" packets_seen INTEGER NOT NULL, packets_captured INTEGER NOT NULL, packets_filtered INTEGER NOT NULL,"
	" packets_dropped INTEGER NOT NULL, packets_shed INTEGER NOT NULL, packets_ip INTEGER NOT NULL,"
	" packets_not_ip INTEGER NOT NULL, packets_malformed INTEGER NOT NULL, octets_ip INTEGER NOT NULL,"
	/* Beyond the required columns: late, end_of_run, live are 0 or 1; times NULL without packets; damaged NULL for nothing. */
	" late INTEGER NOT NULL, end_of_run INTEGER NOT NULL, live INTEGER NOT NULL,"
	" first_ms INTEGER, last_ms INTEGER, damaged TEXT,"
	/* Of the run since it began, this batch included. */
	" cumulative_seen INTEGER NOT NULL, cumulative_captured INTEGER NOT NULL, cumulative_filtered INTEGER NOT NULL,"
	" cumulative_dropped INTEGER NOT NULL, cumulative_shed INTEGER NOT NULL,"
	/* shard: its name; shards: how many there are; number: the commit that said so. */
	" shard TEXT NOT NULL, shards INTEGER NOT NULL, number INTEGER NOT NULL,"
	" PRIMARY KEY(probe, stream, run, seq, shard)) WITHOUT ROWID;\n"

	/*
	 * A batch is there once every shard has told. What was analysed is the sum of the parts; what is said of the whole batch is the
	 * same in each, and where their books differ (a batch came in time for one only) that of the lowest shard, whose counts add
	 * up with those of its other rows: SQLite takes columns outside of aggregates from the row of min().
	 */
	"CREATE VIEW ledger AS SELECT probe, stream, run, seq,"
	" CASE WHEN sum(status = 'missing') THEN 'missing' WHEN sum(status = 'quarantined') THEN 'quarantined'"
	" ELSE 'analysed' END AS status,"
	" packets_seen, packets_captured, packets_filtered, packets_dropped, packets_shed,"
	" sum(packets_ip) AS packets_ip, sum(packets_not_ip) AS packets_not_ip,"
	" sum(packets_malformed) AS packets_malformed, sum(octets_ip) AS octets_ip,"
	" sum(late) > 0 AS late, end_of_run, live, first_ms, last_ms, damaged,"
	" cumulative_seen, cumulative_captured, cumulative_filtered, cumulative_dropped, cumulative_shed"
	" FROM ledger_part GROUP BY probe, stream, run, seq HAVING count(*) = shards AND min(shard) IS NOT NULL;\n"

	/*
	 * src, dst: host.id. start_after_ms: start_ms - window_ms. reverse_*: NULL when not observed. aggregate: text.id or
	 * NULL. host_name: name.id or NULL. symptoms, carried: JSON, NULL for none. flags, from the lowest bit: late, incomplete, 3
	 * bits of direction, 16 of TCP flags, 16 of those of the other direction: each column costs a hundredth of loading a row.
	 */
	"CREATE TABLE biflow("
	"window_ms INTEGER NOT NULL, src INTEGER NOT NULL, dst INTEGER NOT NULL, proto INTEGER NOT NULL,"
	" sport INTEGER NOT NULL, dport INTEGER NOT NULL, start_after_ms INTEGER NOT NULL,"
	" duration_ms INTEGER NOT NULL, packets INTEGER NOT NULL, octets INTEGER NOT NULL, reverse_packets INTEGER,"
	" reverse_octets INTEGER, decision INTEGER NOT NULL, aggregate INTEGER, host_name INTEGER,"
	" path INTEGER NOT NULL, symptoms TEXT, carried TEXT, sampling REAL NOT NULL,"
	" reverse_sampling REAL, flags INTEGER NOT NULL,"
	" PRIMARY KEY(window_ms, src, dst, proto, sport, dport)) WITHOUT ROWID;\n"

	/*
	 * In all rollups packets and octets are of both directions as observed. late, incomplete, sampled (a direction was),
	 * one_way (reverse not observed): so many of the biflows. expanded_*: each direction's divided by its sampling.
	 */
	"CREATE TABLE rollup_window("
	"window_ms INTEGER NOT NULL, decision INTEGER NOT NULL, " SUM_COLUMNS ","
	" late INTEGER NOT NULL, incomplete INTEGER NOT NULL, sampled INTEGER NOT NULL, one_way INTEGER NOT NULL,"
	" expanded_packets REAL NOT NULL, expanded_octets REAL NOT NULL,"
	" PRIMARY KEY(window_ms, decision)) WITHOUT ROWID;\n"

	/* aggregate: text.id, 0 for none. direction: 0 internal, 1 outgoing, 2 incoming, 3 transit, 4 not known. */
	"CREATE TABLE rollup_hour("
	"hour_ms INTEGER NOT NULL, decision INTEGER NOT NULL, aggregate INTEGER NOT NULL, direction INTEGER NOT NULL, "
	SUM_COLUMNS ", PRIMARY KEY(hour_ms, decision, aggregate, direction)) WITHOUT ROWID;\n"

	/* A biflow stands in the row of each of its two hosts: never sum over hosts for a total of the network. */
	"CREATE TABLE rollup_host("
	"day_ms INTEGER NOT NULL, host INTEGER NOT NULL, decision INTEGER NOT NULL,"
	" biflows INTEGER NOT NULL, sent_packets INTEGER NOT NULL, sent_octets INTEGER NOT NULL,"
	" received_packets INTEGER NOT NULL, received_octets INTEGER NOT NULL,"
	" PRIMARY KEY(day_ms, host, decision)) WITHOUT ROWID;\n"

	/* Biflows without a name are in none of them. */
	"CREATE TABLE rollup_name("
	"day_ms INTEGER NOT NULL, host_name INTEGER NOT NULL, decision INTEGER NOT NULL, " SUM_COLUMNS ","
	" PRIMARY KEY(day_ms, host_name, decision)) WITHOUT ROWID;\n"

	"CREATE TABLE rollup_path("
	"day_ms INTEGER NOT NULL, path INTEGER NOT NULL, decision INTEGER NOT NULL, " SUM_COLUMNS ","
	" PRIMARY KEY(day_ms, path, decision)) WITHOUT ROWID;\n"

	/* symptom: text.id. packets: with it; a biflow with two symptoms stands in two rows. */
	"CREATE TABLE rollup_symptom("
	"day_ms INTEGER NOT NULL, decision INTEGER NOT NULL, symptom INTEGER NOT NULL,"
	" biflows INTEGER NOT NULL, packets INTEGER NOT NULL,"
	" PRIMARY KEY(day_ms, decision, symptom)) WITHOUT ROWID;\n"

	"CREATE VIEW biflow_text AS SELECT"
	" b.window_ms AS window_ms, b.window_ms + b.start_after_ms AS start_ms,"
	" b.window_ms + b.start_after_ms + b.duration_ms AS end_ms, b.proto AS proto, "
	ADDRESS("b.src") " AS src, b.sport AS sport, " ADDRESS("b.dst") " AS dst, b.dport AS dport,"
	" b.packets AS packets, b.octets AS octets, b.reverse_packets AS reverse_packets,"
	" b.reverse_octets AS reverse_octets, d.class AS class, d.verdict AS verdict, d.rule AS rule,"
	" coalesce(b.symptoms, '{}') AS symptoms, " LABEL("b.aggregate") " AS aggregate, "
	HOST_NAME("b.host_name") " AS host_name, " OF_PATH("tunnel") ", " OF_PATH("probe") ", " OF_PATH("vlan") ","
	" coalesce(b.carried, '{}') AS carried_symptoms, b.sampling AS sampling,"
	" b.reverse_sampling AS reverse_sampling, b.flags >> 5 & 65535 AS tcp_flags,"
	" iif(b.reverse_packets IS NULL, NULL, b.flags >> 21) AS reverse_tcp_flags,"
	" b.flags & 1 AS late, b.flags >> 1 & 1 AS incomplete, "
	OF_PATH("tunnel_endpoint") ", " STORE_DIRECTION("b.flags >> 2 & 7")
	" FROM biflow b LEFT JOIN decision d ON d.id = b.decision LEFT JOIN path p ON p.id = b.path;\n"

	"CREATE VIEW window_total AS SELECT r.window_ms AS window_ms, " DECIDED ", " COUNTS ", r.late AS late,"
	" r.incomplete AS incomplete, r.sampled AS sampled, r.one_way AS one_way,"
	" r.expanded_packets AS expanded_packets, r.expanded_octets AS expanded_octets"
	" FROM rollup_window r" WITH_DECISION ";\n"

	"CREATE VIEW hour_part AS SELECT r.hour_ms AS hour_ms, " LABEL("r.aggregate") " AS aggregate, " STORE_DIRECTION("r.direction") ", "
	DECIDED ", " COUNTS " FROM rollup_hour r" WITH_DECISION ";\n"

	"CREATE VIEW hour_total AS SELECT r.hour_ms AS hour_ms, " DECIDED ", " SUMS
	" FROM rollup_hour r" WITH_DECISION " GROUP BY r.hour_ms, r.decision;\n"

	"CREATE VIEW aggregate_total AS SELECT " LABEL("r.aggregate") " AS aggregate, " DECIDED ", " SUMS
	" FROM rollup_hour r" WITH_DECISION " GROUP BY r.aggregate, r.decision;\n"

	"CREATE VIEW direction_total AS SELECT " STORE_DIRECTION("r.direction") ", " DECIDED ", " SUMS
	" FROM rollup_hour r" WITH_DECISION " GROUP BY r.direction, r.decision;\n"

	"CREATE VIEW rule_total AS SELECT " DECIDED ", " SUMS
	" FROM rollup_hour r" WITH_DECISION " GROUP BY r.decision;\n"

	"CREATE VIEW class_total AS SELECT class, verdict, sum(biflows) AS biflows, sum(packets) AS packets,"
	" sum(octets) AS octets FROM rule_total GROUP BY class, verdict;\n"

	"CREATE VIEW host_total AS SELECT " ADDRESS("r.host") " AS address, " DECIDED ", sum(r.biflows) AS biflows,"
	" sum(r.sent_packets) AS sent_packets, sum(r.sent_octets) AS sent_octets,"
	" sum(r.received_packets) AS received_packets, sum(r.received_octets) AS received_octets"
	" FROM rollup_host r" WITH_DECISION " GROUP BY r.host, r.decision;\n"

	"CREATE VIEW host_day AS SELECT r.day_ms AS day_ms, h.address AS address, h.inside AS inside, " DECIDED ","
	" r.biflows AS biflows, r.sent_packets AS sent_packets, r.sent_octets AS sent_octets,"
	" r.received_packets AS received_packets, r.received_octets AS received_octets"
	" FROM rollup_host r LEFT JOIN host h ON h.id = r.host" WITH_DECISION ";\n"

	"CREATE VIEW name_day AS SELECT r.day_ms AS day_ms, " HOST_NAME("r.host_name") " AS host_name, "
	DECIDED ", " COUNTS " FROM rollup_name r" WITH_DECISION ";\n"

	"CREATE VIEW path_day AS SELECT r.day_ms AS day_ms, " OF_PATH("probe") ", " OF_PATH("vlan") ", "
	OF_PATH("tunnel") ", " OF_PATH("tunnel_endpoint") ", " DECIDED ", " COUNTS
	" FROM rollup_path r LEFT JOIN path p ON p.id = r.path" WITH_DECISION ";\n"

	"CREATE VIEW symptom_day AS SELECT r.day_ms AS day_ms, " LABEL("r.symptom") " AS symptom, " DECIDED ","
	" r.biflows AS biflows, r.packets AS packets FROM rollup_symptom r" WITH_DECISION ";\n"

	/* What was analysed, as the ledger must have it: biflows, before them the sums, and before these what was noted. */
	"CREATE VIEW observed AS WITH kept(from_ms) AS (SELECT coalesce((SELECT CAST(value AS INTEGER) FROM meta"
	" WHERE key = 'biflows_from_ms'), -9223372036854775807))"
	" SELECT coalesce(sum(packets), 0) + coalesce(sum(reverse_packets), 0) AS packets,"
	" coalesce(sum(octets), 0) + coalesce(sum(reverse_octets), 0) AS octets FROM biflow, kept"
	" WHERE window_ms >= from_ms UNION ALL SELECT coalesce(sum(packets), 0), coalesce(sum(octets), 0)"
	" FROM rollup_window, kept WHERE window_ms < from_ms UNION ALL"
	" SELECT (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'retired_packets'),"
	" (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'retired_octets');\n"

	"CREATE VIEW coverage AS SELECT probe, stream, count(*) AS batches,"
	" sum(status = 'analysed') AS analysed, sum(status = 'quarantined') AS quarantined,"
	" sum(status = 'missing') AS missing, min(first_ms) AS first_ms, max(last_ms) AS last_ms,"
	" sum(packets_seen) AS packets_seen, sum(packets_captured) AS packets_captured,"
	" sum(packets_filtered) AS packets_filtered, sum(packets_dropped) AS packets_dropped,"
	" sum(packets_shed) AS packets_shed, sum(packets_ip) AS packets_ip, sum(packets_not_ip) AS packets_not_ip,"
	" sum(packets_malformed) AS packets_malformed, sum(octets_ip) AS octets_ip"
	" FROM ledger GROUP BY probe, stream;\n";
/* clang-format on */
