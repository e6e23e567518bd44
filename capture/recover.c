/* recover.c: how a capture begins after one that was killed: nothing is lost, nothing is
 * captured twice. */
#include "capture/recover.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "capture/slicer.h"
#include "spool/batch.h"
#include "spool/fault.h"

#define LOOK_MS 500

static int other_instance(const struct capstate *state)
{
	log_err("another instance (%s) captures stream %s of probe %s in this spool; wait for it "
		"or stop it",
		state->worker, state->stream, state->probe);
	return MIRA_AGAIN;
}

static int cannot(const struct capture *capture, const char *what, const char *stream)
{
	log_err("cannot %s stream %s in %s: %m; restore access there and start again", what, stream,
		capture->spool.root);
	return MIRA_AGAIN;
}

/* Of a worker on another host, or of one before a reboot, only time tells. */
static int wait_for_verdict(const struct capture *capture, const struct capstate *state)
{
	int now = worker_state(&capture->spool, state->worker);

	if (now == WORKER_UNKNOWN)
		log_info("stream %s was captured by %s: looking for about %d s whether that one "
			 "still lives",
			state->stream, state->worker, WORKER_LOOKS * WORKER_LOOK_S);
	while (now == WORKER_UNKNOWN && !capture_stopping()) {
		capture_pause(LOOK_MS);
		now = worker_state(&capture->spool, state->worker);
	}
	return now;
}

/* Who was found dead once is so for all its streams, also after its beat was removed. */
static int judge(struct capture *capture, const struct capstate *state)
{
	int now;

	if (namelist_has(&capture->dead, state->worker))
		return WORKER_DEAD;
	now = wait_for_verdict(capture, state);
	if (now == WORKER_DEAD)
		namelist_add(&capture->dead, state->worker);
	return now;
}

static int commit_named(struct capture *capture, const struct capstate *state)
{
	int result = batch_recover(&capture->spool, capture->worker, state->probe, state->stream,
		state->batch);

	if (result < 0)
		return cannot(capture, "recover", state->stream);
	if (result == 1)
		log_info("committed %s, which an earlier capture had completed", state->batch);
	return MIRA_OK;
}

/* Of a stream that has ended nobody needs to be judged again: its capture may be forgotten. */
static int sign_off(const struct capture *capture, const struct capstate *state)
{
	struct capstate ours = *state;

	if (!state->ended)
		return MIRA_OK;
	ours.worker[0] = '\0';
	return capstate_write(&capture->spool, &ours)
		       ? cannot(capture, "write the state of", state->stream)
		       : MIRA_OK;
}

/* Without a name in it, the state was left by a capture that ended in order. */
int recover_stream(struct capture *capture, const struct capstate *state)
{
	int now = state->worker[0] ? judge(capture, state) : WORKER_DEAD, code;

	if (now < 0)
		return cannot(capture, "judge who captured", state->stream);
	if (now != WORKER_DEAD)
		return other_instance(state);
	if (!state->worker[0])
		return MIRA_OK;
	code = commit_named(capture, state);
	return code ? code : sign_off(capture, state);
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int publish_end(struct capture *capture, const struct capstate *state)
{
	static const struct config_stream stream = {.filter = "", .snaplen = READER_PACKET_MAX};
	struct capstate ours = *state;
	struct slicer slicer;

	snprintf(ours.worker, sizeof(ours.worker), "%s", worker_name(capture->worker));
	if (capstate_write(&capture->spool, &ours))
		return cannot(capture, "write the state of", state->stream);
	FAULT("ending");
	slicer_open(&slicer, capture, &stream, &ours, state->stream);
	slicer_end(&slicer, state->records,
		"the capture was interrupted; what followed the last batch is not counted",
		now_us());
	/* a new run of this stream may begin now: it must not find its state overwritten */
	if (publisher_settle(capture->publisher))
		return MIRA_AGAIN;
	log_warn("stream %s: an earlier capture was interrupted; its run has been ended",
		state->stream);
	return MIRA_OK;
}

int recover_end(struct capture *capture, const struct capstate *state)
{
	int now = state->worker[0] ? judge(capture, state) : WORKER_DEAD;
	int code;

	if (now < 0)
		return cannot(capture, "judge who captured", state->stream);
	if (now != WORKER_DEAD)
		return MIRA_OK;
	code = commit_named(capture, state);
	return code ? code : publish_end(capture, state);
}
