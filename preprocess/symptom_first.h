/*
 * symptom_first.h: with which bytes a match of a pattern can begin. Most payloads begin with none of
 * them, and need not be looked at again together with the next ones.
 */
#ifndef PREPROCESS_SYMPTOM_FIRST_H
#define PREPROCESS_SYMPTOM_FIRST_H

#include <stdbool.h>
#include "preprocess/symptom_parse.h"

/* symptom_first(): sets SET[byte] for each of them, and for all bytes when the expression has what is
 * not understood here; what is set already stays. */
void symptom_first(const struct symptom_pattern *pattern, bool set[256]);

#endif
