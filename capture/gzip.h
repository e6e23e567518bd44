/*
 * gzip.h: decompresses .gz (RFC 1952) as it is read. Not left to libarchive, which throws away up
 * to 64 KiB before the place where a file was cut, and a capture that was piped through gzip and
 * killed is cut.
 *
 * Calling sequence: gzip_open() over any feed_read, gzip_read() (a feed_read itself), gzip_close().
 * Members may follow one another; what follows them and is no member is ignored, as gzip does.
 */
#ifndef CAPTURE_GZIP_H
#define CAPTURE_GZIP_H

#include "capture/feed.h"

struct gzip;

/* gzip_knows(): do these first SIZE bytes begin a .gz? */
bool gzip_knows(const uint8_t *head, size_t size);
struct gzip *gzip_open(feed_read read, void *context);
ssize_t gzip_read(void *gzip, void *buffer, size_t size, char *why);
void gzip_close(struct gzip *gzip);

#endif
