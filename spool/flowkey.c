/*
 * flowkey.c: what makes two flows one biflow, and which shard it goes to: preprocess divides by it,
 * consolidation merges by it.
 */
#include "spool/flowkey.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static int end_order(const struct flowkey *key)
{
	int order = memcmp(key->src, key->dst, sizeof(key->src));

	return order ? order : (key->sport > key->dport) - (key->sport < key->dport);
}

struct flowkey flowkey_turn(const struct flowkey *key)
{
	struct flowkey turned = *key;

	memcpy(turned.src, key->dst, sizeof(turned.src));
	memcpy(turned.dst, key->src, sizeof(turned.dst));
	turned.sport = key->dport;
	turned.dport = key->sport;
	return turned;
}

bool flowkey_canonical(const struct flowkey *key, struct flowkey *out)
{
	bool turn = end_order(key) > 0;

	*out = turn ? flowkey_turn(key) : *key;
	return turn;
}

int flowkey_order(const struct flowkey *a, const struct flowkey *b)
{
	int order = (a->version > b->version) - (a->version < b->version);

	if (!order)
		order = memcmp(a->src, b->src, sizeof(a->src));
	if (!order)
		order = memcmp(a->dst, b->dst, sizeof(a->dst));
	if (!order)
		order = (a->proto > b->proto) - (a->proto < b->proto);
	if (!order)
		order = (a->sport > b->sport) - (a->sport < b->sport);
	if (!order)
		order = (a->dport > b->dport) - (a->dport < b->dport);
	return order;
}

static void put_port(uint8_t *to, uint16_t port)
{
	to[0] = (uint8_t)(port >> 8);
	to[1] = (uint8_t)port;
}

unsigned flowkey_shard(const struct flowkey *key, unsigned shards)
{
	struct flowkey low;
	uint8_t bytes[38];

	if (shards == 1)
		return 0;
	flowkey_canonical(key, &low);
	bytes[0] = low.version;
	bytes[1] = low.proto;
	memcpy(bytes + 2, low.src, sizeof(low.src));
	memcpy(bytes + 18, low.dst, sizeof(low.dst));
	put_port(bytes + 34, low.sport);
	put_port(bytes + 36, low.dport);
	return (unsigned)(XXH64(bytes, sizeof(bytes), 0) % shards);
}
