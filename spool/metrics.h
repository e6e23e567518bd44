/*
 * metrics.h: the counters of a worker in Prometheus' text format, SPOOL/metrics/<worker>.prom,
 * replaced whole; for a collector that reads text files. A worker's file stays a day after its end,
 * so that no scrape misses it.
 */
#ifndef SPOOL_METRICS_H
#define SPOOL_METRICS_H

#include "spool/worker.h"

int metrics_write(const struct spool *spool, const struct worker *worker, const char *stage,
	const struct progress *progress);
/* metrics_expire(): removes what workers of STAGE wrote over a day before ours was written. */
void metrics_expire(const struct spool *spool, const struct worker *worker, const char *stage);

#endif
