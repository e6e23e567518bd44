/*
 * window.c: the merge table: between the partial flows that preprocessing wrote, batch by batch and direction by direction,
 * and the biflows of a window.
 *
 * At 2.5 million records a second and 100,000 keys an entry is seldom in the cache, and a miss costs as much as the merge. So
 * records wait in a ring: on arrival the slot is fetched, half a ring later the entry, and then it is merged.
 */
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "consolidate/pages.h"
#include "consolidate/window.h"
#include "spool/intern.h"
#include "spool/log.h"

/* Entries are allocated by chunks, so they never move; one is 6 MiB, whole huge pages. */
#define CHUNK_SHIFT 15
#define CHUNK	    (1u << CHUNK_SHIFT)
#define RING	    16

struct slot {
	uint32_t tag;	/* lower bits of the hash, which also say where the slot is */
	uint32_t entry; /* index + 1, 0: free */
};

/* A record on its way. */
struct pending {
	struct flow flow; /* key: canonical */
	uint64_t hash, window_ms;
	uint16_t flags;
	bool turned;
	uint32_t probe;
	struct symptom_count *symptoms;
	size_t symptom_room;
};

struct window_table {
	struct slot *slots;
	size_t mask;
	struct entry **chunks;
	size_t chunk_count, count;
	struct symptom_node *nodes;
	size_t node_count, node_room;
	struct pending ring[RING];
	unsigned head, waiting;
	uint64_t seed; /* no capture can choose keys that collide */
};

static void slots_alloc(struct window_table *table, size_t size)
{
	table->slots = pages_new(size * sizeof(*table->slots));
	table->mask = size - 1;
}

struct window_table *window_new(void)
{
	struct window_table *table = x_calloc(1, sizeof(*table));

	if (getrandom(&table->seed, sizeof(table->seed), 0) != sizeof(table->seed))
		table->seed = (uintptr_t)table;
	slots_alloc(table, 1024);
	table->node_count = 1;
	return table;
}

static void slots_free(struct slot *slots, size_t mask)
{
	pages_free(slots, (mask + 1) * sizeof(*slots));
}

static void chunks_free(struct window_table *table)
{
	for (size_t i = 0; i < table->chunk_count; i++)
		pages_free(table->chunks[i], CHUNK * sizeof(struct entry));
	free(table->chunks);
	table->chunks = NULL;
	table->chunk_count = table->count = 0;
}

void window_free(struct window_table *table)
{
	if (!table)
		return;
	chunks_free(table);
	for (unsigned i = 0; i < RING; i++)
		free(table->ring[i].symptoms);
	free(table->nodes);
	slots_free(table->slots, table->mask);
	free(table);
}

void window_reset(struct window_table *table)
{
	chunks_free(table);
	slots_free(table->slots, table->mask);
	slots_alloc(table, 1024);
	table->node_count = 1;
	table->waiting = 0;
}

size_t window_count(const struct window_table *table)
{
	return table->count;
}

static struct entry *entry_at(const struct window_table *table, size_t index)
{
	return &table->chunks[index >> CHUNK_SHIFT][index & (CHUNK - 1)];
}

const struct entry *window_entry(const struct window_table *table, size_t index)
{
	return entry_at(table, index);
}

const struct symptom_node *window_symptom(const struct window_table *table, uint32_t index)
{
	return &table->nodes[index];
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

static struct entry *entry_new(struct window_table *table, const struct pending *pending)
{
	static const struct moment never = {NEVER, NEVER};
	struct entry *entry;

	if (table->count == table->chunk_count << CHUNK_SHIFT) {
		table->chunks =
			x_realloc(table->chunks, (table->chunk_count + 1) * sizeof(*table->chunks));
		table->chunks[table->chunk_count++] = pages_new(CHUNK * sizeof(struct entry));
	}
	entry = entry_at(table, table->count++);
	entry->key = pending->flow.key;
	entry->window_ms = pending->window_ms;
	entry->first = entry->syn = entry->host_moment = never;
	return entry;
}

static bool is_entry(const struct window_table *table, const struct slot *slot,
	const struct pending *pending)
{
	const struct entry *entry;

	if (slot->tag != (uint32_t)pending->hash)
		return false;
	entry = entry_at(table, slot->entry - 1);
	return entry->window_ms == pending->window_ms &&
	       !memcmp(&entry->key, &pending->flow.key, sizeof(entry->key));
}

static struct entry *find_or_make(struct window_table *table, const struct pending *pending)
{
	struct entry *entry;
	size_t at;

	if (table->count > table->mask / 4 * 3)
		grow(table);
	at = pending->hash & table->mask;
	for (; table->slots[at].entry; at = (at + 1) & table->mask)
		if (is_entry(table, &table->slots[at], pending))
			return entry_at(table, table->slots[at].entry - 1);
	entry = entry_new(table, pending);
	table->slots[at] = (struct slot){(uint32_t)pending->hash, table->count};
	return entry;
}

bool moment_before(const struct moment *a, const struct moment *b)
{
	return a->ms != b->ms ? a->ms < b->ms : a->index < b->index;
}

static void earlier(struct moment *kept, bool *kept_high, const struct moment *moment, bool high)
{
	if (moment_before(kept, moment))
		return;
	*kept_high = high && (*kept_high || moment_before(moment, kept));
	*kept = *moment;
}

static uint64_t weight_of(const struct flow *flow)
{
	double weight;

	if (flow->sampling == 1.0)
		return flow->packets * WEIGHT_ONE;
	weight = rint((double)flow->packets / flow->sampling * WEIGHT_ONE);
	return weight < 0x1p63 ? (uint64_t)weight : UINT64_C(1) << 63;
}

/*
 * goes_before(): is FLOW's name better than the one kept? One that a flow told goes before one that
 * its client had resolved; then the earliest; then the alphabet, so that order cannot matter.
 */
static bool goes_before(const struct flow *flow, const struct entry *entry,
	const struct moment *moment)
{
	uint16_t resolved = flow->flags & FLOW_RESOLVED;
	const struct moment *kept = &entry->host_moment;

	if (!entry->host_name || resolved != (entry->flags & FLOW_RESOLVED))
		return !entry->host_name || !resolved;
	if (moment->ms != kept->ms || moment->index != kept->index)
		return moment_before(moment, kept);
	return strcmp(intern_text(flow->host_name), intern_text(entry->host_name)) < 0;
}

static void merge_host(struct entry *entry, const struct flow *flow)
{
	struct moment moment = {flow->start_ms, flow->first_index};

	if (!flow->host_name || !goes_before(flow, entry, &moment))
		return;
	entry->host_moment = moment;
	entry->host_name = flow->host_name;
	entry->flags &= (uint16_t)~FLOW_RESOLVED;
	entry->flags |= flow->flags & FLOW_RESOLVED;
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

static void merge_attribute(uint32_t *kept, uint32_t more)
{
	if (*kept != more && more)
		*kept = *kept ? intern_union(*kept, more) : more;
}

static void merge_most(uint32_t *kept, uint32_t more)
{
	if (*kept == more || !more)
		return;
	more = intern_union(*kept, more);
	if (more != *kept)
		*kept = intern_most(more, WINDOW_TUNNELS);
}

static void merge_side(struct side *side, const struct flow *flow)
{
	side->packets += flow->packets;
	side->octets += flow->octets;
	side->weight += weight_of(flow);
}

static void merge_times(struct entry *entry, const struct flow *flow, bool high)
{
	earlier(&entry->first, &entry->first_high,
		&(struct moment){flow->start_ms, flow->first_index}, high);
	if (flow->flags & FLOW_SYN)
		earlier(&entry->syn, &entry->syn_high,
			&(struct moment){flow->syn_ms, flow->syn_index}, high);
	if (flow->end_ms > entry->end_ms)
		entry->end_ms = flow->end_ms;
}

static void merge(struct window_table *table, const struct pending *pending)
{
	const struct flow *flow = &pending->flow;
	struct entry *entry = find_or_make(table, pending);

	merge_side(&entry->side[pending->turned], flow);
	merge_times(entry, flow, pending->turned);
	entry->tcp_flags[pending->turned] |= flow->tcp_flags;
	entry->flags |= (flow->flags & ~FLOW_RESOLVED) | pending->flags;
	merge_host(entry, flow);
	merge_attribute(&entry->vlan, flow->vlan);
	merge_most(&entry->tunnel, flow->tunnel);
	merge_most(&entry->endpoint, flow->endpoint);
	merge_attribute(&entry->aggregate, flow->aggregate);
	merge_attribute(&entry->probe, pending->probe);
	for (size_t i = 0; i < flow->symptom_count; i++)
		symptom_of(table, entry, pending->symptoms[i].name)->packets[pending->turned] +=
			pending->symptoms[i].packets;
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
}

void window_fetch(const struct entry *entry)
{
	for (size_t at = 0; at < sizeof(*entry); at += 64)
		__builtin_prefetch((const char *)entry + at, 1);
}

static void fetch_entry(const struct window_table *table, const struct pending *pending)
{
	const struct slot *slot = &table->slots[pending->hash & table->mask];

	if (slot->entry && slot->tag == (uint32_t)pending->hash)
		window_fetch(entry_at(table, slot->entry - 1));
}

void window_add(struct window_table *table, const struct flow *flow, uint64_t window_ms,
	uint16_t flags, uint32_t probe)
{
	struct pending *pending = &table->ring[table->head % RING];

	if (table->waiting == RING)
		merge(table, pending);
	else
		table->waiting++;
	pending->flow = *flow;
	pending->turned = flowkey_canonical(&flow->key, &pending->flow.key);
	pending->window_ms = window_ms;
	pending->flags = flags;
	pending->probe = probe;
	pending->hash = hash_of(table, &pending->flow.key, window_ms);
	keep_symptoms(pending, flow);
	__builtin_prefetch(&table->slots[pending->hash & table->mask]);
	table->head++;
	if (table->waiting > RING / 2)
		fetch_entry(table, &table->ring[(table->head + RING / 2) % RING]);
}

void window_settle(struct window_table *table)
{
	for (unsigned i = table->head - table->waiting; i != table->head; i++)
		merge(table, &table->ring[i % RING]);
	table->waiting = 0;
}
