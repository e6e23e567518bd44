/*
 * sink.h: one stream's way into the spool: files, batches, the state written before each commit.
 * Used by the publisher's thread only (publish.h), in the order begin, data …, segment, …, commit.
 *
 * Functions return 0; or -1 after having logged why and set place->code, or because the process is
 * to stop.
 */
#ifndef CAPTURE_SINK_H
#define CAPTURE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include "spool/capstate.h"
#include "spool/manifest.h"
#include "spool/worker.h"

struct place {
	const struct spool *spool;
	const struct config *config;
	const struct worker *worker;
	bool live;
	int code;      /* an exit code, once something failed */
	time_t looked; /* at the readers, last; once a second is enough */
	uint64_t room; /* batches that may be published before the next look (pressure.h) */
};

struct sink;

struct sink *sink_new(const char *probe, const char *stream);
/* sink_free(): also removes a batch that was not committed. */
void sink_free(struct sink *sink);

/* sink_release(): removes a batch that was not committed, and says in the state that nobody
 * captures the stream now, so that the next one need not wait to see us dead. */
int sink_release(struct place *place, struct sink *sink);

int sink_begin(struct place *place, struct sink *sink, const char *name);
int sink_data(struct place *place, struct sink *sink, const uint8_t *data, size_t size);
/* sink_segment(): the segment is complete: fsync, close. */
int sink_segment(struct place *place, struct sink *sink);
/* sink_commit(): adds the segments to MANIFEST, waits for the readers (not live), publishes. */
int sink_commit(struct place *place, struct sink *sink, struct manifest *manifest,
	const struct capstate *state);

#endif
