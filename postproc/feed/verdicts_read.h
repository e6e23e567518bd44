/*
 * verdicts_read.h: the biflows of a batch of verdicts, for the programs that read that queue beside the store.
 *
 *	result = verdicts_read(run, batch, each, own, why);
 *	if (result == -2)
 *		return stage_reject(run, &stage, batch, "%s", why);
 *
 * Texts that the batch brought (host names) are forgotten at the end: a program that follows for months meets new ones
 * all the time. So intern ids of a biflow hold while EACH looks at it; what EACH itself keeps is to be a text.
 */
#ifndef POSTPROC_VERDICTS_READ_H
#define POSTPROC_VERDICTS_READ_H

#include "spool/record.h"
#include "spool/stage.h"

#define VERDICTS_WHY 256

/* verdicts_read(): EACH returns 0, or -1 with errno. 0; -1 with errno; -2 a bad batch, WHY (VERDICTS_WHY bytes). */
int verdicts_read(struct stage_run *run, const struct batch *batch,
	int (*each)(void *own, const struct biflow *biflow), void *own, char *why);

#endif
