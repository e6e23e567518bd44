/*
 * format.h: what a trace format gives to reader.c, and the helpers that formats share. Private to
 * reader.c, pcap.c and pcapng.c.
 *
 * A format is a row: knows() looks at the first bytes, open() takes the file header off the feed
 * and sets reader->own, next() is reader_next(). Damage is told with reader_damage(), which returns
 * -2.
 */
#ifndef CAPTURE_FORMAT_H
#define CAPTURE_FORMAT_H

#include <byteswap.h>
#include <string.h>

#include "capture/reader.h"

struct format {
	const char *name;
	bool (*knows)(const uint8_t *head, size_t size);
	int (*open)(struct reader *reader); /* 0, -1, -2 */
	int (*next)(struct reader *reader, struct packet *packet);
	void (*close)(struct reader *reader);
};

extern const struct format format_pcap, format_pcapng;

struct reader {
	const struct format *format;
	struct feed *feed;
	bool swapped; /* the byte order is not this machine's */
	bool has_linktype;
	uint32_t linktype; /* of the first interface */
	void *own;	   /* the format's */
	char why[FEED_WHY];
};

int reader_damage(struct reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* reader_short(): what a NULL of feed_look(NEED) at a record's start means: end (0), error (-1),
 * cut or damaged (-2). */
int reader_short(struct reader *reader, uint64_t need);
void reader_first_linktype(struct reader *reader, uint32_t linktype);

static inline uint32_t get32(const struct reader *reader, const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return reader->swapped ? bswap_32(value) : value;
}

static inline uint64_t get64(const struct reader *reader, const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return reader->swapped ? bswap_64(value) : value;
}

static inline uint16_t get16(const struct reader *reader, const uint8_t *bytes)
{
	uint16_t value;

	memcpy(&value, bytes, sizeof(value));
	return reader->swapped ? bswap_16(value) : value;
}

#endif
