/*
 * publish.h: the thread that writes segments and publishes batches, so that no fsync, no checksum
 * and no slow server is ever waited for by the thread that takes packets (hand-over through
 * buffers; nfdump's rotation lost 10 s of packets so).
 *
 * Calling sequence, from the packets' thread, all in the order in which it is to happen:
 *
 *	publisher_start()
 *	    sink = sink_new(STREAM)                     one a stream
 *	        publisher_begin(sink, NAME)             a batch
 *	            publisher_data(sink, buffer) …      bytes of a segment, of publisher_buffer()
 *	            publisher_segment(sink)             the segment is complete
 *	        publisher_commit(sink, manifest, state) the batch is complete
 *	    publisher_close(sink)                       also drops a batch that was not committed
 *	publisher_end()
 *
 * A trace waits for a free buffer and for the readers of the queue (pressure); live,
 * publisher_buffer() never waits. After an error (logged once) publisher_failed() is true, nothing
 * more is published, and what is open is dropped.
 */
#ifndef CAPTURE_PUBLISH_H
#define CAPTURE_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spool/capstate.h"
#include "spool/manifest.h"
#include "spool/worker.h"

#define BUFFER_BYTES (1u << 20)

struct buffer {
	struct buffer *next;
	size_t used;
	uint8_t data[BUFFER_BYTES];
};

struct publisher;
struct sink;

/* publisher_start(): BUFFERS is the most that may be in use at once. */
struct publisher *publisher_start(const struct spool *spool, const struct config *config,
	const struct worker *worker, bool live, unsigned buffers);
/* publisher_end(): publishes what was committed, drops what is open, ends the thread. 0 or an
 * exit code. */
int publisher_end(struct publisher *publisher);

/* publisher_buffer(): an empty buffer. NULL: live, none is free; else the publisher failed or
 * the process is to stop. */
struct buffer *publisher_buffer(struct publisher *publisher);
void publisher_return(struct publisher *publisher, struct buffer *buffer);

void publisher_begin(struct publisher *publisher, struct sink *sink, const char *name);
void publisher_data(struct publisher *publisher, struct sink *sink, struct buffer *buffer);
void publisher_segment(struct publisher *publisher, struct sink *sink);
/* publisher_commit(): MANIFEST lacks the segments only; its "damaged" is copied. */
void publisher_commit(struct publisher *publisher, struct sink *sink,
	const struct manifest *manifest, const struct capstate *state);
void publisher_close(struct publisher *publisher, struct sink *sink);

/* publisher_settle(): waits until all that was asked for is done. 0, or -1 when the publisher
 * failed. */
int publisher_settle(struct publisher *publisher);

bool publisher_failed(const struct publisher *publisher);
/* publisher_full(): live: would the batches that are open fill the queue up to max_batches? It then
 * stays below it: packets are shed, and no batch may be closed and another begun. */
bool publisher_full(const struct publisher *publisher);
/* publisher_pressed(): live: are packets to be shed, because it is full or space is short? */
bool publisher_pressed(const struct publisher *publisher);
/* publisher_batches(): published so far. */
uint64_t publisher_batches(const struct publisher *publisher);

#endif
