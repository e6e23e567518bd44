/* slicer.c: decides where one batch ends and the next begins, between the packets' source and
 * segment.c. */
#include "capture/slicer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/headers.h"
#include "capture/sink.h"
#include "spool/linktype.h"
#include "spool/log.h"

#define SECOND_NS 1000000000ull

void slicer_open(struct slicer *slicer, struct capture *capture, const struct config_stream *stream,
	const struct capstate *state, const char *name)
{
	memset(slicer, 0, sizeof(*slicer));
	slicer->capture = capture;
	slicer->stream = stream;
	slicer->state = *state;
	slicer->sampling = 1.0;
	slicer->linktype = LINKTYPE_EN10MB;
	slicer->writer.publisher = capture->publisher;
	slicer->writer.sink = sink_new(state->probe, state->stream);
	slicer->writer.name = name;
	slicer->writer.filter = stream->filter;
}

/* ---- batches ---- */

static void name_batch(const struct slicer *slicer, char *out, size_t size)
{
	struct batchname name = {.start_us = slicer->start_us, .seq = slicer->state.next_seq};

	memcpy(name.probe, slicer->state.probe, sizeof(name.probe));
	memcpy(name.stream, slicer->state.stream, sizeof(name.stream));
	memcpy(name.run, slicer->state.run, sizeof(name.run));
	batchname_format(&name, out, size);
}

/* The first segment is begun first: without a buffer for it there is no batch. */
static bool begin_batch(struct slicer *slicer, uint64_t start_us)
{
	if (!segment_begin(&slicer->writer, start_us * 1000))
		return false;
	slicer->start_us = start_us;
	memcpy(slicer->rules, slicer->capture->rules, sizeof(slicer->rules));
	slicer->segments = 0;
	slicer->open = true;
	name_batch(slicer, slicer->state.batch, sizeof(slicer->state.batch));
	publisher_begin(slicer->capture->publisher, slicer->writer.sink, slicer->state.batch);
	return true;
}

static void close_segment(struct slicer *slicer)
{
	segment_end(&slicer->writer, &slicer->segment, slicer->linktype, slicer->stream->snaplen);
	memset(&slicer->segment, 0, sizeof(slicer->segment));
	slicer->segments++;
}

static void fill_counts(struct counts *counts, const struct tally *tally)
{
	counts->captured = tally->captured;
	counts->filtered = tally->filtered;
	counts->dropped = tally->osdrop + tally->ifdrop;
	counts->shed = tally->shed;
	counts->seen = counts->captured + counts->filtered + counts->dropped + counts->shed;
}

static void add_counts(struct counts *to, const struct counts *counts)
{
	to->seen += counts->seen;
	to->captured += counts->captured;
	to->filtered += counts->filtered;
	to->dropped += counts->dropped;
	to->shed += counts->shed;
}

static void fill_manifest(struct slicer *slicer, struct manifest *manifest)
{
	const struct capstate *state = &slicer->state;

	manifest_init(manifest, "packets", state->batch);
	memcpy(manifest->probe, state->probe, sizeof(manifest->probe));
	memcpy(manifest->stream, state->stream, sizeof(manifest->stream));
	memcpy(manifest->run, state->run, sizeof(manifest->run));
	memcpy(manifest->rules, slicer->rules, sizeof(manifest->rules));
	manifest->seq = state->next_seq;
	manifest->live = state->live;
	manifest->first_ms = slicer->earliest_ns / 1000000;
	manifest->last_ms = slicer->latest_ns / 1000000;
	manifest->packet_index = state->packet_index;
	manifest->sampling = slicer->sampling;
	fill_counts(&manifest->counts, &slicer->batch);
	manifest->cumulative = state->cumulative;
	add_counts(&manifest->cumulative, &manifest->counts);
}

/* Closes the batch, RECORDS records into the input. */
static void close_batch(struct slicer *slicer, uint64_t records, bool end, const char *damaged)
{
	struct manifest manifest;

	close_segment(slicer);
	fill_manifest(slicer, &manifest);
	manifest.end = slicer->state.ended = end;
	manifest.damaged = (char *)damaged;
	slicer->state.next_seq++;
	slicer->state.packet_index += slicer->batch.captured;
	slicer->state.records = records;
	slicer->state.cumulative = manifest.cumulative;
	publisher_commit(slicer->capture->publisher, slicer->writer.sink, &manifest,
		&slicer->state);
	memset(&slicer->batch, 0, sizeof(slicer->batch));
	slicer->earliest_ns = slicer->latest_ns = 0;
	slicer->open = slicer->begun = false;
}

/* ---- packets ---- */

static bool period_over(const struct slicer *slicer, uint64_t time_ns)
{
	double period_ns = slicer->capture->config.period_s * (double)SECOND_NS;

	return slicer->begun && time_ns > slicer->first_ns &&
	       (double)(time_ns - slicer->first_ns) >= period_ns;
}

static void begin_period(struct slicer *slicer, uint64_t time_ns)
{
	if (slicer->begun && !period_over(slicer, time_ns))
		return;
	slicer->begun = true;
	slicer->first_ns = time_ns;
}

/* Makes sure that the packet's segment is open: this one, the next one of the batch, or the
 * first one of the next batch. */
static bool place(struct slicer *slicer, const struct packet *packet, uint64_t record)
{
	const struct config *config = &slicer->capture->config;
	bool live = slicer->state.live, full, over;

	if (!slicer->open)
		return begin_batch(slicer, packet->time_ns / 1000);
	full = !segment_fits(&slicer->writer, packet, config->segment_bytes);
	over = (!live && period_over(slicer, packet->time_ns)) ||
	       (full && slicer->segments + 1 >= config->batch_segments);
	if (!full && !over)
		return true;
	if (!segment_reserve(&slicer->writer))
		return false;
	if (over) {
		close_batch(slicer, record, false, NULL);
		return begin_batch(slicer, packet->time_ns / 1000);
	}
	close_segment(slicer);
	return segment_begin(&slicer->writer, packet->time_ns);
}

static void count_packet(struct slicer *slicer, uint64_t time_ns)
{
	if (!slicer->batch.captured)
		slicer->earliest_ns = slicer->latest_ns = time_ns;
	if (time_ns < slicer->earliest_ns)
		slicer->earliest_ns = time_ns;
	if (time_ns > slicer->latest_ns)
		slicer->latest_ns = time_ns;
	slicer->batch.captured++;
	slicer->segment.captured++;
}

/* How much of it is stored. */
static uint32_t kept_of(const struct slicer *slicer, const struct packet *packet)
{
	uint32_t snaplen = slicer->stream->snaplen;
	uint32_t size = packet->caplen < snaplen ? packet->caplen : snaplen;

	if (!slicer->stream->headers)
		return size;
	if (!headers_know(packet->linktype))
		log_once(
			"stream %s: nothing is stored of packets of link type %u: where their headers"
			" end is not known (headers = true)",
			slicer->stream->name, packet->linktype);
	return headers_end(packet->linktype, packet->data, size);
}

bool slicer_add(struct slicer *slicer, const struct packet *packet, uint64_t record)
{
	uint32_t snaplen = slicer->stream->snaplen;
	struct packet cut = *packet;

	cut.caplen = kept_of(slicer, packet);
	if (!cut.snaplen || cut.snaplen > snaplen)
		cut.snaplen = snaplen;
	if (!place(slicer, &cut, record) || !segment_add(&slicer->writer, &cut))
		return false;
	if (!slicer->state.live)
		begin_period(slicer, cut.time_ns);
	count_packet(slicer, cut.time_ns);
	return true;
}

void slicer_other(struct slicer *slicer, uint64_t time_ns, uint64_t record)
{
	if (slicer->open && period_over(slicer, time_ns))
		close_batch(slicer, record, false, NULL);
	begin_period(slicer, time_ns);
	slicer_filtered(slicer, 1);
}

void slicer_shed(struct slicer *slicer)
{
	slicer->batch.shed++;
	slicer->segment.shed++;
}

void slicer_dropped(struct slicer *slicer, uint64_t osdrop, uint64_t ifdrop)
{
	slicer->batch.osdrop += osdrop;
	slicer->batch.ifdrop += ifdrop;
	slicer->segment.osdrop += osdrop;
	slicer->segment.ifdrop += ifdrop;
}

/* ---- turns and the end ---- */

bool slicer_turn(struct slicer *slicer, uint64_t start_us)
{
	/* What is shed meanwhile is counted in the batch at hand, which lasts until there is room. */
	if (slicer->open && publisher_full(slicer->capture->publisher))
		return true;
	if (!segment_reserve(&slicer->writer))
		return false;
	if (slicer->open)
		close_batch(slicer, 0, false, NULL);
	return begin_batch(slicer, start_us);
}

static void release(struct slicer *slicer)
{
	segment_drop(&slicer->writer);
	publisher_close(slicer->capture->publisher, slicer->writer.sink);
	slicer->writer.sink = NULL;
}

void slicer_end(struct slicer *slicer, uint64_t records, const char *damaged, uint64_t start_us)
{
	if (slicer->begun)
		start_us = slicer->first_ns / 1000;
	if (slicer->open || begin_batch(slicer, start_us))
		close_batch(slicer, records, true, damaged);
	release(slicer);
}

void slicer_stop(struct slicer *slicer)
{
	release(slicer);
}
