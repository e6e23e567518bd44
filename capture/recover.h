/*
 * recover.h: what an earlier capture of a stream left behind (SPOOL.md, rule 11).
 */
#ifndef CAPTURE_RECOVER_H
#define CAPTURE_RECOVER_H

#include "capture/capture.h"
#include "spool/capstate.h"

/*
 * recover_stream(): makes the stream of STATE ours: who captured it before is dead and can write no
 * state any more (capstate.h), STATE, where it was of the same run or of none, is how it then stood, and the batch which it
 * names is committed. 0, or an exit code after a message: MIRA_AGAIN when another instance is alive.
 */
int recover_stream(struct capture *capture, struct capstate *state);

/* recover_leave(): gives a stream back that had ended already. 0 or an exit code. */
int recover_leave(struct capture *capture, const struct capstate *state);

/*
 * recover_end(): the same for a run that cannot go on, because its packets are gone (an interface,
 * standard input): publishes that it ended, as damaged. When its capture is still alive, the run is
 * left alone and that is no error.
 */
int recover_end(struct capture *capture, const struct capstate *state);

#endif
