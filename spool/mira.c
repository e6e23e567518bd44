/*
 * mira.c: the front end: a table of commands. `mira NAME` that is not built in executes `mira-NAME`, so a new
 * job becomes a command by being installed.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/mira.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *description;
} commands[] = {
	{"run", mira_run, "audit capture files or an interface: all stages, then the report"},
	{"status", mira_status, "what stands where on a spool"},
	{"balance", mira_balance, "prove that every packet is accounted for"},
	{"plan", mira_plan, "how many hosts, how much bandwidth and space a site needs"},
	{"dump", mira_dump, "print every biflow and ledger row of an audit, sorted"},
	{"check", mira_check, "check mira.conf, policy.conf and the symptoms"},
	{"requeue", mira_requeue, "put a quarantined batch back to work"},
};

static const char others[] =
	"  import-rules make symptoms of rules for Snort and Suricata\n"
	"  query      one SELECT on the database, as a table, CSV or JSON\n"
	"  alert      write alerts of imported rules and of verdicts\n"
	"  export     send verdicts as IPFIX to a collector, or into files\n"
	"  packetlog  keep packets of configured classes, and of no others\n"
	"  capture, preprocess, consolidate, classify, store, report: the stages, see mira-NAME --help\n";

static int usage(FILE *out)
{
	fprintf(out, "usage: mira COMMAND [OPTION…]\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].description);
	fprintf(out, "%s\nmira COMMAND --help tells more; mira --version tells the version.\n",
		others);
	return out == stdout ? MIRA_OK : MIRA_PERSON;
}

void mira_sibling(const char *name, char *out)
{
	char self[PATH_MAX - 64];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash = NULL;

	if (length > 0) {
		self[length] = '\0';
		slash = strrchr(self, '/');
	}
	if (slash) {
		*slash = '\0';
		snprintf(out, PATH_MAX, "%s/mira-%s", self, name);
		if (access(out, X_OK) == 0)
			return;
	}
	snprintf(out, PATH_MAX, "mira-%s", name);
}

static int run_other(int argc, char **argv)
{
	char path[PATH_MAX];

	mira_sibling(argv[0], path);
	execvp(path, argv);
	if (errno != ENOENT)
		die(MIRA_AGAIN, "cannot execute %s: %s", path, strerror(errno));
	fprintf(stderr, "mira: '%s' is not a command: there is no executable mira-%s\n\n", argv[0],
		argv[0]);
	return usage(stderr);
}

int main(int argc, char **argv)
{
	log_open("mira");
	if (argc < 2)
		return usage(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return usage(stdout);
	if (!strcmp(argv[1], "--version")) {
		printf("mira %s\n", MIRA_VERSION);
		return MIRA_OK;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return run_other(argc - 1, argv + 1);
}
