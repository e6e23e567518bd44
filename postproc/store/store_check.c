/*
 * store_check.c: mira-store --check: reads all of mira.db and compares what stands there twice. What retention removed on
 * purpose (retain.h) is not missed.
 */
#include "postproc/store/store_check.h"

/* SQL is laid out as SQL. */
/* clang-format off */

#define BOTH(count) "sum(" count " + coalesce(reverse_" count ", 0))"
#define DAY	    "window_ms / 86400000 * 86400000"
/* Since when there are biflows. */
#define SINCE	    "window_ms >= coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'biflows_from_ms'), 0)"
/* Rows of one side that the other lacks. */
#define DIFFERENCE(left, right)                                                                    \
	"WITH l AS (" left "), r AS (" right ")"                                                   \
	" SELECT (SELECT count(*) FROM (SELECT * FROM l EXCEPT SELECT * FROM r))"                  \
	" + (SELECT count(*) FROM (SELECT * FROM r EXCEPT SELECT * FROM l))"
/* Of a rollup by day: its days and decisions, with sums, as those of the windows. */
#define BY_DAY(table, packets, octets)                                                             \
	DIFFERENCE("SELECT day_ms, decision, sum(" packets "), sum(" octets ") FROM " table        \
		   " GROUP BY 1, 2",                                                               \
		"SELECT " DAY ", decision, sum(packets), sum(octets) FROM rollup_window WHERE " DAY \
		" IN (SELECT day_ms FROM " table ") GROUP BY 1, 2")

/* Each counts what is wrong. */
static const struct {
	const char *says, *sql;
} checks[] = {
	{"the file is sound",
		"SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"},
	/* By window alone, which is the order of biflow: decisions are told apart by their share in one more sum. */
	{"biflows of every window = its sums",
		DIFFERENCE("SELECT window_ms, count(*), " BOTH("packets") ", " BOTH("octets") ","
			   " sum(decision * (packets + coalesce(reverse_packets, 0))), sum(flags & 1),"
			   " sum(flags >> 1 & 1), sum(reverse_packets IS NULL) FROM biflow WHERE " SINCE " GROUP BY 1",
			   "SELECT window_ms, sum(biflows), sum(packets), sum(octets), sum(decision * packets),"
			   " sum(late), sum(incomplete), sum(one_way) FROM rollup_window"
			   " WHERE " SINCE " GROUP BY 1")},
	{"sums by hour = sums by window",
		DIFFERENCE("SELECT hour_ms, decision, sum(biflows), sum(packets), sum(octets) FROM rollup_hour"
			   " GROUP BY 1, 2",
			   "SELECT window_ms / 3600000 * 3600000, decision, sum(biflows), sum(packets), sum(octets)"
			   " FROM rollup_window GROUP BY 1, 2")},
	{"what hosts sent = sums by window, day by day",
		BY_DAY("rollup_host", "sent_packets", "sent_octets")},
	{"what hosts received = sums by window, day by day",
		BY_DAY("rollup_host", "received_packets", "received_octets")},
	{"sums by path = sums by window, day by day", BY_DAY("rollup_path", "packets", "octets")},
	{"names have no more than their windows",
		"SELECT count(*) FROM (SELECT day_ms, decision, sum(packets) AS packets, sum(octets) AS octets"
		"  FROM rollup_name GROUP BY 1, 2) AS n LEFT JOIN (SELECT " DAY " AS day, decision,"
		"  sum(packets) AS packets, sum(octets) AS octets FROM rollup_window GROUP BY 1, 2) AS w"
		" ON w.day = n.day_ms AND w.decision = n.decision"
		" WHERE n.packets > coalesce(w.packets, -1) OR n.octets > coalesce(w.octets, -1)"},
	{"every host, name, path and decision is known",
		"SELECT (SELECT count(*) FROM rollup_host WHERE host NOT IN (SELECT id FROM host))"
		" + (SELECT count(*) FROM rollup_name WHERE host_name NOT IN (SELECT id FROM name))"
		" + (SELECT count(*) FROM rollup_path WHERE path NOT IN (SELECT id FROM path))"
		" + (SELECT count(*) FROM rollup_window WHERE decision NOT IN (SELECT id FROM decision))"
		" + (SELECT count(*) FROM rollup_hour WHERE aggregate AND aggregate NOT IN (SELECT id FROM text))"},
	{"seen = captured + filtered + dropped + shed, in every batch of packets",
		"SELECT count(*) FROM ledger_part WHERE packets_seen <>"
		" packets_captured + packets_filtered + packets_dropped + packets_shed"},
	{"captured = IP + not IP + malformed, in every analysed batch",
		"SELECT count(*) FROM ledger WHERE status = 'analysed' AND"
		" packets_captured <> packets_ip + packets_not_ip + packets_malformed"},
	{"no batch of verdicts was loaded twice",
		"SELECT count(*) - count(DISTINCT shard || ' ' || number) FROM batch WHERE rejected IS NULL"},
};

/* clang-format on */

/* -1: the database could not be read. */
static sqlite3_int64 count_of(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *row;
	sqlite3_int64 count = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(row) == SQLITE_ROW)
		count = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	return count;
}

int store_check(sqlite3 *db, FILE *out)
{
	int failed = 0;

	/* At one instant, though the store may be filled meanwhile. */
	if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return -1;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		sqlite3_int64 wrong = count_of(db, checks[i].sql);

		if (wrong < 0)
			return -1;
		failed += wrong > 0;
		if (wrong)
			fprintf(out, "FAILED  %s: %lld\n", checks[i].says, (long long)wrong);
		else
			fprintf(out, "ok      %s\n", checks[i].says);
		fflush(out);
	}
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return failed;
}
