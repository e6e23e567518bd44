/*
 * worker.h: who works on a batch, and who is dead.
 *
 * A worker's name is <stage>.<host>.<32 hex digits>: it never returns. Its beat stands in
 * SPOOL/workers/<name>: one JSON object padded to WORKER_BEAT_BYTES, rewritten in place and fsynced
 * every second by a thread of its own; "beat" counts up, and whoever watches sees progress in it.
 *
 * Dead means (SPOOL.md, rule 5): the counter did not change over WORKER_LOOKS looks, each made
 * without delay and at least WORKER_LOOK_S apart on the watcher's own CLOCK_BOOTTIME; or: same
 * boot, same PID namespace, and no such process; or: an earlier boot of the watcher's machine (same
 * machine-id(5) and host name), and the counter did not change for WORKER_REBOOT_S, which is left
 * to clones that have both in common. A worker that is thought dead by mistake is only fenced. Looks are kept under state/looks/, so short runs
 * from cron add up. Clocks are never compared.
 *
 * Counters of others are compared, never their clocks: what this host saw of them stands in
 * state/looks/<boot id>.json, replaced whole, with this host's CLOCK_BOOTTIME. A look that took
 * over WORKER_DELAY_MS was delayed and is not counted.
 *
 * Calling sequence: worker_start(), worker_progress() now and then, worker_stop() (removes the
 * beat). A worker whose folder was reclaimed (queue_claim() gives ESTALE) calls worker_rename() and
 * goes on.
 */
#ifndef SPOOL_WORKER_H
#define SPOOL_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include "spool/spool.h"

#define WORKER_BEAT_BYTES 1024
#define WORKER_LOOKS	  3
#define WORKER_LOOK_S	  10
#define WORKER_DELAY_MS	  2000
#define WORKER_REBOOT_S	  5

struct worker;

/* What a stage tells about its work; totals since the worker began. Unknown totals are 0. */
struct progress {
	uint64_t batches, packets, bytes, records;
	uint64_t total_bytes; /* of all input, where known */
	uint64_t dropped;     /* batches of optional readers that it dropped (pressure.h) */
	uint64_t uncaptured;  /* octets of IP packets that the snap length left out */
	char doing[96];	      /* "reading a.pcap", a batch name */
};

struct worker *worker_start(const struct spool *spool, const char *stage);
void worker_stop(struct worker *worker);
/* worker_keep_beat(): worker_stop() is to leave the beat, for something of ours still stands in a
 * work/: by the beat of a process that is no more others know at once whose it was. */
void worker_keep_beat(struct worker *worker);
const char *worker_name(const struct worker *worker);
/* worker_rename(): takes a new name, as if just started; progress goes on. 0, or -1 with errno (the
 * old name stays). */
int worker_rename(struct worker *worker);
/* worker_attempt(): "<name>.<counter>", another one each time, in OUT (NAME_MAX + 1). Returns
 * OUT. */
char *worker_attempt(const struct worker *worker, char *out);
/* worker_progress(): sets what the next beat shows; cheap, may be called from any thread. */
void worker_progress(struct worker *worker, const struct progress *progress);

/* worker_read(): the last beat of worker NAME; false when it has none. */
bool worker_read(const struct spool *spool, const char *name, struct progress *progress);

/*
 * worker_state(): what is known of worker NAME; makes a look when one is due. Alive: its process
 * stands on this boot and beats, or its counter changed lately. A worker without a beat is judged
 * as one whose counter does not change. -1 with errno.
 */
enum worker_state { WORKER_UNKNOWN, WORKER_ALIVE, WORKER_DEAD };
int worker_state(const struct spool *spool, const char *name);
/* worker_dead(): 1 dead, 0 alive or not yet known, -1 error. */
int worker_dead(const struct spool *spool, const char *name);

/* worker_forget(): removes the beat and looks of a dead worker. */
void worker_forget(const struct spool *spool, const char *name);
/* worker_list_dead(): the workers of stage STAGE that have a beat and are dead. -1 with errno. */
int worker_list_dead(const struct spool *spool, const char *stage, struct namelist *dead);

#endif
