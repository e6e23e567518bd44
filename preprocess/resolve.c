/*
 * resolve.c: a cache of (client, address) to name. Filled from answers (dns.c), asked by host.c
 * for the first packet of a flow.
 */
#include "preprocess/resolve.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "spool/log.h"

#define MAP_BITS 65536

struct pair {
	uint8_t client[16], address[16];
	uint64_t version; /* of ADDRESS; wide, so that there is no padding: hashed as bytes */
};

/* A set's slots fill one cache line; the rest is looked at only when the hash fits. */
struct slot {
	uint32_t hash;	 /* the upper half: the lower one says its set */
	uint32_t known;	 /* index */
	uint64_t end_ms; /* 0: free */
};

struct known {
	struct pair pair;
	char name[HOST_NAME_SIZE];
};

/*
 * Most addresses are of no name: that is seen in a map that stays in the first-level cache. What is known
 * stands in the order in which it was learned, so that few names fill few pages.
 */
struct resolve {
	uint64_t map[MAP_BITS / 64]; /* of the hashes that stand in slots */
	struct slot slots[RESOLVE_SETS][RESOLVE_WAYS];
	uint16_t used[RESOLVE_SETS]; /* sets that hold something: all that is to be cleared */
	uint32_t used_count, known_count;
	struct known known[RESOLVE_SETS * RESOLVE_WAYS];
};

struct resolve *resolve_new(void)
{
	return x_calloc(1, sizeof(struct resolve));
}

void resolve_free(struct resolve *memory)
{
	free(memory);
}

void resolve_clear(struct resolve *memory)
{
	for (uint32_t i = 0; i < memory->used_count; i++)
		memset(memory->slots[memory->used[i]], 0, sizeof(memory->slots[0]));
	if (memory->used_count)
		memset(memory->map, 0, sizeof(memory->map));
	memory->used_count = memory->known_count = 0;
}

/* The upper bits of a hash, for the lower ones say its set. */
static size_t map_word(uint64_t hash)
{
	return (hash >> 48) / 64;
}

static uint64_t map_bit(uint64_t hash)
{
	return 1ull << (hash >> 48) % 64;
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
		if (slot->end_ms && slot->hash == (uint32_t)(hash >> 32) &&
			!memcmp(&memory->known[slot->known].pair, pair, sizeof(*pair)))
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

/* The slot for PAIR: its own, a free one, or that of the first to end. */
static struct slot *slot_of(struct resolve *memory, const struct pair *pair, uint64_t hash)
{
	size_t set = hash % RESOLVE_SETS;
	int way = find(memory, pair, hash);
	struct slot *slot;

	if (!memory->slots[set][0].end_ms) /* the first to be taken */
		memory->used[memory->used_count++] = (uint16_t)set;
	slot = &memory->slots[set][way < 0 ? first_to_end(memory->slots[set]) : way];
	if (!slot->end_ms)
		slot->known = memory->known_count++;
	return slot;
}

void resolve_learn(struct resolve *memory, const uint8_t client[16],
	const struct dns_answer *answer, uint64_t now_ms)
{
	for (unsigned i = 0; i < answer->count; i++) {
		const struct dns_address *address = &answer->addresses[i];
		struct pair pair = pair_of(client, address->bytes, address->version);
		uint64_t hash = XXH3_64bits(&pair, sizeof(pair));
		struct slot *slot = slot_of(memory, &pair, hash);

		memory->map[map_word(hash)] |= map_bit(hash);
		slot->hash = (uint32_t)(hash >> 32);
		slot->end_ms = end_of(address, now_ms);
		memory->known[slot->known].pair = pair;
		strcpy(memory->known[slot->known].name, answer->name);
	}
}

const char *resolve_name(const struct resolve *memory, const uint8_t client[16],
	const uint8_t address[16], uint8_t version, uint64_t now_ms)
{
	const struct slot *slot;
	struct pair pair;
	uint64_t hash;
	int way;

	if (!memory->used_count)
		return NULL;
	pair = pair_of(client, address, version);
	hash = XXH3_64bits(&pair, sizeof(pair));
	if (!(memory->map[map_word(hash)] & map_bit(hash)))
		return NULL;
	way = find(memory, &pair, hash);
	if (way < 0)
		return NULL;
	slot = &memory->slots[hash % RESOLVE_SETS][way];
	return slot->end_ms > now_ms ? memory->known[slot->known].name : NULL;
}
