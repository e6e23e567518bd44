/*
 * piece.h: what is remembered of the bytes of TCP streams: of each run of bytes without a gap (a
 * piece) the last few (its tail) and the first few (its head), as far as a match may lie in them and in what
 * comes next to them, and where in the last few the payload of a packet began. A direction has one piece while its
 * packets come in order, and one more for each gap.
 *
 *	piece = pieces_ending(pieces, entry, seq);	… or pieces_beginning()
 *	if (!piece)
 *		piece = piece_new(pieces, entry, seq, nothing_before);
 *	piece_append(pieces, piece, bytes, captured, length, seq);
 *	piece_join(pieces, piece, bytes, captured, &joined);
 *	piece_keep(pieces, piece, &joined, count);	so many of the last bytes
 *	pieces_clear(pieces);	whenever the flow table is cleared
 *
 * A piece is one cache line. In it stand up to PIECE_FEW bytes of the tail, which most have; a longer tail has a buffer
 * for as long as it is so long, and so has a head. No head is kept of what begins a connection, as nothing
 * can come before it.
 *
 * Memory is reserved once and touched as it fills; there are buffers for all heads and tails. When it is full, the
 * piece that was not touched for the longest (about: second chance) is given up and counted in full; a direction that
 * has PIECES_FLOW gives up the lowest, counted in crowded. What is given up is not found across
 * packets, nothing else changes.
 *
 * A piece is valid until the next call of piece_new(), piece_release() or pieces_forget().
 */
#ifndef PREPROCESS_PIECE_H
#define PREPROCESS_PIECE_H

#include <stdbool.h>
#include <stdint.h>
#include "preprocess/flowtab.h"
#include "preprocess/symptom_across.h"

#define PIECES_FLOW  4
#define PIECE_STARTS 4
#define PIECE_FEW    13
#define PIECE_HEAD   SYMPTOM_HEAD

struct piece {
	struct entry *owner;
	uint32_t below; /* the next lower piece of the direction, or the next free one: index + 1 */
	uint32_t begin, end;	       /* sequence numbers */
	uint32_t starts[PIECE_STARTS]; /* where a payload begins; all in the last KNOWN bytes */
	uint32_t tail, head;	       /* buffers: index + 1; 0: none */
	uint16_t head_size;
	uint8_t known;	   /* the last so many bytes were captured; SYMPTOM_REACH: or more */
	uint8_t tail_size; /* of these so many are kept, up to END */
	uint8_t open;	   /* of these, so many are looked at for what may begin anywhere */
	uint8_t hiding;	   /* for so many bytes more all are kept (stitch.c) */
	uint8_t start_count : 3;
	bool sure : 1;		/* one of those in OPEN may go on whatever follows */
	bool quiet : 1;		/* nothing in the tail goes on */
	bool first : 1;		/* nothing below it was seen */
	bool whole : 1;		/* the head holds all bytes up to END */
	bool touched : 1;	/* lately */
	uint8_t few[PIECE_FEW]; /* the tail, when it has no buffer */
} __attribute__((aligned(64)));

struct pieces {
	struct piece *list;
	uint32_t used, max, free, hand;
	union piece_buffer *buffers;
	uint32_t buffers_used, buffer_free; /* the next free one: index + 1 */
	uint64_t full, crowded;		    /* pieces given up since pieces_begin() */
};

/* The last bytes of a piece, as far as they are kept, and others that follow it; SYMPTOM_REACH at most. */
struct piece_joined {
	const uint8_t *bytes; /* ROOM, or where the others are */
	uint32_t size;
	uint8_t room[SYMPTOM_REACH];
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
void piece_release(struct pieces *pieces, struct piece *piece);

/* piece_tail(), piece_head(): tail_size and head_size bytes. */
const uint8_t *piece_tail(const struct pieces *pieces, const struct piece *piece);
const uint8_t *piece_head(const struct pieces *pieces, const struct piece *piece);

/*
 * piece_append(): LENGTH bytes of the stream, of which HAVE were captured, from a packet whose
 * payload began at START: there, or before when some of it was known. The tail is as it was, or empty when bytes are
 * missing behind it: piece_keep() is to follow.
 */
void piece_append(struct pieces *pieces, struct piece *piece, const uint8_t *bytes, uint32_t have,
	uint32_t length, uint32_t start);
/* piece_merge(): the same of ABOVE, which begins where PIECE ends and is to be released. */
void piece_merge(struct pieces *pieces, struct piece *piece, const struct piece *above);
/* piece_join(): the tail of PIECE and SIZE bytes behind it. Valid as long as both are. */
void piece_join(const struct pieces *pieces, const struct piece *piece, const uint8_t *bytes,
	uint32_t size, struct piece_joined *joined);
/* piece_keep(): the last COUNT bytes of JOINED are the tail from now on. */
void piece_keep(struct pieces *pieces, struct piece *piece, const struct piece_joined *joined,
	uint32_t count);

#endif
