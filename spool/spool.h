/*
 * spool.h: the root folder that all stages share, and what they must agree on.
 *
 *   SPOOL/spool.json                       format, window_s, lateness_s, max_delay_s, shards,
 *                                          durable, store
 *   SPOOL/<queue>/<reader>/{ready,work,done,bad}     see queue.h
 *   SPOOL/capture/{tmp,done}                         the capture's side, see batch.h
 *   SPOOL/state/shard-K/{ready,work,done}            the token of a shard of consolidation, also a queue
 *   SPOOL/state/capture/<probe>-<stream>             where a capture stands (capstate.h)
 *   SPOOL/state/rules/<hash>/                        mira.conf, policy.conf, symptoms.d/ (rules.h)
 *   SPOOL/state/looks/<boot id>                      what this host saw of others' beats (worker.h)
 *   SPOOL/state/cache/                               compiled pattern databases
 *   SPOOL/state/store                                identity of the store
 *   SPOOL/workers/<worker>                           beats (worker.h)
 *   SPOOL/metrics/<worker>.prom                      counters
 *
 * Queues and their required readers:
 *   packets/preprocess   flows/shard-K   biflows/classify   verdicts/store   state/shard-K
 */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include "spool/config.h"
#include "spool/names.h"

#define SPOOL_FORMAT 1

struct spool {
	char root[PATH_MAX];
	uint32_t window_s, lateness_s, max_delay_s, shards;
	bool durable;
	char store[65]; /* identity of the store, "" until one subscribed */
};

/*
 * spool_open(): opens SPOOL at ROOT, makes it from CONFIG when there is none (a race of two makers
 * is safe), refuses a soft mount, and compares what all must agree on with CONFIG. Returns 0; or an
 * exit code of enum mira_exit after having logged what, where and what to do: MIRA_AGAIN for a full
 * or failing file system, MIRA_PERSON for one that may not be written (EACCES, EROFS, a file in the
 * way), for a disagreement, and for a spool.json that is not ours.
 * DURABLE says whether a new spool is fsynced; an existing one keeps its own (nfs_set_durable() is
 * called here).
 */
int spool_open(struct spool *spool, const char *root, const struct config *config, bool durable);

/* spool_attach(): opens an existing spool as it is, for who only looks (status, requeue, balance).
 * 0 or an exit code. */
int spool_attach(struct spool *spool, const char *root);

/* spool_compare(): does CONFIG agree with what all who work on SPOOL must agree on? 0, or MIRA_PERSON
 * after having logged what differs. */
int spool_compare(const struct spool *spool, const struct config *config);

/* spool_check(): does spool.json still say what it said when SPOOL was opened? To be asked now and
 * then while a stage runs. 0; MIRA_PERSON after a message when it is gone, damaged or changed (a
 * file server that does not answer is no such thing). */
int spool_check(const struct spool *spool);

/* spool_exists(): is there a spool.json under ROOT? */
bool spool_exists(const char *root);

/* spool_set_store(): records the store's identity (up to 64 bytes); 0, or -1 with errno EEXIST when
 * another is recorded; spool->store then says which. state/store, made exclusively, decides between
 * two that try at once. */
int spool_set_store(struct spool *spool, const char *identity);

/* spool_path(): ROOT/<printf text> in OUT (PATH_MAX). Returns OUT. */
char *spool_path(const struct spool *spool, char *out, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* spool_readers(): the readers of QUEUE, sorted: the required ones and every folder that stands
 * there ("state" holds other folders too and has the required ones only). -1 with errno. */
int spool_readers(const struct spool *spool, const char *queue, struct namelist *readers);

/* window_of(): start of the window that TIME_MS lies in. */
static inline uint64_t window_of(const struct spool *spool, uint64_t time_ms)
{
	uint64_t length_ms = spool->window_s * 1000ull;
	return time_ms - time_ms % length_ms;
}

#endif
