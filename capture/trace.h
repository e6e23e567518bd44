/*
 * trace.h: captures the FILEs of the command line, one after the other. A trace is cut by packet
 * time and size alone, is never shed, and goes on after the last committed batch when it is
 * captured again.
 *
 * A packet goes to the first stream whose filter takes it; one that no stream takes counts as
 * filtered in the first.
 */
#ifndef CAPTURE_TRACE_H
#define CAPTURE_TRACE_H

#include "capture/capture.h"

/* trace_capture(): all of it but the end of the publisher. 0 or an exit code after a message. */
int trace_capture(struct capture *capture);

#endif
