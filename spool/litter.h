/*
 * litter.h: files that nobody sees. Whoever is killed while it writes a file leaves a half one under
 * a name that no listing shows (nfs_write_file()); without a broom they would gather for ever.
 *
 * litter_expire(): removes those that are over a day old from the folders that stay; what stands in
 * a batch goes with the batch. Once an hour is enough; errors are left to the next time.
 */
#ifndef SPOOL_LITTER_H
#define SPOOL_LITTER_H

#include "spool/spool.h"
#include "spool/worker.h"

void litter_expire(const struct spool *spool, const struct worker *worker);

#endif
