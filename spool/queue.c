/*
 * queue.c: taking a batch and giving it on. Each step is one rename of the batch's folder, which
 * the file server does for one of many at once; what the rename returned is not believed, a fresh
 * listing is (nfs_move()). The state table is in README.md; what happens after a commit is
 * finish.c, what happens after a death reclaim.c.
 */
#include "spool/queue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "spool/fault.h"
#include "spool/finish.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define SPREAD 4

/*
 * How long a listing is claimed from. 5,000 entries on NFS: 0.8 ms a claim from a kept list, 93 ms with
 * a listing each (rule 15). A folder that takes long to list is listed less often, so that listing
 * takes a twentieth of the time at most, however much waits.
 */
#define KEPT_US	     2000000
#define KEPT_FOR_ONE 20

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static char *at(const struct queue *queue, char *out, const char *folder)
{
	return spool_path(queue->spool, out, "%s/%s/%s", queue->queue, queue->reader, folder);
}

/* SPOOL/<queue>/<reader>/work/<worker> */
static char *at_work(const struct queue *queue, char *out, const struct worker *worker)
{
	return spool_path(queue->spool, out, "%s/%s/work/%s", queue->queue, queue->reader,
		worker_name(worker));
}

int queue_open(struct queue *queue, const struct spool *spool, const char *name, const char *reader)
{
	static const char *const folders[] = {"ready", "work", "done", "bad"};
	char path[PATH_MAX];

	memset(queue, 0, sizeof(*queue));
	queue->spool = spool;
	queue->spread = SPREAD;
	snprintf(queue->queue, sizeof(queue->queue), "%s", name);
	snprintf(queue->reader, sizeof(queue->reader), "%s", reader);
	spool_path(spool, queue->path, "%s/%s", name, reader);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (nfs_mkdir(at(queue, path, folders[i])) < 0)
			return -1;
	return nfs_mkdir(spool_path(spool, path, "state/strikes/%s.%s", name, reader));
}

int queue_close(struct queue *queue)
{
	char path[PATH_MAX];
	int result = 0;

	if (queue->worker[0])
		result = nfs_rmdir(spool_path(queue->spool, path, "%s/%s/work/%s", queue->queue,
			queue->reader, queue->worker));
	queue->worker[0] = '\0';
	namelist_free(&queue->kept);
	namelist_free(&queue->foreign);
	return result;
}

/* Whoever put something else there finds it again; saying so each time would bury the rest of the
 * log. */
static void leave_alone(struct queue *queue, const char *name)
{
	if (namelist_has(&queue->foreign, name))
		return;
	log_warn("%s/ready/%s is no batch: left alone", queue->path, name);
	namelist_add(&queue->foreign, name);
}

static void drop(struct namelist *names, size_t index)
{
	free(names->names[index]);
	names->count--;
	memmove(names->names + index, names->names + index + 1,
		(names->count - index) * sizeof(*names->names));
}

int queue_ready(const struct queue *queue, struct namelist *names)
{
	char path[PATH_MAX];

	if (nfs_list(at(queue, path, "ready"), names) < 0)
		return -1;
	namelist_sort(names);
	for (size_t i = names->count; i-- > 0;)
		if (!finish_name_ok(names->names[i]))
			drop(names, i);
	return 0;
}

/* The oldest stand last, where taking one out moves few of the others. */
static void turn_round(struct namelist *names)
{
	for (size_t i = 0, j = names->count; i + 1 < j; i++) {
		char *name = names->names[i];

		names->names[i] = names->names[--j];
		names->names[j] = name;
	}
}

/* As many to choose from as there are workers, a few for each, or they would meet too often. Who wants
 * them in order (spread 1) gets them in order. */
static size_t choices_of(const struct queue *queue)
{
	struct namelist workers;
	char path[PATH_MAX];
	size_t choices = queue->spread;

	if (choices == 1 || nfs_list(at(queue, path, "work"), &workers) < 0)
		return choices;
	choices *= workers.count ? workers.count : 1;
	namelist_free(&workers);
	return choices;
}

static int list_again(struct queue *queue)
{
	uint64_t began_us = now_us();
	char path[PATH_MAX];

	namelist_free(&queue->kept);
	if (nfs_list(at(queue, path, "ready"), &queue->kept) < 0)
		return -1;
	namelist_sort(&queue->kept);
	turn_round(&queue->kept);
	for (size_t i = queue->kept.count; i-- > 0;) {
		if (!finish_name_ok(queue->kept.names[i]))
			leave_alone(queue, queue->kept.names[i]);
		if (namelist_has(&queue->foreign, queue->kept.names[i]))
			drop(&queue->kept, i);
	}
	queue->among = choices_of(queue);
	queue->kept_at_us = now_us();
	queue->listing_us = queue->kept_at_us - began_us;
	return 0;
}

/* Names that others took meanwhile are no reason: each of them costs one try, and a listing would save those few that stand among
 * the oldest. */
static bool is_old(const struct queue *queue)
{
	uint64_t age_us = now_us() - queue->kept_at_us;

	return age_us > KEPT_US && age_us > KEPT_FOR_ONE * queue->listing_us;
}

const char *queue_next(struct queue *queue)
{
	if ((queue->kept.count == 0 || is_old(queue)) && list_again(queue) < 0)
		return NULL;
	errno = 0;
	return queue->kept.count ? queue->kept.names[queue->kept.count - 1] : NULL;
}

/* Of a batch, waiting or committed; what else stands there stays there for ever. */
static bool is_batch(const char *folder, const char *name)
{
	char path[PATH_MAX], first[NAME_MAX + 1];

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(name, "~"), name);
	return finish_name_ok(first) && nfs_join(path, folder, name) == 0 &&
	       nfs_is_folder(path) != 0;
}

static int count_folder(const char *path, size_t *count)
{
	struct namelist names;

	if (nfs_list(path, &names) < 0)
		return nfs_none(errno) ? 0 : -1;
	for (size_t i = 0; i < names.count && !*count; i++)
		*count += is_batch(path, names.names[i]);
	namelist_free(&names);
	return 0;
}

int queue_empty(const struct queue *queue)
{
	char path[PATH_MAX], below[PATH_MAX];
	struct namelist workers;
	size_t count = 0;
	int result = 0;

	/* in the order in which a batch moves, so that none is missed; done/ twice, for what is
	 * reclaimed meanwhile */
	if (count_folder(at(queue, path, "ready"), &count) < 0 ||
		nfs_list(at(queue, path, "work"), &workers) < 0)
		return -1;
	for (size_t i = 0; i < workers.count && result == 0; i++)
		result = nfs_join(below, path, workers.names[i]) < 0 ? -1
								     : count_folder(below, &count);
	namelist_free(&workers);
	if (result < 0 || count_folder(at(queue, path, "done"), &count) < 0 ||
		count_folder(at(queue, path, "ready"), &count) < 0)
		return -1;
	return count == 0;
}

/* ESTALE says that we were thought dead, and nothing else; what a file server means by it is EIO
 * here. Returns -1. */
static int as_fence(bool fenced)
{
	if (fenced)
		errno = ESTALE;
	else if (errno == ESTALE)
		errno = EIO;
	return -1;
}

/*
 * Our folder in work/ is made once. When it is gone later, somebody thought us dead; it is not made
 * again, for under that name we may hold nothing any more (rule 4).
 */
static int list_work(struct queue *queue, const struct worker *worker, struct namelist *names)
{
	char path[PATH_MAX];

	*names = (struct namelist){0};
	if (strcmp(queue->worker, worker_name(worker)) != 0) {
		if (nfs_mkdir_in(at(queue, path, "work"), worker_name(worker)) < 0)
			return as_fence(false);
		snprintf(queue->worker, sizeof(queue->worker), "%s", worker_name(worker));
	}
	if (nfs_list(at_work(queue, path, worker), names) == 0)
		return 0;
	return as_fence(errno == ENOENT);
}

/* A batch that stands in our folder already: the claim whose reply was lost, or the batch that was
 * to be tried again. */
static int claimed_before(struct queue *queue, const struct worker *worker, const char *wanted,
	char *name)
{
	struct namelist names;
	int result = 0;

	if (list_work(queue, worker, &names) < 0)
		return -1;
	namelist_sort(&names);
	for (size_t i = 0; i < names.count && !result; i++) {
		if (wanted ? strcmp(wanted, names.names[i]) != 0
			   : namelist_has(&queue->held, names.names[i]))
			continue;
		snprintf(name, NAME_MAX + 1, "%s", names.names[i]);
		result = 1;
	}
	namelist_free(&names);
	return result;
}

/* Not ours because our folder is gone, that is: we were thought dead? */
static bool is_fenced(const struct queue *queue, const struct worker *worker)
{
	char path[PATH_MAX];

	return nfs_has(at(queue, path, "work"), worker_name(worker)) == 0;
}

/* MOVE is nfs_move(), or nfs_take(), which does not list ready/ when another one has it. */
static int take(struct queue *queue, const struct worker *worker, const char *name,
	int (*move)(const char *, const char *, const char *, const char *))
{
	char ready[PATH_MAX], work[PATH_MAX], path[PATH_MAX];
	int result;

	at(queue, ready, "ready");
	if (nfs_join(path, ready, name) < 0)
		return -1;
	if (nfs_is_folder(path) == 0) {
		leave_alone(queue, name);
		return 0;
	}
	FAULT("claim");
	result = move(ready, name, at_work(queue, work, worker), name);
	if (result == 1)
		FAULT("claimed");
	if (result < 1 && errno == ENOENT && is_fenced(queue, worker))
		return as_fence(true);
	return result < 0 ? as_fence(false) : result;
}

/* An index of the kept list, among its oldest. */
static size_t pick(const struct queue *queue)
{
	size_t choices = queue->kept.count < queue->among ? queue->kept.count : queue->among;
	unsigned random = 0;

	if (choices > 1 && getrandom(&random, sizeof(random), 0) < 0)
		random = 0;
	return queue->kept.count - 1 - (choices > 1 ? random % choices : 0);
}

/* A name from a listing made since BEGAN_US that cannot be taken is worth another one: it may be an
 * error. */
static int claim_one(struct queue *queue, const struct worker *worker, uint64_t began_us,
	char *name)
{
	size_t index = pick(queue);
	int result = take(queue, worker, queue->kept.names[index],
		queue->kept_at_us >= began_us ? nfs_move : nfs_take);

	if (result == 1)
		snprintf(name, NAME_MAX + 1, "%s", queue->kept.names[index]);
	if (result >= 0)
		drop(&queue->kept, index);
	return result;
}

int queue_claim(struct queue *queue, const struct worker *worker, char *name)
{
	uint64_t began_us = now_us();
	int result = claimed_before(queue, worker, NULL, name);

	while (result == 0) {
		if (!queue_next(queue))
			return errno ? -1 : 0;
		result = claim_one(queue, worker, began_us, name);
	}
	return result;
}

int queue_claim_named(struct queue *queue, const struct worker *worker, const char *name)
{
	char standing[NAME_MAX + 1];
	int result = claimed_before(queue, worker, name, standing);

	return result ? result : take(queue, worker, name, nfs_move);
}

int queue_holds(const struct queue *queue, const struct worker *worker, const char *name)
{
	char path[PATH_MAX];

	return nfs_has(at_work(queue, path, worker), name);
}

int queue_release(struct queue *queue, const struct worker *worker, const char *name)
{
	char work[PATH_MAX], ready[PATH_MAX];
	int result = nfs_move(at_work(queue, work, worker), name, at(queue, ready, "ready"), name);

	FAULT("released");
	return result;
}

int queue_release_all(struct queue *queue, const struct worker *worker)
{
	char path[PATH_MAX];
	struct namelist names;
	int result = 0;

	if (nfs_list(at_work(queue, path, worker), &names) < 0)
		return errno == ENOENT ? 0 : -1;
	for (size_t i = 0; i < names.count && result >= 0; i++)
		result = queue_release(queue, worker, names.names[i]);
	namelist_free(&names);
	return result < 0 ? -1 : 0;
}

static int entry_name(char *entry, const char *name, const char *attempt)
{
	int length = snprintf(entry, NAME_MAX + 1, "%s~%s", name, attempt);

	if (length >= 0 && length <= NAME_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int queue_commit(struct queue *queue, const struct worker *worker, const char *name,
	const char *attempt)
{
	char work[PATH_MAX], done[PATH_MAX], entry[NAME_MAX + 1];
	int result;

	if (entry_name(entry, name, attempt) < 0)
		return -1;
	FAULT("commit");
	result = nfs_move(at_work(queue, work, worker), name, at(queue, done, "done"), entry);
	if (result == 1)
		FAULT("committed");
	return result == 1 && nfs_sync_folder(done) < 0 ? -1 : result;
}

int queue_reject(struct queue *queue, const struct worker *worker, const char *name,
	const char *attempt, const char *reason)
{
	char path[PATH_MAX];

	spool_path(queue->spool, path, "%s/%s/work/%s/%s/%s/reject", queue->queue, queue->reader,
		worker_name(worker), name, attempt);
	if (nfs_write_file(path, reason, strlen(reason)) < 0)
		return -1;
	FAULT("reject");
	return queue_commit(queue, worker, name, attempt);
}

static char *where(const struct queue *queue, char *out)
{
	snprintf(out, PATH_MAX, "%s/%s", queue->queue, queue->reader);
	return out;
}

int queue_finish(struct queue *queue, const char *entry)
{
	char path[PATH_MAX];

	return finish_entry(queue->spool, where(queue, path), entry);
}

int queue_finish_all(struct queue *queue)
{
	char path[PATH_MAX];

	return finish_all(queue->spool, where(queue, path));
}
