/*
 * extract.h: the packets of wanted biflows out of a batch of packets, into one pcapng file. For mira-packetlog only.
 *
 * Which biflow a packet belongs to is decided as preprocess decides it: by its innermost IP header, a later fragment by the
 * first one of its datagram (fragment.h), in the window of its time. Blocks are copied as the capture wrote them, times and
 * lengths included, a section for each segment; only what is behind the snap length is cut off.
 */
#ifndef PREPROCESS_EXTRACT_H
#define PREPROCESS_EXTRACT_H

#include "preprocess/wanted.h"
#include "spool/batch.h"

struct extractor;

struct extractor *extractor_new(const struct spool *spool);
void extractor_free(struct extractor *extractor);

/*
 * extract(): from BATCH to the file OUT (replaced; not made when nothing is kept). *KEPT gets how many packets, and each
 * biflow of WANTED how many are its. 0; -1 with errno; -2 the batch is bad, WHY (256 bytes).
 */
int extract(struct extractor *extractor, const struct batch *batch, struct wanted *wanted,
	uint32_t snaplen, const char *out, uint64_t *kept, char *why);

#endif
