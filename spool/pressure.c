/*
 * pressure.c: keeps a fast stage from filling the disk in front of a slow one. Asked by each stage
 * before it claims, and by the capture before it writes: there the pressure of the whole line
 * arrives.
 */
#include "spool/pressure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spool/fault.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define LOOK_MS 1000

/* The share of min_free at which a stage stops, and the reader that its output must have; shards
 * are "shard-<n>". */
static const struct mark {
	const char *stage;
	double share;
} marks[] = {
	{"capture", 1.0},
	{"preprocess", 1.0 / 2},
	{"consolidate", 1.0 / 4},
	{"classify", 1.0 / 8},
	{"store", 0},
};

static const struct {
	const char *queue, *reader;
} required[] = {
	{"packets", "preprocess"},
	{"flows", "shard-"},
	{"biflows", "classify"},
	{"verdicts", "store"},
	{"state", "shard-"},
};

static bool is_required(const char *queue, const char *reader)
{
	for (size_t i = 0; i < sizeof(required) / sizeof(*required); i++)
		if (strcmp(required[i].queue, queue) == 0 &&
			strncmp(required[i].reader, reader, strlen(required[i].reader)) == 0)
			return true;
	return false;
}

static double share_of(const char *stage)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (strcmp(marks[i].stage, stage) == 0)
			return marks[i].share;
	return 0;
}

/* Batches that wait or are worked on at one reader. */
struct behind {
	size_t count;
	char newest[NAME_MAX + 1];
};

static void add_folder(const char *path, struct behind *behind)
{
	struct namelist names;

	if (nfs_list(path, &names) < 0)
		return;
	behind->count += names.count;
	for (size_t i = 0; i < names.count; i++)
		if (strcmp(names.names[i], behind->newest) > 0)
			snprintf(behind->newest, sizeof(behind->newest), "%s", names.names[i]);
	namelist_free(&names);
}

static void add_reader(const struct spool *spool, const char *queue, const char *reader,
	struct behind *behind)
{
	char path[PATH_MAX], work[PATH_MAX];
	struct namelist workers;

	add_folder(spool_path(spool, path, "%s/%s/ready", queue, reader), behind);
	if (nfs_list(spool_path(spool, path, "%s/%s/work", queue, reader), &workers) < 0)
		return;
	for (size_t i = 0; i < workers.count; i++)
		if (nfs_join(work, path, workers.names[i]) == 0)
			add_folder(work, behind);
	namelist_free(&workers);
}

/* What the reader said it can do nothing with yet; only of what was there is it taken off. */
static void subtract_held(const struct spool *spool, const char *queue, const char *reader,
	struct behind *behind)
{
	char path[PATH_MAX], *text;
	unsigned long long held;

	text = nfs_read_file(spool_path(spool, path, "%s/%s/held", queue, reader), NULL);
	held = text ? strtoull(text, NULL, 10) : 0;
	free(text);
	behind->count -= held < behind->count ? held : behind->count;
}

static bool is_older(const char *next, const struct behind *behind)
{
	return next && strcmp(next, behind->newest) < 0;
}

/* Why is OUTPUT above its mark? An empty WHY: it is not. */
static void look_at_readers(const struct spool *spool, const struct config *config,
	const char *output, const char *next, char *why, size_t size, struct behind *all)
{
	struct namelist readers;

	if (spool_readers(spool, output, &readers) < 0)
		return;
	for (size_t i = 0; i < readers.count; i++) {
		struct behind behind = {0};

		if (!is_required(output, readers.names[i]))
			continue;
		add_reader(spool, output, readers.names[i], &behind);
		subtract_held(spool, output, readers.names[i], &behind);
		all->count += behind.count;
		if (strcmp(behind.newest, all->newest) > 0)
			strcpy(all->newest, behind.newest);
		if (behind.count > config->max_batches && !is_older(next, &behind))
			snprintf(why, size, "%s/%s holds %zu batches, over max_batches = %llu",
				output, readers.names[i], behind.count,
				(unsigned long long)config->max_batches);
	}
	namelist_free(&readers);
}

/* Readers that hold nothing free nothing either: to wait for them would be for ever. Only packets of
 * a live interface, which come anyhow, are kept off then. */
static bool in_vain(const char *stage, const char *next, const struct behind *all)
{
	return all->count == 0 && (next || strcmp(stage, "capture") != 0);
}

bool pressure_look(const struct spool *spool, const struct config *config, const char *stage,
	const char *output, const char *next, char *why, size_t size)
{
	double wanted = share_of(stage) * config->min_free, share;
	struct behind all = {0};

	why[0] = '\0';
	if (output)
		look_at_readers(spool, config, output, next, why, size, &all);
	share = wanted > 0 ? nfs_free_share(spool->root) : 1;
	if (!why[0] && share >= 0 && share < wanted && !is_older(next, &all) &&
		!in_vain(stage, next, &all))
		snprintf(why, size,
			"%s has %.1f %% free, under the %.1f %% of %s; free space, or lower min_free",
			spool->root, share * 100, wanted * 100, stage);
	return why[0];
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool pressure_high(const struct spool *spool, const struct config *config, const char *stage,
	const char *output, const char *next)
{
	static uint64_t looked_ms;
	static bool high;
	char why[PATH_MAX + 256];
	bool before = high;

	if (looked_ms && now_ms() - looked_ms < LOOK_MS)
		return high;
	high = pressure_look(spool, config, stage, output, next, why, sizeof(why));
	looked_ms = now_ms();
	if (high && !before)
		log_warn("waiting: %s", why);
	if (before && !high)
		log_info("going on: the readers of %s caught up", output ? output : spool->root);
	return high;
}

/* The rename to done/ takes it from the reader or loses to its claim; finish then removes it. */
static int drop(struct queue *queue, const struct worker *worker, const char *name)
{
	char ready[PATH_MAX], done[PATH_MAX], attempt[NAME_MAX + 1], entry[2 * NAME_MAX + 2];
	int result;

	snprintf(entry, sizeof(entry), "%s~%s", name, worker_attempt(worker, attempt));
	spool_path(queue->spool, ready, "%s/%s/ready", queue->queue, queue->reader);
	spool_path(queue->spool, done, "%s/%s/done", queue->queue, queue->reader);
	result = nfs_move(ready, name, done, entry);
	FAULT("dropped");
	if (result == 1)
		queue_finish(queue, entry);
	return result == 1;
}

static int trim_reader(const struct spool *spool, const struct config *config,
	const struct worker *worker, const char *output, const char *reader)
{
	struct queue queue;
	struct namelist names;
	int dropped = 0;

	if (queue_open(&queue, spool, output, reader) < 0 || queue_ready(&queue, &names) < 0)
		return 0;
	/* its own stage may be dead: what an earlier trim did not remove is nobody else's either */
	queue_finish_all(&queue);
	for (size_t i = 0; i + config->max_batches < names.count; i++)
		dropped += drop(&queue, worker, names.names[i]);
	if (dropped)
		log_warn("%s/%s is over max_batches = %llu: its %d oldest batches were dropped",
			output, reader, (unsigned long long)config->max_batches, dropped);
	namelist_free(&names);
	queue_close(&queue);
	return dropped;
}

int pressure_trim(const struct spool *spool, const struct config *config,
	const struct worker *worker, const char *output)
{
	struct namelist readers;
	int dropped = 0;

	if (!output || spool_readers(spool, output, &readers) < 0)
		return 0;
	for (size_t i = 0; i < readers.count; i++)
		if (!is_required(output, readers.names[i]))
			dropped += trim_reader(spool, config, worker, output, readers.names[i]);
	namelist_free(&readers);
	return dropped;
}
