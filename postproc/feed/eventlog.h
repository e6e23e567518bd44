/*
 * eventlog.h: a file of lines to which each batch adds its own exactly once, whatever dies when.
 *
 *	log = eventlog_open(path, 64 << 20, 8, &code);
 *	for each batch:
 *		FILE *out = eventlog_begin(log, batch->name);
 *		if (!out && !errno)
 *			its lines stand in the file already
 *		… fprintf(out, …), new = json_deep_copy(eventlog_memory(log)) …
 *		eventlog_commit(log, new);		or eventlog_abandon(log)
 *
 * Whoever follows the file sees it grow and nothing else: no line is taken back or written twice. A batch's lines are
 * first complete in a file beside it; then the state names the batch and the place in the file where they go; then
 * they are added; then the file beside it is removed. After a crash the state says whose lines were being added, and the
 * length of the file how many of its bytes are there.
 *
 *	PATH		the lines
 *	PATH.1 …	older ones, once PATH is longer than rotate_bytes; KEEP of them
 *	PATH.state	JSON: batch, file (inode), begin (offset), memory: what the program remembers between batches
 *	PATH.<batch>	the lines of a batch on their way
 *	PATH.lock	locked while a process writes
 *
 * PATH is opened anew for each batch, so logrotate(8) may move it away at any time, without a signal. Only when it does so
 * between a crash and the next start, the lines of one batch may stand in both files.
 */
#ifndef POSTPROC_EVENTLOG_H
#define POSTPROC_EVENTLOG_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

struct eventlog;

/* eventlog_open(): finishes what a crash left. ROTATE_BYTES 0: never. NULL after a message, *CODE an exit code:
 * MIRA_AGAIN when another process writes or the disk fails. */
struct eventlog *eventlog_open(const char *path, uint64_t rotate_bytes, unsigned keep, int *code);
void eventlog_close(struct eventlog *log);

/* eventlog_begin(): where the lines of BATCH go; NULL with errno, 0: they stand there already. */
FILE *eventlog_begin(struct eventlog *log, const char *batch);
/* eventlog_commit(): adds them; MEMORY (a reference that it takes over) is what is remembered from now on. -1 with errno:
 * call eventlog_begin() again. */
int eventlog_commit(struct eventlog *log, json_t *memory);
void eventlog_abandon(struct eventlog *log);
/* eventlog_memory(): of the last commit, also of an earlier process; an object. */
const json_t *eventlog_memory(const struct eventlog *log);

#endif
