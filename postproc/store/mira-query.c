/*
 * mira-query: one SELECT on mira.db, printed as a table, CSV or JSON. Beside the reports at the end of the line, for the question
 * that no report answers.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "postproc/store/guard.h"
#include "postproc/store/rows.h"
#include "postproc/store/store.h"
#include "spool/config.h"
#include "spool/log.h"

#define STEPS_BETWEEN_LOOKS 20000 /* of SQLite's machine; some 0.2 ms */

static const char usage_text[] =
	"usage: mira query [OPTION…] 'SELECT …'\n\n"
	"Prints what one SELECT finds in the database (mira.db, filled by mira-store), which is only read. mira.db(5) tells\n"
	"what can be asked, mira-queries(7) has examples.\n\n"
	"  --db FILE         the database (default: store in mira.conf)\n"
	"  --format NAME     table (default), csv or json\n"
	"  --timeout N       give up after N seconds (default 300; 0: never)\n"
	"  --config FILE     mira.conf\n"
	"  --help, --version\n";

struct names {
	const char *db, *config, *sql;
	rows_printer print;
	time_t timeout_s;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
	interrupted = 1;
}

/* When to give up, CLOCK_MONOTONIC; 0: never. */
struct limit {
	time_t timeout_s, end_s;
};

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static bool is_over(const struct limit *limit)
{
	return limit->end_s && now_s() >= limit->end_s;
}

static int look(void *own)
{
	return interrupted || is_over(own);
}

/* 0 or an exit code; -1: answered. */
static int bad_usage(const char *why, const char *what)
{
	log_err("%s%s", why, what);
	fputs(usage_text, stderr);
	return MIRA_PERSON;
}

static int take(struct names *names, int option)
{
	char *end;

	switch (option) {
	case 'd': names->db = optarg; return MIRA_OK;
	case 'c': names->config = optarg; return MIRA_OK;
	case 'f':
		names->print = rows_printer_of(optarg);
		return names->print ? MIRA_OK
				    : bad_usage("--format is table, csv or json, not ", optarg);
	case 't':
		names->timeout_s = strtol(optarg, &end, 10);
		return *optarg >= '0' && *optarg <= '9' && !*end && strlen(optarg) < 9
			       ? MIRA_OK
			       : bad_usage("--timeout is a number of seconds, not ", optarg);
	case 'h': fputs(usage_text, stdout); return -1;
	case 'v': puts("mira-query " MIRA_VERSION); return -1;
	default: fputs(usage_text, stderr); return MIRA_PERSON;
	}
}

static int parse(struct names *names, int argc, char **argv)
{
	static const struct option options[] = {{"db", required_argument, NULL, 'd'},
		{"format", required_argument, NULL, 'f'}, {"timeout", required_argument, NULL, 't'},
		{"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
	int option, code;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		code = take(names, option);
		if (code)
			return code;
	}
	if (optind + 1 != argc)
		return bad_usage("give one SELECT, in quotes", "");
	names->sql = argv[optind];
	return MIRA_OK;
}

/* ---- one statement ---- */

/* What SQLite says of the text, and from where on it does not like it. */
static int refuse(sqlite3 *db, const char *sql, const struct privacy *privacy)
{
	int offset = sqlite3_error_offset(db);

	if (sqlite3_errcode(db) == SQLITE_AUTH)
		log_err("cannot ask that: %s; only reading is allowed, and what the level of privacy %s shows in the views of"
			" mira.db(5)",
			sqlite3_errmsg(db), privacy_word(privacy));
	else if (offset > 0 && offset < (int)strlen(sql))
		log_err("cannot ask that: %s, at: %.60s", sqlite3_errmsg(db), sql + offset);
	else
		log_err("cannot ask that: %s", sqlite3_errmsg(db));
	return MIRA_PERSON;
}

static int prepare(sqlite3 *db, const char *sql, const struct privacy *privacy,
	sqlite3_stmt **statement)
{
	const char *rest;

	if (sqlite3_prepare_v2(db, sql, -1, statement, &rest) != SQLITE_OK)
		return refuse(db, sql, privacy);
	rest += strspn(rest, " \t\r\n;");
	if (*statement && !*rest && sqlite3_column_count(*statement) &&
		!sqlite3_stmt_isexplain(*statement))
		return MIRA_OK;
	sqlite3_finalize(*statement);
	log_err("%s", *rest ? "cannot ask two things at once: give one SELECT"
			    : "there is nothing to ask: give one SELECT");
	return MIRA_PERSON;
}

static int explain(sqlite3 *db, int code, const struct limit *limit)
{
	if (code == SQLITE_DONE)
		return MIRA_OK;
	if (interrupted)
		log_err("interrupted; what was printed is not all");
	else if (is_over(limit))
		log_err("not done after %lld s, what was printed is not all; bound window_ms, hour_ms or day_ms, ask a view of"
			" sums, or give --timeout",
			(long long)limit->timeout_s);
	else
		log_err("cannot go on, what was printed is not all: %s", sqlite3_errmsg(db));
	return store_exit(code);
}

static int ask(sqlite3 *db, const struct names *names, const struct privacy *privacy)
{
	struct limit limit = {names->timeout_s, 0};
	sqlite3_stmt *statement;
	int code = prepare(db, names->sql, privacy, &statement);

	if (code)
		return code;
	if (names->timeout_s)
		limit.end_s = now_s() + names->timeout_s;
	sqlite3_progress_handler(db, STEPS_BETWEEN_LOOKS, look, &limit);
	code = names->print(statement, stdout) & 0xff;
	code = explain(db, code, &limit);
	sqlite3_finalize(statement);
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	log_err("cannot write to standard output: %m");
	return MIRA_AGAIN;
}

static int ask_guarded(sqlite3 *db, const struct names *names, const struct config *config,
	const char *path)
{
	struct privacy *privacy = privacy_new(config, path);
	struct guard *guard =
		guard_new(db, privacy, config->privacy.names != PRIVACY_NAMES_WITHHOLD);
	int code = guard ? ask(db, names, privacy) : MIRA_AGAIN;

	sqlite3_close(db);
	guard_free(guard);
	privacy_free(privacy);
	return code;
}

static int query(const struct names *names, const struct config *config)
{
	const char *path = names->db ? names->db : config->store;
	sqlite3 *db;
	int code;

	if (!*path) {
		log_err("no store is named: give --db FILE, or set store in mira.conf");
		return MIRA_PERSON;
	}
	code = store_open_read(path, &db);
	return code ? code : ask_guarded(db, names, config, path);
}

int main(int argc, char **argv)
{
	struct names names = {.print = rows_printer_of("table"), .timeout_s = 300};
	struct config config;
	char path[PATH_MAX];
	int code;

	log_open("mira-query");
	setlocale(LC_CTYPE, "");
	code = parse(&names, argc, argv);
	if (code)
		return code < 0 ? MIRA_OK : code;
	config_find(names.config, path);
	code = config_load(&config, path);
	if (code)
		return code;
	signal(SIGINT, interrupt);
	code = query(&names, &config);
	config_free(&config);
	return code;
}
