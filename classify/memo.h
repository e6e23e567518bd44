/*
 * memo.h: decisions that were reached before, by all that a condition could have looked at (row_key()).
 *
 * Most biflows of a network are like another one to a policy: no symptom, the same ports, no name. What they have in common is found here
 * faster than SQLite evaluates a condition. Keys are compared byte by byte, so an answer from here is the one SQLite would give.
 * A fixed number of places: of two keys that fall on one, the later stays.
 */
#ifndef CLASSIFY_MEMO_H
#define CLASSIFY_MEMO_H

#include <stddef.h>
#include <stdint.h>

#define MEMO_KEY_MAX 120 /* bytes of a key; longer ones are not kept */

struct memo_key {
	size_t size; /* 0: it is too long */
	uint8_t bytes[MEMO_KEY_MAX];
};

struct memo;

struct memo *memo_new(void);
void memo_free(struct memo *memo);
/* memo_find(): the decision put with KEY, -1 for none. */
int memo_find(const struct memo *memo, const struct memo_key *key);
void memo_put(struct memo *memo, const struct memo_key *key, int decision);

#endif
