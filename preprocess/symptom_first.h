/*
 * symptom_first.h: with which bytes a match of a pattern can begin, and which can follow which. Most
 * payloads begin with none of them, most borders between two packets lie between bytes that no pattern has
 * side by side, and need not be looked at again together.
 */
#ifndef PREPROCESS_SYMPTOM_FIRST_H
#define PREPROCESS_SYMPTOM_FIRST_H

#include <stdbool.h>
#include "preprocess/symptom_parse.h"

struct symptom_bytes {
	bool first[256];
	bool follow[256][256]; /* [a][b]: b can stand behind a somewhere in a match */
};

/* symptom_bytes(): everything is true when the expression has what is not understood here. */
void symptom_bytes(const struct symptom_pattern *pattern, struct symptom_bytes *bytes);

#endif
