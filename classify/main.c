/*
 * mira-classify: reads biflows, writes verdicts. A policy's conditions decide over symptoms, addresses and counts; payload was
 * deleted long before. Also checks a policy, and tries one on stored biflows.
 */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "classify/policies.h"
#include "classify/ruleset.h"
#include "classify/try.h"
#include "classify/verdicts.h"
#include "spool/log.h"
#include "spool/stage.h"

/* ---- the stage ---- */

static const struct stage stage;

static int open_policies(struct stage_run *run)
{
	int code;

	run->own = policies_open(&run->spool, &run->config, &code);
	return code;
}

static int renew_policy(struct stage_run *run, const struct config *fresh)
{
	return policies_renew(run->own, fresh);
}

static enum work_result classify(struct stage_run *run, struct batch *batch)
{
	enum verdicts_result result = VERDICTS_MACHINE;
	const char *hash;
	struct ruleset *ruleset = policies_choose(run->own, batch->manifest.rules, &hash);
	char why[256];

	while (ruleset) {
		result = verdicts_write(batch, ruleset, hash, &run->progress, why, sizeof(why));
		if (result != VERDICTS_POLICY)
			break;
		ruleset = policies_give_up(run->own, &hash);
		if (ruleset && batch_again(batch, run->worker) < 0)
			return WORK_AGAIN;
	}
	switch (result) {
	case VERDICTS_DONE: return WORK_DONE;
	case VERDICTS_MACHINE: return WORK_AGAIN;
	case VERDICTS_BAD: return stage_reject(run, &stage, batch, "%s", why);
	default: return WORK_STOP;
	}
}

static int publish_empty(struct stage_run *run, struct batch *batch, const char *reason)
{
	/* a number keeps its place; a folder of another name has none */
	return isdigit((unsigned char)batch->name[0]) ? verdicts_write_empty(batch) : 0;
}

static void close_policies(struct stage_run *run)
{
	policies_free(run->own);
}

/* ---- without a spool: --check and --try ---- */

enum mode { MODE_STAGE, MODE_CHECK, MODE_TRY };

static const struct option own_options[] = {
	{"check", optional_argument, NULL, MODE_CHECK},
	{"try", required_argument, NULL, MODE_TRY},
	{NULL, 0, NULL, 0},
};

/* Only for --help: main() has looked for these two before. */
static int refuse_option(struct stage_run *run, int value, const char *argument)
{
	return MIRA_PERSON;
}

static const struct stage stage = {
	.name = "classify",
	.queue = "biflows",
	.reader = "classify",
	.output = "verdicts",
	.summary = "gives each biflow a class and a verdict, by the policy.",
	.options = own_options,
	.options_help =
		"\n  mira-classify --check [POLICY] [--config FILE]\n"
		"                    only compile the policy (default: the configured one)\n"
		"  mira-classify --try POLICY DIR [--config FILE]\n"
		"                    what POLICY would change in the stored biflows of DIR/mira.db\n",
	.option = refuse_option,
	.open = open_policies,
	.reload = renew_policy,
	.work = classify,
	.rejected = publish_empty,
	.close = close_policies,
};

/* What --check and --try need of the command line. */
struct request {
	enum mode mode;
	const char *config, *policy, *store;
};

static enum mode mode_of(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--check") == 0 || strncmp(argv[i], "--check=", 8) == 0)
			return MODE_CHECK;
		if (strcmp(argv[i], "--try") == 0 || strncmp(argv[i], "--try=", 6) == 0)
			return MODE_TRY;
	}
	return MODE_STAGE;
}

static int parse_request(struct request *request, int argc, char **argv)
{
	static const struct option options[] = {
		{"check", optional_argument, NULL, MODE_CHECK},
		{"try", required_argument, NULL, MODE_TRY},
		{"config", required_argument, NULL, 'c'},
		{NULL, 0, NULL, 0},
	};
	int value;

	while ((value = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (value == '?')
			return MIRA_PERSON;
		if (value == 'c')
			request->config = optarg;
		else if (optarg)
			request->policy = optarg;
	}
	if (request->mode == MODE_TRY && optind < argc)
		request->store = argv[optind++];
	if (request->mode == MODE_CHECK && optind < argc && !request->policy)
		request->policy = argv[optind++];
	if (optind == argc && (request->mode == MODE_CHECK || request->store))
		return MIRA_OK;
	log_err("usage: mira-classify --check [POLICY] [--config FILE], or mira-classify --try POLICY DIR [--config FILE]");
	return MIRA_PERSON;
}

static int answer(const struct request *request)
{
	struct config config;
	struct policy policy;
	struct namelist symbols;
	struct ruleset *ruleset;
	char path[PATH_MAX];
	int code;

	config_find(request->config, path);
	code = config_load(&config, path);
	if (code)
		return code;
	ruleset = ruleset_load(&policy, &symbols, request->policy ? request->policy : config.policy,
		config.symptoms, &code);
	if (ruleset && request->mode == MODE_TRY)
		code = try_policy(ruleset, &policy, &symbols, request->store);
	else if (ruleset)
		printf("%s: %zu fast lists and %zu classes, no mistake found\n", policy.file,
			policy.fast_count, policy.class_count);
	ruleset_free(ruleset);
	namelist_free(&symbols);
	policy_free(&policy);
	config_free(&config);
	return code;
}

int main(int argc, char **argv)
{
	struct request request = {.mode = mode_of(argc, argv)};
	int code;

	if (request.mode == MODE_STAGE)
		return stage_main(&stage, argc, argv);
	log_open("mira-classify");
	code = parse_request(&request, argc, argv);
	return code ? code : answer(&request);
}
