/*
 * input.h: one stream of bytes inside a source, and the walk through archives that finds it.
 * Private to source.c, input.c and archive.c; the readers know source.h only.
 */
#ifndef CAPTURE_INPUT_H
#define CAPTURE_INPUT_H

#include "capture/source.h"

struct archive;
struct gzip;

struct input {
	struct source *source;
	struct archive *archive; /* whose current member it is */
	struct gzip *gzip;	 /* what it is decompressed by; without either, it is the source */
	const char *name;
	uint8_t head[READER_HEAD_BYTES];
	size_t head_size, head_at; /* read ahead, and given out of it */
	bool peeked;
	const uint8_t *block; /* what the archive gave last and was not read */
	size_t block_left;
	uint64_t at, block_at; /* a hole of a sparse file lies between them */
	ssize_t failed;	       /* -1 or -2 once reading ended so */
	char why[FEED_WHY];
};

/* What a walk carries through nested archives. */
struct walk {
	source_visit visit;
	void *context;
	char *why;
};

/* walk_input(): calls the visitor for INPUT, or for what is inside when it is compressed or an
 * archive. As source_walk(). */
int walk_input(const struct walk *walk, struct input *input, unsigned depth);

#endif
