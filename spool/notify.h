/*
 * notify.h: what a stage tells its service manager (sd_notify(3)): that it is ready, that it reads
 * its configuration anew, that it ends, what it does, and that it gets on. Without a manager, that
 * is without $NOTIFY_SOCKET, every call does nothing.
 *
 *	notify_ready();                       the stage may work
 *	    notify_progress(&progress, NULL)  at each batch and each wait
 *	    notify_alive()                    in the loops of a batch, once a few thousand records
 *	    notify_reloading() … notify_ready()
 *	notify_stopping();
 *
 * The watchdog is fed by the loop that does the work, never by a thread of its own, so that it
 * barks when the work stands still. It is for mistakes of ours: a loop that does not end, threads
 * that wait for each other. A file server that is away stops a hard mount, and a kill does not bring
 * it back: then the manager kills in vain, what was claimed is reclaimed, and nothing is lost.
 * WatchdogSec= is therefore much longer than any single call of the work (a pattern database is
 * compiled, a segment is read over a slow line).
 */
#ifndef SPOOL_NOTIFY_H
#define SPOOL_NOTIFY_H

#include "spool/worker.h"

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
/* notify_progress(): feeds the watchdog and says in one line how far it is and what it does: DOING,
 * else progress->doing, else that it waits. At most once a second, cheap otherwise. */
void notify_progress(const struct progress *progress, const char *doing);
/* notify_alive(): feeds the watchdog; at most once a second, cheap otherwise. */
void notify_alive(void);

#endif
