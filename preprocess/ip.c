/*
 * ip.c: IPv4 and IPv6 with its extension headers. Each usable header makes the packet's flow, so
 * the innermost wins.
 */
#include "preprocess/layer.h"

enum {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_IPV4 = 4,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_DCCP = 33,
	PROTOCOL_IPV6 = 41,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_GRE = 47,
	PROTOCOL_AH = 51,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_NONE = 59,
	PROTOCOL_DESTINATION = 60,
	PROTOCOL_SCTP = 132,
	PROTOCOL_MOBILITY = 135,
	PROTOCOL_UDP_LITE = 136,
	PROTOCOL_MPLS = 137,
	PROTOCOL_HIP = 139,
	PROTOCOL_SHIM6 = 140,
};

static const uint8_t protocol_layers[256] = {
	[PROTOCOL_ICMP] = LAYER_ICMP,
	[PROTOCOL_IPV4] = LAYER_IPIP,
	[PROTOCOL_TCP] = LAYER_TCP,
	[PROTOCOL_UDP] = LAYER_UDP,
	[PROTOCOL_DCCP] = LAYER_PORTS,
	[PROTOCOL_IPV6] = LAYER_6IN4,
	[PROTOCOL_GRE] = LAYER_GRE,
	[PROTOCOL_AH] = LAYER_AH,
	[PROTOCOL_ICMPV6] = LAYER_ICMP,
	[PROTOCOL_SCTP] = LAYER_SCTP,
	[PROTOCOL_UDP_LITE] = LAYER_PORTS,
	[PROTOCOL_MPLS] = LAYER_MPLS_IN_IP,
};

enum layer layer_raw_ip(struct decoder *decoder)
{
	const uint8_t *header = cursor_peek(&decoder->cursor, 1);

	switch (header ? *header >> 4 : 0) {
	case 4: return LAYER_IPV4;
	case 6: return LAYER_IPV6;
	default: return decoder_malformed(decoder);
	}
}

enum layer layer_protocol(struct decoder *decoder)
{
	return protocol_layers[decoder->protocol];
}

/* Does only the first fragment tell the flow? */
static bool has_ports(uint8_t protocol)
{
	switch (protocol_layers[protocol]) {
	case LAYER_TCP:
	case LAYER_UDP:
	case LAYER_SCTP:
	case LAYER_PORTS: return true;
	default: return false;
	}
}

#define IPV4_MORE   0x2000
#define IPV4_OFFSET 0x1fff

static void ipv4_fragment(struct decoder *decoder, const uint8_t *header)
{
	if (has_ports(header[9]))
		decoder_fragment(decoder, header + 12, get16(header + 4), header[9],
			get16(header + 6) & IPV4_OFFSET);
}

/*
 * RFC 791. A total length of 0 is what a host sees of a segment that its network card will cut up
 * later.
 */
enum layer layer_ipv4(struct decoder *decoder)
{
	struct cursor *cursor = &decoder->cursor;
	const uint8_t *header = cursor_peek(cursor, 20);
	uint32_t header_length, total;
	struct packet *packet;

	if (!header)
		return decoder_malformed(decoder);
	if (header[0] >> 4 != 4) /* IPv6 announced by mistake: tcprewrite does that */
		return header[0] >> 4 == 6 ? LAYER_IPV6 : decoder_malformed(decoder);
	header_length = (header[0] & 15) * 4u;
	total = get16(header + 2);
	if (total == 0)
		total = (uint32_t)cursor_left(cursor) + cursor->missing;
	if (header_length < 20 || total < header_length)
		return decoder_malformed(decoder);
	packet = decoder_found(decoder);
	memcpy(packet->key.src, header + 12, 4);
	memcpy(packet->key.dst, header + 16, 4);
	packet->key.version = 4;
	packet->key.proto = decoder->protocol = header[9];
	packet->octets = total;
	cursor_limit(cursor, total);
	packet->uncaptured = cursor->missing;
	if (get16(header + 6) & (IPV4_MORE | IPV4_OFFSET))
		ipv4_fragment(decoder, header);
	if (get16(header + 6) & IPV4_OFFSET || !cursor_take(cursor, header_length))
		return LAYER_END;
	return protocol_layers[header[9]];
}

static bool is_extension(uint8_t protocol)
{
	switch (protocol) {
	case PROTOCOL_HOP_BY_HOP:
	case PROTOCOL_ROUTING:
	case PROTOCOL_FRAGMENT:
	case PROTOCOL_AH:
	case PROTOCOL_DESTINATION:
	case PROTOCOL_MOBILITY:
	case PROTOCOL_HIP:
	case PROTOCOL_SHIM6: return true;
	default: return false;
	}
}

static bool is_6to4(const uint8_t *address)
{
	return get16(address) == 0x2002;
}

static void mark_6to4(struct decoder *decoder)
{
	uint8_t *tunnel = &decoder->tunnels[decoder->tunnel_count - 1];

	if (*tunnel == TUNNEL_6IN4)
		*tunnel = TUNNEL_6TO4;
}

/* RFC 8200. A payload length of 0 is a jumbogram's (RFC 2675) or left to the network card. */
enum layer layer_ipv6(struct decoder *decoder)
{
	struct cursor *cursor = &decoder->cursor;
	const uint8_t *header = cursor_take(cursor, 40);
	struct packet *packet;
	uint16_t length;

	if (!header || header[0] >> 4 != 6)
		return decoder_malformed(decoder);
	length = get16(header + 4);
	decoder->addresses = header + 8;
	if (decoder->tunnel_count && (is_6to4(header + 8) || is_6to4(header + 24)))
		mark_6to4(decoder);
	packet = decoder_found(decoder);
	memcpy(packet->key.src, header + 8, 16);
	memcpy(packet->key.dst, header + 24, 16);
	packet->key.version = 6;
	packet->key.proto = decoder->protocol = header[6];
	packet->octets = 40u + length;
	if (length)
		cursor_limit(cursor, length);
	packet->uncaptured = cursor->missing;
	return is_extension(header[6]) ? LAYER_IPV6_HEADERS : protocol_layers[header[6]];
}

#define IPV6_MORE   0x0001
#define IPV6_OFFSET 0xfff8

/* Is it a later one? A header with neither offset nor more to come is of a whole packet (RFC 6946). */
static bool ipv6_fragment(struct decoder *decoder, const uint8_t *header)
{
	bool later = get16(header + 2) & IPV6_OFFSET;

	if ((later || get16(header + 2) & IPV6_MORE) &&
		(is_extension(header[0]) || has_ports(header[0])))
		decoder_fragment(decoder, decoder->addresses, get32(header + 4), header[0], later);
	return later;
}

/*
 * One extension header. A header that may stand alone (mobility, HIP, shim6) names the flow when
 * nothing follows it.
 */
enum layer layer_ipv6_headers(struct decoder *decoder)
{
	struct cursor *cursor = &decoder->cursor;
	const uint8_t *header = cursor_peek(cursor, 2);
	uint8_t this = decoder->protocol;
	size_t length;

	if (!header)
		return LAYER_END;
	length = this == PROTOCOL_AH ? (header[1] + 2u) * 4 : (header[1] + 1u) * 8;
	if (this == PROTOCOL_FRAGMENT)
		length = 8;
	if (header[0] == PROTOCOL_NONE && this >= PROTOCOL_MOBILITY)
		return LAYER_END;
	decoder->packet->key.proto = decoder->protocol = header[0];
	if (!cursor_take(cursor, length) ||
		(this == PROTOCOL_FRAGMENT && ipv6_fragment(decoder, header)))
		return LAYER_END;
	return is_extension(header[0]) ? LAYER_IPV6_HEADERS : protocol_layers[header[0]];
}
