/*
 * sequence.h: does a TCP segment bring bytes that were not there before? What was sent again is
 * not scanned again, so a symptom is not counted twice.
 *
 * Per direction the highest sequence number is remembered and one gap below it: from the first
 * byte known to be missing to the last. A segment that came late and fills the gap is new; one
 * that lies below and outside of it is not. Where segments inside a gap are sent again, they
 * count again: better than to miss one. Memory is that of the entry.
 */
#ifndef PREPROCESS_SEQUENCE_H
#define PREPROCESS_SEQUENCE_H

#include <stdbool.h>
#include "preprocess/decode.h"
#include "preprocess/flowtab.h"

/* sequence_new(): takes PACKET, of protocol TCP, into ENTRY. */
bool sequence_new(struct entry *entry, const struct packet *packet);

#endif
