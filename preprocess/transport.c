/*
 * transport.c: ports, TCP flags, and where the payload begins that symptoms are looked for in.
 * The last layers of most packets; a UDP port may begin a tunnel.
 *
 * A header that is damaged or cut off behind its ports leaves the packet without payload, not
 * without a flow.
 */
#include "preprocess/layer.h"

#define ICMP_ECHO_REPLY	  0
#define ICMP_ECHO	  8
#define ICMPV6_ECHO	  128
#define ICMPV6_ECHO_REPLY 129

static void set_payload(struct decoder *decoder)
{
	decoder->packet->payload = decoder->cursor.at;
	decoder->packet->payload_size = (uint32_t)cursor_left(&decoder->cursor);
}

static const uint8_t *take_ports(struct decoder *decoder)
{
	const uint8_t *header = cursor_peek(&decoder->cursor, 4);

	if (header) {
		decoder->packet->key.sport = get16(header);
		decoder->packet->key.dport = get16(header + 2);
	}
	return header;
}

/* RFC 9293. */
enum layer layer_tcp(struct decoder *decoder)
{
	struct cursor *cursor = &decoder->cursor;
	struct packet *packet = decoder->packet;
	const uint8_t *header;
	uint32_t length;

	if (!take_ports(decoder))
		return LAYER_END;
	header = cursor_peek(cursor, 14);
	if (!header)
		return LAYER_END;
	packet->tcp_flags = get16(header + 12) & 0x0fff;
	packet->tcp_seq = get32(header + 4);
	length = (header[12] >> 4) * 4u;
	if (length < 20 || !cursor_take(cursor, length))
		return LAYER_END;
	packet->tcp_length = (uint32_t)cursor_left(cursor) + cursor->missing;
	set_payload(decoder);
	return LAYER_END;
}

/* RFC 768. A length of 0 is a jumbogram's; one that is impossible says nothing. */
enum layer layer_udp(struct decoder *decoder)
{
	struct cursor *cursor = &decoder->cursor;
	struct packet *packet = decoder->packet;
	const uint8_t *header;

	if (!take_ports(decoder))
		return LAYER_END;
	header = cursor_take(cursor, 8);
	if (!header)
		return LAYER_END;
	if (get16(header + 4) >= 8)
		cursor_limit(cursor, get16(header + 4) - 8u);
	set_payload(decoder);
	return layer_of_udp(packet->key.sport, packet->key.dport);
}

/* RFC 9260: chunks follow the common header. */
enum layer layer_sctp(struct decoder *decoder)
{
	if (take_ports(decoder) && cursor_take(&decoder->cursor, 12))
		set_payload(decoder);
	return LAYER_END;
}

enum layer layer_ports(struct decoder *decoder)
{
	take_ports(decoder);
	return LAYER_END;
}

/*
 * Only what the sender of an echo chose is payload: errors quote packets that are counted where
 * they are seen.
 */
enum layer layer_icmp(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 8);
	bool echo;

	if (!header)
		return LAYER_END;
	if (decoder->packet->key.version == 4)
		echo = header[0] == ICMP_ECHO || header[0] == ICMP_ECHO_REPLY;
	else
		echo = header[0] == ICMPV6_ECHO || header[0] == ICMPV6_ECHO_REPLY;
	if (echo)
		set_payload(decoder);
	return LAYER_END;
}
