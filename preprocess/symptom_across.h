/*
 * symptom_across.h: which patterns can be found in several packets of a TCP stream, beginning
 * anywhere. Those that begin at the start of a payload are looked for from such a place only.
 */
#ifndef PREPROCESS_SYMPTOM_ACROSS_H
#define PREPROCESS_SYMPTOM_ACROSS_H

#include <stdbool.h>
#include "preprocess/symptom_parse.h"

/* Bytes of the stream that are looked at on either side of a border between two packets. */
#define SYMPTOM_REACH 255

/* symptom_across(): and FLAGS for Hyperscan, when PATTERN can. */
bool symptom_across(const struct symptom_pattern *pattern, unsigned *flags);

#endif
