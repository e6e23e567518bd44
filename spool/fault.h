/*
 * fault.h: places where a test stops a process exactly there.
 *
 * In builds with -DMIRA_FAULTS, FAULT("claimed") kills the process with SIGKILL at the Nth pass of
 * that point when $MIRA_FAULT is "claimed:N", and sleeps there for ever when it is
 * "claimed:N:hang"; with "claimed:N:stop" it says "FAULT claimed <pid>" on standard error and stops
 * all of itself (SIGSTOP, no beat any more) until it is told to go on: a test can then cut the power
 * of its host there, or make a zombie of it. With "claimed:N:ACT" it does there what an intruder or a
 * hostile segment would (socket, exec, fork, ptrace, write or read of $MIRA_FAULT_FILE, memory, time),
 * logs what came of it, and goes on. Otherwise FAULT() is nothing. Points, by the tables of
 * README.md: beat, claim, claimed, attempt, working, reading, output, released, leaving, renamed;
 * commit, committed, finish, moved, synced, published, handed, removing, removed, dropped; reclaim, forget,
 * forgotten, strike, struck; reject, reason, to-bad, bad, requeued, expired, expired-all; state,
 * birth, born, retired, retired-all; begun, created, segment, complete, stating, let-go, ending; identity,
 * joined, store-begin, store-commit, store-rejected; folders, linked, rules, written.
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
