/*
 * symptom_border.h: can a match lie over the border between two packets at all? Most borders are told
 * by the two bytes that meet there, and need no scan.
 *
 *	border_add(border, bytes, reach);	for each pattern that may begin anywhere, once
 *	if (border_crossed(border, tail, size, next))
 *		something may begin in TAIL and go on at NEXT: scan
 *
 * A pattern that lists its bytes (text, hex, an expression with narrow classes) is in it with all pairs of
 * bytes that can stand side by side in a match. In one with wide classes nearly any two bytes can, so it
 * counts where its first two bytes stand in the tail. What cannot be read lies over any border.
 */
#ifndef PREPROCESS_SYMPTOM_BORDER_H
#define PREPROCESS_SYMPTOM_BORDER_H

#include <stdbool.h>
#include <stdint.h>
#include "preprocess/symptom_first.h"

#define BORDER_OPENERS                                                                             \
	8 /* first bytes that are searched for; with more of them every border is scanned */

struct symptom_border {
	bool always;
	uint32_t reach; /* bytes of the tail that a match can have, at most */
	uint8_t openers[BORDER_OPENERS];
	unsigned opener_count;
	struct byteset pairs[256];    /* [a] has b: they can meet at the border */
	struct byteset openings[256]; /* the same: a match of a wide pattern can begin with them */
};

/* border_add(): BYTES of a pattern that has REACH of them in the tail at most. */
void border_add(struct symptom_border *border, const struct symptom_bytes *bytes, uint32_t reach);
/* border_crossed(): SIZE bytes, at least one, stand at TAIL; NEXT follows them. False: no match begins
 * in them and ends behind them. */
bool border_crossed(const struct symptom_border *border, const uint8_t *tail, uint32_t size,
	uint8_t next);

#endif
