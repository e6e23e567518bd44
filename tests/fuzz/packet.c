/*
 * Fuzz target of the decoders in preprocess/: whatever a packet holds, what is found lies inside of
 * it. The first two bytes are the link type (an unknown
 * number chooses one), the third says how much more the packet had on the wire.
 */
#include <stdlib.h>

#include "preprocess/decode.h"
#include "spool/linktype.h"

static void check(const struct packet *packet, const uint8_t *data, size_t size)
{
	if (packet->kind != PACKET_IP)
		return;
	if (packet->octets < 20 || packet->tunnel_count > DECODE_TUNNELS ||
		packet->vlan_count > DECODE_VLANS ||
		(packet->tunnel_count && packet->endpoint_count > packet->tunnel_count))
		abort();
	if (packet->payload &&
		(packet->payload < data || packet->payload > data + size ||
			packet->payload_size > (size_t)(data + size - packet->payload)))
		abort();
}

/* make fuzz tests itself: this must be found. */
static void planted(const struct packet *packet, const uint8_t *data, size_t size)
{
#ifdef PLANTED
	volatile uint8_t behind = 0;

	if (packet->kind == PACKET_IP && packet->tunnel_count && packet->payload)
		behind = data[size];
#endif
}

static const struct linktype *choose(const uint8_t *data)
{
	uint16_t number = (uint16_t)(data[0] << 8 | data[1]);
	const struct linktype *linktype = linktype_find(number);
	size_t count = 0;

	while (linktype_at(count))
		count++;
	return linktype ? linktype : linktype_at(number % count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet packet;

	if (size < 3)
		return 0;
	decode_packet(choose(data)->number, data + 3, (uint32_t)size - 3,
		(uint32_t)(size - 3 + data[2] * 8u), &packet);
	check(&packet, data + 3, size - 3);
	planted(&packet, data + 3, size - 3);
	return 0;
}
