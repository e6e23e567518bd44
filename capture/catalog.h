/*
 * catalog.h: the traces that the named FILEs hold, looked at before the first packet is captured:
 * the state of every stream must stand in the spool before the first batch of any, because
 * consolidation waits for the runs that it finds there.
 *
 * What is no capture, cannot be read or has a link type that nothing decodes is named in the log
 * and left out; the catalog's code says then that a person is needed, and the other FILEs are
 * captured all the same. A FILE named twice ends the start.
 */
#ifndef CAPTURE_CATALOG_H
#define CAPTURE_CATALOG_H

#include <limits.h>

#include "capture/capture.h"
#include "capture/slicer.h"
#include "capture/source.h"

struct trace {
	struct source *source;
	size_t order;		    /* which input of its source it is */
	char label[PATH_MAX + 256]; /* for messages: the file as named, and the member after it */
	char base[256];		    /* what its streams are named after */
	char run[RUN_HEX + 1];
	char damaged[FEED_WHY]; /* what is wrong behind it: the archive ends early; "" */
	struct slicer *slicers; /* one a stream of the configuration; trace.c's */
	uint64_t records;	/* read so far */
	uint64_t first_us;	/* time of the first */
	bool warned;		/* of packets with an unknown link type */
};

struct catalog {
	struct source *sources;
	size_t source_count;
	struct trace *traces;
	size_t count;
	uint64_t bytes;	 /* of all sources */
	int code;	 /* of what was left out */
	size_t left_out; /* files */
};

/* catalog_make(): 0, or an exit code when nothing may be captured at all. */
int catalog_make(struct catalog *catalog, const struct capture *capture);
void catalog_free(struct catalog *catalog);

/* catalog_find(): the trace that is input ORDER of SOURCE, NULL for one that was left out. */
struct trace *catalog_find(const struct catalog *catalog, const struct source *source,
	size_t order);

#endif
