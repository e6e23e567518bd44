/*
 * wireless.c: IEEE 802.11 data frames and the radio headers that capture programs put before
 * them. Link layers, and the inside of CAPWAP tunnels. Encrypted frames hold nothing that could
 * be read.
 */
#include "preprocess/layer.h"

/* Frame control, the two bytes as a little-endian number. */
#define FC_TYPE_MASK   0x000f
#define FC_TYPE_DATA   0x0008
#define FC_NO_DATA     0x0040
#define FC_QOS	       0x0080
#define FC_TO_DS       0x0100
#define FC_FROM_DS     0x0200
#define FC_PROTECTED   0x4000
#define FC_ORDER       0x8000
#define QOS_AGGREGATED 0x80 /* A-MSDU: several frames in one */

/*
 * An A-MSDU holds several frames, each behind 14 bytes of addresses and length and padded to 4. A
 * packet makes one flow; it is the last frame's, as where headers are nested.
 */
static enum layer aggregated(struct decoder *decoder)
{
	struct cursor *cursor = &decoder->cursor;
	const uint8_t *header = cursor_take(cursor, 14);
	size_t size;

	while (header) {
		size = (get16(header + 12) + 14u + 3u) / 4 * 4 - 14u;
		if (size + 14 > cursor_left(cursor))
			return LAYER_LLC;
		cursor_take(cursor, size);
		header = cursor_take(cursor, 14);
	}
	return LAYER_END;
}

static enum layer data_frame(struct decoder *decoder, uint16_t control)
{
	struct cursor *cursor = &decoder->cursor;
	const uint8_t *qos;

	if ((control & FC_TO_DS) && (control & FC_FROM_DS) && !cursor_take(cursor, 6))
		return LAYER_END;
	if (!(control & FC_QOS))
		return LAYER_LLC;
	qos = cursor_take(cursor, control & FC_ORDER ? 6 : 2);
	if (!qos)
		return LAYER_END;
	return qos[0] & QOS_AGGREGATED ? aggregated(decoder) : LAYER_LLC;
}

/*
 * Some controllers swap the two bytes of the frame control in CAPWAP; only one order makes a data
 * frame.
 */
enum layer layer_wlan(struct decoder *decoder)
{
	const uint8_t *header = cursor_take(&decoder->cursor, 24);
	uint16_t control;

	if (!header)
		return LAYER_END;
	control = get16le(header);
	if ((control & FC_TYPE_MASK) != FC_TYPE_DATA)
		control = get16(header);
	if ((control & FC_TYPE_MASK) != FC_TYPE_DATA || (control & (FC_NO_DATA | FC_PROTECTED)))
		return LAYER_END;
	return data_frame(decoder, control);
}

enum layer layer_radiotap(struct decoder *decoder)
{
	const uint8_t *header = cursor_peek(&decoder->cursor, 4);

	if (!header || get16le(header + 2) < 8)
		return LAYER_END;
	return cursor_take(&decoder->cursor, get16le(header + 2)) ? LAYER_WLAN : LAYER_END;
}

/*
 * Per-packet information: a list of fields of which the length is all we need, then a frame of
 * any link type.
 */
enum layer layer_ppi(struct decoder *decoder)
{
	const uint8_t *header = cursor_peek(&decoder->cursor, 8);
	enum layer layer;

	if (!header || get16le(header + 2) < 8)
		return LAYER_END;
	layer = layer_of_link(get32le(header + 4));
	return cursor_take(&decoder->cursor, get16le(header + 2)) ? layer : LAYER_END;
}
