/* gzip.c: from compressed bytes to those of a trace or a tar, between source.c and whoever
 * reads. */
#include "capture/gzip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "spool/log.h"

#define PIECE	   (256u << 10)
#define HEAD_BYTES 3

struct gzip {
	feed_read read;
	void *context;
	z_stream stream;
	bool between; /* a member has ended; the next bytes are another one's or nobody's */
	bool ended;
	uint8_t piece[PIECE];
};

bool gzip_knows(const uint8_t *head, size_t size)
{
	static const uint8_t magic[HEAD_BYTES] = {0x1f, 0x8b, 8};

	return size >= HEAD_BYTES && memcmp(head, magic, HEAD_BYTES) == 0;
}

struct gzip *gzip_open(feed_read read, void *context)
{
	struct gzip *gzip = x_calloc(1, sizeof(*gzip));

	gzip->read = read;
	gzip->context = context;
	gzip->stream.next_in = gzip->piece;
	if (inflateInit2(&gzip->stream, 16 + MAX_WBITS) != Z_OK)
		die(MIRA_AGAIN, "out of memory for gzip");
	return gzip;
}

void gzip_close(struct gzip *gzip)
{
	if (gzip)
		inflateEnd(&gzip->stream);
	free(gzip);
}

static ssize_t refill(struct gzip *gzip, char *why)
{
	size_t left = gzip->stream.avail_in;
	ssize_t got;

	memmove(gzip->piece, gzip->stream.next_in, left);
	got = gzip->read(gzip->context, gzip->piece + left, PIECE - left, why);
	gzip->stream.next_in = gzip->piece;
	if (got > 0)
		gzip->stream.avail_in += (unsigned)got;
	return got;
}

/* After a member: is there another one? 1 yes, 0 no, or an error of the input. */
static ssize_t next_member(struct gzip *gzip, char *why)
{
	ssize_t got = 1;

	while (gzip->stream.avail_in < HEAD_BYTES && got > 0)
		got = refill(gzip, why);
	if (got < 0)
		return got;
	gzip->between = false;
	return gzip_knows(gzip->stream.next_in, gzip->stream.avail_in) &&
	       inflateReset(&gzip->stream) == Z_OK;
}

/* Inflates once: bytes made, 0 at the end of the file, -1, -2; or -3: none were made, go on. */
static ssize_t inflate_some(struct gzip *gzip, size_t size, char *why)
{
	z_stream *stream = &gzip->stream;
	ssize_t got = 1;
	int status;

	if (gzip->between) {
		got = next_member(gzip, why);
	} else if (!stream->avail_in) {
		got = refill(gzip, why);
		if (got == 0) {
			snprintf(why, FEED_WHY, "the .gz is cut");
			return -2;
		}
	}
	if (got <= 0)
		return got;
	status = inflate(stream, Z_NO_FLUSH);
	gzip->between = status == Z_STREAM_END;
	if (stream->avail_out < size)
		return (ssize_t)(size - stream->avail_out);
	if (status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR)
		return -3;
	snprintf(why, FEED_WHY, "the .gz is damaged: %s", stream->msg ? stream->msg : "bad data");
	return -2;
}

ssize_t gzip_read(void *context, void *buffer, size_t size, char *why)
{
	struct gzip *gzip = context;
	ssize_t result;

	if (gzip->ended)
		return 0;
	gzip->stream.next_out = buffer;
	gzip->stream.avail_out = (unsigned)size;
	do {
		result = inflate_some(gzip, size, why);
	} while (result == -3);
	gzip->ended = result == 0;
	return result;
}
