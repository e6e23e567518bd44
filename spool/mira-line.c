/* mira-line.c: starts the stages of one audit, watches them, and ends them from the head of the line. */
#include "spool/mira-line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spool/capstate.h"
#include "spool/log.h"
#include "spool/mira-child.h"
#include "spool/mira-progress.h"
#include "spool/queue.h"

#define LOOK_MS 10
#define TRIES	"5"

/* The line behind the capture, in its order. */
static const struct {
	const char *stage, *program, *queue, *reader; /* NULL: one reader a shard */
} stages[] = {
	{"preprocess", "mira-preprocess", "packets", "preprocess"},
	{"consolidate", "mira-consolidate", "flows", NULL},
	{"classify", "mira-classify", "biflows", "classify"},
	{"store", "mira-store", "verdicts", "store"},
};
#define STAGES (sizeof(stages) / sizeof(stages[0]))
#define STORE  (STAGES - 1)

static struct child children[1 + MAX_PREPROCESSORS + SHARDS_MAX + STAGES];
static size_t child_count;
static struct child *const capture = &children[0];

/* ---- starting ---- */

static void begin_arguments(const struct line *line, const char *program, char **argv, size_t *n)
{
	argv[(*n)++] = (char *)program;
	argv[(*n)++] = "--spool";
	argv[(*n)++] = (char *)line->spool->root;
	argv[(*n)++] = "--config";
	argv[(*n)++] = (char *)line->config_path;
}

static int start(const char *stage, char **argv)
{
	struct child *child = &children[child_count++];

	*child = (struct child){.stage = stage, .argv = argv, .restart = true};
	return child_start(child) ? MIRA_AGAIN : MIRA_OK;
}

static int start_capture(const struct line *line)
{
	const struct run_options *options = line->options;
	const struct {
		const char *name, *value;
	} given[] = {{"--segment-size", options->segment_size}, {"--period", options->period},
		{"--interface", options->interface}, {"--duration", options->duration}};
	char **argv = x_calloc((size_t)line->inputs->file_count * 2 + CHILD_ARGS, sizeof(*argv));
	size_t n = 0;

	begin_arguments(line, "mira-capture", argv, &n);
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		if (!given[i].value)
			continue;
		argv[n++] = (char *)given[i].name;
		argv[n++] = (char *)given[i].value;
	}
	for (int i = 0; i < line->inputs->file_count; i++) {
		argv[n++] = "--read";
		argv[n++] = line->inputs->files[i];
	}
	return start("capture", argv);
}

/* As many as there are preprocessors, that is cores; those that consolidate share the shards among themselves. */
static uint64_t processes_of(const struct line *line, size_t stage)
{
	uint64_t most = line->options->preprocessors;

	if (!stages[stage].reader)
		return line->spool->shards < most ? line->spool->shards : most;
	return stage == 0 ? most : 1;
}

static int start_stage(const struct line *line, size_t stage)
{
	uint64_t processes = processes_of(line, stage);
	char **argv = x_calloc(CHILD_ARGS, sizeof(*argv));
	size_t n = 0;
	int code = MIRA_OK;

	begin_arguments(line, stages[stage].program, argv, &n);
	argv[n++] = "--follow";
	argv[n++] = "--tries";
	argv[n++] = TRIES;
	if (stage == STORE) {
		argv[n++] = "--db";
		argv[n++] = (char *)line->db;
	}
	while (!code && processes--)
		code = start(stages[stage].stage, argv);
	return code;
}

/* The store follows once something was captured: it would make a database and tie the spool to it. */
static int start_line(const struct line *line)
{
	int code = start_capture(line);

	for (size_t stage = 0; stage < STORE && !code; stage++)
		code = start_stage(line, stage);
	return code;
}

static void stop_stage(const char *stage)
{
	for (size_t i = 0; i < child_count; i++)
		if (!strcmp(children[i].stage, stage))
			child_stop(&children[i]);
}

/* ---- watching ---- */

static bool anything_captured(const struct line *line)
{
	struct capstate *states = NULL;
	ssize_t count = capstate_list(line->spool, &states);

	free(states);
	return count != 0;
}

/* The first signal ends what cannot be captured again, and the report is made; the second ends that,
 * too. */
static int interrupted(const struct line *line)
{
	if (!line->inputs->once || capture->stopping)
		return MIRA_AGAIN;
	child_stop(capture);
	child_go_on();
	return MIRA_OK;
}

/* One look; an exit code when the run cannot go on. The capture's own end is judged by
 * wait_capture(): other FILEs may have been captured. */
static int look(const struct line *line, const char *waited_for)
{
	const struct timespec pause = {0, LOOK_MS * 1000000L};

	nanosleep(&pause, NULL);
	child_reap(children, child_count);
	for (size_t i = 1; i < child_count; i++)
		if (children[i].ended && children[i].code)
			return children[i].code;
	if (child_interrupted())
		return interrupted(line);
	mira_progress(line->spool, waited_for);
	return MIRA_OK;
}

static int wait_capture(struct line *line)
{
	int code = MIRA_OK;

	while (!code && !capture->ended) {
		code = look(line, "capture");
		if (code || line->captured || !anything_captured(line))
			continue;
		line->captured = true;
		code = start_stage(line, STORE);
	}
	line->capture_code = capture->code;
	return code ? code : capture->code == MIRA_AGAIN ? MIRA_AGAIN : MIRA_OK;
}

static int drain_queue(const struct line *line, size_t stage, const char *reader)
{
	struct queue queue;
	int code = MIRA_OK;

	if (queue_open(&queue, line->spool, stages[stage].queue, reader))
		return MIRA_AGAIN;
	while (!code && queue_empty(&queue) != 1)
		code = look(line, stages[stage].stage);
	queue_close(&queue);
	return code;
}

static int drain_stage(const struct line *line, size_t stage)
{
	char shard[SHARD_NAME];
	int code = MIRA_OK;

	if (stages[stage].reader)
		code = drain_queue(line, stage, stages[stage].reader);
	for (unsigned i = 0; !stages[stage].reader && i < line->spool->shards && !code; i++)
		code = drain_queue(line, stage, shard_name(i, shard));
	if (!code)
		stop_stage(stages[stage].stage);
	return code;
}

int line_run(struct line *line)
{
	int code = start_line(line);

	if (!code)
		code = wait_capture(line);
	for (size_t stage = 0; stage < STAGES && !code && line->captured; stage++)
		code = drain_stage(line, stage);
	mira_progress_end();
	if (code || !line->captured)
		child_end(children, child_count);
	else
		child_wait(children, child_count, NULL);
	return code;
}
