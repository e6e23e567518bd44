/*
 * sequence.c: stands between the flow table and the scan, for packets of TCP.
 */
#include "preprocess/sequence.h"

/* Farther back than any window in use reaches: another connection with the same ports. */
#define FAR_BACK (16 << 20)

static uint32_t higher(uint32_t a, uint32_t b)
{
	return seq_distance(a, b) > 0 ? b : a;
}

static uint32_t lower(uint32_t a, uint32_t b)
{
	return seq_distance(a, b) > 0 ? a : b;
}

static bool has_gap(const struct entry *entry)
{
	return entry->gap_begin != entry->gap_end;
}

static void open_gap(struct entry *entry, uint32_t begin)
{
	if (!has_gap(entry))
		entry->gap_begin = entry->next_seq;
	entry->gap_end = begin;
}

/* Bytes came that lie before the first one, and do not reach it. */
static void open_gap_below(struct entry *entry, uint32_t end, uint32_t first)
{
	if (!has_gap(entry))
		entry->gap_end = first;
	entry->gap_begin = end;
}

static void fill_gap(struct entry *entry, uint32_t begin, uint32_t end)
{
	if (!has_gap(entry) || seq_distance(entry->gap_begin, end) <= 0 ||
		seq_distance(begin, entry->gap_end) <= 0)
		return;
	if (seq_distance(entry->gap_begin, begin) <= 0)
		entry->gap_begin = end;
	else if (seq_distance(entry->gap_end, end) >= 0)
		entry->gap_end = begin;
	if (seq_distance(entry->gap_begin, entry->gap_end) < 0)
		entry->gap_end = entry->gap_begin;
}

static void add(struct sequence_fresh *fresh, uint32_t begin, uint32_t end)
{
	if (seq_distance(begin, end) > 0)
		fresh->spans[fresh->count++] = (struct sequence_span){begin, end};
}

static void start(struct entry *entry, uint32_t next)
{
	entry->sequenced = true;
	entry->next_seq = next;
	entry->gap_begin = entry->gap_end = 0;
}

/* Of a connection that is known. */
static void continues(struct entry *entry, uint32_t begin, uint32_t end, const uint32_t *first,
	struct sequence_fresh *fresh)
{
	if (first && seq_distance(begin, *first) > 0) {
		add(fresh, begin, lower(end, *first));
		if (seq_distance(end, *first) > 0)
			open_gap_below(entry, end, *first);
		begin = *first;
	}
	if (has_gap(entry))
		add(fresh, higher(begin, entry->gap_begin), lower(end, entry->gap_end));
	add(fresh, higher(begin, entry->next_seq), end);
	fill_gap(entry, begin, end);
	if (seq_distance(entry->next_seq, begin) > 0)
		open_gap(entry, begin);
	entry->next_seq = higher(entry->next_seq, end);
}

bool sequence_goes_on(struct entry *entry, const struct packet *packet)
{
	if (!entry->sequenced || has_gap(entry) || packet->tcp_flags & TCP_SYN ||
		packet->tcp_seq != entry->next_seq || packet->tcp_length == 0)
		return false;
	entry->next_seq += packet->tcp_length;
	return true;
}

void sequence_take(struct entry *entry, const struct packet *packet, const uint32_t *first,
	struct sequence_fresh *fresh)
{
	uint32_t begin = packet->tcp_seq, end;
	bool syn = packet->tcp_flags & TCP_SYN;

	begin += syn;
	end = begin + packet->tcp_length;
	*fresh = (struct sequence_fresh){.begin = begin};
	if (syn && !(first && *first == begin)) {
		entry->sequenced = false;
		fresh->restart = true;
	}
	if (packet->tcp_length == 0)
		return;
	if (entry->sequenced && seq_distance(entry->next_seq, begin) >= -FAR_BACK) {
		continues(entry, begin, end, first, fresh);
		return;
	}
	start(entry, end);
	fresh->restart = true;
	add(fresh, begin, end);
}
