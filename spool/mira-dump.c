/*
 * mira-dump.c: `mira dump DIR`: an audit as text that two audits of the same packets share to the byte.
 *
 * It prints what was found, not how: no run ids (a random one stands for standard input), no attempts, no wall
 * clock. Runs of a stream are numbered in the order of their first packet.
 */
#include <getopt.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "spool/mira-audit.h"
#include "spool/log.h"
#include "spool/mira.h"

static const char biflow_sql[] =
	"SELECT 'biflow', * FROM biflow_text ORDER BY window_ms, proto, src, sport, dst, dport";

static const char ledger_sql[] =
	"SELECT 'ledger', probe, stream, dense_rank() OVER (PARTITION BY probe, stream ORDER BY first, run) AS run_no,"
	" seq, status, packets_seen, packets_captured, packets_filtered, packets_dropped, packets_shed, packets_ip,"
	" packets_not_ip, packets_malformed, octets_ip, late, damaged"
	" FROM (SELECT *, min(nullif(first_ms, 0)) OVER (PARTITION BY probe, stream, run) AS first FROM ledger)"
	" ORDER BY probe, stream, run_no, seq";

/* One row a line, tab-separated; a text's own tabs and line ends are escaped. NULL is "-". */
static void print_text(const unsigned char *text)
{
	for (; *text; text++) {
		if (*text == '\t')
			fputs("\\t", stdout);
		else if (*text == '\n')
			fputs("\\n", stdout);
		else if (*text == '\\')
			fputs("\\\\", stdout);
		else
			putchar(*text);
	}
}

static int print_rows(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *rows;
	int code;

	if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) != SQLITE_OK)
		return -1;
	for (int i = 0; i < sqlite3_column_count(rows); i++)
		printf("%s%s", i ? "\t" : "#", i ? sqlite3_column_name(rows, i) : "row");
	putchar('\n');
	while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(rows); i++) {
			const unsigned char *text = sqlite3_column_text(rows, i);

			if (i)
				putchar('\t');
			print_text(text ? text : (const unsigned char *)"-");
		}
		putchar('\n');
	}
	sqlite3_finalize(rows);
	return code == SQLITE_DONE ? 0 : -1;
}

static int usage(FILE *out)
{
	fputs("usage: mira dump DIR\n\nPrints every biflow and ledger row of the audit in DIR (made by "
	      "mira run or\nmira-store), sorted. Two audits of the same packets give the same bytes.\n",
		out);
	return out == stdout ? MIRA_OK : MIRA_PERSON;
}

int mira_dump(int argc, char **argv)
{
	sqlite3 *db;
	int code;

	if (argc != 2 || argv[1][0] == '-')
		return usage(argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
	code = audit_open_db(argv[1], &db);
	if (code)
		return code;
	if (print_rows(db, biflow_sql) || print_rows(db, ledger_sql)) {
		log_err("cannot read %s/mira.db: %s", argv[1], sqlite3_errmsg(db));
		code = MIRA_AGAIN;
	}
	sqlite3_close(db);
	if (fflush(stdout) || ferror(stdout)) {
		log_err("cannot write the dump to standard output: %m");
		code = MIRA_AGAIN;
	}
	return code;
}
