/*
 * worker.c: who works on a batch: a name that never returns, and a thread that shows every second
 * that its process lives. Every stage from capture to store has one; whoever finds its batches
 * reads the beat (look.c).
 */
#include "spool/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "spool/beat.h"
#include "spool/fault.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/sandbox.h"

#define HOST_MAX 24
#define BEAT_S	 1

struct worker {
	const struct spool *spool;
	pthread_t thread;
	pthread_mutex_t state; /* of progress and stop; held for moments */
	pthread_mutex_t file;  /* of name and beat; held while the beat is written */
	pthread_cond_t wake;
	bool stop, silent, keep_beat;
	char name[NAME_MAX + 1];
	struct progress progress;
	struct beat beat;
};

static void short_host(const char *host, char out[HOST_MAX + 1])
{
	static const char legal[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t used = 0;

	for (; *host && used < HOST_MAX; host++)
		out[used++] = strchr(legal, *host) ? *host : '_';
	strcpy(out + used, used ? "" : "_");
}

static int new_name(const struct beat *beat, char *out)
{
	unsigned char random[16];
	char host[HOST_MAX + 1];
	int used;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -1;
	short_host(beat->host, host);
	used = snprintf(out, NAME_MAX + 1, "%s.%s.", beat->stage, host);
	for (size_t i = 0; i < sizeof(random); i++)
		used += sprintf(out + used, "%02x", random[i]);
	return 0;
}

/* A beat that cannot be written is no reason to stop: at worst others think us dead, and the fence
 * holds. */
static void write_beat(struct worker *worker)
{
	int result;

	pthread_mutex_lock(&worker->file);
	pthread_mutex_lock(&worker->state);
	worker->beat.progress = worker->progress;
	pthread_mutex_unlock(&worker->state);
	worker->beat.beat++;
	result = beat_write(worker->spool, worker->name, &worker->beat);
	if (result < 0 && !worker->silent)
		log_warn(
			"cannot write the beat %s/workers/%s: %s; others may think this worker dead",
			worker->spool->root, worker->name, strerror(errno));
	worker->silent = result < 0;
	pthread_mutex_unlock(&worker->file);
}

static bool wait_for_stop(struct worker *worker)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += BEAT_S;
	pthread_mutex_lock(&worker->state);
	while (!worker->stop &&
		pthread_cond_timedwait(&worker->wake, &worker->state, &until) != ETIMEDOUT)
		;
	stop = worker->stop;
	pthread_mutex_unlock(&worker->state);
	return stop;
}

static void *beat_thread(void *argument)
{
	struct worker *worker = argument;

	while (!wait_for_stop(worker))
		write_beat(worker);
	return NULL;
}

/* Signals are the main thread's: its waits end early by them. */
static int start_thread(struct worker *worker)
{
	pthread_condattr_t monotonic;
	sigset_t all, before;
	int error;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&worker->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&worker->thread, NULL, beat_thread, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return error ? -1 : 0;
}

struct worker *worker_start(const struct spool *spool, const char *stage)
{
	struct worker *worker = x_calloc(1, sizeof(*worker));
	char path[PATH_MAX];
	int error;

	worker->spool = spool;
	pthread_mutex_init(&worker->state, NULL);
	pthread_mutex_init(&worker->file, NULL);
	beat_self(&worker->beat);
	snprintf(worker->beat.stage, sizeof(worker->beat.stage), "%s", stage);
	snprintf(worker->beat.sandbox, sizeof(worker->beat.sandbox), "%s", sandbox_state());
	if (new_name(&worker->beat, worker->name) < 0 || ++worker->beat.beat == 0 ||
		beat_write(spool, worker->name, &worker->beat) < 0 || start_thread(worker) < 0) {
		error = errno;
		nfs_unlink(spool_path(spool, path, "workers/%s", worker->name));
		free(worker);
		errno = error;
		return NULL;
	}
	FAULT("beat");
	return worker;
}

void worker_stop(struct worker *worker)
{
	char path[PATH_MAX];

	if (!worker)
		return;
	pthread_mutex_lock(&worker->state);
	worker->stop = true;
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->state);
	pthread_join(worker->thread, NULL);
	FAULT("leaving");
	if (!worker->keep_beat)
		nfs_unlink(spool_path(worker->spool, path, "workers/%s", worker->name));
	pthread_cond_destroy(&worker->wake);
	pthread_mutex_destroy(&worker->state);
	pthread_mutex_destroy(&worker->file);
	free(worker);
}

void worker_keep_beat(struct worker *worker)
{
	worker->keep_beat = true;
}

const char *worker_name(const struct worker *worker)
{
	return worker->name;
}

int worker_rename(struct worker *worker)
{
	char path[PATH_MAX], old[NAME_MAX + 1];
	int result;

	pthread_mutex_lock(&worker->file);
	strcpy(old, worker->name);
	result = new_name(&worker->beat, worker->name);
	if (result == 0)
		result = beat_write(worker->spool, worker->name, &worker->beat);
	if (result == 0) {
		FAULT("renamed");
		nfs_unlink(spool_path(worker->spool, path, "workers/%s", old));
	} else
		strcpy(worker->name, old);
	pthread_mutex_unlock(&worker->file);
	if (result == 0)
		log_warn("worker %s was taken for dead; it goes on as %s", old, worker->name);
	return result;
}

char *worker_attempt(const struct worker *worker, char *out)
{
	static atomic_uint counter;
	int length = snprintf(out, NAME_MAX + 1, "%s.%u", worker->name,
		atomic_fetch_add(&counter, 1) + 1);

	if (length < 0 || length > NAME_MAX)
		die(MIRA_PERSON, "the name of worker %s is too long", worker->name);
	return out;
}

void worker_progress(struct worker *worker, const struct progress *progress)
{
	pthread_mutex_lock(&worker->state);
	worker->progress = *progress;
	pthread_mutex_unlock(&worker->state);
}

bool worker_read(const struct spool *spool, const char *name, struct progress *progress)
{
	struct beat beat;

	if (beat_read(spool, name, &beat) != 1)
		return false;
	*progress = beat.progress;
	return true;
}
