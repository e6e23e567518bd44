/*
 * mira-progress.h: what long work shows on standard error: on a terminal a bar with rate and time left, rewritten in place;
 * otherwise a line every PROGRESS_LINE_S seconds. Nothing for work that ends before the first is due.
 */
#ifndef SPOOL_MIRA_PROGRESS_H
#define SPOOL_MIRA_PROGRESS_H

#include "spool/spool.h"

#define PROGRESS_LINE_S 10

/* mira_progress(): STAGE is the one that is waited for; cheap, may be called often. */
void mira_progress(const struct spool *spool, const char *stage);
/* mira_progress_end(): clears the bar. */
void mira_progress_end(void);

#endif
