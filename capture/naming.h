/*
 * naming.h: which stream of the spool a trace is captured into.
 *
 * A stream is called after its FILE (or member); with streams in the configuration,
 * <file>.<stream>. Two of one name get "_2", "_3" …, also when the other one stands in the spool
 * from an earlier capture. A trace that the spool knows by its content keeps the name it had,
 * whatever the file is called now.
 */
#ifndef CAPTURE_NAMING_H
#define CAPTURE_NAMING_H

#include "capture/capture.h"
#include "capture/catalog.h"
#include "spool/capstate.h"

/* The states in the spool when the capture began, and the streams chosen since. */
struct naming {
	const struct capture *capture;
	struct capstate *states;
	size_t state_count;
	struct namelist chosen;
};

/* naming_begin(): -1 with errno. */
int naming_begin(struct naming *naming, const struct capture *capture);
void naming_end(struct naming *naming);

/* naming_choose(): fills probe, stream and run of the state of each stream of TRACE into STATES
 * (config.stream_count), and all of it where the spool knows the run. */
void naming_choose(struct naming *naming, const struct trace *trace, struct capstate *states);

/* naming_divided(): the state of a stream that holds TRACE in another number of shares than ours, NULL
 * for none. */
const struct capstate *naming_divided(const struct naming *naming, const struct trace *trace);

/* naming_find(): the state of STREAM of this probe, NULL for none. */
const struct capstate *naming_find(const struct naming *naming, const char *stream);

#endif
