/*
 * fault.h: places where a test stops a process exactly there.
 *
 * In builds with -DMIRA_FAULTS, FAULT("claimed") kills the process with SIGKILL at the Nth pass of
 * that point when $MIRA_FAULT is "claimed:N", and sleeps there for ever when it is
 * "claimed:N:hang"; with "claimed:N:stop" it says "FAULT claimed <pid>" on standard error and stops
 * all of itself (SIGSTOP, no beat any more) until it is told to go on: a test can then cut the power
 * of its host there, or make a zombie of it. Otherwise FAULT() is nothing. Points: claimed, working,
 * output, commit, committed, finish, moved, removed, reclaim, state, segment, store-begin,
 * store-commit.
 */
#ifndef SPOOL_FAULT_H
#define SPOOL_FAULT_H

#ifdef MIRA_FAULTS
void fault_point(const char *name);
#define FAULT(name) fault_point(name)
#else
#define FAULT(name) ((void)0)
#endif

#endif
