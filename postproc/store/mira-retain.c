/*
 * mira-retain: removes and seals what mira.db has kept for long enough; run once a day, by timer or
 * cron, also while mira-store loads.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "postproc/store/retain.h"
#include "spool/log.h"

static const char usage_text[] =
	"usage: mira-retain [--db FILE] [--config FILE]\n\n"
	"Removes from the database of an audit (mira.db) what is past the days that mira.conf says\n"
	"(privacy = { keep_biflows_days, keep_addresses_days, keep_hosts_days, keep_totals_days }),\n"
	"and seals addresses that are. mira-store may load meanwhile.\n\n"
	"  --db FILE            the database (default: store in mira.conf)\n"
	"  --config FILE        mira.conf\n"
	"  --help, --version\n";

struct names {
	const char *db, *config;
};

/* 0 or an exit code; -1: answered. */
static int parse(struct names *names, int argc, char **argv)
{
	static const struct option options[] = {{"db", required_argument, NULL, 'd'},
		{"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'd': names->db = optarg; break;
		case 'c': names->config = optarg; break;
		case 'h': fputs(usage_text, stdout); return -1;
		case 'v': puts("mira-retain " MIRA_VERSION); return -1;
		default: fputs(usage_text, stderr); return MIRA_PERSON;
		}
	}
	if (optind == argc)
		return MIRA_OK;
	log_err("%s is no option; name the database with --db", argv[optind]);
	return MIRA_PERSON;
}

static int retain(const char *db, const struct config *config)
{
	struct retain work;
	int code;

	if (!*db) {
		log_err("no store is named: give --db FILE, or set store in mira.conf");
		return MIRA_PERSON;
	}
	code = retain_open(&work, db, config);
	if (code)
		return code;
	code = retain_run(&work);
	log_info("%s: %" PRIu64 " biflows and %" PRIu64 " rows of sums removed, %" PRIu64
		 " hosts, names and tunnels of a day sealed",
		db, work.biflows, work.removed, work.sealed);
	retain_close(&work);
	return code;
}

int main(int argc, char **argv)
{
	struct names names = {0};
	struct config config;
	char path[PATH_MAX];
	int code;

	log_open("mira-retain");
	umask(077);
	code = parse(&names, argc, argv);
	if (code)
		return code < 0 ? MIRA_OK : code;
	config_find(names.config, path);
	code = config_load(&config, path);
	if (code)
		return code;
	code = retain(names.db ? names.db : config.store, &config);
	config_free(&config);
	return code;
}
