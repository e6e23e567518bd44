/*
 * sequence.c: stands between the flow table and the scan, for packets of TCP.
 */
#include "preprocess/sequence.h"

/* Farther back than any window in use reaches: another connection with the same ports. */
#define FAR_BACK (16 << 20)

/* Sequence numbers are compared modulo 2^32 (RFC 9293, 3.4). */
static inline int32_t distance(uint32_t from, uint32_t to)
{
	return (int32_t)(to - from);
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

/* The segment lies below next_seq. */
static bool fills_gap(struct entry *entry, uint32_t begin, uint32_t end)
{
	if (!has_gap(entry) || distance(entry->gap_begin, end) <= 0 ||
		distance(begin, entry->gap_end) <= 0)
		return false;
	if (distance(entry->gap_begin, begin) <= 0)
		entry->gap_begin = end;
	else if (distance(entry->gap_end, end) >= 0)
		entry->gap_end = begin;
	if (distance(entry->gap_begin, entry->gap_end) < 0)
		entry->gap_end = entry->gap_begin;
	return true;
}

static void start(struct entry *entry, uint32_t next)
{
	entry->sequenced = true;
	entry->next_seq = next;
	entry->gap_begin = entry->gap_end = 0;
}

bool sequence_new(struct entry *entry, const struct packet *packet)
{
	uint32_t begin = packet->tcp_seq, end;

	if (packet->tcp_flags & TCP_SYN)
		entry->sequenced = false;
	if (packet->tcp_length == 0)
		return false;
	if (packet->tcp_flags & TCP_SYN)
		begin++;
	end = begin + packet->tcp_length;
	if (!entry->sequenced || distance(entry->next_seq, begin) < -FAR_BACK) {
		start(entry, end);
		return true;
	}
	if (distance(entry->next_seq, begin) > 0)
		open_gap(entry, begin);
	if (distance(entry->next_seq, end) > 0) {
		entry->next_seq = end;
		return true;
	}
	return fills_gap(entry, begin, end);
}
