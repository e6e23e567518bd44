/*
 * stitch.c: between the flow table and the symptoms, for packets of TCP. Most packets come in
 * order: their payload is scanned as that of any packet, then the few bytes around the border to
 * the packet before.
 */
#include "preprocess/stitch.h"

#include <string.h>

#include "preprocess/sequence.h"

/* Each piece that is cut out of a span can make one more of it. */
#define SPANS_MAX (SEQUENCE_SPANS + PIECES_FLOW)

/* One packet. */
struct job {
	struct pieces *pieces;
	struct entry *entry;
	const struct packet *packet;
	struct symptoms *symptoms;
	struct symptom_hits *hits;
	struct sequence_fresh fresh;
};

static struct symptom_stretch stretch_of(const struct job *job, const uint8_t *bytes, uint32_t size,
	uint32_t limit)
{
	return (struct symptom_stretch){
		.bytes = bytes,
		.size = size,
		.limit = limit,
		.sport = job->packet->key.sport,
		.dport = job->packet->key.dport,
		.payload_size = job->packet->payload_size,
	};
}

/* ---- what is new: the spans, without what the pieces have ---- */

/* Of the COUNT spans, without PIECE; returns how many are left. */
static unsigned cut_out(const struct piece *piece, struct sequence_span *spans, unsigned count)
{
	unsigned more = count;

	for (unsigned i = 0; i < count; i++) {
		struct sequence_span *span = &spans[i];
		bool inside = seq_distance(span->begin, piece->end) > 0 &&
			      seq_distance(piece->begin, span->end) > 0;

		if (!inside)
			continue;
		if (seq_distance(piece->end, span->end) > 0)
			spans[more++] = (struct sequence_span){piece->end, span->end};
		span->end = piece->begin;
	}
	return more;
}

/* Writes SPANS_MAX at most, in no order; of some nothing is left. */
static unsigned find_new(const struct job *job, struct sequence_span *spans)
{
	unsigned count = job->fresh.count;

	memcpy(spans, job->fresh.spans, count * sizeof(*spans));
	for (struct piece *piece = pieces_top(job->pieces, job->entry); piece;
		piece = pieces_below(job->pieces, piece))
		count = cut_out(piece, spans, count);
	return count;
}

/* ---- a border ---- */

static uint32_t lower(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t higher(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Patterns that may begin anywhere cannot be farther from the border than the longest is long. */
static void scan_near(const struct job *job, const struct piece *piece,
	const struct symptom_stretch *border)
{
	uint32_t reach = symptoms_reach(job->symptoms), limit = border->skip + reach;
	uint32_t far = border->skip - lower(piece->open, reach);
	struct symptom_stretch near = *border;

	if (near.limit > limit)
		near.limit = limit;
	if (near.size > limit + 2) /* to see that the payload goes on */
		near.size = limit + 2;
	near.bytes += far;
	near.size -= far;
	near.skip -= far;
	near.limit -= far;
	symptoms_scan_stretch(job->symptoms, &near, job->hits);
}

/* So many bytes before the border begins a payload, with TAIL: does something begin there and go on behind it? */
static bool start_crosses(const struct job *job, const uint8_t *tail, uint32_t back)
{
	return symptoms_start_reach(job->symptoms, tail[0]) > back;
}

/* From each start of a payload that is remembered. BORDER has all of the tail. */
static void scan_starts(const struct job *job, const struct piece *piece,
	const struct symptom_stretch *border)
{
	struct symptom_stretch stretch = *border;

	stretch.start = true;
	for (unsigned i = 0; i < piece->start_count; i++) {
		uint32_t back = piece->end - piece->starts[i], at = border->skip - back;

		if (back > border->skip || !start_crosses(job, border->bytes + at, back))
			continue;
		stretch.bytes = border->bytes + at;
		stretch.size = border->size - at;
		stretch.skip = back;
		stretch.limit = border->limit - at;
		symptoms_scan_stretch(job->symptoms, &stretch, job->hits);
	}
}

/* From how many bytes before the end of TAIL does something begin with a payload of PIECE and go on? 0: nothing does. */
static uint32_t farthest_start(const struct job *job, const struct piece *piece,
	const uint8_t *tail, uint32_t size)
{
	uint32_t farthest = 0;

	for (unsigned i = 0; i < piece->start_count; i++) {
		uint32_t back = piece->end - piece->starts[i];

		if (back > farthest && back <= size && start_crosses(job, tail + size - back, back))
			farthest = back;
	}
	return farthest;
}

/* What ends in the first LIMIT of SIZE bytes at HEAD, which follow PIECE. */
static void join(const struct job *job, const struct piece *piece, const uint8_t *head,
	uint32_t size, uint32_t limit, const struct symptom_ends *known)
{
	const uint8_t *tail = piece_tail(job->pieces, piece);
	uint8_t bytes[SYMPTOM_REACH + PIECE_HEAD];
	struct symptom_stretch stretch;
	bool anywhere, starts;

	if (!limit || piece->quiet)
		return;
	anywhere = piece->open && (piece->sure || symptoms_cross(job->symptoms,
							  tail[piece->tail_size - 1], *head));
	starts = farthest_start(job, piece, tail, piece->tail_size) > 0;
	if (!anywhere && !starts)
		return;
	if (size > PIECE_HEAD) {
		size = PIECE_HEAD;
		limit = lower(limit, SYMPTOM_REACH);
	}
	memcpy(bytes, tail, piece->tail_size);
	memcpy(bytes + piece->tail_size, head, size);
	stretch = stretch_of(job, bytes, piece->tail_size + size, piece->tail_size + limit);
	stretch.skip = piece->tail_size;
	stretch.known = known;
	if (anywhere)
		scan_near(job, piece, &stretch);
	scan_starts(job, piece, &stretch);
}

/*
 * PIECE has SIZE bytes more, at BYTES. Of them and of those kept so far all are kept from which on something may go on in
 * the next packet; if none, the last, for an anchor looks at the byte before a match.
 *
 * A pattern of several lengths that ended once is not found once more within reach, not even another match of it
 * (symptom_across.c). So that this does not depend on what is kept, all is, until it is out of reach.
 */
static void keep(const struct job *job, struct piece *piece, const uint8_t *bytes, uint32_t size)
{
	struct symptom_opening opening;
	struct piece_joined joined;
	uint32_t count;

	piece_join(job->pieces, piece, bytes, size, &joined);
	opening = symptoms_opening(job->symptoms, joined.bytes, joined.size);
	count = higher(farthest_start(job, piece, joined.bytes, joined.size), opening.size);
	if (job->hits->hides)
		piece->hiding = SYMPTOM_REACH;
	if (piece->hiding) {
		count = joined.size;
		opening.size = opening.size ? joined.size : 0;
	}
	piece->open = (uint8_t)opening.size;
	piece->sure = opening.sure;
	piece->quiet = !count;
	piece_keep(job->pieces, piece, &joined, count || !joined.size ? count : 1);
}

/* The gap below ABOVE is filled. What stands in it alone was found when it came. */
static void close_gap(const struct job *job, struct piece *piece, struct piece *above)
{
	const uint8_t *head = piece_head(job->pieces, above);
	uint32_t limit = above->head_size;
	struct symptom_ends ends = {.count = 0};
	struct symptom_stretch stretch;

	if (!above->whole)
		limit = lower(limit, SYMPTOM_REACH);
	stretch = stretch_of(job, head, above->head_size, limit);
	symptoms_note_stretch(job->symptoms, &stretch, &ends);
	stretch.start = true;
	symptoms_note_stretch(job->symptoms, &stretch, &ends);
	join(job, piece, head, above->head_size, limit, &ends);
	piece_merge(job->pieces, piece, above);
	if (above->whole)
		keep(job, piece, head, above->head_size);
	else
		keep(job, piece, piece_tail(job->pieces, above), above->tail_size);
	piece_release(job->pieces, above);
}

/* ---- one packet ---- */

/* SIZE new bytes at OFFSET of the payload; what follows them, up to SEEN, is known. */
static void scan_alone(const struct job *job, uint32_t offset, uint32_t size, uint32_t seen)
{
	const struct packet *packet = job->packet;
	struct symptom_stretch stretch = stretch_of(job, packet->payload + offset, seen, size);

	if (size == packet->payload_size) {
		symptoms_scan(job->symptoms, packet->payload, size, packet->key.proto,
			packet->key.sport, packet->key.dport, job->hits);
		return;
	}
	symptoms_scan_stretch(job->symptoms, &stretch, job->hits);
	stretch = stretch_of(job, packet->payload, offset + seen, offset + size);
	stretch.start = true;
	stretch.skip = offset;
	symptoms_scan_stretch(job->symptoms, &stretch, job->hits);
}

static void take(struct job *job, const struct sequence_span *span)
{
	const struct packet *packet = job->packet;
	uint32_t offset = span->begin - job->fresh.begin, size = span->end - span->begin;
	uint32_t have = 0, seen = 0; /* of the bytes from OFFSET on: new ones, and two to look at */
	struct piece *piece = pieces_ending(job->pieces, job->entry, span->begin), *above;
	const uint8_t *bytes = packet->payload;

	if (offset < packet->payload_size) {
		seen = packet->payload_size - offset;
		have = seen < size ? seen : size;
		seen = seen < have + 2 ? seen : have + 2;
		bytes += offset;
		scan_alone(job, offset, have, seen);
	}
	if (piece)
		join(job, piece, bytes, seen, have, NULL);
	else
		piece = piece_new(job->pieces, job->entry, span->begin, job->fresh.restart);
	piece_append(job->pieces, piece, bytes, have, size, job->fresh.begin);
	keep(job, piece, bytes, have == size ? have : 0);
	above = pieces_beginning(job->pieces, job->entry, span->end);
	if (above)
		close_gap(job, piece, above);
}

/* The sender is done and nothing is missing: the memory is for others. */
static void finish(const struct job *job)
{
	const struct piece *top = pieces_top(job->pieces, job->entry);
	uint32_t end = job->fresh.begin + job->packet->tcp_length;

	if (job->packet->tcp_flags & TCP_FIN && top && !top->below && top->end == end)
		pieces_forget(job->pieces, job->entry);
}

/* What goes on where the only piece ends is new. Most packets are like that. */
static bool go_on(struct job *job)
{
	const struct packet *packet = job->packet;
	const struct piece *piece = pieces_top(job->pieces, job->entry);
	struct sequence_span span = {packet->tcp_seq, packet->tcp_seq + packet->tcp_length};

	if (!piece || piece->below || piece->end != span.begin ||
		!sequence_goes_on(job->entry, packet))
		return false;
	job->fresh.begin = span.begin;
	take(job, &span);
	finish(job);
	return true;
}

bool stitch_scan(struct pieces *pieces, struct entry *entry, const struct packet *packet,
	struct symptoms *symptoms, struct symptom_hits *hits)
{
	struct job job = {.pieces = pieces,
		.entry = entry,
		.packet = packet,
		.symptoms = symptoms,
		.hits = hits};
	struct sequence_span spans[SPANS_MAX];
	struct piece *first;
	unsigned count;
	bool new = false;

	/* Most packets without payload: no need to wait for what is remembered of their stream. */
	if (packet->tcp_length == 0 && !(packet->tcp_flags & (TCP_SYN | TCP_FIN)))
		return false;
	if (go_on(&job))
		return packet->payload_size > 0;
	first = pieces_first(pieces, entry);
	sequence_take(entry, packet, first ? &first->begin : NULL, &job.fresh);
	if (job.fresh.restart)
		pieces_forget(pieces, entry);
	count = find_new(&job, spans);
	for (unsigned i = 0; i < count; i++) {
		if (seq_distance(spans[i].begin, spans[i].end) <= 0)
			continue;
		take(&job, &spans[i]);
		new = true;
	}
	finish(&job);
	return new && packet->payload_size > 0;
}
