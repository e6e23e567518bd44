/*
 * watch.h: waiting for a folder to change. A hint only: the scan is the truth.
 *
 * inotify (libinotifytools) shortens the wait where it works; NFS tells nothing of what another
 * host did, so the wait also ends after a jittered poll interval. A queue overflow ends it too.
 */
#ifndef SPOOL_WATCH_H
#define SPOOL_WATCH_H

struct watch;

struct watch *watch_new(void);
void watch_free(struct watch *watch);
/* watch_folder(): an error is not fatal, the poll remains. */
void watch_folder(struct watch *watch, const char *path);
/* watch_wait(): returns after a change or after about POLL_MS (±25 %); earlier when a signal
 * arrives. */
void watch_wait(struct watch *watch, unsigned poll_ms);

#endif
