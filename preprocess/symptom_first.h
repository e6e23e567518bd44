/*
 * symptom_first.h: with which bytes a match of a pattern can begin, which can follow which, and how long it can be. Most
 * payloads begin with none of them, most borders between two packets lie between bytes that no pattern has
 * side by side, and need not be looked at again together.
 */
#ifndef PREPROCESS_SYMPTOM_FIRST_H
#define PREPROCESS_SYMPTOM_FIRST_H

#include <stdbool.h>
#include <stdint.h>
#include "preprocess/symptom_parse.h"

#define SYMPTOM_UNBOUNDED UINT32_MAX
#define SYMPTOM_LEAD	  8 /* bytes; of a literal Hyperscan looks at no more at once */
#define SYMPTOM_PREFIX	  6

struct byteset {
	uint64_t words[4];
};

struct symptom_bytes {
	struct byteset first;
	struct byteset follow[256]; /* [a] has b: b can stand behind a somewhere in a match */
	bool measured;		    /* how long a match can be is known: */
	uint32_t least, most;	    /* bytes; SYMPTOM_UNBOUNDED */
	/* Its first bytes, one by one; all where it is not known. */
	struct byteset lead[SYMPTOM_LEAD];
};

static inline bool byteset_has(const struct byteset *set, uint8_t byte)
{
	return set->words[byte / 64] >> byte % 64 & 1;
}

static inline void byteset_add(struct byteset *set, uint8_t byte)
{
	set->words[byte / 64] |= 1ull << byte % 64;
}

static inline void byteset_unite(struct byteset *set, const struct byteset *more)
{
	for (int i = 0; i < 4; i++)
		set->words[i] |= more->words[i];
}

static inline unsigned byteset_count(const struct byteset *set)
{
	unsigned count = 0;

	for (int i = 0; i < 4; i++)
		count += (unsigned)__builtin_popcountll(set->words[i]);
	return count;
}

/*
 * symptom_bytes(): everything is in it when the expression has what is not understood here. An
 * assertion other than a start of the payload is understood, and leaves the length to Hyperscan.
 */
void symptom_bytes(const struct symptom_pattern *pattern, struct symptom_bytes *bytes);
/* symptom_bare(): its expression without assertions, which finds all that PATTERN finds, and more; to be freed. NULL: it is
 * not understood, or the empty text would do. */
char *symptom_bare(const struct symptom_pattern *pattern);
/* symptom_prefix(): an expression for the text that all matches of PATTERN begin with, SYMPTOM_LEAD bytes at most; to be freed.
 * NULL: it is shorter than SYMPTOM_PREFIX, or one byte again and again. */
char *symptom_prefix(const struct symptom_pattern *pattern, const struct symptom_bytes *bytes);

#endif
