/*
 * pressure.h: when a stage stops claiming because its readers are behind.
 *
 * A reader's queue is above its mark when it holds more than max_batches batches or the file system of the spool has fewer than
 * the stage's free-space mark; marks fall along the line: the capture stops first, the store last.
 * A mark never stops the batch older than the newest already in the next queue, or a window could never close.
 */
#ifndef SPOOL_PRESSURE_H
#define SPOOL_PRESSURE_H

#include <stdbool.h>
#include "spool/queue.h"

/* pressure_high(): is the output QUEUE_NAME of a stage above its marks? NEXT (may be NULL) is the oldest batch the stage would take. */
bool pressure_high(const struct spool *spool, const struct config *config, const char *queue_name, const char *next);

#endif
