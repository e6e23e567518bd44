/*
 * symptom_chain.h: a pattern of several parts that must all stand in one payload, each where the
 * symptom file says: lines `and`, and the lines `pcre`, of mira-symptoms(5). Hyperscan looks for
 * one part of it, the prefilter; where that is found, the whole chain is looked for here.
 *
 *	chain = chain_new();
 *	chain_add(chain, &part) …		(it takes the part's expression)
 *	chain_prefilter(chain, &expression, &flags);	what Hyperscan is to look for
 *	if (chain_compile(chain, why, sizeof(why))) …	a part that PCRE2 refuses
 *	found = chain_found(chain, payload, size);
 *	chain_free(chain);
 *
 * A part that is not negated, once found, sets the cursor to its end; at first the cursor is the
 * payload's first byte. Where a part may be found in several places, all are tried.
 *
 * Time is bounded: CHAIN_TRIES calls of PCRE2 for a payload, CHAIN_STEPS steps within each. A chain
 * that is not decided by then is not found. PCRE2 interprets, it does not compile to machine
 * code: the limits are then reached at the same place on every machine.
 */
#ifndef PREPROCESS_SYMPTOM_CHAIN_H
#define PREPROCESS_SYMPTOM_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAIN_PARTS 64
#define CHAIN_TRIES 2000
#define CHAIN_STEPS 100000
#define CHAIN_FAR   65535     /* the farthest that a part can be asked for */
#define CHAIN_OPEN  INT32_MAX /* `to` without a limit */

struct symptom_part {
	char *expression;
	unsigned flags;	     /* HS_FLAG_CASELESS, _DOTALL, _MULTILINE */
	uint32_t fixed;	     /* its bytes, all of them known or wild; 0: a regular expression */
	bool negated, first; /* first: the prefilter */
	/* Where its first byte may stand, counted from the payload's first byte or the cursor. Of a
	 * regular expression only `from` counts: it sees nothing before that byte. */
	bool relative;
	int32_t from, to;
};

struct chain;

struct chain *chain_new(void);
void chain_free(struct chain *chain);
/* chain_add(): 0, or -1 when it has CHAIN_PARTS already; it owns part->expression then, too. */
int chain_add(struct chain *chain, const struct symptom_part *part);
/* chain_prefilter(): the part marked first, or the longest fixed one, or a regular expression to be
 * looked for roughly (HS_FLAG_PREFILTER); *EXPRESSION is the caller's to free. */
void chain_prefilter(const struct chain *chain, char **expression, unsigned *flags);
/* chain_compile(): 0, or -1 with PCRE2's reason in WHY. */
int chain_compile(struct chain *chain, char *why, size_t size);
bool chain_found(const struct chain *chain, const uint8_t *payload, size_t size);

#endif
