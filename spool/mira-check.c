/*
 * mira-check.c: `mira check`: mira.conf here, policy.conf and the symptoms by the stages that use them.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "spool/config.h"
#include "spool/log.h"
#include "spool/mira-child.h"
#include "spool/mira.h"

/* COST: a capture for --cost, or NULL. */
static int check_stage(const char *stage, const char *how, const char *config_path, bool quiet,
	const char *cost)
{
	char name[64];
	char *argv[] = {name, (char *)how, "--config", (char *)config_path, cost ? "--cost" : NULL,
		(char *)cost, NULL};
	struct child child = {.stage = stage, .argv = argv, .quiet = quiet};

	snprintf(name, sizeof(name), "mira-%s", stage);
	if (child_start(&child))
		return MIRA_AGAIN;
	child_wait(&child, 1, "compiling the symptoms");
	return child_interrupted() ? MIRA_AGAIN : child.code;
}

static int check_rules(const char *config_path, bool thorough, const char *cost)
{
	int code = check_stage("classify", "--check", config_path, !thorough, NULL);

	return code ? code
		    : check_stage("preprocess", thorough ? "--check" : "--warm", config_path,
			      !thorough, cost);
}

int mira_check_rules(const char *config_path, bool thorough)
{
	return check_rules(config_path, thorough, NULL);
}

static int usage(FILE *out)
{
	fputs("usage: mira check [--config FILE] [--cost CAPTURE]\n\n"
	      "Checks mira.conf, the policy and the symptoms it names, and says which symptoms cost most.\n\n"
	      "  --cost CAPTURE   what each symptom costs, over the payloads of a capture\n",
		out);
	return out == stdout ? MIRA_OK : MIRA_PERSON;
}

int mira_check(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"cost", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	const char *named = NULL, *cost = NULL;
	struct config config;
	char path[PATH_MAX];
	int option, code;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'c')
			named = optarg;
		else if (option == 'o')
			cost = optarg;
		else
			return usage(option == 'h' ? stdout : stderr);
	}
	config_find(named, path);
	code = config_load(&config, path);
	if (code)
		return code;
	code = check_rules(path, true, cost);
	if (!code)
		printf("%s: fine, with %s and %s\n", *path ? path : "defaults", config.policy,
			config.symptoms);
	config_free(&config);
	return code;
}
