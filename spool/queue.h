/*
 * queue.h: the hand-over protocol: claim, commit, finish, reclaim, reject. README.md has the state
 * table.
 *
 *   ready/X ─claim─▶ work/W/X ─commit─▶ done/X~A ─finish─▶ A/out/<queue>.<reader>/Y to its ready/Y;
 *      ▲                │                                   then the rest of X~A is removed
 *      └───reclaim──────┘
 *
 * Claim, commit and reclaim are one rename each, the only fence. Before its commit a worker creates
 * only below X/<attempt>/ and unlinks nothing; after a commit that failed it touches nothing.
 *
 * Calling sequence of a worker: queue_open(); then, again and again, queue_finish_all(),
 * queue_reclaim(), queue_claim(), work below batch_attempt(), queue_commit(), queue_finish().
 * stage.h does all of that.
 *
 * Returns: 1 done, 0 nothing to do or somebody else did it, -1 an error of the machine with errno.
 */
#ifndef SPOOL_QUEUE_H
#define SPOOL_QUEUE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spool/spool.h"
#include "spool/worker.h"

struct queue {
	const struct spool *spool;
	char queue[NAME_PART_MAX + 1], reader[NAME_PART_MAX + 1];
	char path[PATH_MAX]; /* SPOOL/<queue>/<reader> */
	struct namelist
		kept; /* a listing of ready/, oldest last: claimed from until old or used up */
	uint64_t kept_at_us, listing_us; /* when it was made, and how long that took */
	unsigned spread;		 /* claim at random among the oldest, so many for each
					    worker; default 4; 1: in order */
	size_t among;			 /* that many, by the workers at the listing */
	char worker[NAME_MAX + 1];	 /* whose work/W was made here */
	struct namelist held; /* ours, worked on, to be committed later: not to be claimed again */
	struct namelist foreign; /* what stands in ready/ and is no batch: said once, left alone */
};

/* queue_open(): makes the folders when absent. */
int queue_open(struct queue *queue, const struct spool *spool, const char *name,
	const char *reader);
/* queue_close(): also removes our folder in work/, when nothing stands in it. -1 with errno: it stands
 * there still (worker_keep_beat()). */
int queue_close(struct queue *queue);

/* queue_ready(): fresh sorted listing of ready/. */
int queue_ready(const struct queue *queue, struct namelist *names);
/* queue_empty(): 1 when nothing stands in ready/, work/ and done/. */
int queue_empty(const struct queue *queue);

/* queue_next(): the oldest name of the kept listing, which is renewed when used up or old; NULL
 * when nothing is ready (errno 0) or on an error. */
const char *queue_next(struct queue *queue);
/* queue_claim(): takes one batch; NAME (NAME_MAX + 1 bytes) is set. First returns what stands in
 * work/W already and is not held. -1 with ESTALE: our folder in work/ was reclaimed by somebody who thought us
 * dead; worker_rename() and claim again. */
int queue_claim(struct queue *queue, const struct worker *worker, char *name);
/* queue_claim_named(): takes this one (the token). */
int queue_claim_named(struct queue *queue, const struct worker *worker, const char *name);
/* queue_holds(): does a fresh listing of work/W show NAME? What to ask after ESTALE, EIO,
 * SIGBUS. */
int queue_holds(const struct queue *queue, const struct worker *worker, const char *name);
/* queue_release(): back to ready/ untouched (an orderly stop). */
int queue_release(struct queue *queue, const struct worker *worker, const char *name);
/* queue_release_all(): what stands in work/W. */
int queue_release_all(struct queue *queue, const struct worker *worker);

/* queue_commit(): work/W/NAME to done/NAME~ATTEMPT. 0: it was taken from us, the attempt is
 * void. */
int queue_commit(struct queue *queue, const struct worker *worker, const char *name,
	const char *attempt);
/* queue_finish(): moves the outputs of done/ENTRY out, retires what its "retire" file lists,
 * removes the rest. Any number of processes may do it at once, any number of times. */
int queue_finish(struct queue *queue, const char *entry);
/* queue_finish_all(): every entry of done/. */
int queue_finish_all(struct queue *queue);

/* queue_reclaim(): gives batches of dead workers back to ready/, removes their folders, and forgets
 * the workers. */
int queue_reclaim(struct queue *queue, const struct worker *self);
/* queue_held_by_others(): 1 when work/ holds a batch of another worker that is not known to be
 * alive. */
int queue_held_by_others(const struct queue *queue, const struct worker *self);

/*
 * queue_reject(): a commit whose input moves to bad/NAME with REASON beside it (bad/NAME.reason):
 * the attempt must hold the outputs to publish (a ledger row "quarantined"). Committed to
 * done/NAME~ATTEMPT with a file "reject" in the attempt; finish then moves the outputs and renames
 * the batch to bad/.
 */
int queue_reject(struct queue *queue, const struct worker *worker, const char *name,
	const char *attempt, const char *reason);

/* queue_requeue(): bad/NAME back to ready/ as NAME+1 (+2, …). */
int queue_requeue(struct queue *queue, const char *name);

/* queue_expire_bad(): removes what has been in bad/ for over bad_days, by the file server's clock
 * alone; the oldest beyond bad_batches; and an eighth of them while less than min_free is free. The
 * ledger rows stay. */
int queue_expire_bad(struct queue *queue, const struct worker *worker, const struct config *config);

/*
 * Strikes: state/strikes/<queue>.<reader>/NAME/<worker> says that a worker died on NAME of a signal
 * of its own (strike.h makes the file; the signal's number stands in it). queue_strikes(): how
 * many; WHICH (may be NULL) gets the last signal.
 */
#define QUEUE_STRIKES 3
int queue_strikes(const struct queue *queue, const char *name, int *which);

#endif
