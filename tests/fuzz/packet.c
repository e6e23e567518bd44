/*
 * Fuzz target of the decoders in preprocess/: whatever a packet holds, what is found lies inside of
 * it. The first two bytes choose the link type and how much of the packet was captured.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -I. … tests/fuzz/packet.c \
 *	    preprocess/{decode,link,wireless,ip,transport,tunnel}.c spool/linktype.c
 *	./packet -max_len=2048
 */
#include <stdlib.h>

#include "preprocess/decode.h"
#include "spool/linktype.h"

static void check(const struct packet *packet, const uint8_t *data, size_t size)
{
	if (packet->kind != PACKET_IP)
		return;
	if (packet->octets < 20 || packet->tunnel_count > DECODE_TUNNELS ||
		packet->vlan_count > DECODE_VLANS)
		abort();
	if (packet->payload &&
		(packet->payload < data || packet->payload > data + size ||
			packet->payload_size > (size_t)(data + size - packet->payload)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct linktype *linktype;
	struct packet packet;
	size_t count = 0;

	if (size < 2)
		return 0;
	while (linktype_at(count))
		count++;
	linktype = linktype_at(data[0] % count);
	decode_packet(linktype->number, data + 2, (uint32_t)size - 2,
		(uint32_t)(size - 2 + data[1] * 8u), &packet);
	check(&packet, data + 2, size - 2);
	return 0;
}
