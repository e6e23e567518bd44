/*
 * stitch.h: what the payload of a TCP packet shows, alone and together with what came before and,
 * where it fills a gap, with what came after it.
 *
 *	if (stitch_scan(pieces, entry, &packet, symptoms, &hits))
 *		the packet brought something new, HITS has what it shows
 *
 * For each direction the bytes around the ends of what was received are remembered (piece.h):
 * SYMPTOM_REACH on either side of a border. A pattern that ends in bytes that are new, or in bytes
 * behind the gap that the packet fills, is a hit of the packet; so each is found once, when its
 * last missing byte comes. Bytes that were sent again are not scanned again. Nothing is found over
 * bytes that were not captured.
 */
#ifndef PREPROCESS_STITCH_H
#define PREPROCESS_STITCH_H

#include <stdbool.h>
#include "preprocess/decode.h"
#include "preprocess/flowtab.h"
#include "preprocess/piece.h"
#include "preprocess/symptom.h"

/* stitch_scan(): PACKET, of protocol TCP, belongs to ENTRY. Adds to HITS. */
bool stitch_scan(struct pieces *pieces, struct entry *entry, const struct packet *packet,
	struct symptoms *symptoms, struct symptom_hits *hits);

#endif
