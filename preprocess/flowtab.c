/*
 * flowtab.c: the hash table that meter.c counts packets in and export.c writes flows from. With
 * many flows its cache misses cost more than all decoding, so a lookup touches one slot and one
 * entry, and both can be prefetched.
 */
#include "preprocess/flowtab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "spool/pages.h"
#include "spool/log.h"

#define SLOTS_MIN	4096u /* the index doubles from here when it is half full */
#define COUNTS_PER_FLOW 4     /* room for symptom counts, on average */

struct slot {
	uint32_t hash;	/* upper half: the lower one says where the slot is */
	uint32_t entry; /* number plus one, 0 for empty */
};

struct count {
	uint32_t next; /* index plus one */
	uint32_t packets;
	uint16_t symptom;
};

struct flowtab {
	struct entry *entries;
	struct slot *slots;
	struct count *counts;
	uint32_t used, max;
	uint32_t counts_used, counts_max;
	uint64_t mask, slots_max;
	uint64_t seed[6];
};

struct flowtab *flowtab_new(uint32_t max_flows)
{
	struct flowtab *table = x_calloc(1, sizeof(*table));

	static_assert(sizeof(struct entry) == 128, "an entry is two cache lines");
	table->max = max_flows ? max_flows : 1;
	table->counts_max =
		max_flows > UINT32_MAX / COUNTS_PER_FLOW ? UINT32_MAX : max_flows * COUNTS_PER_FLOW;
	if (table->counts_max < 2 * FLOWTAB_COUNTS_ROOM)
		table->counts_max = 2 * FLOWTAB_COUNTS_ROOM;
	table->slots_max = SLOTS_MIN;
	while (table->slots_max < 2ull * max_flows)
		table->slots_max *= 2;
	table->entries = pages_new(table->max * sizeof(*table->entries));
	table->slots = pages_new(table->slots_max * sizeof(*table->slots));
	table->counts = pages_new(table->counts_max * sizeof(*table->counts));
	table->mask = SLOTS_MIN - 1;
	if (getrandom(table->seed, sizeof(table->seed), 0) != sizeof(table->seed))
		die(MIRA_AGAIN, "no random numbers for the flow table");
	return table;
}

void flowtab_free(struct flowtab *table)
{
	pages_free(table->entries, table->max * sizeof(*table->entries));
	pages_free(table->slots, table->slots_max * sizeof(*table->slots));
	pages_free(table->counts, table->counts_max * sizeof(*table->counts));
	free(table);
}

static void empty_slots(struct flowtab *table)
{
	memset(table->slots, 0, (table->mask + 1) * sizeof(*table->slots));
}

/* The next batch probably needs an index as large as this one did. */
void flowtab_clear(struct flowtab *table)
{
	empty_slots(table);
	while (table->mask + 1 > SLOTS_MIN && 8ull * table->used < table->mask + 1)
		table->mask /= 2;
	table->used = table->counts_used = 0;
}

/*
 * Both halves of a 128-bit product: every bit of either factor reaches every bit of the result.
 */
static inline uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t flowtab_hash(const struct flowtab *table, const struct flowkey *key, uint64_t window_ms)
{
	const uint64_t *seed = table->seed;
	uint64_t word[5];

	static_assert(sizeof(word) == sizeof(*key), "the key is hashed as bytes");
	memcpy(word, key, sizeof(word));
	return mix(mix(word[0] ^ seed[0], word[1] ^ seed[1]) ^
			   mix(word[2] ^ seed[2], word[3] ^ seed[3]) ^ seed[5],
		mix(word[4] ^ seed[4], window_ms ^ seed[5]) ^ seed[0]);
}

/* As words: memcmp() of so few bytes is mostly the call. */
static inline bool same_key(const struct flowkey *a, const struct flowkey *b)
{
	uint64_t x[5], y[5];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]));
}

static inline uint32_t upper(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

void flowtab_prefetch_slot(const struct flowtab *table, uint64_t hash)
{
	__builtin_prefetch(&table->slots[hash & table->mask]);
}

void flowtab_prefetch_entry(const struct flowtab *table, uint64_t hash)
{
	const struct slot *slot = &table->slots[hash & table->mask];
	const char *entry = (const char *)&table->entries[slot->entry - 1];

	if (!slot->entry)
		return;
	__builtin_prefetch(entry, 1);
	__builtin_prefetch(entry + 64, 1);
}

/* A place needs the whole hash, of which a slot keeps half: it is computed again. */
static void grow(struct flowtab *table)
{
	empty_slots(table);
	table->mask = table->mask * 2 + 1;
	for (uint32_t i = 0; i < table->used; i++) {
		const struct entry *entry = &table->entries[i];
		uint64_t hash = flowtab_hash(table, &entry->key, entry->window_ms);
		uint64_t place = hash & table->mask;

		while (table->slots[place].entry)
			place = (place + 1) & table->mask;
		table->slots[place] = (struct slot){upper(hash), i + 1};
	}
}

static struct entry *add(struct flowtab *table, const struct flowkey *key, uint64_t window_ms)
{
	struct entry *entry = &table->entries[table->used++];

	memset(entry, 0, sizeof(*entry));
	entry->key = *key;
	entry->window_ms = window_ms;
	entry->fast = FLOWTAB_NO_FAST;
	return entry;
}

struct entry *flowtab_find(struct flowtab *table, const struct flowkey *key, uint64_t window_ms,
	uint64_t hash)
{
	uint64_t place = hash & table->mask;
	struct slot *slot;

	if (table->counts_max - table->counts_used < FLOWTAB_COUNTS_ROOM)
		return NULL;
	for (slot = &table->slots[place]; slot->entry; slot = &table->slots[place]) {
		struct entry *entry = &table->entries[slot->entry - 1];

		if (slot->hash == upper(hash) && entry->window_ms == window_ms &&
			same_key(&entry->key, key))
			return entry;
		place = (place + 1) & table->mask;
	}
	if (table->used == table->max)
		return NULL;
	*slot = (struct slot){upper(hash), table->used + 1};
	add(table, key, window_ms);
	if (2ull * table->used > table->mask + 1 && table->mask + 1 < table->slots_max)
		grow(table);
	return &table->entries[table->used - 1];
}

void flowtab_count_symptom(struct flowtab *table, struct entry *entry, uint16_t index)
{
	struct count *count;

	for (uint32_t at = entry->symptoms; at; at = count->next) {
		count = &table->counts[at - 1];
		if (count->symptom == index) {
			count->packets++;
			return;
		}
	}
	assert(table->counts_used < table->counts_max);
	count = &table->counts[table->counts_used++];
	*count = (struct count){entry->symptoms, 1, index};
	entry->symptoms = table->counts_used;
}

void flowtab_symptoms(const struct flowtab *table, const struct entry *entry,
	void (*each)(void *own, uint16_t index, uint32_t packets), void *own)
{
	const struct count *count;

	for (uint32_t at = entry->symptoms; at; at = count->next) {
		count = &table->counts[at - 1];
		each(own, count->symptom, count->packets);
	}
}

uint32_t flowtab_count(const struct flowtab *table)
{
	return table->used;
}

const struct entry *flowtab_entry(const struct flowtab *table, uint32_t number)
{
	return &table->entries[number];
}
