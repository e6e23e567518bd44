/*
 * beat.h: the beat of a worker as it stands in SPOOL/workers/<name>; between worker.c, which writes
 * it, and look.c, which reads those of others. One JSON object of one line, padded with blanks to
 * WORKER_BEAT_BYTES.
 */
#ifndef SPOOL_BEAT_H
#define SPOOL_BEAT_H

#include "spool/hash.h"
#include "spool/worker.h"

struct beat {
	uint64_t beat;		     /* counts up */
	char boot_id[40], pidns[40]; /* where PID and START_TIME (clock ticks, proc(5)) hold */
	char machine[HASH_HEX + 1];  /* hash of machine-id(5) and host name; empty: not known */
	uint64_t pid, start_time;
	char host[65], stage[32], version[16];
	char sandbox[16]; /* sandbox_state(); empty: none is entered, or not known */
	struct progress progress;
};

/* beat_self(): fills in where this process runs. */
void beat_self(struct beat *beat);
/* beat_write(): in place, made when absent; the data is fsynced. */
int beat_write(const struct spool *spool, const char *name, const struct beat *beat);
/* beat_read(): 1 read, 0 there is none or it is unreadable (all zero then), -1 with errno. */
int beat_read(const struct spool *spool, const char *name, struct beat *beat);
/* process_start_time(): 0 when there is no such process, or it has ended and only waits for its
 * parent. */
uint64_t process_start_time(uint64_t pid);

#endif
