/*
 * packetlog.h: what the packet log holds, and what it does with it. For mira-packetlog only.
 *
 *	log = { .run = &run, .out = folder, .max_held = …, .max_wait_s = … };
 *	packetlog_open(&log);
 *	while (packetlog_work(&log) == 0 && log.worked) …
 *	packetlog_close(&log);
 *
 * It reads two queues: packets, where every batch waits in ready/ until the verdicts of its windows have been handed over, and
 * verdicts, where those wait as long as packets of their windows do. So what is held stands in the queues, and a crash at any
 * point forgets nothing; the lists here are copies that another start makes again.
 */
#ifndef PREPROCESS_PACKETLOG_H
#define PREPROCESS_PACKETLOG_H

#include "preprocess/closed.h"
#include "preprocess/extract.h"
#include "spool/stage.h"

/* A batch of packets that waits. */
struct waiting {
	char *name;
	uint64_t first_ms, last_ms, bytes;
};

struct packetlog {
	struct stage_run *run; /* its queue is that of packets */
	const char *out;
	uint64_t max_held; /* bytes */
	double max_wait_s;
	struct queue verdicts;
	struct wanted *wanted;
	struct extractor *extractor;
	struct closed closed;
	struct waiting *waiting; /* by time */
	size_t count;
	size_t told[2]; /* how many of packets and verdicts the spool was told that wait */
	bool worked;	/* in the last packetlog_work() */
};

/* packetlog_open(): 0, or an exit code after a message. */
int packetlog_open(struct packetlog *log);
/* packetlog_close(): also of one that was never opened. */
void packetlog_close(struct packetlog *log);
/* packetlog_work(): all that can be done now. 0, or -1 with errno; what was at hand is still claimed then. */
int packetlog_work(struct packetlog *log);

#endif
