/*
 * pcapng.h: reads the packets of a segment (draft-ietf-opsawg-pcapng), in bursts.
 *
 *	reader = pcapng_new();
 *	pcapng_open(reader, path, bytes, xxh128);
 *	while ((count = pcapng_burst(reader, frames)) > 0)
 *		… frames[0 … count-1] …
 *	pcapng_close(reader);			(the buffer is kept for the next segment)
 *
 * Frames point into the reader's buffer and are valid until the next call. Nothing in a segment
 * is believed: block lengths, their copies at the end, interface numbers and packet lengths are
 * checked, and the file must have as many bytes as its manifest says. read() into a buffer that
 * stays in the cache costs less than half of mapping the file.
 *
 * Section headers, interface descriptions (if_tsresol, if_tsoffset) and enhanced packets are
 * read; other blocks are passed over. Both byte orders.
 *
 * Errors: -1 with errno (machine), -2 with pcapng_why() (a bad segment).
 */
#ifndef PREPROCESS_PCAPNG_H
#define PREPROCESS_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

#define PCAPNG_BURST	   32
#define PCAPNG_TIME_MAX_MS 253402300799000 /* the end of year 9999 */

struct frame {
	const uint8_t *bytes;
	uint32_t captured, length; /* length on the wire */
	uint32_t linktype;
	/* since 1970-01-01 UTC; earlier times are 0, later ones than year 9999 its end */
	uint64_t time_ms;
};

struct pcapng;

struct pcapng *pcapng_new(void);
void pcapng_free(struct pcapng *reader);

/* pcapng_on_read(): FILLED gets all bytes from which the next frames will be made, each time that some were read. */
void pcapng_on_read(struct pcapng *reader,
	void (*filled)(void *own, const uint8_t *bytes, size_t size), void *own);
/* pcapng_open(): the file PATH, of which the manifest says that it has BYTES with the checksum
 * XXH128 (hash.h; NULL: none is known). What is read is summed up as well, so that a write that
 * comes late is noticed at the end. 0, -1, -2 no regular file stands there. */
int pcapng_open(struct pcapng *reader, const char *path, uint64_t bytes, const char *xxh128);
/* pcapng_burst(): how many frames, up to PCAPNG_BURST; 0 at the end. */
int pcapng_burst(struct pcapng *reader, struct frame frames[PCAPNG_BURST]);
void pcapng_close(struct pcapng *reader);

const char *pcapng_why(const struct pcapng *reader);

#endif
