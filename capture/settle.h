/*
 * settle.h: what stands in the spool of earlier live captures, and of others that divide the link with
 * us, before a live run begins.
 */
#ifndef CAPTURE_SETTLE_H
#define CAPTURE_SETTLE_H

#include "capture/capture.h"

/*
 * settle_all(): ends the runs of our streams, and of those that the configuration has no longer, whose
 * capture is dead. 0, or an exit code after a message: MIRA_AGAIN when another instance captures one
 * of our streams; MIRA_PERSON when this link is captured in another number of shares, which would
 * count its packets twice, or a stream holds an unfinished trace.
 */
int settle_all(struct capture *capture);

#endif
