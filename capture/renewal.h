/*
 * renewal.h: SIGHUP in a running capture: policy and symptoms are read anew, and stamped into the
 * batches that begin from then on. What the capture itself works by (streams, sizes, periods) waits
 * for the next start, and is named in the log (spool/reload.h).
 *
 * A stamped mistake could not be mended, so `mira check` looks at everything first; that takes its
 * time, and the spool may be slow, so a thread of its own does all of it. Until it is done, and when
 * something is wrong, the old rules stay.
 *
 *	renewal_new()		before privileges are dropped and the working folder changes
 *	    renewal_look()	often, from the thread that takes packets; never waits
 *	renewal_free()		waits for the thread, which it tells to end
 */
#ifndef CAPTURE_RENEWAL_H
#define CAPTURE_RENEWAL_H

#include "capture/capture.h"

/* renewal_new(): NULL after having logged what is wrong with the configuration. */
struct renewal *renewal_new(struct capture *capture);
void renewal_look(struct renewal *renewal);
void renewal_free(struct renewal *renewal);

#endif
