/*
 * job.c: what post-processors that read the store have in common, from the command line to the exit
 * code.
 */
#include "postproc/account/job.h"

#include <assert.h>
#include <locale.h>
#include <string.h>

#include "postproc/report/report.h"
#include "postproc/report/report_query.h"
#include "postproc/store/store.h"
#include "spool/log.h"

#define OWN_OPTIONS 16 /* at most */

struct words {
	const char *db, *config, *format;
	struct period_words period;
};

/* ---- the command line ---- */

enum { DB = PERIOD_OPTION_FIRST + PERIOD_OPTION_COUNT, CONFIG, FORMAT, HELP, VERSION };

static const struct option common[] = {{"db", required_argument, NULL, DB},
	{"config", required_argument, NULL, CONFIG}, {"format", required_argument, NULL, FORMAT},
	{"help", no_argument, NULL, HELP}, {"version", no_argument, NULL, VERSION}, PERIOD_OPTIONS};

enum { COMMON = sizeof(common) / sizeof(common[0]) };

static void join_options(const struct job *job, struct option all[COMMON + OWN_OPTIONS])
{
	size_t own = 0;

	memcpy(all, common, sizeof(common));
	while (job->options[own].name)
		own++;
	assert(own < OWN_OPTIONS);
	memcpy(all + COMMON, job->options, (own + 1) * sizeof(*all));
}

/* 0, an exit code, or -1: answered. */
static int take(const struct job *job, struct words *words, int option)
{
	if (period_option(&words->period, option, optarg))
		return MIRA_OK;
	switch (option) {
	case DB: words->db = optarg; return MIRA_OK;
	case CONFIG: words->config = optarg; return MIRA_OK;
	case FORMAT: words->format = optarg; return MIRA_OK;
	case HELP: fputs(job->usage, stdout); return -1;
	case VERSION: printf("%s %s\n", job->name, MIRA_VERSION); return -1;
	case '?': fputs(job->usage, stderr); return MIRA_PERSON;
	default: return job->option(option, optarg);
	}
}

static int parse(const struct job *job, struct words *words, int argc, char **argv)
{
	struct option all[COMMON + OWN_OPTIONS];
	int option, code = MIRA_OK;

	join_options(job, all);
	while (!code && (option = getopt_long(argc, argv, "", all, NULL)) != -1)
		code = take(job, words, option);
	if (code || optind == argc)
		return code;
	log_err("%s: no such option; see --help", argv[optind]);
	return MIRA_PERSON;
}

static const struct job_format *format_of(const struct job *job, const char *name)
{
	char allowed[128] = "";

	if (!name)
		return job->formats;
	for (const struct job_format *format = job->formats; format->name; format++) {
		if (!strcmp(format->name, name))
			return format;
		snprintf(allowed + strlen(allowed), sizeof(allowed) - strlen(allowed), " %s",
			format->name);
	}
	log_err("--format %s: allowed are%s", name, allowed);
	return NULL;
}

/* ---- the store ---- */

int job_failed(sqlite3 *db)
{
	int code = store_exit(sqlite3_errcode(db));

	log_err("cannot read the store: %s; %s", sqlite3_errmsg(db),
		code == MIRA_AGAIN ? "try again" : "mira-store --check tells whether it is sound");
	return code;
}

/* Each by itself is a look at one end of the table; both in one SELECT would read all of it. */
static const char ends_sql[] = "SELECT (SELECT min(window_ms) FROM biflow) AS a,"
			       " (SELECT max(window_ms) FROM biflow) AS z";

/* All that is stored: from the first window to the end of the last one. */
static int bound(struct job_run *run)
{
	struct query query = {.db = run->db};
	json_t *row;

	if (run->period.kind != PERIOD_ALL)
		return MIRA_OK;
	row = query_row(&query, ends_sql, 0);
	run->period.from_ms = json_integer_value(json_object_get(row, "a"));
	run->period.to_ms = json_integer_value(json_object_get(row, "z"));
	if (json_is_integer(json_object_get(row, "z")))
		run->period.to_ms += (int64_t)run->config.window_s * 1000;
	json_decref(row);
	return query.failed;
}

static json_t *read_store(const struct job *job, struct job_run *run, int *code)
{
	json_t *found = NULL;

	*code = MIRA_PERSON;
	if (!*run->db_path)
		log_err("no store is named: give --db FILE, or set store in mira.conf");
	else
		*code = store_open_read(run->db_path, &run->db);
	if (*code)
		return NULL;
	if (sqlite3_exec(run->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		*code = job_failed(run->db);
	else
		*code = bound(run);
	if (!*code)
		found = job->gather(run, code);
	sqlite3_close(run->db);
	return found;
}

/* What should have been analysed, and was, of batches that begin in the period. */
#define COVERED                                                                                    \
	"SELECT sum(packets_ip + packets_not_ip + packets_malformed) * 1.0"                        \
	" / nullif(sum(packets_seen - packets_filtered), 0) AS share FROM ledger"
static const char covered_sql[] = COVERED " WHERE first_ms >= :from AND first_ms < :to";

static json_t *share_analysed(const struct job_run *run, int *code)
{
	struct query query = {.db = run->db, .period = run->period};
	bool all = run->period.kind == PERIOD_ALL;
	json_t *row = query_row(&query, all ? COVERED : covered_sql, 0);
	json_t *share = json_incref(json_object_get(row, "share"));

	json_decref(row);
	if (query.failed)
		*code = query.failed;
	return share;
}

/* Of all that is stored, when that was. */
static char *describe_period(const struct job_run *run, char out[PERIOD_TEXT])
{
	struct period span = run->period;

	span.kind = PERIOD_SPAN;
	return period_text(span.to_ms ? &span : &run->period, out);
}

json_t *job_cover(const struct job_run *run, int *code)
{
	char text[PERIOD_TEXT];

	return json_pack("{si ss so sI sI ss ss so}", "format", 1, "program", "MIRA " MIRA_VERSION,
		"network", json_text(run->config.network), "from_ms",
		(json_int_t)run->period.from_ms, "to_ms", (json_int_t)run->period.to_ms, "period",
		describe_period(run, text), "timezone", period_zone(), "share_analysed",
		share_analysed(run, code));
}

void job_print_cover(const json_t *found, const char *title, FILE *out)
{
	const json_t *share = json_object_get(found, "share_analysed");
	const char *network = json_string_at(found, "network");
	char text[32];

	fprintf(out, "\n%s", title);
	if (*network) {
		fputs(": ", out);
		report_put(network, 0, out);
	}
	fprintf(out, "\n%s; analysed: %s of the packets seen\n\n", json_string_at(found, "period"),
		json_is_null(share) ? "none" : report_share(json_number_value(share), text));
}

/* ---- from beginning to end ---- */

void job_json(const json_t *found, FILE *out)
{
	json_dumpf(found, out, JSON_INDENT(1));
	fputc('\n', out);
}

static int work(const struct job *job, const struct job_format *format, struct job_run *run)
{
	int code;
	json_t *found = read_store(job, run, &code);

	if (!found)
		return code;
	format->print(found, stdout);
	json_decref(found);
	if (!fflush(stdout) && !ferror(stdout))
		return MIRA_OK;
	log_err("cannot write to standard output: %m");
	return MIRA_AGAIN;
}

int job_main(const struct job *job, int argc, char **argv)
{
	const struct job_format *format;
	struct words words = {0};
	struct job_run run = {0};
	char path[PATH_MAX];
	int code;

	log_open(job->name);
	setlocale(LC_CTYPE, "");
	code = parse(job, &words, argc, argv);
	if (code)
		return code < 0 ? MIRA_OK : code;
	format = format_of(job, words.format);
	if (!format || period_parse(&words.period, time(NULL), &run.period))
		return MIRA_PERSON;
	config_find(words.config, path);
	code = config_load(&run.config, path);
	if (code)
		return code;
	run.db_path = words.db ? words.db : run.config.store;
	code = work(job, format, &run);
	config_free(&run.config);
	return code;
}
