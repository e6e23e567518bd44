/*
 * shard.h: everything consolidation holds of its shard: the token, what stands in it, and where the shard's folders are.
 *
 * Only the holder of the token reads inputs and publishes. A turn is: scan (batches come into the books), delay (what waits for
 * too long), then commits as long as windows can close. What a commit publishes is made below the token's attempt, so a holder
 * that lost its token loses its work and nothing else.
 */
#ifndef CONSOLIDATE_SHARD_H
#define CONSOLIDATE_SHARD_H

#include "consolidate/carry.h"
#include "consolidate/state.h"
#include "consolidate/window.h"
#include "spool/batch.h"
#include "spool/stage.h"

#define SHARD "shard-0"

/* A batch that waits for an earlier one of its run. */
struct waiting {
	uint64_t run;	   /* index */
	uint64_t seq;	   /* the first one that waits */
	uint64_t first_ms; /* its first packet, by its name: not looked into yet */
};

struct shard {
	struct stage_run *run;
	struct queue tokens;		     /* state/shard-0 */
	char ready[PATH_MAX], bad[PATH_MAX]; /* of flows/shard-0 */
	char home[PATH_MAX];		     /* state/shard-0 */
	char token[NAME_MAX + 1];	     /* the one held, "" for none */
	struct state state;
	struct carry *carry;
	struct window_table *table;
	size_t batch_biflows;	 /* a commit holds about so many at most, or one window */
	struct waiting *waiting; /* by the last scan */
	size_t waiting_count;
	uint64_t held;	    /* what shard_tell_held() wrote last, plus 1 */
	uint64_t looked_ms; /* CLOCK_BOOTTIME of the last delay_look() */
	uint64_t unread;    /* batches in ready/ that are not in the books, by the last scan */
};

/* shard_open(): folders and tables of a SHARD that is zero but for batch_biflows. 0, or -1, logged. */
int shard_open(struct shard *shard, struct stage_run *run);
void shard_close(struct shard *shard);

/* shard_reject(): moves READY/NAME to bad/, with the reason beside it. -1 with errno. */
int shard_reject(struct shard *shard, const char *name, const char *why);

/* shard_tell_held(): tells those who write flows how many batches wait here for others (flows/shard-0/held, see
 * spool/pressure.h): that many must not stop them. LIMIT_MS as of ledger_limit(). */
void shard_tell_held(struct shard *shard, uint64_t limit_ms);

/* --- token.c --- */

/* token_take(): brings the token into being at the very first start, claims it and reads it. 1: held; 0: somebody else
 * has it; -1 error of the machine, logged; -2 a person is needed, logged. */
int token_take(struct shard *shard);
/* token_reload(): throws away what was not committed. As token_take(), without 0. */
int token_reload(struct shard *shard);
/* token_release(): gives it back untouched. */
void token_release(struct shard *shard);
/* token_name(): that of state SERIAL; OUT holds NAME_MAX + 1. */
void token_name(uint64_t serial, char *out);

/* --- scan.c --- */

/* scan(): what stands in ready/ comes into the books, each run in the order of seq. 0, -1 error of the machine,
 * -2 a person is needed; both logged. */
int scan(struct shard *shard);

/* --- delay.c --- */

/* delay_look(): when due, counts how long live runs wait for a batch that stands nowhere upstream. 1: something was declared
 * missing or silent (scan again), 0, -1 error, logged. Call after scan(). */
int delay_look(struct shard *shard);

/* --- publish.c --- */

enum publish_result {
	PUBLISH_DONE,	/* committed and finished; the next token is held */
	PUBLISH_LOST,	/* the token is somebody else's now */
	PUBLISH_AGAIN,	/* an input turned out to be bad and was moved away: reload and scan */
	PUBLISH_ERROR,	/* the machine, logged */
	PUBLISH_PERSON, /* logged */
};

/* publish(): one commit, which closes as many windows that start before LIMIT_MS as fit. */
enum publish_result publish(struct shard *shard, uint64_t limit_ms);
/* publish_due(): would publish() close a window? */
bool publish_due(const struct shard *shard, uint64_t limit_ms);

#endif
