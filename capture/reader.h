/*
 * reader.h: packets out of a trace, whatever its format. Ours and not libpcap's: libpcap 1.10
 * refuses pcapng whose interfaces differ in link type or snap length, and costs over 100 ns a
 * packet.
 *
 * Formats: pcap (both byte orders, micro- and nanoseconds, and the "modified" one of 0xa1b2cd34),
 * pcapng (any number of sections, each with its byte order, and of interfaces, each with its link
 * type, snap length, time resolution and offset; Enhanced, Simple and old Packet Blocks; other
 * blocks are skipped).
 *
 * Calling sequence: reader_open() on a feed at its first byte, reader_next() until it is not 1,
 * reader_close(). A packet is a view, valid until the next call. Every length is checked; memory
 * stays below about READER_RECORD_MAX plus 16 bytes for each interface of a pcapng section.
 */
#ifndef CAPTURE_READER_H
#define CAPTURE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "capture/feed.h"

#define READER_PACKET_MAX 262144u /* captured bytes; more is damage (Wireshark and libpcap agree) */
#define READER_RECORD_MAX (16u << 20) /* a pcapng block that holds a packet */
#define READER_HEAD_BYTES 12	      /* enough to know a format by */

struct packet {
	uint64_t time_ns; /* since 1970-01-01 UTC, at most INT64_MAX */
	uint32_t caplen, origlen;
	uint32_t linktype;
	uint32_t snaplen; /* of its interface, 0 for no limit */
	const uint8_t *data;
};

struct reader;

/* reader_knows(): do these first SIZE bytes begin a trace? */
bool reader_knows(const uint8_t *head, size_t size);
/* reader_open(): NULL when it is no trace, with WHY (FEED_WHY bytes). FEED stays the caller's. */
struct reader *reader_open(struct feed *feed, char *why);
void reader_close(struct reader *reader);

/* reader_next(): 1 a packet; 0 the end; -1 an error of the machine, errno; -2 damaged from here
 * on, reader_why(). */
int reader_next(struct reader *reader, struct packet *packet);
const char *reader_why(const struct reader *reader);

/* reader_linktype(): of the first interface so far, LINKTYPE_EN10MB while there is none. */
uint32_t reader_linktype(const struct reader *reader);

#endif
