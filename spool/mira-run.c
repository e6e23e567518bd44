/*
 * mira-run.c: `mira run`: every stage on this machine, over a spool, then the report.
 *
 * The stages run as they would on a site, in --follow. The line is drained from its head: once the capture has ended and the
 * queue of a stage is empty, that stage gets SIGTERM, and the next one's queue can only shrink.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spool/capstate.h"
#include "spool/log.h"
#include "spool/mira-audit.h"
#include "spool/mira-child.h"
#include "spool/mira-progress.h"
#include "spool/mira.h"
#include "spool/nfs.h"
#include "spool/queue.h"

#define MAX_PREPROCESSORS 64
#define LOOK_MS		  20

/* The line behind the capture, in its order. */
static const struct {
	const char *stage, *queue, *reader;
} line[] = {
	{"preprocess", "packets", "preprocess"},
	{"consolidate", "flows", "shard-0"},
	{"classify", "biflows", "classify"},
	{"store", "verdicts", "store"},
};
#define LINE (sizeof(line) / sizeof(line[0]))

struct run {
	const char *out, *spool_named, *config_named, *interface, *duration;
	const char *segment_size, *period;
	unsigned preprocessors;
	char **files;
	int file_count;
	struct config config;
	char config_path[PATH_MAX];
	struct audit audit;
	struct spool spool;
	struct child children[1 + MAX_PREPROCESSORS + LINE];
	size_t child_count;
	char **capture_argv, *stage_argv[LINE][CHILD_ARGS];
	char db[PATH_MAX];
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

/* ---- the command line ---- */

static const char usage_text[] =
	"usage: mira run [OPTION…] FILE…\n"
	"       mira run [OPTION…] -i INTERFACE [--duration SECONDS]\n\n"
	"Audits capture files (pcap, pcapng; also inside .gz .xz .zst .bz2 .zip .tar; - is standard input) or live\n"
	"traffic, and leaves DIR/index.html, DIR/report.json and DIR/mira.db.\n\n"
	"  --out DIR            the audit's folder (mira-report); the same audit is continued, another one refused\n"
	"  --spool DIR          the spool (a temporary one, removed at the end)\n"
	"  --config FILE        mira.conf\n"
	"  --preprocessors N    preprocessing processes (one a processor)\n"
	"  --segment-size BYTES size of a packets segment; k, M, G may follow (64M)\n"
	"  --period SECONDS     packet time that a batch spans (5)\n"
	"  -i, --interface NAME audit live traffic\n"
	"  --duration SECONDS   end the live capture by itself; without, Ctrl-C ends it and the report is made\n";

static int parse(struct run *run, int argc, char **argv)
{
	static const struct option options[] = {
		{"out", required_argument, NULL, 'o'}, {"spool", required_argument, NULL, 's'},
		{"config", required_argument, NULL, 'c'}, {"preprocessors", required_argument, NULL, 'n'},
		{"segment-size", required_argument, NULL, 'b'}, {"period", required_argument, NULL, 'p'},
		{"interface", required_argument, NULL, 'i'}, {"duration", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "i:h", options, NULL)) != -1) {
		switch (option) {
		case 'o': run->out = optarg; break;
		case 's': run->spool_named = optarg; break;
		case 'c': run->config_named = optarg; break;
		case 'n': run->preprocessors = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'b': run->segment_size = optarg; break;
		case 'p': run->period = optarg; break;
		case 'i': run->interface = optarg; break;
		case 'd': run->duration = optarg; break;
		case 'h': fputs(usage_text, stdout); exit(MIRA_OK);
		default: fputs(usage_text, stderr); return MIRA_PERSON;
		}
	}
	run->files = argv + optind;
	run->file_count = argc - optind;
	if ((run->file_count == 0) == !run->interface) {
		log_err("name capture files, or one interface with -i");
		fputs(usage_text, stderr);
		return MIRA_PERSON;
	}
	if (run->preprocessors < 1 || run->preprocessors > MAX_PREPROCESSORS) {
		log_err("--preprocessors takes 1 to %d", MAX_PREPROCESSORS);
		return MIRA_PERSON;
	}
	return MIRA_OK;
}

/* ---- the stages ---- */

static struct child *add_child(struct run *run, const char *stage, char **argv)
{
	struct child *child = &run->children[run->child_count++];

	child->stage = stage;
	child->argv = argv;
	child->restart = true;
	return child;
}

static void describe_capture(struct run *run)
{
	char **argv = x_calloc((size_t)run->file_count * 2 + CHILD_ARGS, sizeof(*argv));
	size_t n = 0;

	argv[n++] = "mira-capture";
	argv[n++] = "--spool";
	argv[n++] = run->audit.spool;
	argv[n++] = "--config";
	argv[n++] = run->config_path;
	if (run->segment_size) {
		argv[n++] = "--segment-size";
		argv[n++] = (char *)run->segment_size;
	}
	if (run->period) {
		argv[n++] = "--period";
		argv[n++] = (char *)run->period;
	}
	if (run->interface) {
		argv[n++] = "-i";
		argv[n++] = (char *)run->interface;
	}
	if (run->duration) {
		argv[n++] = "--duration";
		argv[n++] = (char *)run->duration;
	}
	for (int i = 0; i < run->file_count; i++) {
		argv[n++] = "--read";
		argv[n++] = run->files[i];
	}
	run->capture_argv = argv;
	add_child(run, "capture", argv);
}

static void describe_stage(struct run *run, size_t stage)
{
	char **argv = run->stage_argv[stage];
	size_t n = 0;

	argv[n++] = x_sprintf("mira-%s", line[stage].stage);
	argv[n++] = "--spool";
	argv[n++] = run->audit.spool;
	argv[n++] = "--config";
	argv[n++] = run->config_path;
	argv[n++] = "--follow";
	if (!strcmp(line[stage].stage, "store")) {
		argv[n++] = "--db";
		argv[n++] = run->db;
	}
}

static int start_all(struct run *run)
{
	describe_capture(run);
	for (size_t stage = 0; stage < LINE; stage++) {
		describe_stage(run, stage);
		for (unsigned i = 0; i < (stage == 0 ? run->preprocessors : 1); i++)
			add_child(run, line[stage].stage, run->stage_argv[stage]);
	}
	setenv("MIRA_LOG", "warn", 0);
	for (size_t i = 0; i < run->child_count; i++)
		if (child_start(&run->children[i]))
			return MIRA_AGAIN;
	return MIRA_OK;
}

static void stop_stage(struct run *run, const char *stage)
{
	for (size_t i = 0; i < run->child_count; i++)
		if (!strcmp(run->children[i].stage, stage))
			child_stop(&run->children[i]);
}

static void stop_all(struct run *run)
{
	for (size_t i = 0; i < run->child_count; i++)
		child_stop(&run->children[i]);
	child_wait(run->children, run->child_count);
}

/* ---- watching the line ---- */

static void look_pause(void)
{
	struct timespec time = {0, LOOK_MS * 1000000L};

	nanosleep(&time, NULL);
}

/* One look: collects ended children; an exit code when the run cannot go on. */
static int look(struct run *run)
{
	int code = child_reap(run->children, run->child_count);

	/* The capture's own end is judged by the caller: other FILEs may have been captured. */
	if (code && !run->children[0].ended)
		return code;
	for (size_t i = 1; i < run->child_count; i++)
		if (run->children[i].ended && run->children[i].code)
			return run->children[i].code;
	return MIRA_OK;
}

static int wait_capture(struct run *run)
{
	struct child *capture = &run->children[0];

	while (!capture->ended) {
		int code = look(run);

		if (code)
			return code;
		if (interrupted) {
			child_stop(capture);
			if (!run->interface) {
				log_warn("interrupted; the same command goes on from here");
				return MIRA_AGAIN;
			}
		}
		mira_progress(&run->spool, "capture");
		look_pause();
	}
	return capture->code == MIRA_AGAIN ? MIRA_AGAIN : MIRA_OK;
}

static int drain_stage(struct run *run, size_t stage)
{
	struct queue queue;
	int code = MIRA_OK, empty = 0;

	if (queue_open(&queue, &run->spool, line[stage].queue, line[stage].reader))
		return MIRA_AGAIN;
	while (!code && !empty) {
		code = look(run);
		empty = queue_empty(&queue) == 1;
		if (interrupted && !run->interface && !code && !empty) {
			log_warn("interrupted; the same command goes on from here");
			code = MIRA_AGAIN;
		}
		mira_progress(&run->spool, line[stage].stage);
		if (!empty)
			look_pause();
	}
	queue_close(&queue);
	if (!code)
		stop_stage(run, line[stage].stage);
	return code;
}

/* Until the line is empty and its stages have ended. The capture's "a person is needed" (a FILE that is no capture) does not
 * stop the others. */
static int drain(struct run *run)
{
	int code = wait_capture(run);

	for (size_t stage = 0; stage < LINE && !code; stage++)
		code = drain_stage(run, stage);
	if (!code)
		child_wait(run->children, run->child_count);
	else
		stop_all(run);
	mira_progress_end();
	return code;
}

/* ---- the report ---- */

static int describe_inputs(struct run *run)
{
	char *text = json_dumps(run->audit.inputs, JSON_COMPACT);
	sqlite3 *db = NULL;
	sqlite3_stmt *put = NULL;
	int code = MIRA_AGAIN;

	if (sqlite3_open_v2(run->db, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
		sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO meta(key, value) VALUES('inputs', ?1)", -1, &put,
			NULL) == SQLITE_OK &&
		sqlite3_bind_text(put, 1, text, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(put) == SQLITE_DONE)
		code = MIRA_OK;
	else
		log_err("cannot write to %s: %s", run->db, sqlite3_errmsg(db));
	sqlite3_finalize(put);
	sqlite3_close(db);
	free(text);
	return code;
}

static int report(struct run *run)
{
	char *argv[] = {"mira-report", "--db", run->db, "--out", run->audit.dir, "--config", run->config_path, NULL};
	struct child child = {.stage = "report", .argv = argv};

	if (child_start(&child))
		return MIRA_AGAIN;
	child_wait(&child, 1);
	return child.code;
}

/* ---- all of it ---- */

/* Compiled symptoms outlive a temporary spool in the user's cache. */
static void use_cache(void)
{
	const char *home = getenv("HOME"), *cache = getenv("XDG_CACHE_HOME");
	char *path;

	if (getenv("MIRA_CACHE") || (!home && !cache))
		return;
	path = cache && *cache ? x_sprintf("%s/mira", cache) : x_sprintf("%s/.cache/mira", home);
	if (!nfs_mkdir(path) && access(path, W_OK) == 0)
		setenv("MIRA_CACHE", path, 1);
	free(path);
}

static int load_config(struct run *run)
{
	config_find(run->config_named, run->config_path);
	if (config_load(&run->config, run->config_path))
		return MIRA_PERSON;
	use_cache();
	return mira_check_rules(run->config_path, false);
}

static int describe(struct run *run)
{
	char cut[128];

	snprintf(cut, sizeof(cut), "%s %s", run->segment_size ? run->segment_size : "", run->period ? run->period : "");
	return audit_describe(&run->audit, &run->config, cut, run->files, run->file_count, run->interface);
}

static bool nothing_captured(const struct run *run)
{
	struct capstate *states;
	ssize_t count = capstate_list(&run->spool, &states);

	if (count >= 0)
		free(states);
	return count == 0;
}

static int audit_all(struct run *run)
{
	int code = spool_open(&run->spool, run->audit.spool, &run->config, !run->audit.temporary);

	if (code)
		return code;
	code = start_all(run);
	if (code) {
		stop_all(run);
		return code;
	}
	code = drain(run);
	if (!code && nothing_captured(run)) {
		audit_discard(&run->audit);
		return MIRA_PERSON;
	}
	if (!code)
		code = describe_inputs(run);
	return code ? code : audit_complete(&run->audit, run->children[0].code);
}

int mira_run(int argc, char **argv)
{
	static struct run run;
	int code;

	run.out = "mira-report";
	run.preprocessors = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	code = parse(&run, argc, argv);
	if (!code)
		code = load_config(&run);
	if (!code)
		code = describe(&run);
	if (!code)
		code = audit_begin(&run.audit, run.out, run.spool_named);
	if (code)
		return code;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	snprintf(run.db, sizeof(run.db), "%.*s/mira.db", PATH_MAX - 16, run.audit.dir);
	if (!run.audit.complete)
		code = audit_all(&run);
	if (!code)
		code = report(&run);
	if (!code)
		code = run.audit.code;
	audit_end(&run.audit);
	return code;
}
