/*
 * sequence.h: which bytes of a TCP segment were not there before? What was sent again is not
 * scanned again, so a symptom is not counted twice.
 *
 * Per direction the highest sequence number is remembered and one gap below it: from the first
 * byte known to be missing to the last. A segment that came late and fills the gap is new; one
 * that lies below and outside of it is not. Memory is that of the entry. What was received inside
 * of the gap, and where the stream began, is known to piece.h as long as it remembers.
 */
#ifndef PREPROCESS_SEQUENCE_H
#define PREPROCESS_SEQUENCE_H

#include <stdbool.h>
#include "preprocess/decode.h"
#include "preprocess/flowtab.h"

#define SEQUENCE_SPANS 3 /* before the first byte seen, in the gap, behind the last one */

/* Sequence numbers: a SYN has been counted. */
struct sequence_span {
	uint32_t begin, end;
};

struct sequence_fresh {
	uint32_t begin; /* of the segment's payload */
	bool restart;	/* another connection than before, if there was one */
	unsigned count;
	struct sequence_span spans[SEQUENCE_SPANS]; /* ascending, apart */
};

/*
 * sequence_take(): takes PACKET, of protocol TCP, into ENTRY, and writes what is new of it. FIRST:
 * the first byte seen of the connection, where that is known, or NULL.
 */
void sequence_take(struct entry *entry, const struct packet *packet, const uint32_t *first,
	struct sequence_fresh *fresh);

/*
 * sequence_goes_on(): the same for most packets, in fewer steps: PACKET begins where the last one
 * ended, and nothing is missing. False: it does not, and ENTRY is as it was.
 */
bool sequence_goes_on(struct entry *entry, const struct packet *packet);

/* seq_distance(): sequence numbers are compared modulo 2^32 (RFC 9293, 3.4). */
static inline int32_t seq_distance(uint32_t from, uint32_t to)
{
	return (int32_t)(to - from);
}

#endif
