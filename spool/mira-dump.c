/*
 * mira-dump.c: `mira dump DIR`: an audit as text that two audits of the same packets share to the byte.
 *
 * Who spoke is for who asks for it: without --addresses the columns that tell it are withheld, and two dumps are
 * still the same to the byte. It prints what was found, not how: no run ids (a random one stands for standard input), no attempts, no wall
 * clock. Runs of a stream are numbered in the order of their first packet.
 */
#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "spool/log.h"
#include "spool/mira-audit.h"
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

static bool tells_who(const char *column)
{
	static const char *const columns[] = {"src", "dst", "host_name", "tunnel_endpoint"};

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (!strcmp(column, columns[i]))
			return true;
	return false;
}

static void print_cell(sqlite3_stmt *rows, int column, bool addresses)
{
	const char *text = (const char *)sqlite3_column_text(rows, column);

	if (text && !addresses && tells_who(sqlite3_column_name(rows, column)))
		text = "withheld";
	print_text((const unsigned char *)(text ? text : "-"));
}

static int print_rows(sqlite3 *db, const char *sql, bool addresses)
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
			if (i)
				putchar('\t');
			print_cell(rows, i, addresses);
		}
		putchar('\n');
	}
	sqlite3_finalize(rows);
	return code == SQLITE_DONE ? 0 : -1;
}

static int usage(FILE *out)
{
	fputs("usage: mira dump [--addresses] DIR\n\nPrints every biflow and ledger row of the audit in DIR (made by "
	      "mira run or\nmira-store), sorted. Two audits of the same packets give the same bytes.\n\n"
	      "  --addresses          with addresses and host names, which are withheld otherwise\n",
		out);
	return out == stdout ? MIRA_OK : MIRA_PERSON;
}

static int dump(const char *dir, bool addresses)
{
	sqlite3 *db;
	int code = audit_open_db(dir, &db);

	if (code)
		return code;
	if (print_rows(db, biflow_sql, addresses) || print_rows(db, ledger_sql, addresses)) {
		log_err("cannot read %s/mira.db: %s", dir, sqlite3_errmsg(db));
		code = MIRA_AGAIN;
	}
	sqlite3_close(db);
	if (fflush(stdout) || ferror(stdout)) {
		log_err("cannot write the dump to standard output: %m");
		code = MIRA_AGAIN;
	}
	return code;
}

int mira_dump(int argc, char **argv)
{
	bool addresses = argc > 1 && !strcmp(argv[1], "--addresses");

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return usage(stdout);
	if (argc != 2 + addresses || argv[1 + addresses][0] == '-')
		return usage(stderr);
	return dump(argv[1 + addresses], addresses);
}
