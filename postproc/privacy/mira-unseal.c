/*
 * mira-unseal: whose a pseudonym is, for those who have the key and a reason. Beside the line: it
 * reads the store, and writes nothing but the log of disclosures, which comes first.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/privacy/privacy.h"
#include "postproc/privacy/privacy_key.h"
#include "postproc/privacy/privacy_log.h"
#include "postproc/privacy/privacy_unseal.h"
#include "postproc/store/store.h"
#include "spool/log.h"

static const char usage_text[] =
	"usage: mira-unseal --db FILE --reason TEXT [--config FILE] PSEUDONYM...\n\n"
	"Prints the addresses and names that pseudonyms (h-7k2m9qx4tp, n-..., addresses of an\n"
	"anonymised export) stand for, with the period of each. Needs the key, and writes who asked,\n"
	"when and why to mira.disclosures beside the database first; reports show that log.\n\n"
	"  --db FILE            the database of the audit (mira.db); it is only read\n"
	"  --reason TEXT        why, in words that those who are named may read\n"
	"  --config FILE        mira.conf; names the key and how pseudonyms rotate\n"
	"  --help, --version\n";

struct request {
	const char *db, *reason, *config;
	char **asked;
	int count;
};

static int check(const struct request *request)
{
	uint8_t address[16];

	if (!request->db || !request->reason || !request->reason[0] || !request->count) {
		log_err("name the database with --db, the reason with --reason, and a pseudonym");
		fputs(usage_text, stderr);
		return MIRA_PERSON;
	}
	for (int i = 0; i < request->count; i++) {
		if (pseudonym_is(request->asked[i]) || privacy_parse(request->asked[i], address))
			continue;
		log_err("%s is no pseudonym: they are like h-7k2m9qx4tp, or an address",
			request->asked[i]);
		return MIRA_PERSON;
	}
	return MIRA_OK;
}

/* 0 or an exit code; -1: answered. */
static int parse(struct request *request, int argc, char **argv)
{
	static const struct option options[] = {{"db", required_argument, NULL, 'd'},
		{"reason", required_argument, NULL, 'r'}, {"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'd': request->db = optarg; break;
		case 'r': request->reason = optarg; break;
		case 'c': request->config = optarg; break;
		case 'h': fputs(usage_text, stdout); return -1;
		case 'v': puts("mira-unseal " MIRA_VERSION); return -1;
		default: fputs(usage_text, stderr); return MIRA_PERSON;
		}
	}
	request->asked = argv + optind;
	request->count = argc - optind;
	return check(request);
}

static void tell(const char *asked, const char *period, const char *plain)
{
	printf("%s\t%s\t%s\n", asked, period, plain);
}

/* Everything is looked for before it is said what was not found. */
static int search(sqlite3 *db, const struct config *config, const struct request *request,
	const uint8_t *master)
{
	struct unseal *asked = x_calloc((size_t)request->count, sizeof(*asked));
	int code = MIRA_OK;

	for (int i = 0; i < request->count; i++)
		asked[i].asked = request->asked[i];
	if (privacy_unseal(db, config->privacy.rotate, master, asked, (size_t)request->count,
		    tell)) {
		log_err("cannot read %s: %s", request->db, sqlite3_errmsg(db));
		code = store_exit(sqlite3_errcode(db));
	}
	for (int i = 0, read = !code; i < request->count && read; i++)
		if (!asked[i].found) {
			log_err("%s is of no address or name in %s: it was removed, or the key or"
				" privacy.rotate was another",
				asked[i].asked, request->db);
			code = MIRA_PERSON;
		}
	free(asked);
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	log_err("cannot write to standard output: %m");
	return MIRA_AGAIN;
}

static int unseal(const struct config *config, const struct request *request)
{
	uint8_t master[PSEUDONYM_MASTER];
	char path[PATH_MAX];
	sqlite3 *db;
	int code = store_open_read(request->db, &db);

	if (code)
		return code;
	if (privacy_key_read(privacy_key_path(&config->privacy, request->db, path), false, master))
		code = MIRA_PERSON;
	if (!code)
		code = privacy_log_add(request->db, request->reason, request->asked,
			request->count);
	if (!code)
		code = search(db, config, request, master);
	explicit_bzero(master, sizeof(master));
	sqlite3_close(db);
	return code;
}

int main(int argc, char **argv)
{
	struct request request = {0};
	struct config config;
	char path[PATH_MAX];
	int code;

	log_open("mira-unseal");
	code = parse(&request, argc, argv);
	if (code)
		return code < 0 ? MIRA_OK : code;
	config_find(request.config, path);
	code = config_load(&config, path);
	if (code)
		return code;
	code = unseal(&config, &request);
	config_free(&config);
	return code;
}
