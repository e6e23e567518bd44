/*
 * store_upstream.h: which biflows batches have not reached the store yet.
 *
 * A batch of biflows or verdicts is called <number, 10 digits>-<shard>, with "+N" behind when it was requeued.
 */
#ifndef POSTPROC_STORE_UPSTREAM_H
#define POSTPROC_STORE_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>
#include "spool/spool.h"

/* store_batch_parse(): false when NAME is no such name. SHARD holds NAME_PART_MAX + 1. */
bool store_batch_parse(const char *name, uint64_t *number, char *shard);

/* store_upstream(): does batch NUMBER of SHARD stand between consolidation and the store? 1, 0, -1 with errno. */
int store_upstream(const struct spool *spool, const char *shard, uint64_t number);

#endif
