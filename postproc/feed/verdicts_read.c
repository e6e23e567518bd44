/*
 * verdicts_read.c: from the files of a batch of verdicts to one function call a biflow. Between the queue and the
 * programs that alert or export.
 */
#include "postproc/feed/verdicts_read.h"

#include <errno.h>
#include <stdio.h>

#include "spool/intern.h"
#include "spool/notify.h"

#define ALIVE_EVERY 65536 /* records, between two signs of life for the watchdog */

/* 1: more to come; 0: the end; -1, -2. */
static int read_one(struct record_reader *reader,
	int (*each)(void *own, const struct biflow *biflow), void *own, char *why)
{
	union record record;
	int got = record_next(reader, &record);

	if (got == RECORD_BIFLOW)
		return each(own, &record.biflow) < 0 ? -1 : 1;
	if (got == RECORD_FLOW)
		got = snprintf(why, VERDICTS_WHY, "it holds flows") ? -2 : 0;
	else if (got == -2)
		snprintf(why, VERDICTS_WHY, "%s", record_why());
	return got == RECORD_LEDGER ? 1 : got;
}

static int read_file(struct stage_run *run, const struct batch *batch,
	const struct segment *segment, int (*each)(void *own, const struct biflow *biflow),
	void *own, char *why)
{
	struct record_reader *reader = record_open_segment(batch->path, segment);
	int result = 1, error;

	if (!reader)
		return -1;
	while (result == 1) {
		result = read_one(reader, each, own, why);
		if (++run->progress.records % ALIVE_EVERY == 0)
			notify_alive();
	}
	error = errno;
	record_close(reader);
	errno = error;
	return result;
}

int verdicts_read(struct stage_run *run, const struct batch *batch,
	int (*each)(void *own, const struct biflow *biflow), void *own, char *why)
{
	uint32_t texts = intern_count();
	int result = 0;

	for (size_t i = 0; i < batch->manifest.segment_count && !result; i++) {
		result = read_file(run, batch, &batch->manifest.segments[i], each, own, why);
		run->progress.bytes += batch->manifest.segments[i].bytes;
	}
	intern_forget(texts);
	return result;
}
