/*
 * entries.c: memory for the entries that window.c makes: two arenas, for entries with IPv4 and IPv6 addresses, of chunks.
 *
 * The last bit of a number tells the arena.
 */
#include "consolidate/entries.h"

#include <stdlib.h>
#include <string.h>

#include "spool/log.h"
#include "spool/pages.h"

/* Whole huge pages: three and four. */
#define CHUNK_SHIFT 16
#define CHUNK	    ((size_t)1 << CHUNK_SHIFT)

static const size_t sizes[] = {ENTRY4_BYTES, ENTRY6_BYTES};

static struct entry *at(const struct entries *entries, unsigned kind, size_t index)
{
	char *chunk = entries->arenas[kind].chunks[index >> CHUNK_SHIFT];

	return (struct entry *)(chunk + (index & (CHUNK - 1)) * sizes[kind]);
}

uint32_t entries_add(struct entries *entries, const struct entry *entry)
{
	unsigned kind = entry->marks & IP6 ? 1 : 0;
	struct arena *arena = &entries->arenas[kind];

	if (arena->count == arena->chunk_count << CHUNK_SHIFT) {
		arena->chunks =
			x_realloc(arena->chunks, (arena->chunk_count + 1) * sizeof(*arena->chunks));
		arena->chunks[arena->chunk_count++] = pages_new(CHUNK * sizes[kind]);
	}
	memcpy(at(entries, kind, arena->count), entry, sizes[kind]);
	return (uint32_t)(arena->count++ << 1 | kind);
}

struct entry *entries_get(const struct entries *entries, uint32_t number)
{
	return at(entries, number & 1, number >> 1);
}

size_t entries_count(const struct entries *entries)
{
	return entries->arenas[0].count + entries->arenas[1].count;
}

struct entry *entries_nth(const struct entries *entries, size_t index)
{
	size_t others = entries->arenas[0].count;

	return index < others ? at(entries, 0, index) : at(entries, 1, index - others);
}

void entries_clear(struct entries *entries)
{
	for (unsigned kind = 0; kind < 2; kind++) {
		struct arena *arena = &entries->arenas[kind];

		for (size_t i = 0; i < arena->chunk_count; i++)
			pages_free(arena->chunks[i], CHUNK * sizes[kind]);
		free(arena->chunks);
		*arena = (struct arena){0};
	}
}
