/*
 * mira-balance.c: `mira balance DIR`: proves that every packet is accounted for, term by term.
 *
 * A check is a row of a table: what it says, and a query that returns the two figures that must be equal. What the
 * capture saw must be found in the ledger, what the ledger calls analysed must be found in the biflows.
 */
#include <getopt.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "spool/log.h"
#include "spool/mira-audit.h"
#include "spool/mira.h"
#include "spool/share.h"

/* Of a batch that one shard lost, the others analysed their parts. */
#define NOT_ANALYSED "packets_captured - packets_ip - packets_not_ip - packets_malformed"

static const struct {
	const char *name, *sql;
} terms[] = {
	{"packets seen", "SELECT " SHARE_SEEN " FROM ledger"}, /* of a divided link once */
	{"= captured", "SELECT sum(packets_captured) FROM ledger"},
	{"+ filtered", "SELECT " SHARE_FILTERED " FROM ledger"},
	{"+ dropped by kernel or card", "SELECT sum(packets_dropped) FROM ledger"},
	{"+ shed by the capture", "SELECT sum(packets_shed) FROM ledger"},
	{"captured = IP", "SELECT sum(packets_ip) FROM ledger"},
	{"+ not IP", "SELECT sum(packets_not_ip) FROM ledger"},
	{"+ malformed", "SELECT sum(packets_malformed) FROM ledger"},
	{"+ quarantined", "SELECT sum(" NOT_ANALYSED ") FROM ledger WHERE status='quarantined'"},
	{"+ missing", "SELECT sum(" NOT_ANALYSED ") FROM ledger WHERE status='missing'"},
};

static const struct {
	const char *says, *sql;
} checks[] = {
	{"seen = captured + filtered + dropped + shed, in every batch",
		"SELECT count(*), 0 FROM ledger WHERE packets_seen <> packets_captured + packets_filtered +"
		" packets_dropped + packets_shed"},
	{"captured = IP + not IP + malformed, in every analysed batch",
		"SELECT count(*), 0 FROM ledger WHERE status='analysed' AND packets_captured <> packets_ip +"
		" packets_not_ip + packets_malformed"},
	{"nothing analysed in batches quarantined or missing",
		"SELECT count(*), 0 FROM ledger_part WHERE status<>'analysed' AND packets_ip + packets_not_ip +"
		" packets_malformed + octets_ip <> 0"},
	{"every batch of every run is in the ledger, once",
		"SELECT coalesce(sum((last + 1) * shards), 0), coalesce(sum(n), 0) FROM (SELECT max(seq) AS last,"
		" max(shards) AS shards, count(*) AS n FROM ledger_part GROUP BY probe, stream, run)"},
	{"what the captures counted in total = the sum over the ledger",
		"SELECT coalesce(sum(total), 0), coalesce(sum(seen), 0) FROM"
		" (SELECT max(cumulative_seen) AS total, sum(packets_seen) AS seen FROM ledger"
		" GROUP BY probe, stream, run)"},
	{"the last batch of every run says so, once the audit is complete",
		"SELECT count(*), 0 FROM meta JOIN (SELECT max(end_of_run) AS ended, max(CASE status WHEN"
		" 'analysed' THEN seq END) AS analysed, max(seq) AS last FROM ledger GROUP BY probe, stream, run)"
		" WHERE key = 'inputs' AND NOT ended AND analysed = last"},
	{"IP packets of the ledger = packets of the biflows",
		"SELECT (SELECT coalesce(sum(packets_ip), 0) FROM ledger),"
		" (SELECT coalesce(sum(packets), 0) FROM observed)"},
	{"IP octets of the ledger = octets of the biflows",
		"SELECT (SELECT coalesce(sum(octets_ip), 0) FROM ledger),"
		" (SELECT coalesce(sum(octets), 0) FROM observed)"},
	{"one biflow a window and key",
		"SELECT count(*), 0 FROM (SELECT 1 FROM biflow_text GROUP BY window_ms, proto, src, sport, dst, dport"
		" HAVING count(*) > 1)"},
};

/* Runs SQL, which returns one row, into VALUES; a NULL is 0. */
static int figures(sqlite3 *db, const char *sql, sqlite3_int64 *values, int count)
{
	sqlite3_stmt *row;
	int code = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(row) == SQLITE_ROW) {
		for (int i = 0; i < count; i++)
			values[i] = sqlite3_column_int64(row, i);
		code = 0;
	}
	sqlite3_finalize(row);
	return code;
}

static int print_terms(sqlite3 *db)
{
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		sqlite3_int64 value;

		if (figures(db, terms[i].sql, &value, 1))
			return -1;
		printf("%-28s %15lld\n", terms[i].name, (long long)value);
	}
	putchar('\n');
	return 0;
}

/* Returns how many checks failed, -1 when one could not be made. */
static int print_checks(sqlite3 *db)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		sqlite3_int64 sides[2];
		bool holds;

		if (figures(db, checks[i].sql, sides, 2))
			return -1;
		holds = sides[0] == sides[1];
		failed += !holds;
		if (holds)
			printf("ok      %s\n", checks[i].says);
		else
			printf("FAILED  %s: %lld, not %lld\n", checks[i].says, (long long)sides[0],
				(long long)sides[1]);
	}
	return failed;
}

static int balance_dir(const char *dir)
{
	sqlite3 *db;
	int code = audit_open_db(dir, &db), failed;

	if (code)
		return code;
	failed = print_terms(db) ? -1 : print_checks(db);
	if (failed < 0)
		log_err("cannot read %s/mira.db: %s", dir, sqlite3_errmsg(db));
	else
		printf("\n%s\n", failed ? "The balance does not close." : "The balance closes.");
	sqlite3_close(db);
	return failed < 0 ? MIRA_AGAIN : failed ? MIRA_PERSON : MIRA_OK;
}

static int usage(FILE *out)
{
	fputs("usage: mira balance DIR\n       mira balance --spool SPOOL\n\n"
	      "Checks that every packet is accounted for: in the audit of DIR, or on the way\n"
	      "through SPOOL. Prints the terms; exit code 2 when one does not hold.\n",
		out);
	return out == stdout ? MIRA_OK : MIRA_PERSON;
}

int mira_balance(int argc, char **argv)
{
	int code;

	if (argc == 3 && !strcmp(argv[1], "--spool"))
		code = mira_balance_spool(argv[2]);
	else if (argc == 2 && argv[1][0] != '-')
		code = balance_dir(argv[1]);
	else
		return usage(argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	log_err("cannot write the balance to standard output: %m");
	return code > MIRA_AGAIN ? code : MIRA_AGAIN;
}
