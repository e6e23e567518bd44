/*
 * flowkey.c: keys of flows compared, turned and brought into the one direction under which both directions meet.
 */
#include <string.h>

#include "consolidate/window.h"

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

bool moment_before(const struct moment *a, const struct moment *b)
{
	return a->ms != b->ms ? a->ms < b->ms : a->index < b->index;
}
