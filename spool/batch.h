/*
 * batch.h: a claimed batch and the outputs made for it.
 *
 *   work/W/X/                       the input: manifest.json and segments
 *   work/W/X/<attempt>/             what this worker makes (attempt = worker name "." counter)
 *   work/W/X/<attempt>/out/<queue>.<reader>/Y/     one complete batch a reader
 *   work/W/X/<attempt>/retire       lines "<queue>/<reader>/<name>": inputs that finish removes
 *   work/W/X/<attempt>/reject       the reason; finish moves the input to bad/
 *
 * Calling sequence: batch_begin_output() gives the folder of the first reader; write files there;
 * batch_end_output() adds lengths and checksums to the manifest, writes it, fsyncs, and links the
 * files for the other readers.
 */
#ifndef SPOOL_BATCH_H
#define SPOOL_BATCH_H

#include <limits.h>
#include "spool/manifest.h"
#include "spool/queue.h"

struct batch {
	const struct spool *spool;
	char name[NAME_MAX + 1];
	char path[PATH_MAX]; /* work/W/X, or capture/tmp/W/X */
	char attempt[NAME_MAX + 1];
	/* of the input; the stage loop fills it before work() and frees it */
	struct manifest manifest;
};

/* batch_open(): NAME as claimed by WORKER from QUEUE; begins a new attempt (its folder is made). -1
 * with ENOENT: it is ours no more. */
int batch_open(struct batch *batch, const struct queue *queue, const struct worker *worker,
	const char *name);
/* batch_again(): gives up the attempt and begins a new one; what the old one made is never
 * published. */
int batch_again(struct batch *batch, const struct worker *worker);

/*
 * batch_begin_output(): makes out/<queue>.<reader>/NAME for the first reader of QUEUE and writes
 * its path to FOLDER (PATH_MAX). READER names one reader only (a shard), or NULL for all.
 */
int batch_begin_output(struct batch *batch, const char *queue, const char *reader, const char *name,
	char *folder);
/* batch_end_output(): lists the files in FOLDER that MANIFEST does not list yet, writes
 * manifest.json, links for other readers (unless READER). */
int batch_end_output(struct batch *batch, const char *queue, const char *reader,
	struct manifest *manifest, const char *folder);

/* batch_retire(): appends "<queue>/<reader>/<name>" lines to <attempt>/retire. */
int batch_retire(struct batch *batch, const char *queue, const char *reader,
	const struct namelist *names);

/*
 * The capture's side, which has no input: batch_create() makes capture/tmp/W/NAME and its attempt
 * (-1 with ESTALE: our folder was taken away, as 0 below); batch_publish() commits it to
 * capture/done/ and finishes it (0: it was taken from us, another instance captures this stream);
 * batch_finish_captured() finishes what an earlier process left in capture/done/.
 */
int batch_create(struct batch *batch, const struct spool *spool, const struct worker *worker,
	const char *name);
int batch_publish(struct batch *batch, const struct worker *worker);
int batch_finish_captured(const struct spool *spool);
/* batch_leave(): removes our folder in capture/tmp/ when nothing stands in it; before
 * worker_stop(). */
int batch_leave(const struct spool *spool, const struct worker *worker);
/* batch_forget_captures(): forgets the captures that are dead, but for those that a stream's state
 * names or that hold a batch: who goes on there wants to know at once that they are. */
void batch_forget_captures(const struct spool *spool);
/*
 * batch_recover(): at the start of a capture, for each of its streams, once the worker that
 * captured it before is dead: of what stands in capture/tmp/, NAME ("" for none), which is complete
 * because its state was written, is committed; other batches of this probe and stream are
 * incomplete and thrown away. 1 NAME was committed now, 0 it stood nowhere in tmp/ (so it was
 * before), -1 errno.
 */
int batch_recover(const struct spool *spool, const struct worker *worker, const char *probe,
	const char *stream, const char *name);

#endif
