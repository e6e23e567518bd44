/*
 * link.c: link layers, and what stands between them and IP: VLAN and MPLS tags, LLC, PPP. The
 * first layers of a packet, and again those inside tunnels that carry frames.
 */
#include "preprocess/layer.h"

#define ETHERTYPE_LENGTH_MAX 1500 /* up to here it is a length, and LLC follows (IEEE 802.3) */
#define ETHERTYPE_ARP	     0x0806

/* Link types as in pcapng interface blocks (tcpdump.org/linktypes.html). */
static const uint8_t link_layers[] = {
	[0] = LAYER_NULL,
	[1] = LAYER_ETHERNET,
	[8] = LAYER_SLIP,
	[9] = LAYER_PPP_HDLC,
	[12] = LAYER_RAW_IP,
	[14] = LAYER_RAW_IP,
	[50] = LAYER_PPP_HDLC,
	[51] = LAYER_PPPOE,
	[100] = LAYER_LLC, /* ATM, RFC 2684 (1483) */
	[101] = LAYER_RAW_IP,
	[104] = LAYER_CISCO_HDLC,
	[105] = LAYER_WLAN,
	[107] = LAYER_FRAME_RELAY,
	[108] = LAYER_NULL, /* LOOP: the same, always in network byte order */
	[113] = LAYER_SLL,
	[123] = LAYER_SUNATM,
	[127] = LAYER_RADIOTAP,
	[135] = LAYER_JUNIPER_ATM2,
	[137] = LAYER_JUNIPER_ATM1,
	[167] = LAYER_JUNIPER_ETHERNET, /* PPPoE */
	[178] = LAYER_JUNIPER_ETHERNET,
	[179] = LAYER_JUNIPER_PPP,
	[180] = LAYER_JUNIPER_FRAME_RELAY,
	[181] = LAYER_JUNIPER_HDLC,
	[192] = LAYER_PPI,
	[228] = LAYER_IPV4,
	[229] = LAYER_IPV6,
	[239] = LAYER_NFLOG,
	[276] = LAYER_SLL2,
};

enum layer layer_of_link(uint32_t linktype)
{
	return linktype < sizeof(link_layers) ? link_layers[linktype] : LAYER_END;
}

enum layer layer_of_ethertype(uint16_t type)
{
	if (type == 0x0800) /* most are */
		return LAYER_IPV4;
	switch (type) {
	case 0x86dd: return LAYER_IPV6;
	case 0x8100:
	case 0x88a8:
	case 0x9100:
	case 0x9200: return LAYER_VLAN;
	case 0x8847:
	case 0x8848: return LAYER_MPLS;
	case 0x8864: return LAYER_PPPOE;
	case 0x880b: return LAYER_PPP;
	case 0x6558: return LAYER_ETHERNET;
	case 0x8926: return LAYER_VNTAG;
	case 0x8903: return LAYER_FABRICPATH;
	case 0x88e7: return LAYER_BACKBONE;
	case 0x894f: return LAYER_NSH;
	default: return type <= ETHERTYPE_LENGTH_MAX ? LAYER_LLC : LAYER_END;
	}
}

enum layer layer_ethernet(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 14);

	return header ? layer_of_ethertype(get16(header + 12)) : LAYER_END;
}

enum layer layer_ethertype(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 2);

	return header ? layer_of_ethertype(get16(header)) : LAYER_END;
}

/* IEEE 802.1Q, 802.1ad. Id 0 marks a priority and names no VLAN. */
enum layer layer_vlan(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 4);
	uint16_t id;

	if (!header)
		return LAYER_END;
	id = get16(header) & 0x0fff;
	if (id && decoder->vlan_count < DECODE_VLANS)
		decoder->vlans[decoder->vlan_count++] = id;
	return layer_of_ethertype(get16(header + 2));
}

/*
 * IEEE 802.2: SNAP with an ethertype (RFC 1042), the code of IP itself, or what ATM and Frame Relay
 * have: a protocol of ISO's, and bridged frames (RFC 2684).
 */
enum layer layer_llc(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 3);

	if (!header || header[2] != 0x03)
		return LAYER_END;
	if (header[0] == 0x06 && header[1] == 0x06)
		return LAYER_IPV4;
	if (header[0] == 0xfe && header[1] == 0xfe)
		return LAYER_NLPID;
	if (header[0] != 0xaa || header[1] != 0xaa)
		return LAYER_END;
	header = cursor_take(&decoder->cursor, 3);
	switch (header ? header[0] << 16 | header[1] << 8 | header[2] : -1) {
	case 0x000000:
	case 0x0000f8: return LAYER_ETHERTYPE;
	case 0x0080c2: return LAYER_BRIDGED_PADDED;
	default: return LAYER_END;
	}
}

/* Could an Ethernet frame begin AT bytes from here? Its type is one we know, or a length that fits. */
static bool frame_at(const struct cursor *cursor, size_t at)
{
	const uint8_t *header = cursor_peek(cursor, at + 14);
	uint16_t type = header ? get16(header + at + 12) : 0;

	if (type <= ETHERTYPE_LENGTH_MAX)
		return type >= 3 && at + 14 + type <= cursor_left(cursor) + cursor->missing;
	return type == ETHERTYPE_ARP || layer_of_ethertype(type) != LAYER_END;
}

static bool ipv4_here(const struct cursor *cursor)
{
	const uint8_t *header = cursor_peek(cursor, 4);
	unsigned length = header ? (header[0] & 15) * 4u : 0,
		 total = header ? get16(header + 2) : 0;

	return length >= 20 && total >= length && total <= cursor_left(cursor) + cursor->missing;
}

static enum layer pseudo_wire(struct decoder *decoder, size_t control)
{
	return cursor_take(&decoder->cursor, control) ? LAYER_ETHERNET : LAYER_END;
}

/*
 * Nothing says what follows the last label but its first four bits (RFC 4928): 0 is a pseudo-wire's
 * control word, 1 its control channel. A pseudo-wire may do without a control word (RFC 4448), so
 * that these are bits of a MAC address: then the frame's type decides.
 */
static enum layer behind_labels(struct decoder *decoder, unsigned nibble)
{
	const struct cursor *cursor = &decoder->cursor;

	if (nibble == 4 && (ipv4_here(cursor) || !frame_at(cursor, 0)))
		return LAYER_IPV4;
	if (nibble == 6 && !frame_at(cursor, 0))
		return LAYER_IPV6;
	if (nibble == 0 && (frame_at(cursor, 4) || !frame_at(cursor, 0)))
		return pseudo_wire(decoder, 4);
	return nibble != 1 && frame_at(cursor, 0) ? pseudo_wire(decoder, 0) : LAYER_END;
}

/* RFC 3032. */
enum layer layer_mpls(struct decoder *decoder)
{
	const uint8_t *label, *next;

	do {
		label = cursor_take(&decoder->cursor, 4);
		if (!label)
			return LAYER_END;
	} while (!(label[2] & 1));
	next = cursor_peek(&decoder->cursor, 1);
	if (!next)
		return LAYER_END;
	return behind_labels(decoder, *next >> 4);
}

enum layer layer_pppoe(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 6);

	if (!header || header[0] != 0x11 || header[1] != 0)
		return LAYER_END;
	cursor_limit(&decoder->cursor, get16(header + 4));
	return decoder_tunnel(decoder, TUNNEL_PPPOE, LAYER_PPP);
}

static enum layer layer_of_ppp(uint16_t protocol)
{
	switch (protocol) {
	case 0x0021: return LAYER_IPV4;
	case 0x0057: return LAYER_IPV6;
	case 0x0281:
	case 0x0283: return LAYER_MPLS;
	default: return LAYER_END;
	}
}

/* RFC 1661; address and control (ff 03) and the first byte of the protocol may be left out. */
enum layer layer_ppp(struct decoder *decoder)
{
	const uint8_t *header = cursor_peek(&decoder->cursor, 2);

	if (header && header[0] == 0xff && header[1] == 0x03)
		cursor_take(&decoder->cursor, 2);
	header = cursor_peek(&decoder->cursor, 1);
	if (!header)
		return LAYER_END;
	if (*header & 1) {
		cursor_take(&decoder->cursor, 1);
		return layer_of_ppp(*header);
	}
	header = cursor_take(&decoder->cursor, 2);
	return header ? layer_of_ppp(get16(header)) : LAYER_END;
}

/* The first byte tells Cisco's framing (0f unicast, 8f broadcast) from RFC 1662. */
enum layer layer_ppp_hdlc(struct decoder *decoder)
{
	const uint8_t *header = cursor_peek(&decoder->cursor, 4);

	if (header && (header[0] == 0x0f || header[0] == 0x8f) && header[1] == 0)
		return LAYER_CISCO_HDLC;
	return LAYER_PPP;
}

enum layer layer_cisco_hdlc(struct decoder *decoder)
{
	return cursor_take(&decoder->cursor, 2) ? LAYER_ETHERTYPE : LAYER_END;
}

/* RFC 2427: the protocol is one of ISO's numbers, or SNAP. */
enum layer layer_nlpid(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 1);

	switch (header ? *header : 0) {
	case 0xcc: return LAYER_IPV4;
	case 0x8e: return LAYER_IPV6;
	case 0xcf: return LAYER_PPP;
	case 0x80: break;
	default: return LAYER_END;
	}
	header = cursor_take(&decoder->cursor, 3);
	switch (header ? header[0] << 16 | header[1] << 8 | header[2] : -1) {
	case 0x000000: return LAYER_ETHERTYPE;
	case 0x0080c2: return LAYER_BRIDGED;
	default: return LAYER_END;
	}
}

/* RFC 2427, or Cisco's encapsulation with an ethertype. */
enum layer layer_frame_relay(struct decoder *decoder)
{
	struct cursor *cursor = &decoder->cursor;
	const uint8_t *header;

	do {
		header = cursor_take(cursor, 1);
		if (!header)
			return LAYER_END;
	} while (!(*header & 1));
	header = cursor_peek(cursor, 2);
	if (!header || header[0] != 0x03)
		return LAYER_ETHERTYPE;
	/* a padding byte may follow the control byte */
	cursor_take(cursor, header[1] == 0 ? 2 : 1);
	return LAYER_NLPID;
}

/* Linux cooked: below 0x600 the protocol is one of Linux's own, of which 4 is LLC. */
static enum layer cooked(uint16_t protocol)
{
	if (protocol == 0x0004)
		return LAYER_LLC;
	return protocol >= 0x0600 ? layer_of_ethertype(protocol) : LAYER_END;
}

enum layer layer_sll(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 16);

	return header ? cooked(get16(header + 14)) : LAYER_END;
}

enum layer layer_sll2(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 20);

	return header ? cooked(get16(header)) : LAYER_END;
}

/*
 * BSD loopback: an address family in the byte order of the capturing host; IPv6 has another
 * number on each system.
 */
enum layer layer_null(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 4);
	uint32_t family;

	if (!header)
		return LAYER_END;
	family = get32(header);
	if (family > 0xffff)
		family = get32le(header);
	switch (family) {
	case 2: return LAYER_IPV4;
	case 10:
	case 23:
	case 24:
	case 28:
	case 30: return LAYER_IPV6;
	default: break;
	}
	family = get16(header + 2); /* some write an ethertype */
	return family > ETHERTYPE_LENGTH_MAX ? layer_of_ethertype((uint16_t)family) : LAYER_END;
}

/* Direction and compressed header, as libpcap stores them before the packet. */
enum layer layer_slip(struct decoder *decoder)
{
	return cursor_take(&decoder->cursor, 16) ? LAYER_RAW_IP : LAYER_END;
}

enum layer layer_vntag(struct decoder *decoder)
{
	return cursor_take(&decoder->cursor, 4) ? LAYER_ETHERTYPE : LAYER_END;
}

/* Cisco's outer frame ends with a forwarding tag; the host's own frame follows. */
enum layer layer_fabricpath(struct decoder *decoder)
{
	return cursor_take(&decoder->cursor, 2) ? LAYER_ETHERNET : LAYER_END;
}

/* IEEE 802.1ah: the service tag, then the customer's frame. */
enum layer layer_backbone(struct decoder *decoder)
{
	return cursor_take(&decoder->cursor, 4) ? LAYER_ETHERNET : LAYER_END;
}

#define NFLOG_PAYLOAD 9

/*
 * Linux netfilter's log: attributes (length, type, padded to 4) in the byte order of the
 * capturing host; one is the packet.
 */
enum layer layer_nflog(struct decoder *decoder)
{
	struct cursor *cursor = &decoder->cursor;
	const uint8_t *header = cursor_take(cursor, 4);
	uint16_t length, type;

	while (header) {
		header = cursor_take(cursor, 4);
		if (!header)
			return LAYER_END;
		length = get16le(header);
		type = get16le(header + 2);
		if (type > 0xff) { /* types are small: the other byte order */
			length = get16(header);
			type = get16(header + 2);
		}
		if (length < 4)
			return LAYER_END;
		if (type == NFLOG_PAYLOAD)
			return LAYER_RAW_IP;
		header = cursor_take(cursor, (length + 3u) / 4 * 4 - 4);
	}
	return LAYER_END;
}
