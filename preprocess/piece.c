/*
 * piece.c: the memory behind stitch.c, which finds patterns that lie in several packets.
 */
#include "preprocess/piece.h"

#include <stdlib.h>
#include <string.h>

#include "spool/pages.h"
#include "preprocess/sequence.h"
#include "spool/log.h"

_Static_assert(sizeof(struct piece) == 64, "a piece is one cache line");

union piece_buffer {
	uint32_t next; /* free: the next one that is */
	uint8_t bytes[PIECE_HEAD];
};

/* ---- the memory ---- */

static size_t buffers_size(const struct pieces *pieces)
{
	return 2 * (size_t)pieces->max * sizeof(*pieces->buffers);
}

struct pieces *pieces_new(uint32_t max)
{
	struct pieces *pieces = x_calloc(1, sizeof(*pieces));

	pieces->max = max > 2 * PIECES_FLOW ? max : 2 * PIECES_FLOW;
	pieces->list = pages_new(pieces->max * sizeof(*pieces->list));
	pieces->buffers = pages_new(buffers_size(pieces));
	return pieces;
}

void pieces_free(struct pieces *pieces)
{
	pages_free(pieces->buffers, buffers_size(pieces));
	pages_free(pieces->list, pieces->max * sizeof(*pieces->list));
	free(pieces);
}

void pieces_clear(struct pieces *pieces)
{
	pieces->used = pieces->free = pieces->hand = 0;
	pieces->buffers_used = pieces->buffer_free = 0;
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

static uint8_t *buffer_at(const struct pieces *pieces, uint32_t id)
{
	return pieces->buffers[id - 1].bytes;
}

static uint32_t take_buffer(struct pieces *pieces)
{
	uint32_t id = pieces->buffer_free;

	if (!id)
		return ++pieces->buffers_used;
	pieces->buffer_free = pieces->buffers[id - 1].next;
	return id;
}

static void release_buffer(struct pieces *pieces, uint32_t *id)
{
	if (!*id)
		return;
	pieces->buffers[*id - 1].next = pieces->buffer_free;
	pieces->buffer_free = *id;
	*id = 0;
}

static void release_buffers(struct pieces *pieces, struct piece *piece)
{
	release_buffer(pieces, &piece->tail);
	release_buffer(pieces, &piece->head);
}

void piece_release(struct pieces *pieces, struct piece *piece)
{
	release_buffers(pieces, piece);
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
	release_buffers(pieces, piece);
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
	if (entry->pieces)
		__builtin_prefetch(at(pieces, entry->pieces), 1);
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
		piece_release(pieces, at(pieces, entry->pieces));
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
	piece_release(pieces, lowest);
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

/* Nothing can come below the first byte of a connection, but for a keep-alive that repeats the SYN's number. */
static bool is_bottom(const struct entry *entry, uint32_t begin)
{
	return entry->awaited && entry->first_seq == begin;
}

struct piece *piece_new(struct pieces *pieces, struct entry *entry, uint32_t begin, bool alone)
{
	struct piece *piece, *first;

	make_room(pieces, entry);
	piece = obtain(pieces);
	first = pieces_first(pieces, entry);
	*piece = (struct piece){
		.owner = entry,
		.begin = begin,
		.end = begin,
		.touched = true,
		.quiet = true,
		.whole = !is_bottom(entry, begin),
	};
	piece->first = alone || (first && seq_distance(begin, first->begin) > 0);
	if (first && piece->first)
		first->first = false;
	insert(pieces, piece);
	return piece;
}

/* ---- their bytes ---- */

const uint8_t *piece_tail(const struct pieces *pieces, const struct piece *piece)
{
	return piece->tail ? buffer_at(pieces, piece->tail)
			   : piece->few + PIECE_FEW - piece->tail_size;
}

const uint8_t *piece_head(const struct pieces *pieces, const struct piece *piece)
{
	return piece->head ? buffer_at(pieces, piece->head) : NULL;
}

/* ALL: no byte is missing behind them. */
static void add_head(struct pieces *pieces, struct piece *piece, const uint8_t *bytes,
	uint32_t size, bool all)
{
	uint32_t room = (uint32_t)PIECE_HEAD - piece->head_size;

	if (!piece->whole)
		return;
	piece->whole = all && size <= room;
	size = size < room ? size : room;
	if (!size)
		return;
	if (!piece->head)
		piece->head = take_buffer(pieces);
	memcpy(buffer_at(pieces, piece->head) + piece->head_size, bytes, size);
	piece->head_size = (uint16_t)(piece->head_size + size);
}

/* Of LENGTH bytes more the last KNOWN were captured; the first of them may follow what is known. */
static void advance(struct piece *piece, uint32_t known, uint32_t length)
{
	if (known < length)
		piece->known = piece->tail_size = piece->hiding = 0;
	known += piece->known;
	piece->known = (uint8_t)(known < SYMPTOM_REACH ? known : SYMPTOM_REACH);
	piece->hiding = (uint8_t)(piece->hiding > length ? piece->hiding - length : 0);
	piece->end += length;
}

/* Those whose first byte is no longer in the tail are of no use. */
static void drop_starts(struct piece *piece)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < piece->start_count; i++)
		if (piece->end - piece->starts[i] <= piece->known)
			piece->starts[kept++] = piece->starts[i];
	piece->start_count = kept;
}

/* When there are too many, the first and the last few are kept. */
static void add_start(struct piece *piece, uint32_t seq)
{
	if (piece->end - seq > piece->known)
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

void piece_append(struct pieces *pieces, struct piece *piece, const uint8_t *bytes, uint32_t have,
	uint32_t length, uint32_t start)
{
	piece->touched = true;
	add_head(pieces, piece, bytes, have, have == length);
	advance(piece, have == length ? have : 0, length);
	if (piece->start_count)
		drop_starts(piece);
	add_start(piece, start);
}

void piece_merge(struct pieces *pieces, struct piece *piece, const struct piece *above)
{
	uint32_t length = above->end - above->begin;

	add_head(pieces, piece, piece_head(pieces, above), above->head_size, above->whole);
	advance(piece, above->known, length);
	if (!above->whole)
		piece->tail_size = 0;
	drop_starts(piece);
	for (unsigned i = 0; i < above->start_count; i++)
		add_start(piece, above->starts[i]);
	if (above->hiding > piece->hiding)
		piece->hiding = above->hiding;
}

void piece_join(const struct pieces *pieces, const struct piece *piece, const uint8_t *bytes,
	uint32_t size, struct piece_joined *joined)
{
	uint32_t before = piece->tail_size;

	if (size > SYMPTOM_REACH) {
		bytes += size - SYMPTOM_REACH;
		size = SYMPTOM_REACH;
	}
	if (before > SYMPTOM_REACH - size)
		before = SYMPTOM_REACH - size;
	joined->bytes = before ? joined->room : bytes;
	joined->size = before + size;
	if (!before)
		return;
	memcpy(joined->room, piece_tail(pieces, piece) + piece->tail_size - before, before);
	memcpy(joined->room + before, bytes, size);
}

/* Most often there are more bytes than PIECE_FEW: then so many are copied, whatever the count, which takes two instructions. */
static void keep_few(struct piece *piece, const struct piece_joined *joined, uint32_t count)
{
	const uint8_t *end = joined->bytes + joined->size;

	if (joined->size >= PIECE_FEW)
		memcpy(piece->few, end - PIECE_FEW, PIECE_FEW);
	else
		memcpy(piece->few + PIECE_FEW - count, end - count, count);
}

void piece_keep(struct pieces *pieces, struct piece *piece, const struct piece_joined *joined,
	uint32_t count)
{
	piece->tail_size = (uint8_t)count;
	if (count <= PIECE_FEW) {
		release_buffer(pieces, &piece->tail);
		keep_few(piece, joined, count);
		return;
	}
	if (!piece->tail)
		piece->tail = take_buffer(pieces);
	memcpy(buffer_at(pieces, piece->tail), joined->bytes + joined->size - count, count);
}
