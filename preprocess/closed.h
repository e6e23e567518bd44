/*
 * closed.h: of which windows all verdicts have been handed over: what the packet log waits for. For mira-packetlog only.
 *
 * A window is closed when the token of each shard of consolidation says so (mira-spool(5), closed_below_ms); its verdicts have
 * all been handed over when none of the batches that the token counts waits for classification any more. Both hold for ever
 * once they do.
 */
#ifndef PREPROCESS_CLOSED_H
#define PREPROCESS_CLOSED_H

#include "spool/spool.h"

struct closed {
	uint64_t below_ms[SHARDS_MAX]; /* by shard */
};

/* closed_look(): windows that start before the result are closed, and their verdicts handed over. Asked before the verdicts
 * are listed, the listing has them all. */
uint64_t closed_look(struct closed *closed, const struct spool *spool);

#endif
