/*
 * start.c: what every stage does before its loop and after it: options, configuration, spool,
 * worker, signals. Part of stage.h.
 */
#include "spool/stage.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/metrics.h"
#include "spool/nfs.h"
#include "spool/notify.h"
#include "spool/reload.h"
#include "spool/sandbox.h"
#include "spool/strike.h"
#include "spool/value.h"
#include "spool/watch.h"

#define OPTIONS_MAX 32
#define DRAIN_TRIES 5

enum {
	OPTION_SPOOL = 0x10000,
	OPTION_CONFIG,
	OPTION_DRAIN,
	OPTION_FOLLOW,
	OPTION_TRIES,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option common[] = {
	{"spool", required_argument, NULL, OPTION_SPOOL},
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"drain", no_argument, NULL, OPTION_DRAIN},
	{"follow", no_argument, NULL, OPTION_FOLLOW},
	{"tries", required_argument, NULL, OPTION_TRIES},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
};
#define COMMON (sizeof(common) / sizeof(*common))

static const char common_help[] =
	"  --spool DIR       the folder that all stages share (required)\n"
	"  --config FILE     mira.conf to read\n"
	"  --drain           end when nothing is left to do (default)\n"
	"  --follow          wait for more, until SIGTERM or SIGINT\n"
	"  --tries N         give up after N failures of the machine in a row (5; with\n"
	"                    --follow never, unless given)\n"
	"  --help            this text\n"
	"  --version         the version\n";

static volatile sig_atomic_t stopping;

static void stop(int number)
{
	stopping = number;
}

bool stage_stopping(void)
{
	return stopping;
}

/* No SA_RESTART: a wait ends at once. A second SIGINT kills, which loses nothing either. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = stop};

	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	action.sa_flags = (int)SA_RESETHAND;
	sigaction(SIGINT, &action, NULL);
	reload_catch();
	strike_install();
}

/* What the command line says of the common part. */
struct given {
	const char *spool, *config;
	uint64_t tries;
	bool answered; /* --help or --version */
};

static void print_help(const struct stage *stage)
{
	printf("mira-%s: %s\n\nUsage: mira-%s --spool DIR [OPTION]...\n\n%s%s\n"
	       "Exit codes: 0 done, 1 trying again may help, 2 a person is needed.\n",
		stage->name, stage->summary, stage->name, common_help,
		stage->options_help ? stage->options_help : "");
}

static void join_options(const struct stage *stage, struct option *options)
{
	size_t count = COMMON;

	memcpy(options, common, sizeof(common));
	for (const struct option *own = stage->options; own && own->name && count < OPTIONS_MAX;
		own++)
		options[count++] = *own;
	options[count] = (struct option){0};
}

static int take_option(struct stage_run *run, const struct stage *stage, int value,
	struct given *given)
{
	switch (value) {
	case OPTION_SPOOL: given->spool = optarg; return 0;
	case OPTION_CONFIG: given->config = optarg; return 0;
	case OPTION_DRAIN: run->follow = false; return 0;
	case OPTION_FOLLOW: run->follow = true; return 0;
	case OPTION_TRIES:
		if (value_count(optarg, 1000, &given->tries))
			return 0;
		log_err("--tries \"%s\": give 1 to 1000", optarg);
		return MIRA_PERSON;
	case OPTION_HELP: print_help(stage); break;
	case OPTION_VERSION: printf("mira-%s %s\n", stage->name, MIRA_VERSION); break;
	case '?': return MIRA_PERSON; /* getopt has said which */
	default: return stage->option ? stage->option(run, value, optarg) : MIRA_PERSON;
	}
	given->answered = true;
	return 0;
}

static int set_tries(struct stage_run *run, const struct given *given)
{
	run->tries = given->tries ? (unsigned)given->tries : run->follow ? 0 : DRAIN_TRIES;
	return 0;
}

static int parse(struct stage_run *run, const struct stage *stage, int argc, char **argv,
	struct given *given)
{
	struct option options[OPTIONS_MAX + 1];
	int value, result = 0;

	join_options(stage, options);
	while (result == 0 && !given->answered &&
		(value = getopt_long(argc, argv, "", options, NULL)) != -1)
		result = take_option(run, stage, value, given);
	if (result || given->answered)
		return result;
	if (optind < argc)
		log_err("\"%s\" is not understood; mira-%s --help lists the options", argv[optind],
			stage->name);
	else if (!given->spool)
		log_err("--spool DIR is missing: the folder that all stages share");
	else
		return set_tries(run, given);
	return MIRA_PERSON;
}

static void name_program(const struct stage *stage)
{
	static char name[64];

	snprintf(name, sizeof(name), "mira-%s", stage->name);
	log_open(name);
}

static int start_failed(const struct stage_run *run, const char *tried)
{
	int error = errno, code;
	const char *remedy = nfs_remedy(error, &code);

	log_err("cannot %s in %s: %s; %s, then start again", tried, run->spool.root,
		strerror(error), remedy);
	return code;
}

/* Before the first thread, and before the first byte of a batch. */
static int go_inside(struct stage_run *run, const struct stage *stage)
{
	struct sandbox sandbox = {0};

	sandbox_write(&sandbox, run->spool.root);
	sandbox_config(&sandbox, &run->config);
	if (stage->confine)
		stage->confine(run, &sandbox);
	return sandbox_enter(&sandbox, &run->config);
}

static int join_line(struct stage_run *run, const struct stage *stage)
{
	char path[PATH_MAX];

	run->worker = worker_start(&run->spool, stage->name);
	if (!run->worker)
		return start_failed(run, "write the beat");
	run->watch = watch_new();
	if (!stage->queue)
		return 0;
	if (queue_open(&run->queue, &run->spool, stage->queue, stage->reader) < 0)
		return start_failed(run, "open the queue");
	watch_folder(run->watch,
		spool_path(&run->spool, path, "%s/%s/ready", stage->queue, stage->reader));
	return 0;
}

static int take_over(struct stage_run *run)
{
	struct config fresh;
	int code = reload_config(&fresh, &run->config, &run->spool, run->config_path,
		run->stage->name);

	if (!code && run->stage->reload && (code = run->stage->reload(run, &fresh)))
		config_free(&fresh);
	if (code)
		return code;
	config_free(&run->config);
	run->config = fresh;
	return 0;
}

void stage_reload(struct stage_run *run)
{
	if (!reload_asked())
		return;
	notify_reloading();
	stage_settle(run);
	if (take_over(run))
		log_err("the new configuration is refused, for the reason above; the old one stays "
			"in force%s",
			sandbox_hint());
	else
		log_info("the configuration was read anew");
	notify_ready();
}

int stage_start(struct stage_run *run, const struct stage *stage, int argc, char **argv)
{
	struct given given = {0};
	void *own = run->own;
	int result;

	memset(run, 0, sizeof(*run));
	run->own = own;
	run->stage = stage;
	run->jitter = (unsigned)getpid();
	catch_signals();
	name_program(stage);
	result = parse(run, stage, argc, argv, &given);
	if (result || given.answered)
		return result ? result : -1;
	config_find(given.config, run->config_path);
	result = config_load(&run->config, run->config_path);
	if (result == 0)
		result = spool_open(&run->spool, given.spool, &run->config, true);
	if (result == 0)
		result = go_inside(run, stage);
	if (result == 0)
		result = join_line(run, stage);
	return result;
}

/* Also after a start that failed halfway. */
void stage_end(struct stage_run *run)
{
	if (run->worker) {
		metrics_write(&run->spool, run->worker, run->stage->name, &run->progress);
		if (run->queue.spool) {
			queue_release_all(&run->queue, run->worker);
			if (queue_close(&run->queue) < 0)
				worker_keep_beat(run->worker);
		} else if (batch_leave(&run->spool, run->worker) < 0) {
			worker_keep_beat(run->worker);
		}
		worker_stop(run->worker);
	}
	watch_free(run->watch);
	config_free(&run->config);
	run->worker = NULL;
	run->watch = NULL;
}
