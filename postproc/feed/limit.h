/*
 * limit.h: at most so many alerts of a rule and source in an hour of packet time. What is counted can be kept as JSON, so
 * that a restart does not begin the hour anew.
 *
 *	limit_begin(&limit, most, memory);		for each batch: what was remembered with the one before
 *	if (limit_count(&limit, time_ms, key)) …	is this one within the limit?
 *	memory = limit_end(&limit);
 *
 *	{ "493827": { "1:1000001 h-7k2m9qx4tp": 12, … } }	hours since 1970, by key
 *
 * Of an hour LIMIT_KEYS keys are told apart; those that come after them count as one a rule (the text before the blank). Two
 * hours before the latest are forgotten.
 */
#ifndef POSTPROC_LIMIT_H
#define POSTPROC_LIMIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define LIMIT_KEYS 100000

struct limit {
	uint64_t most; /* 0: no limit */
	uint64_t latest;
	json_t *hours;
};

void limit_begin(struct limit *limit, uint64_t most, const json_t *memory);
bool limit_count(struct limit *limit, uint64_t time_ms, const char *key);
/* limit_end(): what to remember; the caller owns it. */
json_t *limit_end(struct limit *limit);

#endif
