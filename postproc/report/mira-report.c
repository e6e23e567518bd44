/*
 * mira-report: the Acceptable Use Policy audit of what stands in mira.db, all of it or a period: a page,
 * report.json, a short text; on request tables, a PDF, a mail, and an index over the audits of the past.
 * After the store, where the line ends; what it writes is all that most readers ever see of MIRA.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "postproc/period.h"
#include "postproc/report/contested.h"
#include "postproc/report/report.h"
#include "postproc/report/report_query.h"
#include "postproc/store/store.h"
#include "spool/log.h"
#include "spool/nfs.h"

static const char usage_text[] =
	"usage: mira-report --db FILE --out DIR [options]\n"
	"       mira-report --db FILE --archive DIR --period day|week|month [options]\n"
	"       mira-report --archive DIR\n\n"
	"Audits what stands in the database FILE (mira.db, filled by mira-store) and writes"
	" index.html,\n"
	"a page that needs nothing else, and report.json; prints a short text.\n\n"
	"  --db FILE            the database; it is only read\n"
	"  --out DIR            the folder to write to\n"
	"  --archive DIR        write to a folder below DIR that is named after the period, and\n"
	"                       DIR/index.html over all of them; without --db that page alone\n" PERIOD_HELP
	"  --as FILE            a database of autonomous systems: NAME.mmdb, or pfx2as text; may be\n"
	"                       given several times\n"
	"  --csv                the tables, too, one file each in csv/\n"
	"  --pdf                report.pdf, too, where Chromium is installed\n"
	"  --mail               send the text and the page to report_mail of mira.conf\n"
	"  --config FILE        mira.conf; names the network, the policy and the rows of top"
	" tables\n"
	"  --help, --version\n";

#define SYSTEM_FILES 8
#define DAY_S	     86400

struct options {
	const char *db, *out, *archive, *config;
	const char *systems[SYSTEM_FILES];
	size_t system_count;
	int csv, pdf, mail;
	struct period_words words;
};

static int complain(const char *what)
{
	log_err("%s", what);
	fputs(usage_text, stderr);
	return MIRA_PERSON;
}

static int check(const struct options *options, bool surplus)
{
	bool period = options->words.word[0] || options->words.word[2];

	if (surplus || !options->out == !options->archive)
		return complain("name the folder to write to with --out, or --archive");
	if (options->db && options->archive && !period)
		return complain("an archive holds periods: name one with --period");
	if (!options->db &&
		(options->out || period || options->csv || options->pdf || options->mail))
		return complain("name the database with --db");
	return MIRA_OK;
}

static void add_systems(struct options *options, const char *path)
{
	if (options->system_count == SYSTEM_FILES)
		die(MIRA_PERSON, "--as %s: more than %d files", path, SYSTEM_FILES);
	options->systems[options->system_count++] = path;
}

/* 0 or an exit code; -1: answered. */
static int parse(struct options *options, int argc, char **argv)
{
	const struct option known[] = {{"db", required_argument, NULL, 'd'},
		{"out", required_argument, NULL, 'o'}, {"archive", required_argument, NULL, 'a'},
		{"config", required_argument, NULL, 'c'}, {"as", required_argument, NULL, 's'},
		{"csv", no_argument, &options->csv, 1}, {"pdf", no_argument, &options->pdf, 1},
		{"mail", no_argument, &options->mail, 1}, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'}, PERIOD_OPTIONS, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		if (!option || period_option(&options->words, option, optarg))
			continue;
		switch (option) {
		case 'd': options->db = optarg; break;
		case 'o': options->out = optarg; break;
		case 'a': options->archive = optarg; break;
		case 'c': options->config = optarg; break;
		case 's': add_systems(options, optarg); break;
		case 'h': fputs(usage_text, stdout); return -1;
		case 'v': puts("mira-report " MIRA_VERSION); return -1;
		default: fputs(usage_text, stderr); return MIRA_PERSON;
		}
	}
	return check(options, optind < argc);
}

/* ---- the report ---- */

/*
 * The report when the policy cannot be had any more is still a report: without the rules'
 * sentences.
 */
static json_t *gather(sqlite3 *db, struct report_sources *sources, int *code)
{
	const char *path = sources->config->policy;
	struct policy policy;
	json_t *report;

	if (policy_load(&policy, path)) {
		log_warn("without the policy %s the report names the rules, but not what they say;"
			 " mend it, or name the "
			 "right mira.conf with --config",
			path);
		return report_gather(db, sources, code);
	}
	sources->policy = &policy;
	report = report_gather(db, sources, code);
	sources->policy = NULL;
	policy_free(&policy);
	return report;
}

static int failed(const char *what, const char *folder)
{
	int code;
	const char *remedy = nfs_remedy(errno, &code);

	log_err("cannot write %s/%s: %m; %s, or name another folder", folder, what, remedy);
	return code;
}

static int write_file(const char *folder, const char *name, const char *data, size_t size)
{
	char path[PATH_MAX];

	if (data && !nfs_join(path, folder, name) && !nfs_write_file(path, data, size))
		return MIRA_OK;
	return failed(name, folder);
}

static int write_json(const json_t *object, const char *folder, const char *name)
{
	char *text = json_dumps(object, JSON_INDENT(1));
	int code = write_file(folder, name, text, text ? strlen(text) : 0);

	free(text);
	return code;
}

static int write_page(const json_t *report, const char *folder)
{
	size_t size;
	char *page = report_page(report, &size);
	int code = write_file(folder, "index.html", page, size);

	free(page);
	return code;
}

static int write_tables(json_t *report, const char *folder)
{
	return report_csv(report, folder) ? failed("csv", folder) : MIRA_OK;
}

static int write_pdf(const char *folder)
{
	if (!report_pdf(folder))
		return MIRA_OK;
	if (errno != ENOENT)
		return failed("report.pdf", folder);
	log_err("no PDF: Chromium is not installed (package chromium); %s/index.html prints as well",
		folder);
	return MIRA_PERSON;
}

static int write_index(const char *archive)
{
	size_t size;
	char *page = report_index(archive, &size);
	int code = write_file(archive, "index.html", page, size);

	free(page);
	return code;
}

static int print(const json_t *report, const char *folder)
{
	report_print(report, stdout);
	printf("The page: %s/index.html\n", folder);
	if (!fflush(stdout) && !ferror(stdout))
		return MIRA_OK;
	log_err("cannot write to standard output: %m; %s/index.html is written", folder);
	return MIRA_AGAIN;
}

/* All that was asked for; what one of them lacks does not stop the others. */
static int write_all(json_t *report, const char *folder, const struct options *options,
	const struct config *config)
{
	json_t *summary = report_summary(report);
	int code = write_json(report, folder, "report.json");
	int more[5] = {0}, at = 0;

	if (!code)
		code = write_page(report, folder);
	if (!code) {
		more[at++] = options->csv ? write_tables(report, folder) : 0;
		more[at++] = options->pdf ? write_pdf(folder) : 0;
		more[at++] = options->archive ? write_json(summary, folder, "summary.json") : 0;
		more[at++] = options->mail ? report_mail(report, folder, config) : 0;
		more[at++] = print(report, folder);
	}
	while (at--)
		code = more[at] > code ? more[at] : code;
	json_decref(summary);
	return code;
}

/* Where to: below an archive in a folder that is named after the period. */
static int place(const json_t *report, const struct options *options, char *folder)
{
	const char *name = json_string_at(json_object_get(report, "period"), "name");

	if (options->out) {
		snprintf(folder, PATH_MAX, "%s", options->out);
		return MIRA_OK;
	}
	if (nfs_join(folder, options->archive, name) || nfs_mkdir_in(options->archive, name))
		return failed(name, options->archive);
	return MIRA_OK;
}

static int audit(const struct options *options, struct report_sources *sources)
{
	char folder[PATH_MAX];
	json_t *report;
	sqlite3 *db;
	int code = store_open_read(options->db, &db);

	if (code)
		return code;
	report = gather(db, sources, &code);
	sqlite3_close(db);
	if (!code)
		code = place(report, options, folder);
	if (!code) {
		nfs_expire(folder, time(NULL) - DAY_S); /* of one that was killed */
		code = write_all(report, folder, options, sources->config);
	}
	json_decref(report);
	return code;
}

static int audit_with(const struct options *options, const struct config *config,
	const struct period *period)
{
	struct report_sources sources = {.config = config, .period = period};
	struct as_database *systems = NULL;
	int code = MIRA_OK;

	if (options->system_count)
		systems = as_open(options->systems, options->system_count, &code);
	if (!code)
		code = contested_load(config->report_contested, period, &sources.contested);
	if (!code) {
		sources.systems = systems;
		sources.privacy = privacy_new(config, options->db);
		code = audit(options, &sources);
		privacy_free(sources.privacy);
	}
	json_decref(sources.contested);
	if (systems)
		as_close(systems);
	return code;
}

static int run(struct options *options, const struct config *config)
{
	struct period period;
	int code, index = 0;

	if (!options->words.word[4] && *config->timezone)
		options->words.word[4] = config->timezone;
	code = period_parse(&options->words, time(NULL), &period);
	if (!code && options->db)
		code = audit_with(options, config, &period);
	if (options->archive && code != MIRA_PERSON)
		index = write_index(options->archive);
	return index > code ? index : code;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct config config;
	char path[PATH_MAX];
	int code;

	log_open("mira-report");
	setlocale(LC_CTYPE, "");
	umask(077); /* who spoke with whom is for the owner alone, as mira.db is */
	code = parse(&options, argc, argv);
	if (code)
		return code < 0 ? MIRA_OK : code;
	config_find(options.config, path);
	code = config_load(&config, path);
	if (code)
		return code;
	code = run(&options, &config);
	config_free(&config);
	return code;
}
