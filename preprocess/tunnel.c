/*
 * tunnel.c: headers that carry another packet. What they hold is decoded from its own link or
 * network layer; only when a usable IP header is found there, the tunnel becomes part of the
 * flow.
 *
 * A UDP port is a hint, not a proof: each header is checked for what its standard fixes before it
 * is believed.
 */
#include "preprocess/layer.h"

enum layer layer_by_version(struct decoder *decoder)
{
	const uint8_t *header = cursor_peek(&decoder->cursor, 1);

	switch (header ? *header >> 4 : 0) {
	case 4: return LAYER_IPV4;
	case 6: return LAYER_IPV6;
	default: return LAYER_END;
	}
}

enum layer layer_ipip(struct decoder *decoder)
{
	bool in4 = decoder->packet->key.version == 4;

	return decoder_tunnel(decoder, in4 ? TUNNEL_IPIP : TUNNEL_4IN6, LAYER_IPV4);
}

enum layer layer_6in4(struct decoder *decoder)
{
	bool in4 = decoder->packet->key.version == 4;

	return decoder_tunnel(decoder, in4 ? TUNNEL_6IN4 : TUNNEL_6IN6, LAYER_IPV6);
}

/* RFC 4302 over IPv4: the flow is protocol 51, but a tunnel inside is looked into. */
enum layer layer_ah(struct decoder *decoder)
{
	const uint8_t *header = cursor_peek(&decoder->cursor, 12);

	if (!header || !cursor_take(&decoder->cursor, (header[1] + 2u) * 4))
		return LAYER_END;
	decoder->protocol = header[0];
	return header[0] == 4 || header[0] == 41 || header[0] == 47 ? LAYER_PROTOCOL : LAYER_END;
}

#define GRE_CHECKSUM 0x8000
#define GRE_ROUTING  0x4000
#define GRE_KEY	     0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_ACK	     0x0080 /* version 1 */
#define GRE_VERSION  0x0007

static size_t gre_options(uint16_t flags)
{
	size_t length = 0;

	if ((flags & GRE_VERSION) == 0 && (flags & (GRE_CHECKSUM | GRE_ROUTING)))
		length += 4;
	if (flags & GRE_KEY)
		length += 4;
	if (flags & GRE_SEQUENCE)
		length += 4;
	if ((flags & GRE_VERSION) == 1 && (flags & GRE_ACK))
		length += 4;
	return length;
}

/* RFC 1701: source routes, ended by one without length. */
static bool skip_routes(struct cursor *cursor)
{
	const uint8_t *route;

	do {
		route = cursor_take(cursor, 4);
		if (!route || !cursor_take(cursor, route[3]))
			return false;
	} while (route[3]);
	return true;
}

/*
 * Version 0 of ERSPAN has no header of its own and no sequence number; that is how it is told
 * from version 1.
 */
static enum layer gre_payload(struct decoder *decoder, uint16_t flags, uint16_t type)
{
	enum layer inner;

	if (type == 0x88be) {
		inner = flags & GRE_SEQUENCE ? LAYER_ERSPAN2 : LAYER_ETHERNET;
		return decoder_tunnel(decoder, TUNNEL_ERSPAN, inner);
	}
	if (type == 0x22eb)
		return decoder_tunnel(decoder, TUNNEL_ERSPAN, LAYER_ERSPAN3);
	if (type >= 0x8200 &&
		type <= 0x8370) /* Aruba: frames of an access point, a type for each radio */
		return decoder_tunnel(decoder, TUNNEL_GRE, LAYER_WLAN);
	inner = type > 1500 ? layer_of_ethertype(type) : LAYER_END;
	return decoder_tunnel(decoder, flags & 1 ? TUNNEL_PPTP : TUNNEL_GRE, inner);
}

enum layer layer_gre(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 4);
	uint16_t flags;

	if (!header)
		return LAYER_END;
	flags = get16(header);
	if ((flags & GRE_VERSION) > 1 || !cursor_take(&decoder->cursor, gre_options(flags)))
		return LAYER_END;
	if ((flags & GRE_ROUTING) && !skip_routes(&decoder->cursor))
		return LAYER_END;
	return gre_payload(decoder, flags, get16(header + 2));
}

enum layer layer_erspan2(struct decoder *decoder)
{
	return cursor_take(&decoder->cursor, 8) ? LAYER_ETHERNET : LAYER_END;
}

/*
 * The last bit says that a platform's header of 8 bytes follows, five others what was mirrored: 0
 * is Ethernet, 2 is IP.
 */
enum layer layer_erspan3(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 12);
	unsigned frame;

	if (!header || ((header[11] & 1) && !cursor_take(&decoder->cursor, 8)))
		return LAYER_END;
	frame = header[10] >> 2 & 31;
	if (frame == 2)
		return layer_by_version(decoder);
	return frame == 0 ? LAYER_ETHERNET : LAYER_END;
}

enum layer layer_vxlan(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 8);

	if (!header || !(header[0] & 0x08))
		return LAYER_END;
	return decoder_tunnel(decoder, TUNNEL_VXLAN, LAYER_ETHERNET);
}

/* The protocol numbers that VXLAN-GPE and NSH (RFC 8300) share. */
static enum layer layer_of_next(uint8_t next)
{
	switch (next) {
	case 1: return LAYER_IPV4;
	case 2: return LAYER_IPV6;
	case 3: return LAYER_ETHERNET;
	case 4: return LAYER_NSH;
	default: return LAYER_END;
	}
}

/* draft-ietf-nvo3-vxlan-gpe: instance and next protocol are valid. */
enum layer layer_vxlan_gpe(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 8);

	if (!header || (header[0] & 0x0c) != 0x0c)
		return LAYER_END;
	return decoder_tunnel(decoder, TUNNEL_VXLAN, layer_of_next(header[3]));
}

/* RFC 8300: a service chain's header. */
enum layer layer_nsh(struct decoder *decoder)
{
	const uint8_t *header = cursor_peek(&decoder->cursor, 8);

	if (!header || header[0] >> 6)
		return LAYER_END;
	if (!cursor_take(&decoder->cursor, (header[1] & 63) * 4u))
		return LAYER_END;
	return decoder_tunnel(decoder, TUNNEL_NSH, layer_of_next(header[3]));
}

/* RFC 4023, and by a UDP port RFC 7510: labels follow. */
enum layer layer_mpls_in_ip(struct decoder *decoder)
{
	return decoder_tunnel(decoder, TUNNEL_MPLS, LAYER_MPLS);
}

enum layer layer_geneve(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 8);

	if (!header || header[0] >> 6 || !cursor_take(&decoder->cursor, (header[0] & 63) * 4u))
		return LAYER_END;
	return decoder_tunnel(decoder, TUNNEL_GENEVE, layer_of_ethertype(get16(header + 2)));
}

#define GTP_FLAGS 0xf0 /* version and protocol type */
#define GTP_V1	  0x30
#define GTP_OPTIONAL                                                                               \
	0x07 /* extension, sequence number, N-PDU number: any of them brings all four bytes */
#define GTP_EXTENSION 0x04
#define GTP_V0	      0x10
#define GTP_USER_DATA 0xff

static bool skip_gtp_extensions(struct cursor *cursor, uint8_t type)
{
	const uint8_t *length;

	while (type) {
		length = cursor_peek(cursor, 1);
		if (!length || *length == 0 || !cursor_take(cursor, *length * 4u))
			return false;
		type = cursor->at[-1];
	}
	return true;
}

enum layer layer_gtp_u(struct decoder *decoder)
{
	struct cursor *cursor = &decoder->cursor;
	const uint8_t *header = cursor_take(cursor, 8), *optional;

	if (!header || (header[0] & GTP_FLAGS) != GTP_V1 || header[1] != GTP_USER_DATA)
		return LAYER_END;
	cursor_limit(cursor, get16(header + 2));
	if (header[0] & GTP_OPTIONAL) {
		optional = cursor_take(cursor, 4);
		if (!optional)
			return LAYER_END;
		if ((header[0] & GTP_EXTENSION) && !skip_gtp_extensions(cursor, optional[3]))
			return LAYER_END;
	}
	return decoder_tunnel(decoder, TUNNEL_GTP_U, layer_by_version(decoder));
}

/* 3GPP TS 09.60: the first version, with a header of fixed size and a port of its own. */
enum layer layer_gtp_v0(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 20);

	if (!header || (header[0] & GTP_FLAGS) != GTP_V0 || header[1] != GTP_USER_DATA)
		return LAYER_END;
	cursor_limit(&decoder->cursor, get16(header + 2));
	return decoder_tunnel(decoder, TUNNEL_GTP_U, layer_by_version(decoder));
}

/* RFC 4380: an authentication and an origin indication may precede the IPv6 packet. */
enum layer layer_teredo(struct decoder *decoder)
{
	struct cursor *cursor = &decoder->cursor;
	const uint8_t *header = cursor_peek(cursor, 4);

	if (header && header[0] == 0 && header[1] == 1) {
		if (!cursor_take(cursor, 4u + header[2] + header[3] + 9))
			return LAYER_END;
		header = cursor_peek(cursor, 4);
	}
	if (header && header[0] == 0 && header[1] == 0 && !cursor_take(cursor, 8))
		return LAYER_END;
	return decoder_tunnel(decoder, TUNNEL_TEREDO,
		layer_by_version(decoder) == LAYER_IPV6 ? LAYER_IPV6 : LAYER_END);
}

#define L2TP_CONTROL  0x8000
#define L2TP_LENGTH   0x4000
#define L2TP_SEQUENCE 0x0800
#define L2TP_OFFSET   0x0200

static bool skip_l2tp_options(struct cursor *cursor, uint16_t flags)
{
	const uint8_t *offset;

	if (!cursor_take(cursor,
		    2u + (flags & L2TP_LENGTH ? 2 : 0) + 4u + (flags & L2TP_SEQUENCE ? 4 : 0)))
		return false;
	if (!(flags & L2TP_OFFSET))
		return true;
	offset = cursor_take(cursor, 2);
	return offset && cursor_take(cursor, get16(offset));
}

enum layer layer_l2tp(struct decoder *decoder)
{
	const uint8_t *header = cursor_peek(&decoder->cursor, 2);

	if (!header || (header[1] & 15) != 2 || (get16(header) & L2TP_CONTROL))
		return LAYER_END;
	if (!skip_l2tp_options(&decoder->cursor, get16(header)))
		return LAYER_END;
	return decoder_tunnel(decoder, TUNNEL_L2TP, LAYER_PPP);
}

/*
 * RFC 5415, data channel: not encrypted, not a fragment, no keep-alive. The T bit says that
 * frames are 802.11's.
 */
enum layer layer_capwap(struct decoder *decoder)
{
	const uint8_t *header = cursor_peek(&decoder->cursor, 8);
	size_t length;

	if (!header || header[0] != 0 || header[3] & 0x88)
		return LAYER_END;
	length = (header[1] >> 3) * 4u;
	if (length < 8 || !cursor_take(&decoder->cursor, length))
		return LAYER_END;
	return decoder_tunnel(decoder, TUNNEL_CAPWAP, header[2] & 1 ? LAYER_WLAN : LAYER_ETHERNET);
}

/*
 * draft-massar-v6ops-ayiya: identity of 2^n bytes, signature of n words; operation 1 forwards a
 * packet.
 */
enum layer layer_ayiya(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 8);

	if (!header || (header[2] & 15) != 1 || (header[3] != 41 && header[3] != 4))
		return LAYER_END;
	if (!cursor_take(&decoder->cursor, (1u << (header[0] >> 4)) + (header[1] >> 4) * 4u))
		return LAYER_END;
	return decoder_tunnel(decoder, TUNNEL_AYIYA, layer_by_version(decoder));
}

/* RFC 9300: flags, nonce or map version, instance and status bits, all of which may be anything. */
enum layer layer_lisp(struct decoder *decoder)
{
	if (!cursor_take(&decoder->cursor, 8))
		return LAYER_END;
	return decoder_tunnel(decoder, TUNNEL_LISP, layer_by_version(decoder));
}

/* RFC 9301: of the control messages one (type 8) carries another one, in a packet of its own. */
enum layer layer_lisp_control(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 4);

	if (!header || header[0] >> 4 != 8)
		return LAYER_END;
	return decoder_tunnel(decoder, TUNNEL_LISP, layer_by_version(decoder));
}

static enum layer layer_of_port(uint16_t port)
{
	switch (port) {
	case 1701: return LAYER_L2TP;
	case 2152: return LAYER_GTP_U;
	case 3386: return LAYER_GTP_V0;
	case 3544: return LAYER_TEREDO;
	case 4341: return LAYER_LISP;
	case 4342: return LAYER_LISP_CONTROL;
	case 4754: return LAYER_GRE; /* RFC 8086 */
	case 4789:
	case 8472: return LAYER_VXLAN;
	case 4790: return LAYER_VXLAN_GPE;
	case 5072: return LAYER_AYIYA;
	case 5247: return LAYER_CAPWAP;
	case 6081: return LAYER_GENEVE;
	case 6635: return LAYER_MPLS_IN_IP;
	default: return LAYER_END;
	}
}

enum layer layer_of_udp(uint16_t sport, uint16_t dport)
{
	enum layer layer = layer_of_port(dport);

	return layer != LAYER_END ? layer : layer_of_port(sport);
}
