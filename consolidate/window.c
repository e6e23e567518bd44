/*
 * window.c: the merge table: between the partial flows that preprocessing wrote, batch by batch and direction by direction,
 * and the biflows of a window.
 *
 * A record becomes an entry of its own, which is then united with that of its key. At 2.5 million records a second and
 * 100,000 keys that is seldom in the cache, and a miss costs as much as the merge. So records wait in a ring: on arrival the
 * slot is fetched, then the entry, then what stands apart from it, and then it is merged.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "consolidate/order.h"
#include "consolidate/pages.h"
#include "consolidate/window.h"
#include "spool/intern.h"
#include "spool/log.h"

/* Entries are allocated by chunks, so they never move; one is 4 MiB, whole huge pages. */
#define CHUNK_SHIFT 15
#define CHUNK	    (1u << CHUNK_SHIFT)
#define RING	    32
#define TO_ENTRY    8 /* records after which the slot has come */
#define TO_REST	    20

struct slot {
	uint32_t tag;	/* lower bits of the hash, which also say where the slot is */
	uint32_t entry; /* index + 1, 0: free */
};

/* What few entries have. */
struct rare {
	struct moment syn, host; /* with SYN_APART, HOST_APART */
	uint64_t excess[2];	 /* weight of sampled packets over that of as many others */
};

/* A record on its way. */
struct pending {
	struct entry entry; /* of it alone; rare: is there any? */
	struct rare rare;
	uint64_t hash;
	const struct entry *likely; /* that it will be merged with */
	struct symptom_count *symptoms;
	size_t symptom_count, symptom_room;
	bool high; /* it is of direction 1 */
};

struct window_table {
	struct slot *slots;
	size_t mask;
	struct entry **chunks;
	size_t chunk_count, count;
	struct place *places; /* of the entries, in order; NULL before window_sort() */
	struct symptom_node *nodes;
	size_t node_count, node_room;
	struct rare *rares;
	size_t rare_count, rare_room;
	struct labels_table *labels;
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
	struct window_table *table = pages_new(sizeof(*table)); /* the ring's entries are aligned */

	if (getrandom(&table->seed, sizeof(table->seed), 0) != sizeof(table->seed))
		table->seed = (uintptr_t)table;
	slots_alloc(table, 1024);
	table->labels = labels_new();
	table->node_count = table->rare_count = 1;
	return table;
}

static void slots_free(struct slot *slots, size_t mask)
{
	pages_free(slots, (mask + 1) * sizeof(*slots));
}

static void entries_free(struct window_table *table)
{
	pages_free(table->places, (table->count + 1) * sizeof(*table->places));
	table->places = NULL;
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
	entries_free(table);
	for (unsigned i = 0; i < RING; i++)
		free(table->ring[i].symptoms);
	free(table->nodes);
	free(table->rares);
	labels_free(table->labels);
	slots_free(table->slots, table->mask);
	pages_free(table, sizeof(*table));
}

void window_reset(struct window_table *table)
{
	entries_free(table);
	slots_free(table->slots, table->mask);
	slots_alloc(table, 1024);
	labels_reset(table->labels);
	table->node_count = table->rare_count = 1;
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
	return table->places ? table->places[index].entry : entry_at(table, index);
}

const struct symptom_node *window_symptom(const struct window_table *table, uint32_t index)
{
	return &table->nodes[index];
}

const struct labels *window_labels(const struct window_table *table, const struct entry *entry)
{
	return labels_get(table->labels, entry->labels);
}

uint64_t window_weight(const struct window_table *table, const struct entry *entry, int side)
{
	uint64_t weight = entry->side[side].packets * WEIGHT_ONE;

	return entry->rare ? weight + table->rares[entry->rare].excess[side] : weight;
}

static uint64_t hash_of(const struct window_table *table, const struct entry *entry)
{
	return XXH3_64bits_withSeed(&entry->key, sizeof(entry->key),
		table->seed ^ entry->window_ms * 0x9e3779b97f4a7c15ull);
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

static bool is_entry(const struct window_table *table, const struct slot *slot,
	const struct pending *pending)
{
	const struct entry *entry;

	if (slot->tag != (uint32_t)pending->hash)
		return false;
	entry = entry_at(table, slot->entry - 1);
	return entry->window_ms == pending->entry.window_ms &&
	       !memcmp(&entry->key, &pending->entry.key, sizeof(entry->key));
}

/* The slot of a record's entry, or the free one where it would go. */
static struct slot *slot_of(struct window_table *table, const struct pending *pending)
{
	size_t at;

	if (table->count > table->mask / 4 * 3)
		grow(table);
	at = pending->hash & table->mask;
	while (table->slots[at].entry && !is_entry(table, &table->slots[at], pending))
		at = (at + 1) & table->mask;
	return &table->slots[at];
}

/* Zeroed. */
static struct rare *rare_of(struct window_table *table, struct entry *entry)
{
	if (!entry->rare) {
		if (table->rare_count >= table->rare_room) {
			table->rare_room = table->rare_room ? 2 * table->rare_room : 1024;
			table->rares =
				x_realloc(table->rares, table->rare_room * sizeof(*table->rares));
		}
		table->rares[table->rare_count] = (struct rare){0};
		entry->rare = table->rare_count++;
	}
	return &table->rares[entry->rare];
}

static struct entry *entry_new(struct window_table *table, const struct pending *pending)
{
	struct entry *entry;

	if (table->count == table->chunk_count << CHUNK_SHIFT) {
		table->chunks =
			x_realloc(table->chunks, (table->chunk_count + 1) * sizeof(*table->chunks));
		table->chunks[table->chunk_count++] = pages_new(CHUNK * sizeof(struct entry));
	}
	entry = entry_at(table, table->count++);
	*entry = pending->entry;
	entry->rare = 0;
	if (pending->entry.rare)
		*rare_of(table, entry) = pending->rare;
	return entry;
}

static bool before(const struct moment *a, const struct moment *b)
{
	return a->ms != b->ms ? a->ms < b->ms : a->index < b->index;
}

static bool differ(const struct moment *a, const struct moment *b)
{
	return a->ms != b->ms || a->index != b->index;
}

/* KEPT and its MARK become those of MOMENT when that is earlier; of two at once it is the one without. */
static void earlier(struct moment *kept, uint16_t *marks, const struct moment *moment,
	uint16_t other, uint16_t mark)
{
	if (before(kept, moment))
		return;
	if (before(moment, kept)) {
		*kept = *moment;
		*marks |= mark;
	}
	*marks &= other | (uint16_t)~mark;
}

/* The moments of an entry that may stand apart from it. */
struct apart {
	struct moment syn, host;
};

static struct apart apart_of(const struct entry *entry, const struct rare *rare)
{
	return (struct apart){
		.syn = entry->marks & SYN_APART ? rare->syn : entry->first,
		.host = entry->marks & HOST_APART ? rare->host : entry->first,
	};
}

static void put_apart(struct window_table *table, struct entry *entry, const struct apart *apart)
{
	entry->marks &= (uint16_t) ~(SYN_APART | HOST_APART);
	if (entry->flags & FLOW_SYN && differ(&apart->syn, &entry->first)) {
		entry->marks |= SYN_APART;
		rare_of(table, entry)->syn = apart->syn;
	}
	if (entry->host_name && differ(&apart->host, &entry->first)) {
		entry->marks |= HOST_APART;
		rare_of(table, entry)->host = apart->host;
	}
}

/*
 * goes_before(): is MORE's name, told at MOMENT, better than the one kept? One that a flow told goes before one that
 * its client had resolved; then the earliest; then the alphabet, so that order cannot matter.
 */
static bool goes_before(const struct entry *more, const struct moment *moment,
	const struct entry *entry, const struct moment *kept)
{
	uint16_t resolved = more->flags & FLOW_RESOLVED;

	if (!entry->host_name || resolved != (entry->flags & FLOW_RESOLVED))
		return !entry->host_name || !resolved;
	if (differ(moment, kept))
		return before(moment, kept);
	return strcmp(intern_text(more->host_name), intern_text(entry->host_name)) < 0;
}

static void merge_host(struct entry *entry, struct moment *kept, const struct entry *more,
	const struct moment *moment)
{
	if (!more->host_name || !goes_before(more, moment, entry, kept))
		return;
	*kept = *moment;
	entry->host_name = more->host_name;
	entry->flags &= (uint16_t)~FLOW_RESOLVED;
	entry->flags |= more->flags & FLOW_RESOLVED;
}

static void merge_syn(struct entry *entry, struct moment *kept, const struct entry *more,
	const struct moment *moment)
{
	if (!(more->flags & FLOW_SYN))
		return;
	if (entry->flags & FLOW_SYN) {
		earlier(kept, &entry->marks, moment, more->marks, SYN_HIGH);
		return;
	}
	*kept = *moment;
	entry->flags |= FLOW_SYN;
	entry->marks |= more->marks & SYN_HIGH;
}

static void merge_times(struct window_table *table, struct entry *entry,
	const struct pending *pending)
{
	const struct entry *more = &pending->entry;
	const struct rare *rare = entry->rare ? &table->rares[entry->rare] : NULL;
	struct apart kept = apart_of(entry, rare), other = apart_of(more, &pending->rare);

	merge_syn(entry, &kept.syn, more, &other.syn);
	merge_host(entry, &kept.host, more, &other.host);
	earlier(&entry->first, &entry->marks, &more->first, more->marks, FIRST_HIGH);
	if (more->end_ms > entry->end_ms)
		entry->end_ms = more->end_ms;
	put_apart(table, entry, &kept);
}

static void merge_excess(struct window_table *table, struct entry *entry, const struct rare *more)
{
	for (int i = 0; i < 2; i++)
		if (more->excess[i])
			rare_of(table, entry)->excess[i] += more->excess[i];
}

static void merge_sides(struct entry *entry, const struct entry *more)
{
	for (int i = 0; i < 2; i++) {
		entry->side[i].packets += more->side[i].packets;
		entry->side[i].octets += more->side[i].octets;
		entry->tcp_flags[i] |= more->tcp_flags[i];
	}
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

static void unite(struct window_table *table, struct entry *entry, const struct pending *pending)
{
	const struct entry *more = &pending->entry;

	merge_sides(entry, more);
	merge_times(table, entry, pending);
	if (more->rare)
		merge_excess(table, entry, &pending->rare);
	entry->flags |= more->flags & (uint16_t)~FLOW_RESOLVED;
	entry->labels = labels_unite(table->labels, entry->labels, more->labels);
}

static void merge(struct window_table *table, const struct pending *pending)
{
	struct slot *slot = slot_of(table, pending);
	struct entry *entry;

	if (slot->entry) {
		entry = entry_at(table, slot->entry - 1);
		unite(table, entry, pending);
	} else {
		entry = entry_new(table, pending);
		*slot = (struct slot){(uint32_t)pending->hash, table->count};
	}
	for (size_t i = 0; i < pending->symptom_count; i++)
		symptom_of(table, entry, pending->symptoms[i].name)->packets[pending->high] +=
			pending->symptoms[i].packets;
}

static uint64_t weight_of(const struct flow *flow)
{
	double weight;

	if (flow->sampling == 1.0)
		return flow->packets * WEIGHT_ONE;
	weight = rint((double)flow->packets / flow->sampling * WEIGHT_ONE);
	return weight < 0x1p63 ? (uint64_t)weight : UINT64_C(1) << 63;
}

/* What stands apart when an entry is of this record alone. */
static void set_rare(struct pending *pending, const struct flow *flow)
{
	struct entry *entry = &pending->entry;

	pending->rare = (struct rare){.syn = {flow->syn_ms, flow->syn_index}};
	pending->rare.excess[pending->high] = weight_of(flow) - flow->packets * WEIGHT_ONE;
	if (flow->flags & FLOW_SYN && differ(&pending->rare.syn, &entry->first))
		entry->marks |= SYN_APART;
	entry->rare = entry->marks & SYN_APART || pending->rare.excess[pending->high];
}

static void set_entry(struct window_table *table, struct pending *pending, const struct flow *flow,
	uint32_t probe)
{
	struct entry *entry = &pending->entry;
	bool high = flowkey_canonical(&flow->key, &entry->key);

	entry->end_ms = flow->end_ms;
	entry->first = (struct moment){flow->start_ms, flow->first_index};
	entry->side[high] = (struct side){flow->packets, flow->octets};
	entry->tcp_flags[high] = flow->tcp_flags;
	entry->side[!high] = (struct side){0};
	entry->tcp_flags[!high] = 0;
	entry->host_name = flow->host_name;
	entry->labels = labels_id(table->labels,
		&(struct labels){flow->vlan, flow->tunnel, flow->endpoint, flow->aggregate, probe});
	entry->marks = high ? FIRST_HIGH : 0;
	if (high && flow->flags & FLOW_SYN)
		entry->marks |= SYN_HIGH;
	pending->high = high;
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
	__builtin_prefetch((const char *)entry + 64, 1);
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
		pending->likely = entry_at(table, slot->entry - 1);
		fetch(pending->likely);
	}
}

void window_fetch_rest(const struct window_table *table, const struct entry *entry)
{
	if (entry->rare)
		__builtin_prefetch(&table->rares[entry->rare], 1);
	if (entry->symptoms)
		__builtin_prefetch(&table->nodes[entry->symptoms], 1);
}

static void fetch_rest(const struct window_table *table, const struct pending *pending)
{
	if (pending->likely)
		window_fetch_rest(table, pending->likely);
}

/* The record that came so many before the next one. */
static struct pending *ago(struct window_table *table, unsigned records)
{
	return &table->ring[(table->head - records) % RING];
}

void window_add(struct window_table *table, const struct flow *flow, uint64_t window_ms,
	uint16_t flags, uint32_t probe)
{
	struct pending *pending = ago(table, RING);

	if (table->waiting == RING)
		merge(table, pending);
	else
		table->waiting++;
	pending->entry.window_ms = window_ms;
	pending->entry.flags =
		flags | (flow->flags & (uint16_t) ~(flow->host_name ? 0 : FLOW_RESOLVED));
	set_entry(table, pending, flow, probe);
	set_rare(pending, flow);
	keep_symptoms(pending, flow);
	pending->hash = hash_of(table, &pending->entry);
	__builtin_prefetch(&table->slots[pending->hash & table->mask]);
	table->head++;
	if (table->waiting > TO_ENTRY)
		fetch_entry(table, ago(table, TO_ENTRY + 1));
	if (table->waiting > TO_REST)
		fetch_rest(table, ago(table, TO_REST + 1));
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
	assert(!table->places && !table->waiting);
	slots_free(table->slots, table->mask);
	table->slots = NULL;
	table->places = pages_new((table->count + 1) * sizeof(*table->places));
	for (size_t i = 0; i < table->count; i++)
		table->places[i] = order_place(entry_at(table, i));
	order_sort(table->places, table->count);
}
