/*
 * mira-child.h: the processes that the front end starts, watches and stops.
 *
 * A child that dies of a signal is started again, CHILD_RESTARTS times at most; that is safe,
 * because a stage may die at any instant. A child that ends with an exit code of its own has said
 * why. Children die with their parent.
 *
 * What children write to standard error comes through us, so that it does not run into the bar. Of
 * a full disk, which all of them meet at once, the first one's word is shown and the others' not.
 *
 * SIGINT and SIGTERM, once caught, end child_wait(): its children are stopped. child_end() heeds
 * none.
 */
#ifndef SPOOL_MIRA_CHILD_H
#define SPOOL_MIRA_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CHILD_RESTARTS 20
#define CHILD_ARGS     24
#define CHILD_GRACE_S  5 /* between SIGTERM and SIGKILL */

struct child {
	const char *stage; /* "preprocess" */
	char **argv;	   /* NULL-terminated; owned by the caller */
	pid_t pid;	   /* 0 when not running */
	unsigned restarts;
	bool quiet;    /* standard output goes nowhere */
	bool restart;  /* start again when a signal ends it */
	bool stopping; /* was told to end */
	bool ended;    /* for good */
	int code;      /* exit code once ended */
};

/* child_catch_signals(): from now on SIGINT and SIGTERM are remembered. */
void child_catch_signals(void);
bool child_interrupted(void);
/* child_go_on(): the signal was heeded. */
void child_go_on(void);

/* child_start(): executes mira-STAGE. -1 with errno. */
int child_start(struct child *child);
/* child_reap(): collects children that ended, restarts those that may, and passes on what they
 * wrote. Returns the worst exit code of those that ended for good now, 0 otherwise. */
int child_reap(struct child *children, size_t count);
/* child_stop(): SIGTERM; the child finishes its batch. */
void child_stop(struct child *child);
/* child_wait(): until COUNT children have ended, for WHAT ("compiling the symptoms"; may be NULL),
 * which is said when it takes long. */
void child_wait(struct child *children, size_t count, const char *what);
/* child_end(): stops COUNT children; who is not done after CHILD_GRACE_S is killed, which loses
 * nothing. */
void child_end(struct child *children, size_t count);

#endif
