/*
 * carry.c: the table of biflows that may live on into the next window. carry-file.c reads and writes it.
 */
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "consolidate/carry-table.h"
#include "spool/flowkey.h"
#include "spool/log.h"
#include "spool/pages.h"

static void slots_alloc(struct carry *carry, size_t size)
{
	carry->slots = pages_new(size * sizeof(*carry->slots));
	carry->mask = size - 1;
}

static void slots_free(struct carry *carry)
{
	pages_free(carry->slots, (carry->mask + 1) * sizeof(*carry->slots));
}

struct carry *carry_new(uint64_t window_ms, size_t limit)
{
	struct carry *carry = x_calloc(1, sizeof(*carry));

	carry->idle_ms = CARRY_WINDOWS * window_ms;
	carry->window_ms = window_ms;
	carry->limit = limit;
	slots_alloc(carry, 1024);
	carry->node_count = 1;
	return carry;
}

void carry_free(struct carry *carry)
{
	if (!carry)
		return;
	slots_free(carry);
	free(carry->entries);
	free(carry->nodes);
	free(carry);
}

size_t carry_count(const struct carry *carry)
{
	return carry->count;
}

uint64_t carry_shed(const struct carry *carry)
{
	return carry->shed;
}

const struct carried_symptom *carry_symptom(const struct carry *carry, uint32_t index)
{
	return &carry->nodes[index];
}

static uint64_t hash_of(const struct flowkey *key)
{
	return XXH3_64bits(key, sizeof(*key));
}

/* A free one is tagged. */
struct carry_slot *carry_slot(const struct carry *carry, const struct flowkey *key)
{
	uint64_t hash = hash_of(key);
	uint32_t tag = hash >> 32;
	size_t at = hash & carry->mask;
	struct carry_slot *slot = &carry->slots[at];

	while (slot->entry && (slot->tag != tag || memcmp(&carry->entries[slot->entry - 1].key, key,
							   sizeof(*key)))) {
		at = (at + 1) & carry->mask;
		slot = &carry->slots[at];
	}
	if (!slot->entry)
		slot->tag = tag;
	return slot;
}

static void index_all(struct carry *carry, size_t count)
{
	size_t size = carry->mask + 1;

	while (count > (size - 1) / 2)
		size *= 2;
	slots_free(carry);
	slots_alloc(carry, size);
	for (size_t i = 0; i < carry->count; i++)
		carry_slot(carry, &carry->entries[i].key)->entry = i + 1;
}

void carry_begin_window(struct carry *carry, size_t count)
{
	carry->to_skip = count > carry->limit ? count - carry->limit : 0;
	count -= carry->to_skip;
	if (carry->count + count > carry->mask / 2)
		index_all(carry, carry->count + count);
}

void carry_fetch(const struct carry *carry, const struct flowkey *key)
{
	__builtin_prefetch(&carry->slots[hash_of(key) & carry->mask], 1);
}

static bool idle(const struct carry *carry, const struct carried *carried, uint64_t window_ms)
{
	return carried->last_ms + carry->idle_ms < window_ms;
}

struct carried *carry_find(const struct carry *carry, const struct carry_slot *slot,
	uint64_t window_ms)
{
	struct carried *carried = slot->entry ? &carry->entries[slot->entry - 1] : NULL;

	return carried && !idle(carry, carried, window_ms) ? carried : NULL;
}

static struct carried *add(struct carry *carry, struct carry_slot *slot, const struct flowkey *key)
{
	struct carried *carried;

	if (carry->count == carry->room) {
		carry->room = carry->room ? 2 * carry->room : 1024;
		carry->entries = x_realloc(carry->entries, carry->room * sizeof(*carry->entries));
	}
	carried = &carry->entries[carry->count++];
	memset(carried, 0, sizeof(*carried));
	carried->key = *key;
	if (carry->count > carry->mask / 2)
		index_all(carry, carry->count);
	else
		slot->entry = carry->count;
	return carried;
}

struct carried *carry_put(struct carry *carry, struct carry_slot *slot, const struct flowkey *key,
	uint64_t window_ms)
{
	uint32_t entry = slot->entry;
	struct carried *carried;

	if (carry->to_skip) {
		carry->to_skip--;
		carry->skipped += !entry || idle(carry, &carry->entries[entry - 1], window_ms);
		return NULL;
	}
	carried = entry ? &carry->entries[entry - 1] : add(carry, slot, key);
	if (entry && idle(carry, carried, window_ms)) {
		memset(carried, 0, sizeof(*carried));
		carried->key = *key;
	}
	carried->last_ms = window_ms;
	return carried;
}

void carry_add_symptom(struct carry *carry, struct carried *carried, uint32_t name,
	uint64_t packets)
{
	uint32_t at;

	for (at = carried->symptoms; at; at = carry->nodes[at].next)
		if (carry->nodes[at].name == name) {
			carry->nodes[at].packets += packets;
			return;
		}
	if (carry->node_count >= carry->node_room) {
		carry->node_room = carry->node_room ? 2 * carry->node_room : 1024;
		carry->nodes = x_realloc(carry->nodes, carry->node_room * sizeof(*carry->nodes));
	}
	carry->nodes[carry->node_count] =
		(struct carried_symptom){packets, name, carried->symptoms};
	carried->symptoms = carry->node_count++;
}

/* Copies the symptoms of what stays into a new arena: lists of entries that went leave no holes. */
static void pack_symptoms(struct carry *carry)
{
	struct carried_symptom *old = carry->nodes;

	carry->nodes = NULL;
	carry->node_room = 0;
	carry->node_count = 1;
	for (size_t i = 0; i < carry->count; i++) {
		struct carried *carried = &carry->entries[i];
		uint32_t at = carried->symptoms;

		for (carried->symptoms = 0; at; at = old[at].next)
			carry_add_symptom(carry, carried, old[at].name, old[at].packets);
	}
	free(old);
}

static void keep_first(struct carry *carry, size_t count)
{
	carry->count = count;
	pack_symptoms(carry);
	index_all(carry, count);
}

void carry_purge(struct carry *carry, uint64_t below_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < carry->count; i++)
		if (!idle(carry, &carry->entries[i], below_ms))
			carry->entries[kept++] = carry->entries[i];
	if (kept < carry->count)
		keep_first(carry, kept);
}

/* Latest window first, then by key. */
static int keep_order(const void *a, const void *b)
{
	const struct carried *x = a, *y = b;

	if (x->last_ms != y->last_ms)
		return x->last_ms > y->last_ms ? -1 : 1;
	return flowkey_order(&y->key, &x->key);
}

void carry_end_window(struct carry *carry, uint64_t window_ms)
{
	size_t over = carry->skipped;

	carry->skipped = 0;
	if (carry->count > carry->limit)
		carry_purge(carry, window_ms + carry->window_ms);
	if (carry->count > carry->limit) {
		over += carry->count - carry->limit;
		qsort(carry->entries, carry->count, sizeof(*carry->entries), keep_order);
		keep_first(carry, carry->limit);
	}
	if (!over)
		return;
	carry->shed += over;
	log_warn("carry is full: %zu biflows of the oldest windows are forgotten; later windows "
		 "may lack their symptoms",
		over);
}
