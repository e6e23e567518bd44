/*
 * headers.c: walks the headers of a packet that is about to be stored. Between the filters of the
 * streams and the segments; preprocessing has a decoder of its own, which finds more, but must not
 * be needed to leave payload out.
 *
 * What is only guessed (a port that tunnels use, the bits behind a label) is kept once an IP header
 * was found behind it: KEPT moves on then, AT moves on with every step.
 */
#include "capture/headers.h"

#include <stddef.h>

#define STEPS 32 /* headers of a packet */

/* What stands at AT. */
enum layer {
	END,
	ETHERNET,
	TYPE, /* what .type, an ethertype, says */
	LLC,
	MPLS,
	PPPOE,
	PPP,
	PPP_LINK,
	RAW_IP,
	IPV4,
	IPV6,
	PROTOCOL, /* what .type, a protocol of IP, says */
	TCP,
	UDP,
	DCCP,
	GRE,
	VXLAN,
	GENEVE,
	GTP_U,
	SLL,
	SLL2,
	LOOPBACK,
	HDLC,
	LAYERS
};

struct walk {
	const uint8_t *data;
	uint32_t size, at, kept;
	uint32_t type;
};

static uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* The next BYTES; NULL where there are less, and then the rest is taken: a header that was cut. */
static const uint8_t *take(struct walk *walk, uint32_t bytes)
{
	const uint8_t *here = walk->data + walk->at;
	bool whole = walk->size - walk->at >= bytes;

	walk->at = whole ? walk->at + bytes : walk->size;
	return whole ? here : NULL;
}

static const uint8_t *peek(const struct walk *walk, uint32_t bytes)
{
	return walk->size - walk->at >= bytes ? walk->data + walk->at : NULL;
}

static void keep(struct walk *walk)
{
	walk->kept = walk->at;
}

/* A header of BYTES, then what the ethertype at OFFSET of it says. */
static enum layer tagged(struct walk *walk, uint32_t bytes, uint32_t offset)
{
	const uint8_t *header = take(walk, bytes);

	if (!header)
		return END;
	walk->type = get16(header + offset);
	return TYPE;
}

/* ---- links ---- */

static enum layer ethernet(struct walk *walk)
{
	return tagged(walk, 14, 12);
}

static enum layer sll(struct walk *walk)
{
	return tagged(walk, 16, 14);
}

static enum layer sll2(struct walk *walk)
{
	return tagged(walk, 20, 0);
}

static enum layer hdlc(struct walk *walk)
{
	return tagged(walk, 4, 2);
}

static enum layer loopback(struct walk *walk)
{
	return take(walk, 4) ? RAW_IP : END;
}

static enum layer of_type(struct walk *walk)
{
	switch (walk->type) {
	case 0x0800: return IPV4;
	case 0x86dd: return IPV6;
	case 0x8100:
	case 0x88a8:
	case 0x9100:
	case 0x9200: return tagged(walk, 4, 2);
	case 0x8847:
	case 0x8848: return MPLS;
	case 0x8864: return PPPOE;
	case 0x880b: return PPP;
	case 0x6558: return ETHERNET;
	default: return walk->type < 0x0600 ? LLC : END;
	}
}

/* SNAP only (RFC 1042). */
static enum layer llc(struct walk *walk)
{
	const uint8_t *header = peek(walk, 8);

	if (!header || get16(header) != 0xaaaa || header[2] != 3)
		return END;
	return tagged(walk, 8, 6);
}

static enum layer mpls(struct walk *walk)
{
	const uint8_t *label;

	do
		label = take(walk, 4);
	while (label && !(label[2] & 1));
	return label ? RAW_IP : END;
}

static enum layer pppoe(struct walk *walk)
{
	return take(walk, 6) ? PPP : END;
}

/* RFC 1661: address and control, and the first byte of the protocol, may be left out. */
static enum layer ppp(struct walk *walk)
{
	const uint8_t *header = peek(walk, 2);
	uint32_t protocol;

	if (header && get16(header) == 0xff03)
		take(walk, 2);
	header = take(walk, 1);
	if (!header)
		return END;
	protocol = *header;
	if (!(protocol & 1)) {
		header = take(walk, 1);
		protocol = header ? protocol << 8 | *header : 0;
	}
	return protocol == 0x21 ? IPV4 : protocol == 0x57 ? IPV6 : protocol == 0x281 ? MPLS : END;
}

static enum layer ppp_link(struct walk *walk)
{
	const uint8_t *header = peek(walk, 4);

	return header && (header[0] == 0x0f || header[0] == 0x8f) && !header[1] ? HDLC : PPP;
}

/* ---- IP ---- */

static enum layer raw_ip(struct walk *walk)
{
	const uint8_t *header = peek(walk, 1);

	return !header ? END : *header >> 4 == 4 ? IPV4 : *header >> 4 == 6 ? IPV6 : END;
}

static enum layer ipv4(struct walk *walk)
{
	const uint8_t *header = peek(walk, 20);
	uint32_t length = header ? (header[0] & 15u) * 4 : 0;

	if (!header || header[0] >> 4 != 4 || length < 20)
		return END;
	take(walk, length);
	keep(walk);
	walk->type = header[9];
	return get16(header + 6) & 0x1fff ? END : PROTOCOL; /* a later fragment is payload */
}

static enum layer ipv6(struct walk *walk)
{
	const uint8_t *header = take(walk, 40);

	if (!header || header[0] >> 4 != 6)
		return END;
	keep(walk);
	walk->type = header[6];
	return PROTOCOL;
}

/* An extension of IPv6 whose second byte counts UNITs behind the first MORE bytes. */
static enum layer extension(struct walk *walk, uint32_t unit, uint32_t more)
{
	const uint8_t *header = peek(walk, 8);

	if (!header)
		return END;
	take(walk, header[1] * unit + more);
	keep(walk);
	walk->type = header[0];
	return PROTOCOL;
}

static enum layer fragment(struct walk *walk)
{
	const uint8_t *header = take(walk, 8);

	keep(walk);
	if (!header || get16(header + 2) & 0xfff8)
		return END;
	walk->type = header[0];
	return PROTOCOL;
}

static enum layer last(struct walk *walk, uint32_t bytes)
{
	take(walk, bytes);
	keep(walk);
	return END;
}

static enum layer of_protocol(struct walk *walk)
{
	switch (walk->type) {
	case 0:
	case 43:
	case 60:
	case 135: return extension(walk, 8, 8);
	case 44: return fragment(walk);
	case 51: return extension(walk, 4, 8);
	case 4: return IPV4;
	case 41: return IPV6;
	case 6: return TCP;
	case 17: return UDP;
	case 33: return DCCP;
	case 47: return GRE;
	case 137: return MPLS;
	case 132: return last(walk, 12);
	case 1:
	case 2:
	case 50:
	case 58:
	case 136: return last(walk, 8);
	default: return END;
	}
}

/* ---- transport ---- */

static enum layer tcp(struct walk *walk)
{
	const uint8_t *header = peek(walk, 20);
	uint32_t words = header ? header[12] >> 4 : 0;

	return last(walk, words > 5 ? words * 4 : 20);
}

static enum layer dccp(struct walk *walk)
{
	const uint8_t *header = peek(walk, 12);
	uint32_t words = header ? header[4] : 0;

	return last(walk, words > 3 ? words * 4 : 12);
}

static enum layer tunnel_of_port(uint16_t port)
{
	return port == 4789 ? VXLAN : port == 6081 ? GENEVE : port == 2152 ? GTP_U : END;
}

static enum layer udp(struct walk *walk)
{
	const uint8_t *header = take(walk, 8);
	enum layer inside = header ? tunnel_of_port(get16(header + 2)) : END;

	keep(walk);
	return header && inside == END ? tunnel_of_port(get16(header)) : inside;
}

/* ---- tunnels ---- */

/* RFC 2784, 2890, and PPTP's version 1 (RFC 2637); source routes (RFC 1701) are not followed. */
static enum layer gre(struct walk *walk)
{
	static const uint16_t four_bytes[] = {0x8000, 0x2000, 0x1000}; /* checksum, key, sequence */
	const uint8_t *header = take(walk, 4);
	uint16_t flags = header ? get16(header) : 0, version = flags & 7;

	if (!header || version > 1 || flags & 0x4000)
		return END;
	walk->type = get16(header + 2);
	for (size_t i = 0; i < sizeof(four_bytes) / sizeof(four_bytes[0]); i++)
		if (flags & four_bytes[i])
			take(walk, 4);
	if (version && flags & 0x80)
		take(walk, 4); /* acknowledgement */
	return TYPE;
}

static enum layer vxlan(struct walk *walk)
{
	const uint8_t *header = take(walk, 8);

	return header && header[0] & 0x08 ? ETHERNET : END;
}

static enum layer geneve(struct walk *walk)
{
	const uint8_t *header = peek(walk, 8);

	if (!header || header[0] >> 6)
		return END;
	walk->type = get16(header + 2);
	return take(walk, 8 + (header[0] & 0x3fu) * 4) ? TYPE : END;
}

/* User data (type 255) behind optional fields and extension headers. */
static enum layer gtp_u(struct walk *walk)
{
	const uint8_t *header = take(walk, 8), *more;
	uint8_t next;

	if (!header || header[0] >> 5 != 1 || header[1] != 255)
		return END;
	more = header[0] & 7 ? take(walk, 4) : NULL;
	for (next = more && header[0] & 4 ? more[3] : 0; next; next = more[-1]) {
		const uint8_t *length = peek(walk, 1);

		if (!length || !*length || !take(walk, *length * 4u))
			return END;
		more = walk->data + walk->at;
	}
	return RAW_IP;
}

static enum layer (*const steps[LAYERS])(struct walk *walk) = {
	[ETHERNET] = ethernet,
	[TYPE] = of_type,
	[LLC] = llc,
	[MPLS] = mpls,
	[PPPOE] = pppoe,
	[PPP] = ppp,
	[PPP_LINK] = ppp_link,
	[RAW_IP] = raw_ip,
	[IPV4] = ipv4,
	[IPV6] = ipv6,
	[PROTOCOL] = of_protocol,
	[TCP] = tcp,
	[UDP] = udp,
	[DCCP] = dccp,
	[GRE] = gre,
	[VXLAN] = vxlan,
	[GENEVE] = geneve,
	[GTP_U] = gtp_u,
	[SLL] = sll,
	[SLL2] = sll2,
	[LOOPBACK] = loopback,
	[HDLC] = hdlc,
};

/* Link types (tcpdump.org/linktypes.html) and the bytes of their header, which are kept always. */
static const struct link {
	uint32_t linktype;
	enum layer layer;
	uint32_t bytes;
} links[] = {
	{1, ETHERNET, 14},
	{0, LOOPBACK, 4},
	{108, LOOPBACK, 4},
	{9, PPP_LINK, 4},
	{50, PPP_LINK, 4},
	{51, PPPOE, 6},
	{104, HDLC, 4},
	{12, RAW_IP, 0},
	{14, RAW_IP, 0},
	{101, RAW_IP, 0},
	{228, IPV4, 0},
	{229, IPV6, 0},
	{113, SLL, 16},
	{276, SLL2, 20},
};

static const struct link *find(uint32_t linktype)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (links[i].linktype == linktype)
			return &links[i];
	return NULL;
}

bool headers_know(uint32_t linktype)
{
	return find(linktype) != NULL;
}

uint32_t headers_end(uint32_t linktype, const uint8_t *data, uint32_t captured)
{
	const struct link *link = find(linktype);
	struct walk walk = {.data = data, .size = captured};
	enum layer layer = link ? link->layer : END;

	if (link)
		walk.kept = link->bytes < captured ? link->bytes : captured;
	for (int step = 0; step < STEPS && layer != END; step++)
		layer = steps[layer](&walk);
	return walk.kept;
}
