/*
 * finish.h: what follows a commit; between queue.c, reclaim.c and batch.c. README.md tells the
 * order of its steps and what a crash after each of them leaves.
 */
#ifndef SPOOL_FINISH_H
#define SPOOL_FINISH_H

#include "spool/spool.h"

/* The length of a batch's name, so that X~<attempt> is a legal name too. */
#define ENTRY_MAX 174

/* finish_name_ok(): may TEXT be the name of a batch? Letters, digits and "_.+-", not beginning with
 * '.'. */
bool finish_name_ok(const char *text);

/*
 * finish_entry(): SPOOL/WHERE/done/ENTRY, ENTRY being X~<attempt> and WHERE "<queue>/<reader>" or
 * "capture". 1 when its outputs are where they belong (litter may wait for the next time), 0 when
 * it stands there no more, -1 with errno.
 */
int finish_entry(const struct spool *spool, const char *where, const char *entry);
/* finish_all(): every entry of SPOOL/WHERE/done/. */
int finish_all(const struct spool *spool, const char *where);

#endif
