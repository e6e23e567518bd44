/*
 * juniper.c: what Juniper's routers put before the packets that they capture: their mark, flags,
 * a list of facts when a flag says so, and a cookie that depends on the interface card. Link layers.
 */
#include "preprocess/layer.h"

#define MAGIC	   0x4d4743 /* "MGC" */
#define FLAG_NO_L2 0x02	    /* a protocol number instead of the link layer */
#define FLAG_FACTS 0x80	    /* their length in 2 bytes, then they */

/* NEXT, when its frame follows; LAYER_END, or what is there instead of a frame. */
static enum layer juniper(struct decoder *decoder, enum layer next)
{
	struct cursor *cursor = &decoder->cursor;
	const uint8_t *header = cursor_take(cursor, 4), *facts;

	if (!header || get32(header) >> 8 != MAGIC)
		return LAYER_END;
	if (header[3] & FLAG_FACTS) {
		facts = cursor_take(cursor, 2);
		if (!facts || !cursor_take(cursor, get16(facts)))
			return LAYER_END;
	}
	if (header[3] & FLAG_NO_L2)
		return cursor_take(cursor, 4) ? layer_by_version(decoder) : LAYER_END;
	return next;
}

enum layer layer_juniper_ethernet(struct decoder *decoder)
{
	return juniper(decoder, LAYER_ETHERNET);
}

enum layer layer_juniper_ppp(struct decoder *decoder)
{
	return juniper(decoder, LAYER_PPP);
}

enum layer layer_juniper_frame_relay(struct decoder *decoder)
{
	return juniper(decoder, LAYER_FRAME_RELAY);
}

enum layer layer_juniper_hdlc(struct decoder *decoder)
{
	return juniper(decoder, LAYER_CISCO_HDLC);
}

/* Cells of operation and maintenance are marked in the first byte of the cookie ... */
enum layer layer_juniper_atm1(struct decoder *decoder)
{
	enum layer layer = juniper(decoder, LAYER_ATM);
	const uint8_t *cookie;

	if (layer != LAYER_ATM)
		return layer;
	cookie = cursor_take(&decoder->cursor, 4);
	return cookie && cookie[0] != 0x80 ? LAYER_ATM : LAYER_END;
}

/* ... or in the last. */
enum layer layer_juniper_atm2(struct decoder *decoder)
{
	enum layer layer = juniper(decoder, LAYER_ATM);
	const uint8_t *cookie;

	if (layer != LAYER_ATM)
		return layer;
	cookie = cursor_take(&decoder->cursor, 8);
	return cookie && !(cookie[7] & 0x70) ? LAYER_ATM : LAYER_END;
}
