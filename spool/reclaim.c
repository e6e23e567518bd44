/*
 * reclaim.c: what happens to batches whose worker is dead, or that were rejected. Part of queue.h.
 */
#include "spool/queue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/fault.h"
#include "spool/finish.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define REASON ".reason"
#define ROUNDS 5 /* a worker wrongly thought dead may claim between listing and rmdir */

static char *at(const struct queue *queue, char *out, const char *folder)
{
	return spool_path(queue->spool, out, "%s/%s/%s", queue->queue, queue->reader, folder);
}

/* Everything in work/<WORKER> goes back to ready/. */
static int give_back(const struct queue *queue, const char *work)
{
	char ready[PATH_MAX];
	struct namelist names;
	int moved, result = 0;

	if (nfs_list(work, &names) < 0)
		return nfs_none(errno) ? 0 : -1;
	at(queue, ready, "ready");
	for (size_t i = 0; i < names.count && result >= 0; i++) {
		moved = nfs_move(work, names.names[i], ready, names.names[i]);
		if (moved == 1) {
			log_info("reclaimed %s/%s/%s from %s", queue->queue, queue->reader,
				names.names[i], strrchr(work, '/') + 1);
			FAULT("reclaim");
		}
		result = moved < 0 ? -1 : result + moved;
	}
	namelist_free(&names);
	return result;
}

/* Done when the folder is gone: only then can the dead one, should it wake, claim nothing more
 * (rule 4). */
static int reclaim_from(const struct queue *queue, const char *worker)
{
	char work[PATH_MAX];
	int total = 0;

	spool_path(queue->spool, work, "%s/%s/work/%s", queue->queue, queue->reader, worker);
	for (int round = 0; round < ROUNDS; round++) {
		int given = give_back(queue, work);

		if (given < 0)
			return -1;
		total += given;
		if (nfs_rmdir(work) == 0)
			return total;
		if (errno != ENOTEMPTY)
			return -1;
	}
	return total;
}

/* Has WORKER a folder in work/ of any reader of our queue (shards)? Also when that cannot be
 * told. */
static bool may_hold(const struct queue *queue, const struct namelist *readers, const char *worker)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < readers->count; i++) {
		spool_path(queue->spool, path, "%s/%s/work", queue->queue, readers->names[i]);
		if (nfs_has(path, worker) != 0)
			return true;
	}
	return false;
}

/*
 * Beats of workers that died before they held anything, or after. First dead, then looked for: one
 * that lives could still make its folder, and without a beat its death would take half a minute to
 * see.
 */
static void forget_idle(const struct queue *queue, const struct worker *self)
{
	char stage[NAME_MAX + 1];
	struct namelist readers, dead;

	snprintf(stage, sizeof(stage), "%.*s", (int)strcspn(worker_name(self), "."),
		worker_name(self));
	if (spool_readers(queue->spool, queue->queue, &readers) < 0)
		return;
	if (worker_list_dead(queue->spool, stage, &dead) == 0) {
		for (size_t i = 0; i < dead.count; i++)
			if (!may_hold(queue, &readers, dead.names[i]))
				worker_forget(queue->spool, dead.names[i]);
		namelist_free(&dead);
	}
	namelist_free(&readers);
}

/* What else stands in work/ is nobody's to give back: above all not what a link leads to. */
static bool is_of_worker(const char *work, const char *name)
{
	char path[PATH_MAX];

	if (finish_name_ok(name) && nfs_join(path, work, name) == 0 && nfs_is_folder(path) != 0)
		return true;
	log_once("%s/%s is no worker's folder: left alone", work, name);
	return false;
}

int queue_reclaim(struct queue *queue, const struct worker *self)
{
	char path[PATH_MAX];
	struct namelist workers;
	int dead, given, result = 0;

	if (nfs_list(at(queue, path, "work"), &workers) < 0)
		return -1;
	for (size_t i = 0; i < workers.count && result >= 0; i++) {
		if (strcmp(workers.names[i], worker_name(self)) == 0 ||
			!is_of_worker(path, workers.names[i]))
			continue;
		dead = worker_dead(queue->spool, workers.names[i]);
		if (dead <= 0) {
			result = dead < 0 ? -1 : result;
			continue;
		}
		given = reclaim_from(queue, workers.names[i]);
		result = given < 0 ? -1 : result + given;
	}
	namelist_free(&workers);
	if (result >= 0)
		forget_idle(queue, self);
	return result < 0 ? -1 : result > 0;
}

static int holds_any(const char *path)
{
	struct namelist names;
	int result;

	if (nfs_list(path, &names) < 0)
		return nfs_none(errno) ? 0 : -1;
	result = names.count > 0;
	namelist_free(&names);
	return result;
}

int queue_held_by_others(const struct queue *queue, const struct worker *self)
{
	char path[PATH_MAX], work[PATH_MAX];
	struct namelist workers;
	int result = 0;

	if (nfs_list(at(queue, path, "work"), &workers) < 0)
		return -1;
	for (size_t i = 0; i < workers.count && result == 0; i++) {
		if (strcmp(workers.names[i], worker_name(self)) == 0)
			continue;
		result = nfs_join(work, path, workers.names[i]) < 0 ? -1 : holds_any(work);
		if (result == 1) {
			int state = worker_state(queue->spool, workers.names[i]);

			result = state < 0 ? -1 : state != WORKER_ALIVE;
		}
	}
	namelist_free(&workers);
	return result;
}

/* NAME+N's successor is NAME+(N+1). */
static int next_name(const char *name, char *out)
{
	const char *plus = strrchr(name, '+');
	char *end = NULL;
	unsigned long number = plus ? strtoul(plus + 1, &end, 10) : 0;
	int length;

	if (!plus || end == plus + 1 || *end)
		plus = name + strlen(name), number = 0;
	length = snprintf(out, NAME_MAX + 1, "%.*s+%lu", (int)(plus - name), name, number + 1);
	if (length <= ENTRY_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int queue_requeue(struct queue *queue, const char *name)
{
	char bad[PATH_MAX], ready[PATH_MAX], path[PATH_MAX], next[NAME_MAX + 1];
	int result;

	at(queue, bad, "bad");
	if (!finish_name_ok(name) || nfs_join(path, bad, name) < 0 || next_name(name, next) < 0)
		return -1;
	if (nfs_is_folder(path) != 1)
		return 0;
	result = nfs_move(bad, name, at(queue, ready, "ready"), next);
	if (result < 1)
		return result;
	FAULT("requeued");
	spool_path(queue->spool, path, "%s/%s/bad/%s.reason", queue->queue, queue->reader, name);
	return nfs_sync_folder(ready) < 0 || nfs_unlink(path) < 0 ? -1 : 1;
}

/* The rename to done/ decides against a requeue at the same moment; finish then finds no output and
 * removes. */
static int expire_one(struct queue *queue, const struct worker *worker, const char *name,
	const char *reason)
{
	char bad[PATH_MAX], done[PATH_MAX], attempt[NAME_MAX + 1], entry[2 * NAME_MAX + 2];
	int result;

	snprintf(entry, sizeof(entry), "%s~%s", name, worker_attempt(worker, attempt));
	result = nfs_move(at(queue, bad, "bad"), name, at(queue, done, "done"), entry);
	FAULT("expired");
	if (result == 1)
		result = queue_finish(queue, entry);
	FAULT("expired-all");
	return result < 0 || nfs_unlink(reason) < 0 ? -1 : result;
}

static bool is_reason(const char *name)
{
	size_t length = strlen(name);

	return length > strlen(REASON) && !strcmp(name + length - strlen(REASON), REASON);
}

/* The rejected batches of BAD, oldest first. */
static int list_rejected(const char *bad, struct namelist *names)
{
	struct namelist all;

	*names = (struct namelist){0};
	if (nfs_list(bad, &all) < 0)
		return -1;
	for (size_t i = 0; i < all.count; i++) {
		if (!is_reason(all.names[i]))
			continue;
		all.names[i][strlen(all.names[i]) - strlen(REASON)] = '\0';
		namelist_add(names, all.names[i]);
	}
	namelist_free(&all);
	namelist_sort(names);
	return 0;
}

/* How many of COUNT have to go however young they are: what is kept for a person must not stop the
 * line for good. */
static size_t surplus(const struct queue *queue, const struct config *config, size_t count)
{
	double free_share = nfs_free_share(queue->path);

	if (count > config->bad_batches)
		return count - config->bad_batches;
	return free_share >= 0 && free_share < config->min_free ? (count + 7) / 8 : 0;
}

int queue_expire_bad(struct queue *queue, const struct worker *worker, const struct config *config)
{
	char bad[PATH_MAX], path[PATH_MAX];
	struct namelist names;
	int64_t now, made;
	size_t spare;
	int result = 0;

	spool_path(queue->spool, path, "workers/%s", worker_name(worker));
	now = nfs_mtime(path); /* the beat is a second old at most */
	if (now < 0 || list_rejected(at(queue, bad, "bad"), &names) < 0)
		return -1;
	spare = surplus(queue, config, names.count);
	for (size_t i = 0; i < names.count && result >= 0; i++) {
		if (snprintf(path, sizeof(path), "%s/%s" REASON, bad, names.names[i]) >= PATH_MAX)
			continue;
		made = nfs_mtime(path);
		if (i < spare)
			log_warn(
				"removing %s/%s before its time: %zu stand there, and bad_batches is "
				"%u, min_free %g",
				bad, names.names[i], names.count, config->bad_batches,
				config->min_free);
		if (i < spare || (made >= 0 && now - made > (int64_t)config->bad_days * 86400))
			result = expire_one(queue, worker, names.names[i], path);
	}
	namelist_free(&names);
	return result < 0 ? -1 : 0;
}

int queue_strikes(const struct queue *queue, const char *name, int *which)
{
	char path[PATH_MAX], file[PATH_MAX], *text;
	struct namelist names;
	int count;

	spool_path(queue->spool, path, "state/strikes/%s.%s/%s", queue->queue, queue->reader, name);
	if (nfs_list(path, &names) < 0)
		return errno == ENOENT ? 0 : -1;
	count = (int)names.count;
	if (which)
		*which = 0;
	for (int i = 0; which && i < count; i++) {
		text = nfs_join(file, path, names.names[i]) < 0 ? NULL : nfs_read_file(file, NULL);
		if (text)
			*which = atoi(text);
		free(text);
	}
	namelist_free(&names);
	return count;
}
