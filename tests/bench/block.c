/*
 * block.c: makes of mira-preprocess one that looks at each packet for itself (linked with --wrap=stitch_scan): nothing is
 * remembered of a TCP stream, what was sent again is scanned again. Only to compare it with what a block scan costs.
 */
#include "preprocess/stitch.h"

bool __wrap_stitch_scan(struct pieces *pieces, struct entry *entry, const struct packet *packet,
	struct symptoms *symptoms, struct symptom_hits *hits);

bool __wrap_stitch_scan(struct pieces *pieces, struct entry *entry, const struct packet *packet,
	struct symptoms *symptoms, struct symptom_hits *hits)
{
	symptoms_scan(symptoms, packet->payload, packet->payload_size, packet->key.proto,
		packet->key.sport, packet->key.dport, hits);
	return packet->payload_size > 0;
}
