/*
 * meter.c: the packet path. A burst of frames from the segment reader is decoded, then counted, then
 * scanned: in passes, so that the slot and the entry of each flow and what is remembered of its stream
 * are on their way from memory while other packets are worked on, and the code of a pass stays in the
 * first-level cache. What a packet shows must not depend on where bursts end: what a later pass needs of
 * a flow's state goes with the packet.
 */
#include "preprocess/meter.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "preprocess/stitch.h"
#include "spool/intern.h"
#include "spool/log.h"

#define CHANGES_MAX	8
#define FLOWS_PER_PIECE 16 /* most flows of a batch are short, or no TCP */

/* A packet on its way through the passes. */
struct passing {
	uint64_t window_ms, hash;
	uint32_t offset_ms; /* of its time in the window */
	uint32_t position;  /* in the batch */
	struct entry *entry;
	uint32_t nth;		/* packet of ENTRY that it is, from 1 */
	enum symptom_side side; /* where it goes */
	struct packet packet;	/* ends with what few packets have */
};

static int count_fragment(void *own, void *record, const struct fragment *first);

struct meter *meter_new(const struct spool *spool, uint32_t max_flows, int (*full)(void *own),
	void *own)
{
	struct meter *meter = x_calloc(1, sizeof(*meter));

	meter->spool = spool;
	meter->table = flowtab_new(max_flows);
	meter->hosts = hosts_new();
	meter->pieces = pieces_new(max_flows / FLOWS_PER_PIECE);
	meter->fragments = fragments_new(sizeof(struct passing), count_fragment, meter);
	meter->full = full;
	meter->own = own;
	return meter;
}

void meter_free(struct meter *meter)
{
	hosts_free(meter->hosts);
	fragments_free(meter->fragments);
	flowtab_free(meter->table);
	pieces_free(meter->pieces);
	free(meter);
}

void meter_begin(struct meter *meter, const struct ruleset *rules)
{
	meter->rules = rules;
	flowtab_clear(meter->table);
	hosts_begin(meter->hosts, symptoms_ask_ja4(rules->symptoms));
	pieces_begin(meter->pieces);
	fragments_clear(meter->fragments);
	attributes_begin(&meter->attributes);
	memset(&meter->totals, 0, sizeof(meter->totals));
}

/* Packets of one window come in a row: the division is done once for it. */
static void set_window(struct meter *meter, struct passing *passing, uint64_t time_ms)
{
	if (time_ms < meter->window_begin || time_ms >= meter->window_end) {
		meter->window_begin = window_of(meter->spool, time_ms);
		meter->window_end = meter->window_begin + meter->spool->window_s * 1000ull;
	}
	passing->window_ms = meter->window_begin;
	passing->offset_ms = (uint32_t)(time_ms - meter->window_begin);
}

static void count_frame(struct meter_totals *totals, const struct frame *frame)
{
	if (totals->packets == 0 || frame->time_ms < totals->first_ms)
		totals->first_ms = frame->time_ms;
	if (frame->time_ms > totals->last_ms)
		totals->last_ms = frame->time_ms;
	totals->packets++;
	totals->bytes += frame->captured;
}

static void set_ports(struct packet *packet, const struct fragment *first)
{
	packet->key.proto = first->transport;
	packet->key.sport = first->sport;
	packet->key.dport = first->dport;
}

/* Fragments of PASSING. 1 it is counted with the others; 0 it waits for its first one; -1 errno. */
static int take_fragments(struct meter *meter, struct passing *passing, uint64_t time_ms)
{
	struct packet *packet = &passing->packet;
	int result = 1;

	for (unsigned i = 0; i < packet->fragment_count && result == 1; i++) {
		struct fragment *fragment = &packet->fragments[i];

		if (fragment->later)
			result = fragments_later(meter->fragments, fragment, time_ms, passing);
		else if (fragments_first(meter->fragments, fragment, time_ms) < 0)
			result = -1;
		if (fragment->later && result == 1)
			set_ports(packet, fragment);
	}
	return result;
}

/*
 * First pass. Returns how many packets were kept: those with an IP header whose ports are known; -1
 * errno.
 */
static int decode(struct meter *meter, const struct frame *frames, int count,
	struct passing *passing)
{
	struct meter_totals *totals = &meter->totals;
	int kept = 0, result;

	for (int i = 0; i < count; i++) {
		const struct frame *frame = &frames[i];
		struct passing *next = &passing[kept];

		next->position = (uint32_t)totals->packets;
		count_frame(totals, frame);
		decode_packet(frame->linktype, frame->bytes, frame->captured, frame->length,
			&next->packet);
		totals->not_ip += next->packet.kind == PACKET_NOT_IP;
		totals->malformed += next->packet.kind == PACKET_MALFORMED;
		if (next->packet.kind != PACKET_IP)
			continue;
		set_window(meter, next, frame->time_ms);
		if (next->packet.fragment_count) {
			result = take_fragments(meter, next, frame->time_ms);
			if (result < 0)
				return -1;
			if (result == 0)
				continue;
		}
		next->hash = flowtab_hash(meter->table, &next->packet.key, next->window_ms);
		flowtab_prefetch_slot(meter->table, next->hash);
		kept++;
	}
	return kept;
}

static int make_room(struct meter *meter)
{
	if (meter->full(meter->own) < 0)
		return -1;
	meter->totals.full++;
	flowtab_clear(meter->table);
	hosts_forget_flows(meter->hosts);
	pieces_clear(meter->pieces);
	return 0;
}

/* Time may run backwards in a capture: the earliest packet is not always the first. */
static void add_packet(struct entry *entry, const struct passing *passing)
{
	const struct packet *packet = &passing->packet;

	if (entry->packets == 0 || passing->offset_ms < entry->start_ms) {
		entry->start_ms = passing->offset_ms;
		entry->first = passing->position;
	}
	if (passing->offset_ms > entry->end_ms)
		entry->end_ms = passing->offset_ms;
	entry->packets++;
	entry->octets += packet->octets;
	entry->tcp_flags |= packet->tcp_flags;
	if ((packet->tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		return;
	if (!(entry->flags & FLOW_SYN) || passing->offset_ms < entry->syn_ms) {
		entry->flags |= FLOW_SYN;
		entry->syn_ms = passing->offset_ms;
		entry->syn = passing->position;
	}
}

/*
 * A flow keeps its VLAN and its tunnel, or has a few. Each new set is a new text, so a forger who
 * tags every packet of a flow in another way would fill the memory: from CHANGES_MAX on nothing
 * is added.
 */
static void unite(struct entry *entry, uint32_t *set, uint32_t more)
{
	if (*set == more || entry->changes == CHANGES_MAX)
		return;
	more = *set ? intern_union(*set, more) : more;
	if (more == *set)
		return;
	*set = more;
	entry->changes++;
}

static void add_attributes(struct meter *meter, struct entry *entry, const struct packet *packet)
{
	if (packet->vlan_count)
		unite(entry, &entry->vlan, attributes_vlans(&meter->attributes, packet));
	if (packet->tunnel_count)
		unite(entry, &entry->tunnel, attributes_tunnels(&meter->attributes, packet));
	if (packet->circuit)
		unite(entry, &entry->circuit, attributes_circuit(&meter->attributes, packet));
}

/* What a flow tells itself goes before what its client had resolved. */
static void find_host(struct meter *meter, const struct passing *passing, struct symptom_hits *hits)
{
	struct entry *entry = passing->entry;
	struct told told;

	hosts_look(meter->hosts, entry, passing->nth, &passing->packet, &told);
	if (told.ja4[0])
		symptoms_ja4(meter->rules->symptoms, told.ja4, hits);
	if (!told.name[0])
		return;
	symptoms_host(meter->rules->symptoms, told.name, hits);
	if (!entry->host_name || entry->flags & FLOW_RESOLVED)
		entry->host_name = intern(told.name);
	entry->flags &= (uint8_t)~FLOW_RESOLVED;
}

/* Its symptoms wait for meter_resolved(), when it is known that the flow told no name itself. */
static void recall_host(struct meter *meter, struct entry *entry, const struct passing *passing)
{
	uint64_t now_ms = passing->window_ms + passing->offset_ms;
	const char *name = NULL;

	if (entry->packets == 1)
		name = hosts_resolved(meter->hosts, &passing->packet.key, now_ms);
	if (name) {
		entry->host_name = intern(name);
		entry->flags |= FLOW_RESOLVED;
	}
	hosts_learn(meter->hosts, &passing->packet, now_ms);
}

/*
 * Where a packet of this flow goes: known from a SYN of the batch, else the lower port is the
 * server's.
 */
static enum symptom_side side_of(const struct entry *entry)
{
	if (entry->flags & FLOW_SYN)
		return SIDE_SERVER;
	if (entry->tcp_flags & TCP_SYN)
		return SIDE_CLIENT;
	if (entry->key.dport == entry->key.sport)
		return SIDE_UNKNOWN;
	return entry->key.dport < entry->key.sport ? SIDE_SERVER : SIDE_CLIENT;
}

/* Adds what the payload shows; false when there is nothing new in it. */
static bool look_into(struct meter *meter, struct entry *entry, const struct packet *packet,
	struct symptom_hits *hits)
{
	if (packet->key.proto == IPPROTO_TCP)
		return stitch_scan(meter->pieces, entry, packet, meter->rules->symptoms, hits);
	symptoms_scan(meter->rules->symptoms, packet->payload, packet->payload_size,
		packet->key.proto, packet->key.sport, packet->key.dport, hits);
	return packet->payload_size > 0;
}

/* Last pass, of one packet. A fast list decides without the payload. */
static void scan(struct meter *meter, const struct passing *passing)
{
	const struct packet *packet = &passing->packet;
	struct entry *entry = passing->entry;
	struct symptom_hits hits;

	if (entry->fast != FLOWTAB_NO_FAST) {
		flowtab_count_symptom(meter->table, entry,
			(uint16_t)(meter->rules->symptom_count + entry->fast));
		return;
	}
	hosts_opened(entry, packet);
	hits.hides = false;
	hits.count = hits.overflow = 0; /* clearing the whole list costs more than decoding */
	if (!look_into(meter, entry, packet, &hits))
		return;
	find_host(meter, passing, &hits);
	symptoms_keep(meter->rules->symptoms, &hits, &packet->key, packet->tcp_flags,
		passing->side);
	meter->totals.overflow += hits.overflow;
	for (unsigned i = 0; i < hits.count; i++)
		flowtab_count_symptom(meter->table, entry, hits.index[i]);
}

void meter_resolved(const struct meter *meter, const struct entry *entry, struct symptom_hits *hits)
{
	hits->count = hits->overflow = 0;
	if (!(entry->flags & FLOW_RESOLVED) || entry->fast != FLOWTAB_NO_FAST)
		return;
	symptoms_host(meter->rules->symptoms, intern_text(entry->host_name), hits);
	symptoms_keep(meter->rules->symptoms, hits, &entry->key, entry->tcp_flags, side_of(entry));
}

static void count_packet(struct meter *meter, struct passing *passing)
{
	const struct packet *packet = &passing->packet;
	struct entry *entry = passing->entry;

	add_packet(entry, passing);
	meter->totals.ip++;
	meter->totals.octets_ip += packet->octets;
	meter->totals.octets_uncaptured += packet->uncaptured;
	if (packet->vlan_count | packet->tunnel_count | packet->circuit)
		add_attributes(meter, entry, packet);
	recall_host(meter, entry, passing);
	if (entry->packets == 1) /* the addresses and ports that it looks at are the flow's */
		entry->fast = fast_match(meter->rules->fast, &packet->key);
	passing->nth = entry->packets;
	passing->side = side_of(entry);
}

/* Returns how many of COUNT packets were counted: those before one that finds the table full. */
static int count_packets(struct meter *meter, struct passing *passing, int count)
{
	int done;

	for (done = 0; done < count; done++) {
		struct passing *next = &passing[done];

		next->entry =
			flowtab_find(meter->table, &next->packet.key, next->window_ms, next->hash);
		if (!next->entry)
			break;
		count_packet(meter, next);
		if (next->packet.payload_size > 0 && next->packet.key.proto == IPPROTO_TCP)
			pieces_prefetch(meter->pieces, next->entry);
	}
	return done;
}

/* The passes behind decoding. 0, or -1 with errno. */
static int count_and_scan(struct meter *meter, struct passing *passing, int count)
{
	for (int done = 0; done < count;) {
		int counted = count_packets(meter, passing + done, count - done);

		for (int i = 0; i < counted; i++)
			scan(meter, &passing[done + i]);
		done += counted;
		if (done < count && make_room(meter) < 0)
			return -1;
	}
	return 0;
}

/* A fragment that waited: its bytes are gone, and were not to be looked into. */
static int count_fragment(void *own, void *record, const struct fragment *first)
{
	struct meter *meter = own;
	struct passing *passing = record;

	if (first)
		set_ports(&passing->packet, first);
	meter->totals.fragments_lost += !first;
	passing->hash = flowtab_hash(meter->table, &passing->packet.key, passing->window_ms);
	return count_and_scan(meter, passing, 1);
}

int meter_frames(struct meter *meter, const struct frame *frames, int count)
{
	struct passing passing[PCAPNG_BURST];
	int kept = decode(meter, frames, count, passing);

	if (kept < 0)
		return -1;
	for (int i = 0; i < kept; i++)
		flowtab_prefetch_entry(meter->table, passing[i].hash);
	return count_and_scan(meter, passing, kept);
}

int meter_end(struct meter *meter)
{
	return fragments_flush(meter->fragments);
}
