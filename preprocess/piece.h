/*
 * piece.h: what is remembered of the bytes of TCP streams: of each run of bytes without a gap (a
 * piece) the first and the last few, and where in the last few the payload of a packet began. A
 * direction has one piece while its packets come in order, and one more for each gap.
 *
 *	piece = pieces_ending(pieces, entry, seq);	… or pieces_beginning()
 *	if (!piece)
 *		piece = piece_new(pieces, entry, seq, nothing_before);
 *	piece_append(piece, bytes, captured, length, seq);
 *	pieces_clear(pieces);	whenever the flow table is cleared
 *
 * Memory is reserved once and touched as it fills. When it is full, the piece that was not touched
 * for the longest (about: second chance) is given up and counted in full; a direction that has
 * PIECES_FLOW gives up the lowest, counted in crowded. What is given up is not found across
 * packets, nothing else changes.
 *
 * A piece is valid until the next call of piece_new(), piece_merge() or pieces_forget().
 */
#ifndef PREPROCESS_PIECE_H
#define PREPROCESS_PIECE_H

#include <stdbool.h>
#include <stdint.h>
#include "preprocess/flowtab.h"
#include "preprocess/symptom_across.h"

#define PIECES_FLOW  4
#define PIECE_STARTS 4
#define PIECE_HEAD   SYMPTOM_HEAD

struct piece {
	struct entry *owner;
	uint32_t below; /* the next lower piece of the direction, or the next free one: index + 1 */
	uint32_t begin, end;	       /* sequence numbers */
	uint32_t starts[PIECE_STARTS]; /* where a payload begins; all in the tail */
	uint16_t head_size, tail_size; /* the tail ends at END; empty when that was not captured */
	uint8_t start_count;
	bool first;   /* nothing below it was seen */
	bool whole;   /* the head holds all bytes up to END */
	bool touched; /* lately */
	uint8_t tail[SYMPTOM_REACH];
	uint8_t head[PIECE_HEAD];
} __attribute__((aligned(64)));

struct pieces {
	struct piece *list;
	uint32_t used, max, free, hand;
	uint64_t full, crowded; /* pieces given up since pieces_begin() */
};

struct pieces *pieces_new(uint32_t max);
void pieces_free(struct pieces *pieces);
/* pieces_begin(): forgets all, and the counts; pieces_clear(): all but the counts. */
void pieces_begin(struct pieces *pieces);
void pieces_clear(struct pieces *pieces);

void pieces_prefetch(const struct pieces *pieces, const struct entry *entry);
/* pieces_top(), pieces_below(): the pieces of ENTRY from the highest down; NULL for none. */
struct piece *pieces_top(const struct pieces *pieces, const struct entry *entry);
struct piece *pieces_below(const struct pieces *pieces, const struct piece *piece);
/* pieces_first(): the lowest, when nothing below it was seen. */
struct piece *pieces_first(const struct pieces *pieces, const struct entry *entry);
struct piece *pieces_ending(const struct pieces *pieces, const struct entry *entry, uint32_t seq);
struct piece *pieces_beginning(const struct pieces *pieces, const struct entry *entry,
	uint32_t seq);
/* pieces_forget(): all pieces of ENTRY. */
void pieces_forget(struct pieces *pieces, struct entry *entry);

/* piece_new(): an empty one at BEGIN. ALONE: it is the first of a connection. */
struct piece *piece_new(struct pieces *pieces, struct entry *entry, uint32_t begin, bool alone);
/*
 * piece_append(): LENGTH bytes of the stream, of which HAVE were captured, from a packet whose
 * payload began at START: there, or before when some of it was known.
 */
void piece_append(struct piece *piece, const uint8_t *bytes, uint32_t have, uint32_t length,
	uint32_t start);
/* piece_merge(): PIECE ends where ABOVE begins, and takes it in. */
void piece_merge(struct pieces *pieces, struct piece *piece, struct piece *above);

#endif
