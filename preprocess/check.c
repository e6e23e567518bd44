/* check.c: the symptoms looked at before any packet is: for `mira check`, and for `mira run` before it touches a folder. */
#include "preprocess/check.h"

#include <getopt.h>
#include <stdlib.h>

#include "preprocess/cost.h"
#include "preprocess/symptom.h"
#include "spool/config.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define SHOWN 10 /* of the most expensive ones, unless a capture was named */

const char check_help[] =
	"\n  mira-preprocess --check [--cost FILE] [--config FILE]\n"
	"                    say what symptoms cost, and which are refused or slow\n"
	"  --cost FILE       with --check: what each costs over the payloads of a capture\n"
	"  mira-preprocess --warm [--config FILE]\n"
	"                    compile the symptoms into $MIRA_CACHE\n";

static int warm(const struct config *config)
{
	const char *cache = getenv("MIRA_CACHE");
	struct symptoms *symptoms = symptoms_load(config->symptoms, cache && *cache ? cache : NULL);

	if (!symptoms)
		return MIRA_PERSON;
	symptoms_free(symptoms);
	return MIRA_OK;
}

static int check(const struct config *config, const char *cost)
{
	struct sample sample;
	int code = 0;

	if (cost)
		code = sample_read(&sample, cost);
	else
		sample_make(&sample);
	if (!code)
		code = symptoms_check(config->symptoms, &sample, cost ? SIZE_MAX : SHOWN, stdout);
	sample_free(&sample);
	return code;
}

int check_main(int argc, char **argv)
{
	static const struct option options[] = {{"check", no_argument, NULL, 'k'},
		{"warm", no_argument, NULL, 'w'}, {"config", required_argument, NULL, 'c'},
		{"cost", required_argument, NULL, 'o'}, {NULL, 0, NULL, 0}};
	const char *named = NULL, *cost = NULL;
	struct config config;
	char path[PATH_MAX];
	int option, mode = 'k', code;

	log_open("mira-preprocess");
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return MIRA_PERSON;
		if (option == 'c')
			named = optarg;
		else if (option == 'o')
			cost = optarg;
		else
			mode = option;
	}
	config_find(named, path);
	code = config_load(&config, path);
	if (code)
		return code;
	code = mode == 'w' ? warm(&config) : check(&config, cost);
	config_free(&config);
	return code;
}
