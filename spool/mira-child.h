/*
 * mira-child.h: the stage processes that `mira run` starts, watches and stops.
 *
 * A child that dies of a signal is started again, CHILD_RESTARTS times at most; that is safe, because a stage may die at any
 * instant. A child that ends with an exit code of its own has said why, and ends the run. Children die with their parent.
 */
#ifndef SPOOL_MIRA_CHILD_H
#define SPOOL_MIRA_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CHILD_RESTARTS 20
#define CHILD_ARGS     24

struct child {
	const char *stage; /* "preprocess" */
	char **argv;	   /* NULL-terminated; owned by the caller */
	pid_t pid;	   /* 0 when not running */
	unsigned restarts;
	bool quiet;	/* standard output goes nowhere */
	bool restart;	/* start again when a signal ends it */
	bool stopped;	/* child_stop() was called: a signal may end it, even before it can catch one */
	bool ended;	/* for good */
	int code;	/* exit code once ended */
};

/* child_start(): executes mira-STAGE. -1 with errno. */
int child_start(struct child *child);
/* child_reap(): collects children that ended; restarts those that may. Returns the worst exit code of a child that ended for good, 0 otherwise. */
int child_reap(struct child *children, size_t count);
/* child_stop(): SIGTERM; the child finishes its batch. */
void child_stop(struct child *child);
/* child_wait(): until COUNT children have ended. */
void child_wait(struct child *children, size_t count);

#endif
