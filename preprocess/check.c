/* check.c: the symptoms looked at before any packet is: for `mira check`, and for `mira run` before it touches a folder. */
#include "preprocess/check.h"

#include <getopt.h>
#include <stdlib.h>

#include "preprocess/symptom.h"
#include "spool/config.h"
#include "spool/log.h"
#include "spool/nfs.h"

const char check_help[] = "\n  mira-preprocess --check [--config FILE]\n"
			  "                    say which symptoms are refused or slow\n"
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

int check_main(int argc, char **argv)
{
	static const struct option options[] = {{"check", no_argument, NULL, 'k'},
		{"warm", no_argument, NULL, 'w'}, {"config", required_argument, NULL, 'c'},
		{NULL, 0, NULL, 0}};
	const char *named = NULL;
	struct config config;
	char path[PATH_MAX];
	int option, mode = 'k', code;

	log_open("mira-preprocess");
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return MIRA_PERSON;
		if (option == 'c')
			named = optarg;
		else
			mode = option;
	}
	config_find(named, path);
	code = config_load(&config, path);
	if (code)
		return code;
	code = mode == 'w' ? warm(&config) : symptoms_check(config.symptoms, stdout);
	config_free(&config);
	return code;
}
