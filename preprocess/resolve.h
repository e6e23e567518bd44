/*
 * resolve.h: what clients asked the DNS, and were told: so a flow to an address carries the name
 * that its client had resolved, also when the flow itself tells none.
 *
 *	resolve_learn(memory, client, &answer, now_ms);
 *	name = resolve_name(memory, client, address, now_ms);
 *
 * An address means a name for one client only: many names share an address, and what another
 * client asked for says nothing of this one. The last answer counts. It holds for its TTL, of
 * packet time, but at least RESOLVE_LEAST_S (programs keep names longer than a TTL of seconds) and at
 * most RESOLVE_MOST_S.
 *
 * RESOLVE_SETS * RESOLVE_WAYS pairs are remembered, some 10 MiB; a pair's hash names the
 * set it may stand in, and of a full set the one that ends first makes room. The memory is that of one
 * batch, and the hash has no secret: the same batch gives the same names, whoever works on it.
 */
#ifndef PREPROCESS_RESOLVE_H
#define PREPROCESS_RESOLVE_H

#include "preprocess/dns.h"

#define RESOLVE_SETS	8192
#define RESOLVE_WAYS	4
#define RESOLVE_LEAST_S 60
#define RESOLVE_MOST_S	3600

struct resolve;

struct resolve *resolve_new(void);
void resolve_free(struct resolve *memory);
/* resolve_clear(): forgets all, for the next batch. */
void resolve_clear(struct resolve *memory);

/* CLIENT and ADDRESS are 16 bytes each, IPv4 in the first 4, as in a flowkey; CLIENT's own version
 * does not matter, VERSION is ADDRESS's. */
void resolve_learn(struct resolve *memory, const uint8_t client[16],
	const struct dns_answer *answer, uint64_t now_ms);
/* resolve_name(): NULL when CLIENT was not told of ADDRESS, or too long ago. */
const char *resolve_name(const struct resolve *memory, const uint8_t client[16],
	const uint8_t address[16], uint8_t version, uint64_t now_ms);

#endif
