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
#include "spool/finish.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define LOOK_MS 1000
#define SHARERS 16 /* workers that may fill the same queue within LOOK_MS */

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
	const char *next; /* what the stage would take; NULL for none */
	size_t count;
	size_t most; /* at any one reader */
	bool older;  /* NEXT is older than one of its own run among them */
};

/*
 * Was B to come after A? Only of the same run (packets, flows) or shard (biflows, verdicts) that can
 * be said: all names of another run may be older, as when traces are not read in the order of their
 * time, and a mark that let them all pass would be none.
 */
static bool precedes(const char *a, const char *b)
{
	struct batchname first, second;

	if (!batchname_parse(a, &first) || !batchname_parse(b, &second)) {
		const char *shard_a = strchr(a, '-'), *shard_b = strchr(b, '-');

		return strcmp(shard_a ? shard_a : "", shard_b ? shard_b : "") == 0 &&
		       strcmp(a, b) < 0;
	}
	return first.seq < second.seq && strcmp(first.run, second.run) == 0 &&
	       strcmp(first.stream, second.stream) == 0 && strcmp(first.probe, second.probe) == 0;
}

/* What is no batch will never be taken away by its reader. */
static void add_folder(const char *path, struct behind *behind)
{
	struct namelist names;

	if (nfs_list(path, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		if (!finish_name_ok(names.names[i]))
			continue;
		behind->count++;
		if (behind->next && !behind->older)
			behind->older = precedes(behind->next, names.names[i]);
	}
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

/* Why is OUTPUT above its mark? An empty WHY: it is not. */
static void look_at_readers(const struct spool *spool, const struct config *config,
	const char *output, char *why, size_t size, struct behind *all)
{
	struct namelist readers;

	if (spool_readers(spool, output, &readers) < 0)
		return;
	for (size_t i = 0; i < readers.count; i++) {
		struct behind behind = {.next = all->next};

		if (!is_required(output, readers.names[i]))
			continue;
		add_reader(spool, output, readers.names[i], &behind);
		subtract_held(spool, output, readers.names[i], &behind);
		all->count += behind.count;
		all->older |= behind.older;
		all->most = behind.count > all->most ? behind.count : all->most;
		if (behind.count > config->max_batches && !behind.older)
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

/* Several workers see the same room, so none takes all of it. */
static uint64_t room_of(const struct config *config, const struct behind *all)
{
	return all->most < config->max_batches ? (config->max_batches - all->most) / SHARERS : 0;
}

bool pressure_look(const struct spool *spool, const struct config *config, const char *stage,
	const char *output, const char *next, uint64_t *room, char *why, size_t size)
{
	double wanted = share_of(stage) * config->min_free, share;
	struct behind all = {.next = next};

	why[0] = '\0';
	if (output)
		look_at_readers(spool, config, output, why, size, &all);
	if (room)
		*room = room_of(config, &all);
	share = wanted > 0 ? nfs_free_share(spool->root) : 1;
	if (!why[0] && share >= 0 && share < wanted && !all.older && !in_vain(stage, next, &all))
		snprintf(why, size,
			"%s has %.1f %% free, under the %.1f %% of %s; free space, or lower min_free",
			spool->root, share * 100, wanted * 100, stage);
	return why[0];
}

long long pressure_room(const struct spool *spool, const struct config *config, const char *output)
{
	char why[PATH_MAX + 256] = "";
	struct behind all = {0};

	look_at_readers(spool, config, output, why, sizeof(why), &all);
	return (long long)config->max_batches - (long long)all.most;
}

/* A batch a stream is open, and becomes one more at the latest when the run ends. While packets are
 * shed, more must have been taken before they are captured again, or it would change all the time. */
bool pressure_full(const struct config *config, long long room, bool pressed)
{
	uint64_t half = config->max_batches / 2;
	uint64_t open = config->stream_count < half ? config->stream_count : half;

	if (pressed)
		open += config->max_batches / 8;
	return (long long)open >= room;
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
	static uint64_t looked_ms, room;
	static bool high;
	char why[PATH_MAX + 256];
	bool before = high;

	if (looked_ms && now_ms() - looked_ms < LOOK_MS && (high || room)) {
		room -= !high;
		return high;
	}
	high = pressure_look(spool, config, stage, output, next, &room, why, sizeof(why));
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
