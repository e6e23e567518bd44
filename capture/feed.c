/* feed.c: moves the bytes of a trace past its reader: a file's or an archive member's, between
 * input.c and reader.c. */
#include "capture/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spool/log.h"

void feed_init(struct feed *feed, feed_read read, void *context)
{
	memset(feed, 0, sizeof(*feed));
	feed->read = read;
	feed->context = context;
	feed->room = FEED_BYTES;
	feed->data = x_calloc(1, feed->room);
}

void feed_free(struct feed *feed)
{
	free(feed->data);
	feed->data = NULL;
}

/* Moves what is left to the front, so that SIZE bytes fit behind it. */
static void make_room(struct feed *feed, size_t size)
{
	size_t left = feed_left(feed);

	memmove(feed->data, feed->data + feed->at, left);
	feed->offset += feed->at;
	feed->at = 0;
	feed->end = left;
	if (size <= feed->room)
		return;
	feed->room = size;
	feed->data = x_realloc(feed->data, size);
}

static bool read_more(struct feed *feed)
{
	ssize_t got = feed->read(feed->context, feed->data + feed->end, feed->room - feed->end,
		feed->why);

	if (got > 0) {
		feed->end += (size_t)got;
		return true;
	}
	feed->ended = true;
	feed->error = (int)got;
	feed->saved_errno = errno;
	return false;
}

const uint8_t *feed_fill(struct feed *feed, size_t size)
{
	if (feed->room - feed->at < size || feed->at == feed->end)
		make_room(feed, size);
	while (feed_left(feed) < size) {
		if (feed->ended || !read_more(feed)) {
			errno = feed->saved_errno;
			return NULL;
		}
	}
	return feed->data + feed->at;
}

bool feed_skip(struct feed *feed, uint64_t size)
{
	while (size > feed_left(feed)) {
		size -= feed_left(feed);
		feed->at = feed->end;
		if (!feed_fill(feed, 1))
			return false;
	}
	feed->at += (size_t)size;
	return true;
}
