/*
 * pressure.h: when a stage stops claiming because its readers are behind.
 *
 * A reader's queue is above its mark when it holds more than max_batches batches, or when the file
 * system of the spool has less free than the stage's share. The shares fall along the line, so the
 * capture stops first and the store never:
 *
 *	capture min_free   preprocess min_free/2   consolidate min_free/4   classify min_free/8   store 0
 *
 * Batches that a reader holds back because others have to come first do not count: stopping those
 * others would stop the line for good. It says how many in SPOOL/<queue>/<reader>/held
 * (consolidation: batches whose windows are open).
 *
 * A mark never stops a batch older than one of its own run (or shard) that is already in the next
 * queue, or a window could never close. What is merely older than the batches of another run is
 * stopped: traces are not always read in the order of their time, and all of one could be older. It
 * cannot stop the line for good either, for what waits for it is held back and does not count.
 *
 * How far a queue gets over its mark: each worker may look just before another one adds a batch, so
 * by one batch a worker of the stage in front; by the batches of one second where a live capture
 * publishes several a second; and by those of one run that pass as above, which are as many as were
 * reclaimed or requeued. While the queue has room, a worker looks again after a sixteenth of it.
 *
 * Nor does the mark of free space stop anyone whose readers hold nothing: waiting would free nothing.
 * So a trace is audited on a disk that others have filled up to the mark, batch by batch. Only a live
 * capture, which NEXT == NULL tells, sheds then.
 *
 * Only required readers count. One that stands there in addition (spool.h) is optional: past the
 * same mark its oldest batches are dropped and counted, so that one dead post-processor never stops
 * the line.
 */
#ifndef SPOOL_PRESSURE_H
#define SPOOL_PRESSURE_H

#include <stdbool.h>
#include "spool/queue.h"

/*
 * pressure_high(): is the output OUTPUT (a queue; NULL for none) of stage STAGE above its marks?
 * NEXT is the oldest batch the stage would take or publish; NULL: none to spare. While it
 * waits it looks once a second, and says once what it waits for.
 */
bool pressure_high(const struct spool *spool, const struct config *config, const char *stage,
	const char *output, const char *next);

/* pressure_look(): the same, looking now; WHY says what is above which mark. *ROOM (may be NULL): so
 * many more batches may be made before the next look. */
bool pressure_look(const struct spool *spool, const struct config *config, const char *stage,
	const char *output, const char *next, uint64_t *room, char *why, size_t size);

/* pressure_room(): how many batches more OUTPUT takes until a required reader is above max_batches. */
long long pressure_room(const struct spool *spool, const struct config *config, const char *output);

/* pressure_full(): must a live capture shed when there is ROOM for so many batches more? PRESSED: it
 * does so already. */
bool pressure_full(const struct config *config, long long room, bool pressed);

/* pressure_trim(): drops the oldest batches of optional readers of queue OUTPUT that are past the
 * mark; returns how many. */
int pressure_trim(const struct spool *spool, const struct config *config,
	const struct worker *worker, const char *output);

#endif
