/*
 * feed.h: the bytes of one trace as a window that moves forward; the cursor of the trace readers.
 *
 * feed_look() shows the next N bytes in one piece, or NULL when the input ends before; feed_skip()
 * moves on. Input is read in pieces of FEED_BYTES; the window grows only for a record larger than
 * that, and the caller bounds what it asks for.
 *
 * After a NULL: feed_error() is 0 at the end of the input (feed_left() bytes remain), -1 with errno
 * after an error of the machine, -2 when the input itself is damaged (a broken archive; feed_why()
 * says how).
 */
#ifndef CAPTURE_FEED_H
#define CAPTURE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FEED_BYTES (1u << 20)
#define FEED_WHY   160

/* Reads up to SIZE bytes: count, 0 at the end, -1 errno, -2 with WHY (FEED_WHY bytes). */
typedef ssize_t (*feed_read)(void *context, void *buffer, size_t size, char *why);

struct feed {
	feed_read read;
	void *context;
	uint8_t *data;
	size_t room, at, end; /* data[at … end) is what may be looked at */
	uint64_t offset;      /* of data[0] in the input */
	int error, saved_errno;
	bool ended;
	char why[FEED_WHY];
};

void feed_init(struct feed *feed, feed_read read, void *context);
void feed_free(struct feed *feed);

/* feed_fill(): the slow path of feed_look(). */
const uint8_t *feed_fill(struct feed *feed, size_t size);
/* feed_skip(): moves on by SIZE bytes, also beyond the window; false when the input ends before. */
bool feed_skip(struct feed *feed, uint64_t size);

static inline const uint8_t *feed_look(struct feed *feed, size_t size)
{
	return feed->end - feed->at >= size ? feed->data + feed->at : feed_fill(feed, size);
}

static inline uint64_t feed_offset(const struct feed *feed)
{
	return feed->offset + feed->at;
}

static inline size_t feed_left(const struct feed *feed)
{
	return feed->end - feed->at;
}

#endif
