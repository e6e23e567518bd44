/*
 * shard.h: everything a process of consolidation holds of a shard: the token, what stands in it, and where its folders are.
 *
 * Each shard has the flows of some biflow keys (flowkey.h) and the ledger row of every packets batch, so its books are whole and
 * it closes its windows by itself, by the same rules as any other. Only the holder of the token reads inputs and publishes; a
 * process serves as many shards as it holds tokens. A turn is: scan (batches come into the books), delay (what waits for
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

/* A batch that waits for an earlier one of its run. */
struct waiting {
	uint64_t run;	   /* index */
	uint64_t seq;	   /* the first one that waits */
	uint64_t first_ms; /* its first packet, by its name: not looked into yet */
};

struct shard {
	struct stage_run *run;
	unsigned number;
	char name[SHARD_NAME];
	struct queue flows, tokens;	     /* flows/<name>, state/<name> */
	char ready[PATH_MAX], bad[PATH_MAX]; /* of flows/<name> */
	char home[PATH_MAX];		     /* state/<name> */
	char token[NAME_MAX + 1];	     /* the one held, "" for none */
	struct state state;
	struct carry *carry;
	struct window_table *table; /* of the process: empty between two turns */
	size_t batch_biflows;	    /* a commit holds about so many at most, or one window */
	struct waiting *waiting;    /* by the last scan */
	size_t waiting_count;
	uint64_t held;	    /* what shard_tell_held() wrote last, plus 1 */
	uint64_t looked_ms; /* CLOCK_BOOTTIME of the last delay_look() */
	uint64_t unread;    /* batches in ready/ that are not in the books, by the last scan */
	/* of serve.c; CLOCK_BOOTTIME in seconds */
	uint64_t look_s,
		expire_s;  /* when the next look at what others left, at old quarantine is due */
	uint64_t commit_s; /* of the last commit */
	uint64_t free_s;   /* since when the token was seen free, 0: it is not */
	unsigned missing;  /* looks in a row at which nobody dead had the token, nor was it free */
	bool told;	   /* that another worker has it */
};

/* shard_open(): folders and tables of shard NUMBER of the spool; SHARD is zero but for batch_biflows and the table. 0, or -1,
 * logged. */
int shard_open(struct shard *shard, struct stage_run *run, unsigned number);
void shard_close(struct shard *shard);

/* shard_reject(): moves READY/NAME to bad/, with the reason beside it. -1 with errno. */
int shard_reject(struct shard *shard, const char *name, const char *why);

/* shard_tell_held(): tells those who write flows how many batches wait here for others (flows/<name>/held, see
 * spool/pressure.h): that many must not stop them. LIMIT_MS as of ledger_limit(). */
void shard_tell_held(struct shard *shard, uint64_t limit_ms);

/* --- token.c --- */

/* token_free(): brings the token into being at the very first start. 1: it stands free; 0: somebody has it; -1 error of the
 * machine, logged; -2 a person is needed, logged. */
int token_free(struct shard *shard);
/* token_take(): claims it and reads it. 1: held; the rest as token_free(). */
int token_take(struct shard *shard);
/* token_release(): gives it back untouched, and forgets what stood in it. */
void token_release(struct shard *shard);
/* token_holder(): the name of a worker that has it, "" when there is none; OUT holds NAME_MAX + 1. Returns OUT. */
char *token_holder(const struct shard *shard, char *out);
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

/* --- serve.c --- */

/* What one visit at a shard came to. */
enum visit {
	VISIT_WORKED, /* there may be more */
	VISIT_IDLE,   /* nothing to do now */
	VISIT_SOON,   /* its token is on its way between two folders: look again at once */
	VISIT_DONE, /* drained, or another worker does it: not to be visited again (never with --follow) */
	VISIT_FAILED, /* the machine; errno, the cause is logged */
	VISIT_PERSON, /* logged */
	VISITS
};

/* serve(): one visit of a process that holds HELD tokens. It leaves a free token to others for a second for each that it
 * holds, 5 at most: so processes that start together, or of which one died, share the shards. */
enum visit serve(struct shard *shard, unsigned held);

#endif
