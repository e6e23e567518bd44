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

static int check_stage(const char *stage, const char *how, const char *config_path, bool quiet)
{
	char name[64];
	char *argv[] = {name, (char *)how, "--config", (char *)config_path, NULL};
	struct child child = {.stage = stage, .argv = argv, .quiet = quiet};

	snprintf(name, sizeof(name), "mira-%s", stage);
	if (child_start(&child))
		return MIRA_AGAIN;
	child_wait(&child, 1, "compiling the symptoms");
	return child_interrupted() ? MIRA_AGAIN : child.code;
}

int mira_check_rules(const char *config_path, bool thorough)
{
	int code = check_stage("classify", "--check", config_path, !thorough);

	return code ? code
		    : check_stage("preprocess", thorough ? "--check" : "--warm", config_path,
			      !thorough);
}

int mira_check(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	const char *named = NULL;
	struct config config;
	char path[PATH_MAX];
	int option, code;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'c') {
			named = optarg;
			continue;
		}
		fputs("usage: mira check [--config FILE]\n\nChecks mira.conf, the policy and the symptoms it names.\n",
			option == 'h' ? stdout : stderr);
		return option == 'h' ? MIRA_OK : MIRA_PERSON;
	}
	config_find(named, path);
	code = config_load(&config, path);
	if (code)
		return code;
	code = mira_check_rules(path, true);
	if (!code)
		printf("%s: fine, with %s and %s\n", *path ? path : "defaults", config.policy,
			config.symptoms);
	config_free(&config);
	return code;
}
