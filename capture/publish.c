/* publish.c: the thread between the packets' thread and the spool, and the buffers that go to
 * and fro between them. */
#include "capture/publish.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/capture.h"
#include "capture/sink.h"
#include "spool/log.h"
#include "spool/pressure.h"

#define LOOK_MS 1000 /* between two looks at the pressure */

enum job_kind { JOB_BEGIN, JOB_DATA, JOB_SEGMENT, JOB_COMMIT, JOB_CLOSE, JOB_END };

struct job {
	struct job *next;
	enum job_kind kind;
	struct sink *sink;
	struct buffer *buffer;
	struct manifest manifest;
	struct capstate state;
	char name[NAME_MAX + 1];
};

struct publisher {
	struct place place;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t jobs_changed, buffers_changed, settled;
	struct job *first, **last;
	unsigned long pending; /* jobs posted and not done */
	struct buffer *idle;
	unsigned buffers, buffers_max;
	atomic_bool failed, pressed;
	atomic_llong posted; /* batches, by the packets' thread */
	atomic_llong limit; /* so many may be posted in all, as the queue was when last looked at */
	long long done;	    /* of those posted */
	atomic_ullong batches;
};

bool publisher_failed(const struct publisher *publisher)
{
	return publisher->failed;
}

bool publisher_pressed(const struct publisher *publisher)
{
	return publisher->pressed || publisher_full(publisher);
}

bool publisher_full(const struct publisher *publisher)
{
	return publisher->place.live &&
	       pressure_full(publisher->place.config, publisher->limit - publisher->posted,
		       publisher->pressed);
}

uint64_t publisher_batches(const struct publisher *publisher)
{
	return publisher->batches;
}

/* ---- the thread ---- */

static void look_at_room(struct publisher *publisher)
{
	const struct place *place = &publisher->place;

	publisher->limit = publisher->done + pressure_room(place->spool, place->config, "packets");
}

static int do_job(struct publisher *publisher, struct job *job)
{
	struct place *place = &publisher->place;
	int result;

	switch (job->kind) {
	case JOB_BEGIN: return sink_begin(place, job->sink, job->name);
	case JOB_DATA: return sink_data(place, job->sink, job->buffer->data, job->buffer->used);
	case JOB_SEGMENT: return sink_segment(place, job->sink);
	case JOB_COMMIT:
		result = sink_commit(place, job->sink, &job->manifest, &job->state);
		publisher->batches += !result;
		publisher->done++;
		if (place->live)
			look_at_room(publisher);
		return result;
	default: return 0;
	}
}

void publisher_return(struct publisher *publisher, struct buffer *buffer)
{
	pthread_mutex_lock(&publisher->mutex);
	buffer->next = publisher->idle;
	publisher->idle = buffer;
	pthread_cond_signal(&publisher->buffers_changed);
	pthread_mutex_unlock(&publisher->mutex);
}

static struct job *next_job(struct publisher *publisher)
{
	struct timespec until;
	struct job *job;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LOOK_MS / 1000;
	pthread_mutex_lock(&publisher->mutex);
	if (!publisher->first)
		pthread_cond_timedwait(&publisher->jobs_changed, &publisher->mutex, &until);
	job = publisher->first;
	if (job) {
		publisher->first = job->next;
		if (!publisher->first)
			publisher->last = &publisher->first;
	}
	pthread_mutex_unlock(&publisher->mutex);
	return job;
}

static void set_failed(struct publisher *publisher)
{
	pthread_mutex_lock(&publisher->mutex);
	publisher->failed = true;
	pthread_cond_broadcast(&publisher->buffers_changed);
	pthread_mutex_unlock(&publisher->mutex);
}

/* After an error the state may name a batch that stands in tmp/: then whoever goes on has to see
 * us dead. */
static void close_sink(struct publisher *publisher, struct sink *sink)
{
	if (publisher->place.code == MIRA_OK && sink_release(&publisher->place, sink))
		set_failed(publisher);
	sink_free(sink);
}

/* Once something failed, jobs only give back what they hold. */
static void take_job(struct publisher *publisher, struct job *job)
{
	if (!publisher->failed && do_job(publisher, job))
		set_failed(publisher);
	if (job->kind == JOB_CLOSE)
		close_sink(publisher, job->sink);
	if (job->buffer)
		publisher_return(publisher, job->buffer);
	manifest_free(&job->manifest);
	free(job);
}

static void look_at_readers(struct publisher *publisher)
{
	const struct place *place = &publisher->place;
	char why[PATH_MAX + 256];
	bool high = pressure_look(place->spool, place->config, "capture", "packets", NULL, NULL,
		why, sizeof(why));

	look_at_room(publisher);
	if (!high && publisher_full(publisher)) {
		high = true;
		snprintf(why, sizeof(why),
			"packets/preprocess holds as many batches as max_batches = %llu allows",
			(unsigned long long)place->config->max_batches);
	}
	if (high && !publisher->pressed)
		log_warn("packets are shed, and counted, from now on: %s", why);
	if (!high && publisher->pressed)
		log_warn("packets are captured again: the readers of %s have caught up",
			place->spool->root);
	publisher->pressed = high;
}

/* Readers nobody requires must not stop the capture: past the mark their oldest batches go. */
static void look_at_pressure(struct publisher *publisher, struct timespec *looked)
{
	const struct place *place = &publisher->place;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec <= looked->tv_sec)
		return;
	*looked = now;
	pressure_trim(place->spool, place->config, place->worker, "packets");
	if (place->live)
		look_at_readers(publisher);
}

static void finish_job(struct publisher *publisher)
{
	pthread_mutex_lock(&publisher->mutex);
	if (--publisher->pending == 0)
		pthread_cond_broadcast(&publisher->settled);
	pthread_mutex_unlock(&publisher->mutex);
}

static void *run(void *context)
{
	struct publisher *publisher = context;
	struct timespec looked = {0, 0};
	bool ended = false;

	while (!ended) {
		struct job *job = next_job(publisher);

		look_at_pressure(publisher, &looked);
		ended = job && job->kind == JOB_END;
		if (job) {
			take_job(publisher, job);
			finish_job(publisher);
		}
	}
	return NULL;
}

/* ---- the packets' side ---- */

struct publisher *publisher_start(const struct spool *spool, const struct config *config,
	const struct worker *worker, bool live, unsigned buffers)
{
	struct publisher *publisher = x_calloc(1, sizeof(*publisher));

	publisher->place = (struct place){spool, config, worker, live, MIRA_OK, 0, 0};
	publisher->buffers_max = buffers;
	publisher->limit = LLONG_MAX;
	publisher->last = &publisher->first;
	pthread_mutex_init(&publisher->mutex, NULL);
	pthread_cond_init(&publisher->jobs_changed, NULL);
	pthread_cond_init(&publisher->buffers_changed, NULL);
	pthread_cond_init(&publisher->settled, NULL);
	if (pthread_create(&publisher->thread, NULL, run, publisher))
		die(MIRA_AGAIN,
			"cannot start a thread: too many run, or too little memory is left");
	return publisher;
}

static struct buffer *take_idle(struct publisher *publisher)
{
	struct buffer *buffer = publisher->idle;

	if (buffer)
		publisher->idle = buffer->next;
	else if (publisher->buffers < publisher->buffers_max) {
		buffer = malloc(sizeof(*buffer));
		publisher->buffers += buffer != NULL;
	}
	return buffer;
}

/* A signal may arrive just before the wait: it is looked for again every now and then. */
static void wait_for_buffer(struct publisher *publisher)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 200 * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&publisher->buffers_changed, &publisher->mutex, &until);
}

struct buffer *publisher_buffer(struct publisher *publisher)
{
	struct buffer *buffer;

	pthread_mutex_lock(&publisher->mutex);
	buffer = take_idle(publisher);
	while (!buffer && !publisher->place.live && !publisher->failed && !capture_stopping()) {
		wait_for_buffer(publisher);
		buffer = take_idle(publisher);
	}
	pthread_mutex_unlock(&publisher->mutex);
	if (buffer)
		buffer->used = 0;
	return buffer;
}

static struct job *new_job(enum job_kind kind, struct sink *sink)
{
	struct job *job = x_calloc(1, sizeof(*job));

	job->kind = kind;
	job->sink = sink;
	return job;
}

static void post(struct publisher *publisher, struct job *job)
{
	pthread_mutex_lock(&publisher->mutex);
	publisher->pending++;
	*publisher->last = job;
	publisher->last = &job->next;
	pthread_cond_signal(&publisher->jobs_changed);
	pthread_mutex_unlock(&publisher->mutex);
}

void publisher_begin(struct publisher *publisher, struct sink *sink, const char *name)
{
	struct job *job = new_job(JOB_BEGIN, sink);

	snprintf(job->name, sizeof(job->name), "%s", name);
	post(publisher, job);
}

void publisher_data(struct publisher *publisher, struct sink *sink, struct buffer *buffer)
{
	struct job *job = new_job(JOB_DATA, sink);

	job->buffer = buffer;
	post(publisher, job);
}

void publisher_segment(struct publisher *publisher, struct sink *sink)
{
	post(publisher, new_job(JOB_SEGMENT, sink));
}

void publisher_commit(struct publisher *publisher, struct sink *sink,
	const struct manifest *manifest, const struct capstate *state)
{
	struct job *job = new_job(JOB_COMMIT, sink);

	job->manifest = *manifest;
	job->manifest.segments = NULL;
	job->manifest.segment_count = 0;
	job->manifest.damaged = manifest->damaged ? x_strdup(manifest->damaged) : NULL;
	job->state = *state;
	snprintf(job->name, sizeof(job->name), "%s", manifest->name);
	publisher->posted++;
	post(publisher, job);
}

void publisher_close(struct publisher *publisher, struct sink *sink)
{
	post(publisher, new_job(JOB_CLOSE, sink));
}

int publisher_settle(struct publisher *publisher)
{
	pthread_mutex_lock(&publisher->mutex);
	while (publisher->pending)
		pthread_cond_wait(&publisher->settled, &publisher->mutex);
	pthread_mutex_unlock(&publisher->mutex);
	return publisher->failed ? -1 : 0;
}

static void free_all(struct publisher *publisher)
{
	while (publisher->idle) {
		struct buffer *buffer = publisher->idle;

		publisher->idle = buffer->next;
		free(buffer);
	}
	pthread_cond_destroy(&publisher->jobs_changed);
	pthread_cond_destroy(&publisher->buffers_changed);
	pthread_cond_destroy(&publisher->settled);
	pthread_mutex_destroy(&publisher->mutex);
	free(publisher);
}

int publisher_end(struct publisher *publisher)
{
	int code;

	post(publisher, new_job(JOB_END, NULL));
	pthread_join(publisher->thread, NULL);
	code = publisher->place.code;
	free_all(publisher);
	return code;
}
