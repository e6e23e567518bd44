/*
 * cost.h: what each symptom costs to look for. For `mira check`.
 *
 *	sample_make(&sample);			or: if (sample_read(&sample, path)) …
 *	cost_report(&source, &sample, 10, stdout);
 *	sample_free(&sample);
 *
 * Each symptom is compiled alone and looked for in the payloads of the sample, as if every packet
 * were of its transports, ports and sizes; the least of several runs counts, in time of the
 * processor. Together symptoms cost much less than their sum, for Hyperscan looks for all at once;
 * what is far more expensive than the others alone is so together with them, too.
 */
#ifndef PREPROCESS_COST_H
#define PREPROCESS_COST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "preprocess/symptom_parse.h"

#define SAMPLE_BYTES (8u << 20) /* at most, of a capture */

/* Payloads, one behind the other. */
struct sample {
	uint8_t *bytes;
	size_t size, *ends, count, room, bytes_room;
	char name[256];
};

/* sample_make(): the built-in one: requests and answers as text, records, and bytes of chance. */
void sample_make(struct sample *sample);
/* sample_read(): the first payloads of the capture PATH, pcapng or pcap. 0, or an exit code after a
 * message. */
int sample_read(struct sample *sample, const char *path);
void sample_free(struct sample *sample);

/* cost_report(): a line for each of the COUNT most expensive symptoms. */
void cost_report(const struct symptom_source *source, const struct sample *sample, size_t count,
	FILE *out);

#endif
