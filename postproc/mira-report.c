/*
 * mira-report: the Acceptable Use Policy audit of what stands in mira.db: report.json, a page, and
 * a short text. After the store, where the line ends; what it prints is all that most readers ever
 * see of MIRA.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "postproc/report.h"
#include "postproc/store.h"
#include "spool/log.h"
#include "spool/nfs.h"

static const char usage_text[] =
	"usage: mira-report --db FILE --out DIR [--config FILE]\n\n"
	"Audits what stands in the database FILE (mira.db, filled by mira-store) and writes"
	" DIR/report.json and\n"
	"DIR/index.html, a page that needs nothing else; prints a short text.\n\n"
	"  --db FILE            the database; it is only read\n"
	"  --out DIR            the folder to write to\n"
	"  --config FILE        mira.conf; names the network, the policy and the rows of top"
	" tables\n"
	"  --help, --version\n";

struct names {
	const char *db, *out, *config;
};

/* 0 or an exit code; -1: answered. */
static int parse(struct names *names, int argc, char **argv)
{
	static const struct option options[] = {{"db", required_argument, NULL, 'd'},
		{"out", required_argument, NULL, 'o'}, {"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'd': names->db = optarg; break;
		case 'o': names->out = optarg; break;
		case 'c': names->config = optarg; break;
		case 'h': fputs(usage_text, stdout); return -1;
		case 'v': puts("mira-report " MIRA_VERSION); return -1;
		default: fputs(usage_text, stderr); return MIRA_PERSON;
		}
	}
	if (names->db && names->out && optind == argc)
		return MIRA_OK;
	log_err("name the database with --db and the folder to write to with --out");
	fputs(usage_text, stderr);
	return MIRA_PERSON;
}

/*
 * The report when the policy cannot be had any more is still a report: without the rules'
 * sentences.
 */
static json_t *gather(sqlite3 *db, const struct config *config)
{
	struct policy policy;
	json_t *report;

	if (policy_load(&policy, config->policy)) {
		log_warn("without the policy %s the report names the rules, but not what they say;"
			 " mend it, or name the "
			 "right mira.conf with --config",
			config->policy);
		return report_gather(db, config, NULL);
	}
	report = report_gather(db, config, &policy);
	policy_free(&policy);
	return report;
}

static int write_file(const char *folder, const char *name, const char *data, size_t size)
{
	char path[PATH_MAX];

	if (data && !nfs_join(path, folder, name) && !nfs_write_file(path, data, size))
		return MIRA_OK;
	log_err("cannot write %s/%s: %m; free space, or name another folder with --out", folder,
		name);
	return errno == ENOENT || errno == EACCES || errno == ENOTDIR || errno == EROFS ||
			       errno == EPERM
		       ? MIRA_PERSON
		       : MIRA_AGAIN;
}

static int write_files(const json_t *report, const char *folder)
{
	char *text = json_dumps(report, JSON_INDENT(1)), *page = NULL;
	size_t size;
	int code = write_file(folder, "report.json", text, text ? strlen(text) : 0);

	if (!code) {
		page = report_page(report, &size);
		code = write_file(folder, "index.html", page, size);
	}
	free(page);
	free(text);
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

static int audit(const struct names *names, const struct config *config)
{
	json_t *report;
	sqlite3 *db;
	int code = store_open_read(names->db, &db);

	if (code)
		return code;
	report = gather(db, config);
	sqlite3_close(db);
	code = report ? write_files(report, names->out) : MIRA_AGAIN;
	if (!code)
		code = print(report, names->out);
	json_decref(report);
	return code;
}

int main(int argc, char **argv)
{
	struct names names = {0};
	struct config config;
	char path[PATH_MAX];
	int code;

	log_open("mira-report");
	setlocale(LC_CTYPE, "");
	umask(077); /* who spoke with whom is for the owner alone, as mira.db is */
	code = parse(&names, argc, argv);
	if (code)
		return code < 0 ? MIRA_OK : code;
	if (names.config)
		snprintf(path, sizeof(path), "%s", names.config);
	else
		config_find(NULL, path);
	code = config_load(&config, path);
	if (code)
		return code;
	code = audit(&names, &config);
	config_free(&config);
	return code;
}
