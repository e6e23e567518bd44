/*
 * piece.c: the memory behind stitch.c, which finds patterns that lie in several packets.
 */
#include "preprocess/piece.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "spool/pages.h"
#include "preprocess/sequence.h"
#include "spool/log.h"

/* ---- the memory ---- */

struct pieces *pieces_new(uint32_t max)
{
	struct pieces *pieces = x_calloc(1, sizeof(*pieces));

	pieces->max = max > 2 * PIECES_FLOW ? max : 2 * PIECES_FLOW;
	pieces->list = pages_new(pieces->max * sizeof(*pieces->list));
	return pieces;
}

void pieces_free(struct pieces *pieces)
{
	pages_free(pieces->list, pieces->max * sizeof(*pieces->list));
	free(pieces);
}

void pieces_clear(struct pieces *pieces)
{
	pieces->used = pieces->free = pieces->hand = 0;
}

void pieces_begin(struct pieces *pieces)
{
	pieces_clear(pieces);
	pieces->full = pieces->crowded = 0;
}

static struct piece *at(const struct pieces *pieces, uint32_t id)
{
	return id ? &pieces->list[id - 1] : NULL;
}

static uint32_t id_of(const struct pieces *pieces, const struct piece *piece)
{
	return (uint32_t)(piece - pieces->list) + 1;
}

/* The link that leads to PIECE. */
static uint32_t *link_to(const struct pieces *pieces, const struct piece *piece)
{
	uint32_t *link = &piece->owner->pieces;

	while (*link != id_of(pieces, piece))
		link = &at(pieces, *link)->below;
	return link;
}

static void unlink_piece(struct pieces *pieces, struct piece *piece)
{
	*link_to(pieces, piece) = piece->below;
}

static void release(struct pieces *pieces, struct piece *piece)
{
	unlink_piece(pieces, piece);
	piece->below = pieces->free;
	pieces->free = id_of(pieces, piece);
}

/* The hand passes by who was touched since it came last. */
static struct piece *take_over(struct pieces *pieces)
{
	struct piece *piece;

	for (;;) {
		piece = &pieces->list[pieces->hand];
		pieces->hand = (pieces->hand + 1) % pieces->max;
		if (!piece->touched)
			break;
		piece->touched = false;
	}
	pieces->full++;
	unlink_piece(pieces, piece);
	return piece;
}

static struct piece *obtain(struct pieces *pieces)
{
	struct piece *piece = at(pieces, pieces->free);

	if (piece)
		pieces->free = piece->below;
	else if (pieces->used < pieces->max)
		piece = &pieces->list[pieces->used++];
	else
		piece = take_over(pieces);
	return piece;
}

/* ---- the pieces of a direction ---- */

void pieces_prefetch(const struct pieces *pieces, const struct entry *entry)
{
	const char *piece = (const char *)at(pieces, entry->pieces);

	for (size_t line = 0; piece && line < offsetof(struct piece, head); line += 64)
		__builtin_prefetch(piece + line, 1);
}

struct piece *pieces_top(const struct pieces *pieces, const struct entry *entry)
{
	return at(pieces, entry->pieces);
}

struct piece *pieces_below(const struct pieces *pieces, const struct piece *piece)
{
	return at(pieces, piece->below);
}

struct piece *pieces_first(const struct pieces *pieces, const struct entry *entry)
{
	struct piece *piece = pieces_top(pieces, entry);

	while (piece && !piece->first)
		piece = pieces_below(pieces, piece);
	return piece;
}

struct piece *pieces_ending(const struct pieces *pieces, const struct entry *entry, uint32_t seq)
{
	struct piece *piece = pieces_top(pieces, entry);

	while (piece && piece->end != seq)
		piece = pieces_below(pieces, piece);
	return piece;
}

struct piece *pieces_beginning(const struct pieces *pieces, const struct entry *entry, uint32_t seq)
{
	struct piece *piece = pieces_top(pieces, entry);

	while (piece && piece->begin != seq)
		piece = pieces_below(pieces, piece);
	return piece;
}

void pieces_forget(struct pieces *pieces, struct entry *entry)
{
	while (entry->pieces)
		release(pieces, at(pieces, entry->pieces));
}

static void make_room(struct pieces *pieces, struct entry *entry)
{
	struct piece *lowest = pieces_top(pieces, entry);
	unsigned count = 1;

	if (!lowest)
		return;
	for (; lowest->below; count++)
		lowest = pieces_below(pieces, lowest);
	if (count < PIECES_FLOW)
		return;
	release(pieces, lowest);
	pieces->crowded++;
}

static void insert(struct pieces *pieces, struct piece *piece)
{
	uint32_t *link = &piece->owner->pieces;

	while (*link && seq_distance(piece->begin, at(pieces, *link)->begin) > 0)
		link = &at(pieces, *link)->below;
	piece->below = *link;
	*link = id_of(pieces, piece);
}

struct piece *piece_new(struct pieces *pieces, struct entry *entry, uint32_t begin, bool alone)
{
	struct piece *piece, *first;

	make_room(pieces, entry);
	piece = obtain(pieces);
	first = pieces_first(pieces, entry);
	piece->owner = entry;
	piece->begin = piece->end = begin;
	piece->head_size = piece->tail_size = piece->start_count = 0;
	piece->whole = piece->touched = true;
	piece->first = alone || (first && seq_distance(begin, first->begin) > 0);
	if (first && piece->first)
		first->first = false;
	insert(pieces, piece);
	return piece;
}

/* ---- their bytes ---- */

/* ALL: no byte is missing behind them. */
static void add_head(struct piece *piece, const uint8_t *bytes, uint32_t size, bool all)
{
	uint32_t room = (uint32_t)PIECE_HEAD - piece->head_size;

	if (!piece->whole)
		return;
	piece->whole = all && size <= room;
	size = size < room ? size : room;
	memcpy(piece->head + piece->head_size, bytes, size);
	piece->head_size = (uint16_t)(piece->head_size + size);
}

static void add_tail(struct piece *piece, const uint8_t *bytes, uint32_t size)
{
	uint32_t kept = piece->tail_size;

	if (size >= SYMPTOM_REACH) {
		memcpy(piece->tail, bytes + size - SYMPTOM_REACH, SYMPTOM_REACH);
		piece->tail_size = SYMPTOM_REACH;
		return;
	}
	if (kept > SYMPTOM_REACH - size)
		kept = SYMPTOM_REACH - size;
	memmove(piece->tail, piece->tail + piece->tail_size - kept, kept);
	memcpy(piece->tail + kept, bytes, size);
	piece->tail_size = (uint16_t)(kept + size);
}

/* Those whose first byte is no longer in the tail are of no use. */
static void drop_starts(struct piece *piece)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < piece->start_count; i++)
		if (piece->end - piece->starts[i] <= piece->tail_size)
			piece->starts[kept++] = piece->starts[i];
	piece->start_count = (uint8_t)kept;
}

/* When there are too many, the first and the last few are kept. */
static void add_start(struct piece *piece, uint32_t seq)
{
	if (piece->end - seq > piece->tail_size)
		return;
	for (unsigned i = 0; i < piece->start_count; i++)
		if (piece->starts[i] == seq)
			return;
	if (piece->start_count == PIECE_STARTS) {
		memmove(piece->starts + 1, piece->starts + 2,
			(PIECE_STARTS - 2) * sizeof(*piece->starts));
		piece->start_count--;
	}
	piece->starts[piece->start_count++] = seq;
}

void piece_append(struct piece *piece, const uint8_t *bytes, uint32_t have, uint32_t length,
	uint32_t start)
{
	piece->touched = true;
	piece->end += length;
	add_head(piece, bytes, have, have == length);
	if (have < length)
		piece->tail_size = 0;
	else
		add_tail(piece, bytes, have);
	drop_starts(piece);
	add_start(piece, start);
}

void piece_merge(struct pieces *pieces, struct piece *piece, struct piece *above)
{
	add_head(piece, above->head, above->head_size, above->whole);
	if (above->tail_size < above->end - above->begin)
		piece->tail_size = 0;
	piece->end = above->end;
	add_tail(piece, above->tail, above->tail_size);
	drop_starts(piece);
	for (unsigned i = 0; i < above->start_count; i++)
		add_start(piece, above->starts[i]);
	release(pieces, above);
}
