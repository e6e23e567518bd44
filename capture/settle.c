/* settle.c: the first thing that a live capture does with the spool. */
#include "capture/settle.h"

#include <string.h>

#include "capture/naming.h"
#include "capture/recover.h"

static int settle(struct capture *capture, const struct naming *naming, const char *stream)
{
	const struct capstate *state = naming_find(naming, stream);
	struct capstate copy;
	int code;

	if (!state || (state->ended && !state->worker[0]))
		return MIRA_OK;
	if (!state->live && !state->ended) {
		log_err("stream %s of probe %s holds an unfinished capture of a trace; finish that "
			"one, or name another "
			"probe with --probe",
			stream, state->probe);
		return MIRA_PERSON;
	}
	/* recover_end() passes a living one over; here it is in the way */
	copy = *state;
	code = recover_stream(capture, &copy);
	return code ? code : recover_end(capture, &copy);
}

static int settle_ours(struct capture *capture, const struct naming *naming)
{
	const struct config *config = &capture->config;
	char name[NAME_PART_MAX + 1];
	int code = MIRA_OK;

	for (size_t i = 0; i < config->stream_count && !code; i++) {
		share_stream(&config->part, config->streams[i].name, name);
		code = settle(capture, naming, name);
	}
	return code;
}

static bool is_ours(const struct capture *capture, const struct capstate *state)
{
	const struct config *config = &capture->config;
	char name[NAME_PART_MAX + 1];

	for (size_t i = 0; i < config->stream_count; i++) {
		share_stream(&config->part, config->streams[i].name, name);
		if (strcmp(name, state->stream) == 0)
			return true;
	}
	return false;
}

static int divided_otherwise(const struct capture *capture, const struct capstate *state)
{
	const struct share *part = &capture->config.part;

	log_err("share %u of %u of probe %s overlaps with stream %s, which %s captures: all captures "
		"of a link take shares of one number; stop that one, or change share in mira.conf",
		part->number, part->count, state->probe, state->stream, state->worker);
	return MIRA_PERSON;
}

/* A run of this probe that is none of ours: another process's, which may divide the link with us; or
 * of a stream that the configuration has no longer. */
static int settle_other(struct capture *capture, const struct capstate *state)
{
	struct share share;
	int code;

	share_from(state->stream, &share);
	if (share.count == capture->config.part.count &&
		(share.number != capture->config.part.number ||
			worker_dead(&capture->spool, state->worker) != 1))
		return MIRA_OK;
	code = recover_end(capture, state);
	if (code || share.count == capture->config.part.count ||
		namelist_has(&capture->dead, state->worker))
		return code;
	return divided_otherwise(capture, state);
}

static int settle_others(struct capture *capture, const struct naming *naming)
{
	int code = MIRA_OK;

	for (size_t i = 0; i < naming->state_count && !code; i++) {
		const struct capstate *state = &naming->states[i];

		if (state->live && !state->ended && strcmp(state->probe, capture->probe) == 0 &&
			!is_ours(capture, state))
			code = settle_other(capture, state);
	}
	return code;
}

int settle_all(struct capture *capture)
{
	struct naming naming;
	int code;

	if (naming_begin(&naming, capture)) {
		log_err("cannot read what stands in %s/state/capture: %m", capture->spool.root);
		return MIRA_AGAIN;
	}
	code = settle_ours(capture, &naming);
	if (!code)
		code = settle_others(capture, &naming);
	naming_end(&naming);
	return code;
}
