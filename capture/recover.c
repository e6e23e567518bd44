/* recover.c: how a capture begins after one that was killed: nothing is lost, nothing is
 * captured twice. */
#include "capture/recover.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "capture/slicer.h"
#include "spool/batch.h"
#include "spool/fault.h"

#define LOOK_MS	   500
#define LOOKS_FAIL 20 /* so many in turn that cannot be made are an error: 10 s */

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
	unsigned failed = now < 0;

	if (now == WORKER_UNKNOWN)
		log_info("stream %s was captured by %s: looking for about %d s whether that one "
			 "still lives",
			state->stream, state->worker, WORKER_LOOKS * WORKER_LOOK_S);
	while ((now == WORKER_UNKNOWN || (now < 0 && failed < LOOKS_FAIL)) && !capture_stopping()) {
		capture_pause(LOOK_MS);
		now = worker_state(&capture->spool, state->worker);
		failed = now < 0 ? failed + 1 : 0;
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

/* Nobody else may write the state of STREAM from now on. */
static int claim(struct capture *capture, const struct capstate *state)
{
	const char *self = worker_name(capture->worker);
	struct namelist rivals;
	int code = MIRA_OK;

	if (capstate_claim(&capture->spool, self, state->probe, state->stream) ||
		capstate_rivals(&capture->spool, self, state->probe, state->stream, &rivals))
		return cannot(capture, "claim", state->stream);
	for (size_t i = 0; i < rivals.count && !code; i++) {
		struct capstate rival = *state;
		int now;

		snprintf(rival.worker, sizeof(rival.worker), "%s", rivals.names[i]);
		now = judge(capture, &rival);
		if (now == WORKER_DEAD)
			now = capstate_fence(&capture->spool, rival.worker, state->probe,
				state->stream);
		else if (now >= 0)
			code = other_instance(&rival);
		if (now < 0)
			code = cannot(capture, "fence who captured", state->stream);
	}
	if (code)
		capstate_fence(&capture->spool, self, state->probe, state->stream);
	namelist_free(&rivals);
	return code;
}

/* What it renamed just before it was fenced counts; a state of another run is of somebody who came
 * and went since we looked. */
static int look_again(struct capture *capture, struct capstate *state)
{
	struct capstate now;
	int result = capstate_read(&capture->spool, state->probe, state->stream, &now);

	if (result < 0)
		return cannot(capture, "read the state of", state->stream);
	if (result == 0)
		return MIRA_OK;
	if (state->run[0] && strcmp(now.run, state->run) != 0) {
		capstate_fence(&capture->spool, worker_name(capture->worker), state->probe,
			state->stream);
		return other_instance(&now);
	}
	*state = now;
	return MIRA_OK;
}

/* Without a name in it, the state was left by a capture that ended in order. */
int recover_stream(struct capture *capture, struct capstate *state)
{
	int now = state->worker[0] ? judge(capture, state) : WORKER_DEAD, code;

	if (now < 0)
		return cannot(capture, "judge who captured", state->stream);
	if (now != WORKER_DEAD)
		return other_instance(state);
	code = claim(capture, state);
	if (!code)
		code = look_again(capture, state);
	return code || !state->worker[0] ? code : commit_named(capture, state);
}

int recover_leave(struct capture *capture, const struct capstate *state)
{
	struct capstate ours = *state;

	snprintf(ours.worker, sizeof(ours.worker), "%s", worker_name(capture->worker));
	if (capstate_write(&capture->spool, &ours) ||
		capstate_release(&capture->spool, ours.worker, ours.probe, ours.stream))
		return cannot(capture, "write the state of", state->stream);
	return MIRA_OK;
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
	struct capstate ours = *state;
	int now = state->worker[0] ? judge(capture, state) : WORKER_DEAD;
	int code;

	if (now < 0)
		return cannot(capture, "judge who captured", state->stream);
	if (now != WORKER_DEAD)
		return MIRA_OK;
	code = recover_stream(capture, &ours);
	if (code)
		return code;
	return ours.ended ? recover_leave(capture, &ours) : publish_end(capture, &ours);
}
