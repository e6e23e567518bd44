/*
 * symptom_border.h: can a match lie over the border between two packets at all? Most borders are told
 * by the two bytes that meet there, and need no scan.
 *
 *	border_add(border, bytes, reach);	for each pattern that may begin anywhere, once
 *	opening = border_opening(border, bytes, size);
 *		of a packet so many bytes are to be remembered, the last: opening.size
 *	if (opening.size && (opening.sure || border_crossed(border, bytes[size - 1], next)))
 *		something may begin in them and go on at NEXT: scan
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
	struct byteset first;	      /* a match begins with one of them */
	struct byteset pairs[256];    /* [a] has b: they can meet at the border */
	struct byteset openings[256]; /* the same: a match of a wide pattern can begin with them */
};

/* border_add(): BYTES of a pattern that has REACH of them in the tail at most. */
void border_add(struct symptom_border *border, const struct symptom_bytes *bytes, uint32_t reach);

struct symptom_opening {
	uint32_t size; /* 0: nothing begins that goes on */
	bool sure;     /* something may begin that goes on whatever follows */
};

/*
 * border_opening(): of SIZE bytes at TAIL, how many, counted from the last, are enough to find whatever begins in them and ends
 * behind them? With the first of these no match begins, unless it is at TAIL: an anchor looks at the byte before a match,
 * and takes what has none before it for the start of a payload.
 */
struct symptom_opening border_opening(const struct symptom_border *border, const uint8_t *tail,
	uint32_t size);
/* border_crossed(): may what is not sure go on, where LAST and NEXT meet? */
bool border_crossed(const struct symptom_border *border, uint8_t last, uint8_t next);

#endif
