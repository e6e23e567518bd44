/*
 * source.h: what the administrator named (a file, a pipe, standard input), and the traces inside
 * it.
 *
 * A source is looked into by content, never by its name: a trace is one input; .gz .bz2 .xz .zst
 * hold one; tar and zip hold one a member, which may be compressed or an archive itself
 * (SOURCE_DEPTH levels).
 *
 * Calling sequence: source_open(); source_walk() as often as needed, which calls VISIT for each
 * input in the order in which they stand; source_close(). An input is valid during its visit only.
 * A pipe can be walked several times, but read once: source->once, and input_head() then is all
 * that a first look may use. (What cannot be streamed from a pipe, an archive, is first copied to a
 * temporary file without a name.)
 */
#ifndef CAPTURE_SOURCE_H
#define CAPTURE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "capture/feed.h"
#include "capture/reader.h"
#include "spool/names.h"

#define SOURCE_DEPTH 4

struct input;

struct source {
	const char *path;      /* as named; the caller's */
	const char *label;     /* the same for messages: "standard input" for "-" */
	char run[RUN_HEX + 1]; /* of the content; random when it cannot be resumed */
	bool resumable;
	bool once;
	uint64_t bytes;	   /* 0 when not known beforehand */
	uint64_t position; /* bytes read of it so far, compressed ones for an archive */
	dev_t device;
	ino_t inode;
	int fd;		    /* -1 while a file is not being walked */
	int machine_errno;  /* of the last failed read of the machine, 0 */
	struct input *pipe; /* of a source that is read once */
};

/* source_open(): 0, or an exit code after having logged what and why. */
int source_open(struct source *source, const char *path);
void source_close(struct source *source);

/* VISIT returns 0 to go on; anything else ends the walk and is what source_walk() returns. */
typedef int (*source_visit)(void *context, struct input *input);
/*
 * source_walk(): 0 when all inputs were visited; -1 with errno; -2 with WHY (FEED_WHY bytes) when
 * the archive is damaged: what stands before the damage has been visited.
 */
int source_walk(struct source *source, source_visit visit, void *context, char *why);

/* input_name(): path inside the archive, "" when the source itself is the input (also .gz and
 * the like). */
const char *input_name(const struct input *input);
/* input_head(): the first bytes (up to READER_HEAD_BYTES), which stay to be read. */
const uint8_t *input_head(struct input *input, size_t *size);
/* input_read(): a feed_read. */
ssize_t input_read(void *input, void *buffer, size_t size, char *why);

#endif
