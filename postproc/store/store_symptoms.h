/*
 * store_symptoms.h: the symptoms of a biflow as the store has them: each name once, sorted by name.
 */
#ifndef POSTPROC_STORE_SYMPTOMS_H
#define POSTPROC_STORE_SYMPTOMS_H

#include <stddef.h>
#include <stdint.h>
#include "spool/record.h"

struct store_symptom {
	uint32_t name;	  /* intern id */
	uint64_t packets; /* of this window, both directions */
	uint64_t carried; /* of earlier windows */
};

/* store_symptoms(): *LIST holds as many as it returns, until the next call. */
size_t store_symptoms(const struct biflow *biflow, const struct store_symptom **list);

/* As a JSON object of names and counts other than 0; "" when there is none. Hold until the next call. */
const char *store_symptoms_seen(const struct store_symptom *list, size_t count);
const char *store_symptoms_carried(const struct store_symptom *list, size_t count);

#endif
