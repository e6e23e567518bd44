/*
 * symptom_across.h: which patterns can be found in several packets of a TCP stream, beginning
 * anywhere. Those that begin at the start of a payload are looked for from such a place only.
 */
#ifndef PREPROCESS_SYMPTOM_ACROSS_H
#define PREPROCESS_SYMPTOM_ACROSS_H

#include "preprocess/symptom_first.h"

/* Bytes of the stream that are looked at on either side of a border between two packets, at most. */
#define SYMPTOM_REACH 255
/* Two bytes more than can be in a match, to see that a payload goes on. */
#define SYMPTOM_HEAD (SYMPTOM_REACH + 2)
#define SYMPTOM_ROOM (SYMPTOM_REACH + SYMPTOM_HEAD)

/* symptom_starts(): is PATTERN found where a payload begins, and nowhere else? */
bool symptom_starts(const struct symptom_pattern *pattern);
/* symptom_cross(): fills in `crossing` of PATTERN, which TCP can show, and of which BYTES tells. */
void symptom_cross(struct symptom_pattern *pattern, const struct symptom_bytes *bytes);

#endif
