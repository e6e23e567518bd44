/*
 * memo.c: remembers decisions between ruleset.c, which needs them, and SQLite, which makes them.
 */
#include "classify/memo.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "spool/log.h"

#define PLACES (1u << 14) /* 2 MB */

struct place {
	uint16_t size; /* of the key, 0: free */
	int32_t decision;
	uint8_t key[MEMO_KEY_MAX];
};

struct memo {
	struct place places[PLACES];
};

struct memo *memo_new(void)
{
	return x_calloc(1, sizeof(struct memo));
}

void memo_free(struct memo *memo)
{
	free(memo);
}

static size_t place_of(const struct memo_key *key)
{
	return XXH3_64bits(key->bytes, key->size) % PLACES;
}

int memo_find(const struct memo *memo, const struct memo_key *key)
{
	const struct place *place = &memo->places[place_of(key)];

	return place->size == key->size && key->size &&
			       memcmp(place->key, key->bytes, key->size) == 0
		       ? place->decision
		       : -1;
}

void memo_put(struct memo *memo, const struct memo_key *key, int decision)
{
	struct place *place = &memo->places[place_of(key)];

	if (!key->size)
		return;
	place->size = (uint16_t)key->size;
	place->decision = decision;
	memcpy(place->key, key->bytes, key->size);
}
