/*
 * block.c: makes of mira-preprocess one that looks at each packet for itself (it is linked in place of preprocess/stitch.c):
 * nothing is remembered of a TCP stream, what was sent again is scanned again. Only to compare it with what a block scan costs.
 */
#include "preprocess/stitch.h"

bool stitch_scan(struct pieces *pieces, struct entry *entry, const struct packet *packet,
	struct symptoms *symptoms, struct symptom_hits *hits)
{
	symptoms_scan(symptoms, packet->payload, packet->payload_size, packet->key.proto,
		packet->key.sport, packet->key.dport, hits);
	return packet->payload_size > 0;
}
