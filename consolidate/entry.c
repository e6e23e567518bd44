/*
 * entry.c: the merge itself, between the table that finds the entry of a record (window.c) and the biflow that becomes of it.
 */
#include "consolidate/entry.h"

#include <math.h>
#include <string.h>

#include "spool/intern.h"
#include "spool/log.h"

size_t entry_bytes(const struct entry *entry)
{
	return entry->marks & IP6 ? ENTRY6_BYTES : ENTRY4_BYTES;
}

struct flowkey entry_key(const struct entry *entry)
{
	struct flowkey key = {.sport = entry->ports[0],
		.dport = entry->ports[1],
		.proto = entry->proto,
		.version = entry->marks & IP6 ? 6 : 4};

	if (entry->marks & IP6) {
		memcpy(key.src, entry->addresses, 16);
		memcpy(key.dst, entry->addresses + 16, 16);
	} else {
		memcpy(key.src, entry->addresses, 4);
		memcpy(key.dst, entry->addresses + 4, 4);
	}
	return key;
}

bool entry_same_key(const struct entry *a, const struct entry *b)
{
	if (memcmp(a->ports, b->ports, sizeof(a->ports)) || a->proto != b->proto ||
		(a->marks ^ b->marks) & IP6)
		return false;
	return a->marks & IP6 ? !memcmp(a->addresses, b->addresses, 32)
			      : !memcmp(a->addresses, b->addresses, 8);
}

static bool before(const struct moment *a, const struct moment *b)
{
	return a->ms != b->ms ? a->ms < b->ms : a->index < b->index;
}

static bool differ(const struct moment *a, const struct moment *b)
{
	return a->ms != b->ms || a->index != b->index;
}

static uint64_t weight_of(const struct flow *flow)
{
	double weight;

	if (flow->sampling == 1.0)
		return flow->packets * WEIGHT_ONE;
	weight = rint((double)flow->packets / flow->sampling * WEIGHT_ONE);
	return weight < 0x1p63 ? (uint64_t)weight : UINT64_C(1) << 63;
}

static void set_key(struct entry *entry, const struct flowkey *key)
{
	entry->marks = key->version == 6 ? IP6 : 0;
	entry->ports[0] = key->sport;
	entry->ports[1] = key->dport;
	entry->proto = key->proto;
	if (entry->marks & IP6) {
		memcpy(entry->addresses, key->src, 16);
		memcpy(entry->addresses + 16, key->dst, 16);
	} else {
		memcpy(entry->addresses, key->src, 4);
		memcpy(entry->addresses + 4, key->dst, 4);
	}
}

static void set_syn(struct entry *entry, struct rare *rare, const struct flow *flow, bool high)
{
	if (!(flow->flags & FLOW_SYN))
		return;
	rare->syn = (struct moment){flow->syn_ms, flow->syn_index};
	entry->marks |= (high ? SYN_HIGH : 0) | (differ(&rare->syn, &entry->first) ? SYN_APART : 0);
}

void single_set(struct single *single, const struct flow *flow, const struct flowkey *key,
	bool high, uint32_t common)
{
	struct entry *entry = &single->entry;

	set_key(entry, key);
	entry->marks |= high ? FIRST_HIGH : 0;
	entry->end_ms = flow->end_ms;
	entry->first = (struct moment){flow->start_ms, flow->first_index};
	entry->side[high] = (struct side){flow->packets, flow->octets};
	entry->side[!high] = (struct side){0};
	entry->tcp_flags[high] = flow->tcp_flags;
	entry->tcp_flags[!high] = 0;
	entry->host_name = flow->host_name;
	entry->common = common;
	entry->flags = flow->host_name ? flow->flags : flow->flags & (uint16_t)~FLOW_RESOLVED;
	set_syn(entry, &single->rare, flow, high);
	single->rare.excess[high] = weight_of(flow) - flow->packets * WEIGHT_ONE;
	single->rare.excess[!high] = 0;
	entry->rare = entry->marks & SYN_APART || single->rare.excess[high];
	entry->symptoms = 0;
	single->high = high;
}

/* That of ENTRY, zeroed when it is new. */
static struct rare *rare_of(struct entry *entry, struct rares *rares)
{
	if (entry->rare)
		return &rares->list[entry->rare];
	if (rares->count + 1 >= rares->room) {
		rares->room = rares->room ? 2 * rares->room : 1024;
		rares->list = x_realloc(rares->list, rares->room * sizeof(*rares->list));
	}
	entry->rare = ++rares->count;
	rares->list[entry->rare] = (struct rare){0};
	return &rares->list[entry->rare];
}

void entry_keep(struct entry *entry, const struct single *single, struct rares *rares)
{
	entry->rare = 0;
	if (single->entry.rare)
		*rare_of(entry, rares) = single->rare;
}

uint64_t entry_weight(const struct entry *entry, int side, const struct rares *rares)
{
	uint64_t weight = entry->side[side].packets * WEIGHT_ONE;

	return entry->rare ? weight + rares->list[entry->rare].excess[side] : weight;
}

/* KEPT and its MARK become those of MOMENT when that is earlier; of two at once it is the one without. */
static void earlier(struct moment *kept, uint8_t *marks, const struct moment *moment, uint8_t other,
	uint8_t mark)
{
	if (before(kept, moment))
		return;
	if (before(moment, kept)) {
		*kept = *moment;
		*marks |= mark;
	}
	*marks &= other | (uint8_t)~mark;
}

/* The moments of an entry that may stand apart from it. */
struct apart {
	struct moment syn, host;
};

static struct apart apart_of(const struct entry *entry, const struct rare *rare)
{
	return (struct apart){
		.syn = entry->marks & SYN_APART ? rare->syn : entry->first,
		.host = entry->marks & HOST_APART ? rare->host : entry->first,
	};
}

static void put_apart(struct entry *entry, const struct apart *apart, struct rares *rares)
{
	entry->marks &= (uint8_t) ~(SYN_APART | HOST_APART);
	if (entry->flags & FLOW_SYN && differ(&apart->syn, &entry->first)) {
		entry->marks |= SYN_APART;
		rare_of(entry, rares)->syn = apart->syn;
	}
	if (entry->host_name && differ(&apart->host, &entry->first)) {
		entry->marks |= HOST_APART;
		rare_of(entry, rares)->host = apart->host;
	}
}

/*
 * goes_before(): is MORE's name, told at MOMENT, better than the one kept? One that a flow told goes before one that
 * its client had resolved; then the earliest; then the alphabet, so that order cannot matter.
 */
static bool goes_before(const struct entry *more, const struct moment *moment,
	const struct entry *entry, const struct moment *kept)
{
	uint16_t resolved = more->flags & FLOW_RESOLVED;

	if (!entry->host_name || resolved != (entry->flags & FLOW_RESOLVED))
		return !entry->host_name || !resolved;
	if (differ(moment, kept))
		return before(moment, kept);
	return strcmp(intern_text(more->host_name), intern_text(entry->host_name)) < 0;
}

static void unite_host(struct entry *entry, struct moment *kept, const struct entry *more,
	const struct moment *moment)
{
	if (!more->host_name || !goes_before(more, moment, entry, kept))
		return;
	*kept = *moment;
	entry->host_name = more->host_name;
	entry->flags &= (uint16_t)~FLOW_RESOLVED;
	entry->flags |= more->flags & FLOW_RESOLVED;
}

static void unite_syn(struct entry *entry, struct moment *kept, const struct entry *more,
	const struct moment *moment)
{
	if (!(more->flags & FLOW_SYN))
		return;
	if (entry->flags & FLOW_SYN) {
		earlier(kept, &entry->marks, moment, more->marks, SYN_HIGH);
		return;
	}
	*kept = *moment;
	entry->marks |= more->marks & SYN_HIGH;
	entry->flags |= FLOW_SYN;
}

/* Most records come later than the first one, and tell no other name. */
static bool keeps_moments(const struct entry *entry, const struct entry *more)
{
	if (more->flags & FLOW_SYN || !before(&entry->first, &more->first))
		return false;
	return !more->host_name ||
	       (more->host_name == entry->host_name && !(entry->marks & HOST_APART) &&
		       !((more->flags ^ entry->flags) & FLOW_RESOLVED));
}

static void unite_moments(struct entry *entry, const struct single *single, struct rares *rares)
{
	const struct entry *more = &single->entry;
	const struct rare *rare = entry->rare ? &rares->list[entry->rare] : NULL;
	struct apart kept = apart_of(entry, rare), other = apart_of(more, &single->rare);

	unite_syn(entry, &kept.syn, more, &other.syn);
	unite_host(entry, &kept.host, more, &other.host);
	earlier(&entry->first, &entry->marks, &more->first, more->marks, FIRST_HIGH);
	put_apart(entry, &kept, rares);
}

void entry_unite(struct entry *entry, const struct single *single, struct rares *rares)
{
	const struct entry *more = &single->entry;
	bool high = single->high;

	entry->side[high].packets += more->side[high].packets;
	entry->side[high].octets += more->side[high].octets;
	entry->tcp_flags[high] |= more->tcp_flags[high];
	if (!keeps_moments(entry, more))
		unite_moments(entry, single, rares);
	if (more->end_ms > entry->end_ms)
		entry->end_ms = more->end_ms;
	entry->flags |= more->flags & (uint16_t)~FLOW_RESOLVED;
	if (single->rare.excess[high])
		rare_of(entry, rares)->excess[high] += single->rare.excess[high];
}
