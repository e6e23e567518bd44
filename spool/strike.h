/*
 * strike.h: a process that dies of its work says so with its last breath.
 *
 * strike_install() once; strike_arm() before the work on a batch, strike_disarm() after it. A
 * signal of the process's own making in between (SEGV, BUS, ILL, FPE, ABRT, SYS, XCPU) makes the
 * file state/strikes/<queue>.<reader>/<batch>/<worker>, holding the signal's number, and then kills
 * the process as it would have. queue_strikes() counts the files.
 *
 * No strikes: SIGKILL and silence, which say nothing of the batch; and SIGBUS on a mapped file
 * (BUS_ADRERR) or from broken memory, which is what a segment gives that another host removed or a
 * disk cannot read (SPOOL.md, rule 10). Where the spool itself fails the file cannot be made, and
 * there is no strike either. A limit of memory shows as SIGKILL or as exit code 1, so it is none.
 */
#ifndef SPOOL_STRIKE_H
#define SPOOL_STRIKE_H

#include "spool/queue.h"

void strike_install(void);
void strike_arm(const struct queue *queue, const struct worker *worker, const char *batch);
void strike_disarm(void);
/* strike_limit(): from now on the work may take SECONDS of processor time, and as many for each 64 MiB of BYTES beyond the
 * first; then SIGXCPU ends the process. 0 seconds: no limit. strike_arm() and strike_disarm() begin without one. Waiting
 * does not count: a file server that is slow says nothing of the batch. */
void strike_limit(unsigned seconds, uint64_t bytes);
/* strike_armed(): is it at work on a batch? */
bool strike_armed(void);

#endif
