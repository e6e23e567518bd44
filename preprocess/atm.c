/*
 * atm.c: what a virtual circuit of ATM carries (RFC 2684, formerly 1483; RFC 2364), reassembled
 * from its cells by who captured it. Link layers; the circuit becomes part of the flow.
 */
#include "preprocess/layer.h"

#define SUNATM_LANE 1 /* LAN emulation: a frame behind 2 bytes */
#define SUNATM_LLC  2
#define SUNATM_ILMI 5
#define SUNATM_SAAL 6 /* signalling */

/* SunATM: direction and kind of traffic, VPI, VCI. Kinds without a name leave it to the payload. */
enum layer layer_sunatm(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 4);

	if (!header)
		return LAYER_END;
	decoder->circuit = CIRCUIT(header[1], get16(header + 2));
	switch (header[0] & 15) {
	case SUNATM_LANE: return cursor_take(&decoder->cursor, 2) ? LAYER_ETHERNET : LAYER_END;
	case SUNATM_LLC: return LAYER_LLC;
	case SUNATM_ILMI:
	case SUNATM_SAAL: return LAYER_END;
	default: return LAYER_ATM;
	}
}

static bool is_ppp(const uint8_t *header)
{
	uint16_t protocol = get16(header);

	return protocol == 0xff03 || protocol == 0x0021 || protocol == 0x0057 || protocol == 0xc021;
}

/*
 * A circuit carries one protocol (VC multiplexing) or says in each packet which one it is (LLC); in
 * the packet nothing tells which of these it does, but no beginning of one is that of another.
 */
enum layer layer_atm(struct decoder *decoder)
{
	const uint8_t *header = cursor_peek(&decoder->cursor, 3);

	if (!header)
		return LAYER_END;
	if (header[2] == 0x03 && header[0] == header[1] && (header[0] == 0xaa || header[0] == 0xfe))
		return LAYER_LLC;
	if (is_ppp(header))
		return LAYER_PPP;
	if (get16(header) == 0) /* padding before a bridged frame */
		return cursor_take(&decoder->cursor, 2) ? LAYER_ETHERNET : LAYER_END;
	return layer_by_version(decoder);
}

/* The frame behind SNAP with the code of IEEE 802.1: 1 (with checksum) and 7 are Ethernet. */
enum layer layer_bridged(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 2);

	return header && (get16(header) == 1 || get16(header) == 7) ? LAYER_ETHERNET : LAYER_END;
}

/* The same on ATM, which pads it to a multiple of 4. */
enum layer layer_bridged_padded(struct decoder *decoder)
{
	enum layer layer = layer_bridged(decoder);

	return cursor_take(&decoder->cursor, 2) ? layer : LAYER_END;
}
