/*
 * window.c: the merge table: between the partial flows that preprocessing wrote, batch by batch and direction by direction,
 * and the biflows of a window.
 *
 * At 2.5 million records a second and 100,000 keys an entry is seldom in the cache, and a miss costs as much as the merge. So
 * records wait in a ring: on arrival the slot is fetched, then the entry, then what stands apart from it, and then they are merged.
 */
#include "consolidate/window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "consolidate/entries.h"
#include "consolidate/order.h"
#include "spool/log.h"
#include "spool/pages.h"

#define RING	 32
#define TO_ENTRY 8 /* records after which the slot has come */
#define TO_REST	 20

struct slot {
	uint32_t tag;	/* lower bits of the hash, which also say where the slot is */
	uint32_t entry; /* its number + 1, 0: free */
};

/* A record on its way. */
struct pending {
	struct single single;
	uint64_t hash;
	const struct entry *likely; /* that it will be united with; NULL: none was found yet */
	struct symptom_count *symptoms;
	size_t symptom_count, symptom_room;
};

struct window_table {
	struct slot *slots;
	size_t mask;
	struct entries entries;
	struct place *places; /* of the entries, in order; NULL before window_sort() */
	struct symptom_node *nodes;
	size_t node_count, node_room;
	struct rares rares;
	struct common_table *common;
	struct pending ring[RING];
	unsigned head, waiting;
	uint64_t seed; /* no capture can choose keys that collide */
};

static void slots_alloc(struct window_table *table, size_t size)
{
	table->slots = pages_new(size * sizeof(*table->slots));
	table->mask = size - 1;
}

static void slots_free(struct slot *slots, size_t mask)
{
	pages_free(slots, (mask + 1) * sizeof(*slots));
}

static size_t places_size(const struct window_table *table)
{
	return (window_count(table) + 1) * sizeof(struct place);
}

struct window_table *window_new(void)
{
	struct window_table *table = x_calloc(1, sizeof(*table));

	if (getrandom(&table->seed, sizeof(table->seed), 0) != sizeof(table->seed))
		table->seed = (uintptr_t)table;
	slots_alloc(table, 1024);
	table->common = common_new();
	table->node_count = 1;
	return table;
}

static void clear(struct window_table *table)
{
	slots_free(table->slots, table->mask);
	pages_free(table->places, places_size(table));
	entries_clear(&table->entries);
}

void window_free(struct window_table *table)
{
	if (!table)
		return;
	clear(table);
	for (unsigned i = 0; i < RING; i++)
		free(table->ring[i].symptoms);
	free(table->nodes);
	free(table->rares.list);
	common_free(table->common);
	free(table);
}

void window_reset(struct window_table *table)
{
	clear(table);
	slots_alloc(table, 1024);
	table->places = NULL;
	common_reset(table->common);
	table->rares.count = 0;
	table->node_count = 1;
	table->waiting = 0;
}

size_t window_count(const struct window_table *table)
{
	return entries_count(&table->entries);
}

const struct entry *window_entry(const struct window_table *table, size_t index)
{
	return table->places ? table->places[index].entry : entries_nth(&table->entries, index);
}

const struct symptom_node *window_symptom(const struct window_table *table, uint32_t index)
{
	return &table->nodes[index];
}

const struct common *window_common(const struct window_table *table, const struct entry *entry)
{
	return common_get(table->common, entry->common);
}

uint64_t window_weight(const struct window_table *table, const struct entry *entry, int side)
{
	return entry_weight(entry, side, &table->rares);
}

static uint64_t hash_of(const struct window_table *table, const struct flowkey *key,
	uint64_t window_ms)
{
	return XXH3_64bits_withSeed(key, sizeof(*key),
		table->seed ^ window_ms * 0x9e3779b97f4a7c15ull);
}

/* No entry is looked at: at 5 million that would be as many misses. */
static void grow(struct window_table *table)
{
	struct slot *old = table->slots;
	size_t old_mask = table->mask;

	slots_alloc(table, 2 * (old_mask + 1));
	for (size_t i = 0; i <= old_mask; i++) {
		size_t at = old[i].tag & table->mask;

		if (!old[i].entry)
			continue;
		while (table->slots[at].entry)
			at = (at + 1) & table->mask;
		table->slots[at] = old[i];
	}
	slots_free(old, old_mask);
}

static bool same_window(const struct window_table *table, uint32_t a, uint32_t b)
{
	return a == b ||
	       common_get(table->common, a)->window_ms == common_get(table->common, b)->window_ms;
}

static bool is_entry(const struct window_table *table, const struct slot *slot,
	const struct pending *pending)
{
	const struct entry *entry, *more = &pending->single.entry;

	if (slot->tag != (uint32_t)pending->hash)
		return false;
	entry = entries_get(&table->entries, slot->entry - 1);
	return entry_same_key(entry, more) && same_window(table, entry->common, more->common);
}

/* The slot of a record's entry, or the free one where it would go. */
static struct slot *slot_of(struct window_table *table, const struct pending *pending)
{
	size_t at;

	if (window_count(table) > table->mask / 4 * 3)
		grow(table);
	at = pending->hash & table->mask;
	while (table->slots[at].entry && !is_entry(table, &table->slots[at], pending))
		at = (at + 1) & table->mask;
	return &table->slots[at];
}

static struct entry *entry_new(struct window_table *table, const struct pending *pending,
	struct slot *slot)
{
	uint32_t number = entries_add(&table->entries, &pending->single.entry);
	struct entry *entry = entries_get(&table->entries, number);

	*slot = (struct slot){(uint32_t)pending->hash, number + 1};
	entry_keep(entry, &pending->single, &table->rares);
	return entry;
}

static struct entry *unite(struct window_table *table, const struct pending *pending,
	const struct slot *slot)
{
	struct entry *entry = entries_get(&table->entries, slot->entry - 1);

	entry_unite(entry, &pending->single, &table->rares);
	entry->common = common_unite(table->common, entry->common, pending->single.entry.common);
	return entry;
}

static struct symptom_node *symptom_of(struct window_table *table, struct entry *entry,
	uint32_t name)
{
	struct symptom_node *node;
	uint32_t at;

	for (at = entry->symptoms; at; at = table->nodes[at].next)
		if (table->nodes[at].name == name)
			return &table->nodes[at];
	if (table->node_count >= table->node_room) {
		table->node_room = table->node_room ? 2 * table->node_room : 1024;
		table->nodes = x_realloc(table->nodes, table->node_room * sizeof(*table->nodes));
	}
	node = &table->nodes[table->node_count];
	*node = (struct symptom_node){.name = name, .next = entry->symptoms};
	entry->symptoms = table->node_count++;
	return node;
}

static void merge(struct window_table *table, const struct pending *pending)
{
	struct slot *slot = slot_of(table, pending);
	struct entry *entry =
		slot->entry ? unite(table, pending, slot) : entry_new(table, pending, slot);

	for (size_t i = 0; i < pending->symptom_count; i++)
		symptom_of(table, entry, pending->symptoms[i].name)
			->packets[pending->single.high] += pending->symptoms[i].packets;
}

static void keep_symptoms(struct pending *pending, const struct flow *flow)
{
	size_t size = flow->symptom_count * sizeof(*flow->symptoms);

	if (flow->symptom_count > pending->symptom_room) {
		pending->symptoms = x_realloc(pending->symptoms, size);
		pending->symptom_room = flow->symptom_count;
	}
	if (size)
		memcpy(pending->symptoms, flow->symptoms, size);
	pending->symptom_count = flow->symptom_count;
}

static void fetch(const struct entry *entry)
{
	__builtin_prefetch(entry, 1);
	__builtin_prefetch((const char *)entry + ENTRY4_BYTES - 1, 1);
}

void window_fetch(const struct window_table *table, size_t index)
{
	fetch(window_entry(table, index));
}

static void fetch_entry(const struct window_table *table, struct pending *pending)
{
	const struct slot *slot = &table->slots[pending->hash & table->mask];

	pending->likely = NULL;
	if (slot->entry && slot->tag == (uint32_t)pending->hash) {
		pending->likely = entries_get(&table->entries, slot->entry - 1);
		fetch(pending->likely);
	}
}

void window_fetch_rest(const struct window_table *table, const struct entry *entry)
{
	if (entry->rare)
		__builtin_prefetch(&table->rares.list[entry->rare], 1);
	if (entry->symptoms)
		__builtin_prefetch(&table->nodes[entry->symptoms], 1);
}

/* The record that came so many before the next one. */
static struct pending *ago(struct window_table *table, unsigned records)
{
	return &table->ring[(table->head - records) % RING];
}

static void set(struct window_table *table, struct pending *pending, const struct flow *flow,
	uint64_t window_ms, uint32_t probe)
{
	struct common common = {window_ms, flow->vlan, flow->tunnel, flow->endpoint,
		flow->aggregate, probe, 0};
	struct flowkey key;
	bool high = flowkey_canonical(&flow->key, &key);

	single_set(&pending->single, flow, &key, high, common_id(table->common, &common));
	keep_symptoms(pending, flow);
	pending->hash = hash_of(table, &key, window_ms);
	__builtin_prefetch(&table->slots[pending->hash & table->mask]);
}

void window_add(struct window_table *table, const struct flow *flow, uint64_t window_ms,
	uint16_t flags, uint32_t probe)
{
	struct pending *pending = ago(table, RING);

	if (table->waiting == RING)
		merge(table, pending);
	else
		table->waiting++;
	set(table, pending, flow, window_ms, probe);
	pending->single.entry.flags |= flags;
	table->head++;
	if (table->waiting > TO_ENTRY)
		fetch_entry(table, ago(table, TO_ENTRY + 1));
	if (table->waiting > TO_REST && ago(table, TO_REST + 1)->likely)
		window_fetch_rest(table, ago(table, TO_REST + 1)->likely);
}

void window_settle(struct window_table *table)
{
	for (unsigned records = table->waiting; records; records--)
		merge(table, ago(table, records));
	table->waiting = 0;
}

/* The slots are given back first: the places go where they stood. */
void window_sort(struct window_table *table)
{
	size_t count = window_count(table);

	assert(!table->places && !table->waiting);
	slots_free(table->slots, table->mask);
	table->slots = NULL;
	table->places = pages_new(places_size(table));
	for (size_t i = 0; i < count; i++) {
		const struct entry *entry = entries_nth(&table->entries, i);

		table->places[i] = order_place(window_common(table, entry)->window_ms, entry);
	}
	order_sort(table->places, count);
}
