/*
 * frames.h: packets built by hand, and what the decoders say of them; for tests that include it once.
 */
#ifndef TESTS_UNIT_FRAMES_H
#define TESTS_UNIT_FRAMES_H

#include "tests/unit/tmp.h"

#include <arpa/inet.h>

#include "preprocess/decode.h"

/* A packet grows from the inside out: headers are written before what is there. */
struct bytes {
	uint8_t data[2048];
	size_t at;
};

#define SIZE(bytes) (sizeof((bytes)->data) - (bytes)->at)

static inline struct bytes *begin(void)
{
	static struct bytes bytes;

	bytes.at = sizeof(bytes.data);
	return &bytes;
}

static inline void put(struct bytes *bytes, const char *hex)
{
	uint8_t out[256];
	size_t count = 0;
	unsigned value;
	int used;

	while (sscanf(hex, " %2x%n", &value, &used) == 1) {
		out[count++] = (uint8_t)value;
		hex += used;
	}
	assert_true(count <= bytes->at);
	bytes->at -= count;
	memcpy(bytes->data + bytes->at, out, count);
}

static inline void put_tcp(struct bytes *bytes)
{
	put(bytes, "48 49 21"); /* HI! */
	put(bytes, "1234 0050 00000064 00000000 5002 ffff 0000 0000");
}

static inline void put_udp(struct bytes *bytes, unsigned sport, unsigned dport)
{
	char header[64];

	snprintf(header, sizeof(header), "%04x %04x %04x 0000", sport, dport,
		(unsigned)SIZE(bytes) + 8);
	put(bytes, header);
}

/* From 10.0.0.HOST to 10.0.0.2. */
static inline void put_ipv4(struct bytes *bytes, unsigned proto, unsigned host)
{
	char header[80];

	snprintf(header, sizeof(header), "4500 %04x 0000 0000 40 %02x 0000 0a0000%02x 0a000002",
		(unsigned)SIZE(bytes) + 20, proto, host);
	put(bytes, header);
}

static inline void put_ipv6(struct bytes *bytes, unsigned next, unsigned host)
{
	char header[160];

	snprintf(header, sizeof(header),
		"60000000 %04x %02x 40 20010db80000000000000000000000%02x "
		"20010db8000000000000000000000002",
		(unsigned)SIZE(bytes), next, host);
	put(bytes, header);
}

/* A TCP packet from HOST: IPv6 when V6. */
static inline void put_packet(struct bytes *bytes, bool v6, unsigned host)
{
	put_tcp(bytes);
	if (v6)
		put_ipv6(bytes, 6, host);
	else
		put_ipv4(bytes, 6, host);
}

static inline void put_ethernet(struct bytes *bytes, const char *type)
{
	put(bytes, type);
	put(bytes, "020000000001 020000000002");
}

static inline struct packet decode(uint32_t linktype, const struct bytes *bytes)
{
	struct packet packet;

	decode_packet(linktype, bytes->data + bytes->at, (uint32_t)SIZE(bytes),
		(uint32_t)SIZE(bytes), &packet);
	return packet;
}

/*
 * Asan sees every byte read behind the end: the packet stands at the end of its own allocation.
 */
static inline void decode_cut(uint32_t linktype, const uint8_t *data, uint32_t size)
{
	uint8_t *copy = malloc(size + 1);
	struct packet packet;

	for (uint32_t length = 0; length <= size; length++) {
		uint8_t *at = copy + 1 + size - length;

		memcpy(at, data, length);
		decode_packet(linktype, at, length, size, &packet);
		if (packet.kind == PACKET_IP && packet.payload_size)
			assert_true(packet.payload >= at &&
				    packet.payload + packet.payload_size <= at + length);
	}
	free(copy);
}

static inline void decode_all_lengths(uint32_t linktype, const struct bytes *bytes)
{
	decode_cut(linktype, bytes->data + bytes->at, (uint32_t)SIZE(bytes));
}

static inline void assert_flow(const struct packet *packet, unsigned proto, const char *src,
	unsigned sport, unsigned dport, unsigned octets)
{
	char text[INET6_ADDRSTRLEN];

	assert_int_equal(packet->kind, PACKET_IP);
	inet_ntop(packet->key.version == 4 ? AF_INET : AF_INET6, packet->key.src, text,
		sizeof(text));
	assert_string_equal(text, src);
	assert_int_equal(packet->key.proto, proto);
	assert_int_equal(packet->key.sport, sport);
	assert_int_equal(packet->key.dport, dport);
	assert_int_equal(packet->octets, octets);
}

#endif
