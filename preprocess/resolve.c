/*
 * resolve.c: a cache of (client, address) to name. Filled from answers (dns.c), asked by host.c
 * for the first packet of a flow.
 */
#include "preprocess/resolve.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "spool/log.h"

struct pair {
	uint8_t client[16], address[16];
	uint64_t version; /* of ADDRESS; wide, so that there is no padding: hashed as bytes */
};

/* A set's slots fill one cache line; the rest is looked at only when the hash fits. */
struct slot {
	uint64_t hash;
	uint64_t end_ms; /* 0: free */
};

struct known {
	struct pair pair;
	char name[HOST_NAME_SIZE];
};

struct resolve {
	struct slot slots[RESOLVE_SETS][RESOLVE_WAYS];
	struct known known[RESOLVE_SETS][RESOLVE_WAYS];
	bool empty;
};

struct resolve *resolve_new(void)
{
	struct resolve *memory = x_calloc(1, sizeof(*memory));

	memory->empty = true;
	return memory;
}

void resolve_free(struct resolve *memory)
{
	free(memory);
}

void resolve_clear(struct resolve *memory)
{
	if (!memory->empty)
		memset(memory->slots, 0, sizeof(memory->slots));
	memory->empty = true;
}

static struct pair pair_of(const uint8_t client[16], const uint8_t address[16], uint8_t version)
{
	struct pair pair = {.version = version};

	memcpy(pair.client, client, 16);
	memcpy(pair.address, address, 16);
	return pair;
}

/* find(): the way of PAIR's set that holds it, or -1. */
static int find(const struct resolve *memory, const struct pair *pair, uint64_t hash)
{
	size_t set = hash % RESOLVE_SETS;

	for (int way = 0; way < RESOLVE_WAYS; way++) {
		const struct slot *slot = &memory->slots[set][way];
		if (slot->end_ms && slot->hash == hash &&
			!memcmp(&memory->known[set][way].pair, pair, sizeof(*pair)))
			return way;
	}
	return -1;
}

/* A free one ends at 0, before all others. */
static int first_to_end(const struct slot *slots)
{
	int first = 0;

	for (int way = 1; way < RESOLVE_WAYS; way++)
		if (slots[way].end_ms < slots[first].end_ms)
			first = way;
	return first;
}

static uint64_t end_of(const struct dns_address *address, uint64_t now_ms)
{
	uint32_t ttl_s = address->ttl_s;

	ttl_s = ttl_s < RESOLVE_LEAST_S ? RESOLVE_LEAST_S : ttl_s;
	ttl_s = ttl_s > RESOLVE_MOST_S ? RESOLVE_MOST_S : ttl_s;
	return now_ms + ttl_s * 1000ull;
}

void resolve_learn(struct resolve *memory, const uint8_t client[16],
	const struct dns_answer *answer, uint64_t now_ms)
{
	for (unsigned i = 0; i < answer->count; i++) {
		const struct dns_address *address = &answer->addresses[i];
		struct pair pair = pair_of(client, address->bytes, address->version);
		uint64_t hash = XXH3_64bits(&pair, sizeof(pair));
		size_t set = hash % RESOLVE_SETS;
		int way = find(memory, &pair, hash);

		if (way < 0)
			way = first_to_end(memory->slots[set]);
		memory->slots[set][way] = (struct slot){hash, end_of(address, now_ms)};
		memory->known[set][way].pair = pair;
		strcpy(memory->known[set][way].name, answer->name);
		memory->empty = false;
	}
}

const char *resolve_name(const struct resolve *memory, const uint8_t client[16],
	const uint8_t address[16], uint8_t version, uint64_t now_ms)
{
	struct pair pair;
	uint64_t hash;
	int way;

	if (memory->empty)
		return NULL;
	pair = pair_of(client, address, version);
	hash = XXH3_64bits(&pair, sizeof(pair));
	way = find(memory, &pair, hash);
	if (way < 0 || memory->slots[hash % RESOLVE_SETS][way].end_ms <= now_ms)
		return NULL;
	return memory->known[hash % RESOLVE_SETS][way].name;
}
