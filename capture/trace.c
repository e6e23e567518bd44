/* trace.c: from the packets of trace files to the slicers of their streams. */
#include "capture/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/catalog.h"
#include "capture/naming.h"
#include "capture/recover.h"
#include "capture/renewal.h"
#include "spool/fault.h"
#include "spool/linktype.h"
#include "spool/notify.h"

#define PROGRESS_RECORDS 4096

struct job {
	struct capture *capture;
	struct catalog catalog;
	struct source *source; /* being read */
	size_t order;
	uint64_t done_bytes; /* of the sources before it */
	int code;
};

/* A stream whose run had ended before is not opened: nothing of it is captured again. */
static bool active(const struct slicer *slicer)
{
	return slicer->capture != NULL;
}

/* ---- before the first packet ---- */

/* Standard input cannot be read again: a capture of it that was killed has ended, and is told to
 * have. */
static int end_lost_runs(struct job *job, const struct naming *naming)
{
	int code = MIRA_OK;
	bool pipe = false;

	for (size_t i = 0; i < job->catalog.source_count; i++)
		pipe |= !job->catalog.sources[i].resumable;
	for (size_t i = 0; i < naming->state_count && pipe && !code; i++) {
		const struct capstate *state = &naming->states[i];

		if (strcmp(state->probe, job->capture->probe) == 0 && !state->live &&
			!state->ended && strncmp(state->stream, "stdin", 5) == 0)
			code = recover_end(job->capture, state);
	}
	return code;
}

static int divided_otherwise(const struct trace *trace, const struct capstate *other)
{
	log_err("%s stands in this spool as stream %s: a trace is captured whole, or in shares of one "
		"number; give the same --share K/N, or use another spool",
		trace->label, other->stream);
	return MIRA_PERSON;
}

/* Names the streams of TRACE and settles what an earlier capture of them left. */
static int prepare_trace(struct job *job, struct naming *naming, struct trace *trace)
{
	struct capture *capture = job->capture;
	const struct config *config = &capture->config;
	struct capstate *states = x_calloc(config->stream_count, sizeof(*states));
	const struct capstate *other = naming_divided(naming, trace);
	int code = other ? divided_otherwise(trace, other) : MIRA_OK;

	trace->slicers = x_calloc(config->stream_count, sizeof(*trace->slicers));
	naming_choose(naming, trace, states);
	for (size_t i = 0; i < config->stream_count && !code; i++) {
		if (states[i].ended && !states[i].worker[0])
			continue;
		code = recover_stream(capture, &states[i]);
		if (!code && states[i].ended)
			code = recover_leave(capture, &states[i]);
		if (code || states[i].ended)
			continue;
		snprintf(states[i].worker, sizeof(states[i].worker), "%s",
			worker_name(capture->worker));
		slicer_open(&trace->slicers[i], capture, &config->streams[i], &states[i],
			trace->label);
	}
	free(states);
	return code;
}

/* Consolidation waits for the runs that it finds, so all are there before the first batch of
 * any. */
static int write_states(struct job *job)
{
	const struct config *config = &job->capture->config;

	for (size_t t = 0; t < job->catalog.count; t++) {
		for (size_t i = 0; i < config->stream_count; i++) {
			const struct slicer *slicer = &job->catalog.traces[t].slicers[i];

			if (!active(slicer) ||
				!capstate_write(&job->capture->spool, &slicer->state))
				continue;
			log_err("cannot write the state of stream %s in %s: %m; free space there "
				"and start again",
				slicer->state.stream, job->capture->spool.root);
			return MIRA_AGAIN;
		}
	}
	FAULT("begun");
	return MIRA_OK;
}

static int prepare(struct job *job)
{
	struct naming naming;
	int code = MIRA_OK;

	if (naming_begin(&naming, job->capture)) {
		log_err("cannot read what stands in %s/state/capture: %m",
			job->capture->spool.root);
		return MIRA_AGAIN;
	}
	code = end_lost_runs(job, &naming);
	for (size_t i = 0; i < job->catalog.count && !code; i++)
		code = prepare_trace(job, &naming, &job->catalog.traces[i]);
	naming_end(&naming);
	return code ? code : write_states(job);
}

/* ---- packets ---- */

static void filtered(struct trace *trace, uint64_t record)
{
	struct slicer *first = &trace->slicers[0];

	if (active(first) && record >= first->state.records)
		slicer_filtered(first, 1);
}

/* A pcapng may go over to a link type that nothing decodes; packets of others are captured. */
static bool decodable(struct job *job, struct trace *trace, const struct packet *packet)
{
	if (packet->linktype == LINKTYPE_EN10MB || linktype_find(packet->linktype))
		return true;
	if (!trace->warned)
		log_err("%s: packets of link type %u, which is not known to MIRA, are not "
			"captured; they count as filtered",
			trace->label, packet->linktype);
	trace->warned = true;
	job->code = capture_worse(job->code, MIRA_PERSON);
	return false;
}

/* False: the capture has to stop. */
static bool take(struct job *job, struct slicer *slicer, const struct packet *packet,
	uint64_t record)
{
	if (!active(slicer) || record < slicer->state.records)
		return true;
	if (sharefilter_takes(job->capture->share, packet))
		return slicer_add(slicer, packet, record);
	slicer_other(slicer, packet->time_ns, record);
	return true;
}

static bool route(struct job *job, struct trace *trace, const struct packet *packet)
{
	const struct capture *capture = job->capture;
	uint64_t record = trace->records++;

	if (!record)
		trace->first_us = packet->time_ns / 1000;
	for (size_t i = 0; i < capture->config.stream_count && decodable(job, trace, packet); i++) {
		if (filter_passes(capture->filters[i], packet))
			return take(job, &trace->slicers[i], packet, record);
	}
	filtered(trace, record);
	return true;
}

static void show_progress(struct job *job, const struct trace *trace, uint64_t records)
{
	struct progress *progress = &job->capture->progress;

	progress->packets += records;
	progress->bytes = job->done_bytes + job->source->position;
	progress->batches = publisher_batches(job->capture->publisher);
	snprintf(progress->doing, sizeof(progress->doing), "reading %.80s", trace->label);
	worker_progress(job->capture->worker, progress);
	notify_progress(progress, NULL);
	renewal_look(job->capture->renewal);
}

static bool must_stop(const struct job *job)
{
	return capture_stopping() || publisher_failed(job->capture->publisher);
}

/* As reader_next() ends, or 1: the capture has to stop. */
static int pump(struct job *job, struct trace *trace, struct reader *reader)
{
	struct packet packet;
	uint64_t shown = 0;
	int result;

	show_progress(job, trace, 0);
	while ((result = reader_next(reader, &packet)) == 1) {
		if (!route(job, trace, &packet))
			break;
		if (trace->records - shown < PROGRESS_RECORDS)
			continue;
		show_progress(job, trace, trace->records - shown);
		shown = trace->records;
		if (must_stop(job))
			break;
	}
	show_progress(job, trace, trace->records - shown);
	return result;
}

/* ---- the end of a trace ---- */

static void end_trace(struct job *job, struct trace *trace, uint32_t linktype, const char *damaged)
{
	for (size_t i = 0; i < job->capture->config.stream_count; i++) {
		struct slicer *slicer = &trace->slicers[i];

		if (!active(slicer))
			continue;
		if (linktype_find(linktype))
			slicer->linktype = linktype;
		slicer_end(slicer, trace->records, damaged, trace->first_us);
	}
	if (damaged)
		log_warn("%s is damaged: %s; what stands before, %" PRIu64 " packets, is captured",
			trace->label, damaged, trace->records);
	else
		log_info("captured %s: %" PRIu64 " packets", trace->label, trace->records);
}

static int cannot_read(struct job *job, const struct trace *trace)
{
	log_err("cannot read %s further: %m; restore access to it and start again: the capture "
		"goes on there",
		trace->label);
	job->code = MIRA_AGAIN;
	return -1;
}

/* RESULT is pump()'s. 0 to go on with the next trace. */
static int finish_trace(struct job *job, struct trace *trace, struct reader *reader, int result)
{
	const char *damaged = result == -2	? reader_why(reader)
			      : *trace->damaged ? trace->damaged
						: NULL;

	if (must_stop(job)) {
		if (!trace->source->resumable && capture_stopping())
			end_trace(job, trace, reader_linktype(reader),
				"stopped by a signal before the input ended");
		return 1;
	}
	if (result == -1)
		return cannot_read(job, trace);
	end_trace(job, trace, reader_linktype(reader), damaged);
	return 0;
}

static int capture_trace(struct job *job, struct trace *trace, struct input *input)
{
	struct feed feed;
	struct reader *reader;
	char why[FEED_WHY];
	int result;

	feed_init(&feed, input_read, input);
	reader = reader_open(&feed, why);
	if (reader) {
		result = finish_trace(job, trace, reader, pump(job, trace, reader));
	} else {
		/* out of a pipe, of which only the head had been seen; or a file that has
		 * changed */
		log_err("%s cannot be captured: %s", trace->label, why);
		job->code = capture_worse(job->code, MIRA_PERSON);
		end_trace(job, trace, LINKTYPE_EN10MB, why);
		result = 0;
	}
	reader_close(reader);
	feed_free(&feed);
	return result;
}

static bool has_work(const struct job *job, const struct trace *trace)
{
	for (size_t i = 0; i < job->capture->config.stream_count; i++)
		if (active(&trace->slicers[i]))
			return true;
	return false;
}

static int visit(void *context, struct input *input)
{
	struct job *job = context;
	struct trace *trace = catalog_find(&job->catalog, job->source, job->order++);

	return trace && has_work(job, trace) ? capture_trace(job, trace, input) : 0;
}

/* ---- all of them ---- */

static bool source_has_work(const struct job *job, const struct source *source)
{
	bool any = false, work = false;

	for (size_t i = 0; i < job->catalog.count; i++) {
		const struct trace *trace = &job->catalog.traces[i];

		any |= trace->source == source;
		work |= trace->source == source && has_work(job, trace);
	}
	if (any && !work)
		log_info("%s is captured already", source->label);
	return work;
}

/* False: no further source is to be read. */
static bool capture_source(struct job *job, struct source *source)
{
	char why[FEED_WHY];
	int result = 0;

	job->source = source;
	job->order = 0;
	if (source_has_work(job, source))
		result = source_walk(source, visit, job, why);
	if (result == -1 && job->code != MIRA_AGAIN) {
		log_err("cannot read %s: %m; restore access to it and start again", source->path);
		job->code = MIRA_AGAIN;
	}
	job->done_bytes += source->bytes ? source->bytes : source->position;
	return result != 1 && job->code != MIRA_AGAIN;
}

/* What was not ended goes on next time; whoever does need not wait to see us dead. */
static void let_go(struct job *job)
{
	for (size_t t = 0; t < job->catalog.count; t++) {
		struct trace *trace = &job->catalog.traces[t];

		for (size_t i = 0; trace->slicers && i < job->capture->config.stream_count; i++)
			if (active(&trace->slicers[i]) && trace->slicers[i].writer.sink)
				slicer_stop(&trace->slicers[i]);
	}
}

int trace_capture(struct capture *capture)
{
	struct job job = {.capture = capture};
	int code = catalog_make(&job.catalog, capture);

	job.code = code ? code : job.catalog.code;
	capture->progress.total_bytes = job.catalog.bytes;
	if (!code && job.catalog.count) {
		code = prepare(&job);
		job.code = capture_worse(job.code, code);
	}
	for (size_t i = 0; i < job.catalog.source_count && !code; i++)
		if (!capture_source(&job, &job.catalog.sources[i]))
			break;
	let_go(&job);
	catalog_free(&job.catalog);
	return job.code;
}
