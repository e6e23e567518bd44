/*
 * recover.h: what an earlier capture of a stream left behind (SPOOL.md, rule 11).
 */
#ifndef CAPTURE_RECOVER_H
#define CAPTURE_RECOVER_H

#include "capture/capture.h"
#include "spool/capstate.h"

/*
 * recover_stream(): makes sure that who captured the stream of STATE before is dead, and that the
 * batch which STATE names is committed. 0, or an exit code after a message: MIRA_AGAIN when another
 * instance is alive.
 */
int recover_stream(struct capture *capture, const struct capstate *state);

/*
 * recover_end(): the same for a run that cannot go on, because its packets are gone (an interface,
 * standard input): publishes that it ended, as damaged. When its capture is still alive, the run is
 * left alone and that is no error.
 */
int recover_end(struct capture *capture, const struct capstate *state);

#endif
