/*
 * fast.c: asked once for each new flow, before any of its payload is scanned.
 */
#include "preprocess/fast.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>

#include "preprocess/flowtab.h"
#include "preprocess/prefixmap.h"
#include "spool/log.h"

struct fast {
	const struct policy *policy;
	struct prefixmap **prefixes; /* one a list; NULL for any address */
};

static uint32_t either(uint32_t a, uint32_t b)
{
	return a | b;
}

static struct prefixmap *prefixes_of(const struct policy_fast *list)
{
	struct prefixmap *map;

	if (list->prefix_count == 0)
		return NULL;
	map = prefixmap_new(either);
	for (size_t i = 0; i < list->prefix_count; i++)
		prefixmap_add(map, &list->prefixes[i], 1);
	prefixmap_build(map);
	return map;
}

struct fast *fast_new(const struct policy *policy)
{
	struct fast *fast = x_calloc(1, sizeof(*fast));

	fast->policy = policy;
	fast->prefixes = x_calloc(policy->fast_count + 1, sizeof(*fast->prefixes));
	for (size_t i = 0; i < policy->fast_count; i++)
		fast->prefixes[i] = prefixes_of(&policy->fast[i]);
	return fast;
}

void fast_free(struct fast *fast)
{
	if (!fast)
		return;
	for (size_t i = 0; i < fast->policy->fast_count; i++)
		prefixmap_free(fast->prefixes[i]);
	free(fast->prefixes);
	free(fast);
}

static bool address_matches(const struct prefixmap *prefixes, const struct flowkey *key)
{
	return !prefixes || prefixmap_find(prefixes, key->src, key->version) ||
	       prefixmap_find(prefixes, key->dst, key->version);
}

static bool proto_matches(const struct policy_port *port, uint8_t proto)
{
	return port->proto ? port->proto == proto : proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

static bool inside(const struct policy_port *range, uint16_t port)
{
	return port >= range->first && port <= range->last;
}

static bool port_matches(const struct policy_fast *list, const struct flowkey *key)
{
	for (size_t i = 0; i < list->port_count; i++) {
		const struct policy_port *port = &list->ports[i];

		if (proto_matches(port, key->proto) &&
			(inside(port, key->sport) || inside(port, key->dport)))
			return true;
	}
	return list->port_count == 0;
}

uint16_t fast_match(const struct fast *fast, const struct flowkey *key)
{
	for (size_t i = 0; i < fast->policy->fast_count; i++)
		if (port_matches(&fast->policy->fast[i], key) &&
			address_matches(fast->prefixes[i], key))
			return (uint16_t)i;
	return FLOWTAB_NO_FAST;
}
