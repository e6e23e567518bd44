/*
 * slicer.h: cuts one stream into segments of constant size and batches, and keeps its books.
 *
 * A trace is cut by packet time and size alone, so that the same trace is always cut the same way:
 * - a batch takes the packets less than `period` after its first one; time that runs backwards
 * stays in the batch;
 * - a batch has at most `batch_segments` segments; a segment is closed before the packet that would
 * not fit;
 * - it is closed by the packet that belongs to the next one, or by the end of the run, which so is
 * marked on the last one.
 *
 * Live, a batch lasts until the wall clock enters the next multiple of `period` (slicer_turn()),
 * with or without packets.
 *
 * Calling sequence: slicer_open(), then slicer_add() for what the stream takes and the counting
 * functions for the rest, slicer_end() at the end of the run, or slicer_stop() to leave it open;
 * both free the slicer's buffers.
 */
#ifndef CAPTURE_SLICER_H
#define CAPTURE_SLICER_H

#include <stdbool.h>
#include <stdint.h>
#include "capture/capture.h"
#include "capture/segment.h"
#include "spool/capstate.h"

struct slicer {
	struct capture *capture;
	const struct config_stream *stream;
	struct capstate state; /* as of the last batch that was closed */
	double sampling;
	bool open;	   /* a batch is */
	char rules[33];	   /* stamped into the batch */
	uint64_t start_us; /* for the name of the batch */
	bool begun;	   /* a period is, with the packet of */
	uint64_t first_ns; /* this time */
	uint64_t earliest_ns, latest_ns;
	unsigned segments;    /* closed ones of the batch */
	struct tally batch;   /* since the batch began; counts also before there is one */
	struct tally segment; /* the same of the segment */
	uint32_t linktype;    /* of a segment without packets */
	struct segment_writer writer;
};

/* slicer_open(): STATE says who and where; the rest of it is 0 for a new run. NAME is written as
 * if_name. */
void slicer_open(struct slicer *slicer, struct capture *capture, const struct config_stream *stream,
	const struct capstate *state, const char *name);

/* slicer_add(): RECORD is the packet's index in the trace. False: it was shed (live), or the
 * capture has to stop. */
bool slicer_add(struct slicer *slicer, const struct packet *packet, uint64_t record);

static inline void slicer_filtered(struct slicer *slicer, uint64_t packets)
{
	slicer->batch.filtered += packets;
	slicer->segment.filtered += packets;
}
/* slicer_other(): a packet of another share: filtered. Of a trace it moves the period on as one of
 * ours would, so that all shares are cut at the same times. */
void slicer_other(struct slicer *slicer, uint64_t time_ns, uint64_t record);
void slicer_shed(struct slicer *slicer);
void slicer_dropped(struct slicer *slicer, uint64_t osdrop, uint64_t ifdrop);

/* slicer_turn(): live: opens a batch at START_US, closing the one before. False when no buffer
 * is free: it then goes on. */
bool slicer_turn(struct slicer *slicer, uint64_t start_us);

/* slicer_end(): the run ended after RECORDS records; DAMAGED says why early, or NULL. START_US
 * names a batch without packets. */
void slicer_end(struct slicer *slicer, uint64_t records, const char *damaged, uint64_t start_us);
void slicer_stop(struct slicer *slicer);

#endif
