/*
 * captured.c: the capture's side of batch.h. It has no input to claim, so its batches are made in
 * capture/tmp/<worker>/ and hold nothing but the attempt; commit and finish are those of every
 * other stage.
 */
#include "spool/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/capstate.h"
#include "spool/fault.h"
#include "spool/finish.h"
#include "spool/log.h"
#include "spool/nfs.h"

/* Like queue.worker: made once, so that a capture whose folder was taken away by its successor
 * finds out. */
static int make_folder(const struct spool *spool, const struct worker *worker)
{
	static char made[NAME_MAX + 1];
	char path[PATH_MAX];

	if (strcmp(made, worker_name(worker)) == 0)
		return 0;
	if (nfs_mkdir_in(spool_path(spool, path, "capture/tmp"), worker_name(worker)) < 0)
		return -1;
	snprintf(made, sizeof(made), "%s", worker_name(worker));
	return 0;
}

int batch_create(struct batch *batch, const struct spool *spool, const struct worker *worker,
	const char *name)
{
	char tmp[PATH_MAX];

	memset(batch, 0, sizeof(*batch));
	batch->spool = spool;
	snprintf(batch->name, sizeof(batch->name), "%s", name);
	spool_path(spool, tmp, "capture/tmp/%s", worker_name(worker));
	if (nfs_join(batch->path, tmp, name) < 0 || make_folder(spool, worker) < 0)
		return -1;
	if (nfs_mkdir_in(tmp, name) < 0) {
		if (errno == ENOENT)
			errno = ESTALE;
		return -1;
	}
	FAULT("created");
	return batch_again(batch, worker);
}

/* SPOOL/capture/tmp/WORKER/NAME to capture/done/NAME~ATTEMPT, and what follows. */
static int commit(const struct spool *spool, const char *worker, const char *name,
	const char *attempt)
{
	char tmp[PATH_MAX], done[PATH_MAX], entry[2 * NAME_MAX + 2];
	int result;

	snprintf(entry, sizeof(entry), "%s~%s", name, attempt);
	spool_path(spool, tmp, "capture/tmp/%s", worker);
	FAULT("commit");
	result = nfs_move(tmp, name, spool_path(spool, done, "capture/done"), entry);
	if (result < 1)
		return result;
	FAULT("committed");
	if (nfs_sync_folder(done) < 0)
		return -1;
	return finish_entry(spool, "capture", entry) < 0 ? -1 : 1;
}

int batch_publish(struct batch *batch, const struct worker *worker)
{
	return commit(batch->spool, worker_name(worker), batch->name, batch->attempt);
}

int batch_finish_captured(const struct spool *spool)
{
	return finish_all(spool, "capture");
}

int batch_leave(const struct spool *spool, const struct worker *worker)
{
	char path[PATH_MAX];

	return nfs_rmdir(spool_path(spool, path, "capture/tmp/%s", worker_name(worker)));
}

/* The attempt inside a batch that another process made: the one folder that holds outputs. */
static int find_attempt(const char *path, char *attempt)
{
	char below[PATH_MAX];
	struct namelist names;
	int result = 0;

	if (nfs_list(path, &names) < 0)
		return nfs_none(errno) ? 0 : -1;
	for (size_t i = 0; i < names.count && result == 0; i++) {
		if (nfs_join(below, path, names.names[i]) < 0)
			result = -1;
		else if (nfs_is_folder(below) != 0)
			result = nfs_has(below, "out");
		snprintf(attempt, NAME_MAX + 1, "%s", names.names[i]);
	}
	namelist_free(&names);
	return result;
}

/* What recovery looks for, and what it found. */
struct recovery {
	const struct spool *spool;
	const struct worker *self;
	const char *probe, *stream, *name;
	int committed;
};

static int recover_batch(struct recovery *recovery, const char *worker, const char *name)
{
	char path[PATH_MAX], attempt[NAME_MAX + 1];
	int found = 0, result;

	spool_path(recovery->spool, path, "capture/tmp/%s/%s", worker, name);
	if (strcmp(name, recovery->name) == 0)
		found = find_attempt(path, attempt);
	if (found < 0)
		return -1;
	/* committed for an attempt that is not there, it has no outputs: finish removes it all */
	if (!found)
		worker_attempt(recovery->self, attempt);
	result = commit(recovery->spool, worker, name, attempt);
	if (result == 1 && found)
		recovery->committed = 1;
	return result;
}

static bool wanted(const struct recovery *recovery, const char *name)
{
	struct batchname parts;

	return batchname_parse(name, &parts) && strcmp(parts.probe, recovery->probe) == 0 &&
	       strcmp(parts.stream, recovery->stream) == 0;
}

/* Removes the folder of a worker that is dead, or that is by what the caller said. Its beat stays
 * until no state names it (batch_forget_captures()): should we die now, others must not doubt. */
static int close_folder(const struct recovery *recovery, const char *worker, bool taken)
{
	char path[PATH_MAX];

	if (!taken && worker_dead(recovery->spool, worker) != 1)
		return 0;
	if (nfs_rmdir(spool_path(recovery->spool, path, "capture/tmp/%s", worker)) < 0)
		return errno == ENOTEMPTY ? 0 : -1;
	return 0;
}

static int recover_worker(struct recovery *recovery, const char *worker)
{
	char path[PATH_MAX];
	struct namelist names;
	bool taken = false;
	int result = 0;

	if (nfs_list(spool_path(recovery->spool, path, "capture/tmp/%s", worker), &names) < 0) {
		if (errno == ENOTDIR)
			log_once("%s is no worker's folder: left alone", path);
		return nfs_none(errno) ? 0 : -1;
	}
	for (size_t i = 0; i < names.count && result >= 0; i++) {
		if (!wanted(recovery, names.names[i]))
			continue;
		result = recover_batch(recovery, worker, names.names[i]);
		taken = true;
	}
	namelist_free(&names);
	return result < 0 ? -1 : close_folder(recovery, worker, taken);
}

int batch_recover(const struct spool *spool, const struct worker *worker, const char *probe,
	const char *stream, const char *name)
{
	struct recovery recovery = {spool, worker, probe, stream, name, 0};
	char path[PATH_MAX];
	struct namelist workers;
	int result;

	if (nfs_list(spool_path(spool, path, "capture/tmp"), &workers) < 0)
		return -1;
	result = batch_finish_captured(spool);
	for (size_t i = 0; i < workers.count && result == 0; i++)
		if (strcmp(workers.names[i], worker_name(worker)) != 0)
			result = recover_worker(&recovery, workers.names[i]);
	namelist_free(&workers);
	return result < 0 ? -1 : recovery.committed;
}

/* Is WORKER needed to judge one of its streams? Also when that cannot be told. */
static bool is_named(const struct capstate *states, ssize_t count, const char *worker)
{
	for (ssize_t i = 0; i < count; i++)
		if (strcmp(states[i].worker, worker) == 0)
			return true;
	return count < 0;
}

void batch_forget_captures(const struct spool *spool)
{
	struct capstate *states;
	ssize_t count = capstate_list(spool, &states);
	char path[PATH_MAX], folder[PATH_MAX];
	struct namelist dead;

	spool_path(spool, path, "capture/tmp");
	if (worker_list_dead(spool, "capture", &dead) == 0) {
		for (size_t i = 0; i < dead.count; i++)
			if (!is_named(states, count, dead.names[i]) &&
				capstate_fence_all(spool, dead.names[i]) == 0 &&
				nfs_join(folder, path, dead.names[i]) == 0 &&
				nfs_rmdir(folder) == 0)
				worker_forget(spool, dead.names[i]);
		namelist_free(&dead);
	}
	free(states);
}
