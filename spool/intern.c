/*
 * intern.c: texts as small numbers and sets of texts as texts. Preprocess labels flows with them,
 * consolidation unites the labels of partial flows, and only the record files between the stages
 * spell them out.
 *
 * An open-addressing table of ids, at most half full; the texts themselves are never moved, and freed
 * by intern_forget() only. Used by one thread of a process.
 */
#include "spool/intern.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "spool/log.h"

struct entry {
	const char *text;
	uint64_t hash;
};

struct pair {
	uint32_t a, b, result; /* a <= b; 0, 0 is never stored */
};

static struct entry *entries; /* by id */
static uint32_t entry_count, entry_room;
static uint32_t *slots; /* ids + 1, 0 is free */
static uint32_t slot_mask;
static struct pair *pairs;
static uint32_t pair_count, pair_mask;

static void place(uint32_t id)
{
	uint32_t at = (uint32_t)entries[id].hash & slot_mask;

	while (slots[at])
		at = (at + 1) & slot_mask;
	slots[at] = id + 1;
}

static void grow(void)
{
	uint32_t size = slots ? (slot_mask + 1) * 2 : 256;

	free(slots);
	slots = x_calloc(size, sizeof(*slots));
	slot_mask = size - 1;
	entry_room = size / 2;
	entries = x_realloc(entries, entry_room * sizeof(*entries));
	for (uint32_t id = 0; id < entry_count; id++)
		place(id);
}

static uint32_t add(const char *text, size_t size, uint64_t hash)
{
	char *copy;

	if (entry_count == entry_room)
		grow();
	copy = x_calloc(1, size + 1);
	memcpy(copy, text, size);
	entries[entry_count] = (struct entry){copy, hash};
	place(entry_count);
	return entry_count++;
}

static void begin(void)
{
	if (entry_count)
		return;
	grow();
	add("", 0, XXH3_64bits("", 0));
}

/* Texts end at a NUL byte wherever they come from: two ids with the same text would make two labels
 * of one. */
uint32_t intern_bytes(const char *text, size_t size)
{
	uint64_t hash;

	begin();
	size = strnlen(text, size);
	hash = XXH3_64bits(text, size);
	for (uint32_t at = (uint32_t)hash & slot_mask; slots[at]; at = (at + 1) & slot_mask) {
		const struct entry *entry = &entries[slots[at] - 1];

		if (entry->hash == hash && memcmp(entry->text, text, size) == 0 &&
			!entry->text[size])
			return slots[at] - 1;
	}
	return add(text, size, hash);
}

uint32_t intern(const char *text)
{
	return intern_bytes(text, strlen(text));
}

const char *intern_text(uint32_t id)
{
	begin();
	return id < entry_count ? entries[id].text : "";
}

uint32_t intern_count(void)
{
	begin();
	return entry_count;
}

struct member {
	const char *text;
	size_t size;
	bool digits;
};

static struct member member_of(const char *text, size_t size)
{
	return (struct member){text, size, strspn(text, "0123456789") >= size};
}

static int compare_text(const struct member *a, const struct member *b)
{
	int order = memcmp(a->text, b->text, a->size < b->size ? a->size : b->size);

	return order ? order : (a->size > b->size) - (a->size < b->size);
}

static struct member without_zeros(const struct member *member)
{
	size_t zeros = strspn(member->text, "0");

	zeros = zeros >= member->size ? member->size - 1 : zeros;
	return (struct member){member->text + zeros, member->size - zeros, true};
}

/* A total order: numbers first and by value ("7" before "100"), then texts; "07" and "7" are two
 * members. */
static int compare(const void *left, const void *right)
{
	const struct member *a = left, *b = right;
	struct member x, y;
	int order;

	if (a->digits != b->digits)
		return a->digits ? -1 : 1;
	if (!a->digits)
		return compare_text(a, b);
	x = without_zeros(a);
	y = without_zeros(b);
	if (x.size != y.size)
		return x.size < y.size ? -1 : 1;
	order = compare_text(&x, &y);
	return order ? order : compare_text(a, b);
}

static size_t split(const char *text, struct member *members)
{
	size_t count = 0;

	for (; *text; text += *text == ',') {
		size_t size = strcspn(text, ",");

		if (size)
			members[count++] = member_of(text, size);
		text += size;
	}
	return count;
}

static uint32_t unite(const char *a, const char *b)
{
	size_t room = strlen(a) + strlen(b) + 2, count, used = 0;
	struct member *members = x_calloc(room, sizeof(*members));
	char *out = x_calloc(1, room);
	uint32_t id;

	count = split(a, members);
	count += split(b, members + count);
	if (count)
		qsort(members, count, sizeof(*members), compare);
	for (size_t i = 0; i < count; i++) {
		if (i && compare(&members[i - 1], &members[i]) == 0)
			continue;
		if (used)
			out[used++] = ',';
		memcpy(out + used, members[i].text, members[i].size);
		used += members[i].size;
	}
	id = intern_bytes(out, used);
	free(out);
	free(members);
	return id;
}

static struct pair *find_pair(uint32_t a, uint32_t b)
{
	uint64_t hash = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15ull;
	uint32_t at = (uint32_t)(hash >> 32) & pair_mask;

	while ((pairs[at].a || pairs[at].b) && (pairs[at].a != a || pairs[at].b != b))
		at = (at + 1) & pair_mask;
	return &pairs[at];
}

static void grow_pairs(void)
{
	struct pair *old = pairs;
	uint32_t old_size = pairs ? pair_mask + 1 : 0, size = old_size ? old_size * 2 : 256;

	pairs = x_calloc(size, sizeof(*pairs));
	pair_mask = size - 1;
	for (uint32_t i = 0; i < old_size; i++)
		if (old[i].a || old[i].b)
			*find_pair(old[i].a, old[i].b) = old[i];
	free(old);
}

uint32_t intern_union(uint32_t a, uint32_t b)
{
	struct pair *pair;

	if (a > b)
		return intern_union(b, a);
	if (b == 0)
		return 0;
	if (!pairs || pair_count * 2 > pair_mask)
		grow_pairs();
	pair = find_pair(a, b);
	if (pair->b == 0) {
		*pair = (struct pair){a, b, unite(intern_text(a), intern_text(b))};
		pair_count++;
	}
	return pair->result;
}

uint32_t intern_most(uint32_t set, unsigned most)
{
	const char *text = intern_text(set), *at = text;
	char *short_text;
	uint32_t id;

	for (; *at && most > 0; most--) {
		at += strcspn(at, ",");
		at += *at == ',';
	}
	if (!*at || strcmp(at, INTERN_MORE) == 0)
		return set;
	short_text = x_sprintf("%.*s%s", (int)(at - text), text, INTERN_MORE);
	id = intern(short_text);
	free(short_text);
	return id;
}

/* What was remembered of unions may name a forgotten id: it is found out anew. */
void intern_forget(uint32_t count)
{
	begin();
	if (count == 0 || count >= entry_count)
		return;
	while (entry_count > count)
		free((char *)entries[--entry_count].text);
	memset(slots, 0, ((size_t)slot_mask + 1) * sizeof(*slots));
	for (uint32_t id = 0; id < entry_count; id++)
		place(id);
	if (pairs)
		memset(pairs, 0, ((size_t)pair_mask + 1) * sizeof(*pairs));
	pair_count = 0;
}
