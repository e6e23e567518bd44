/*
 * preprocess_decode.c: what is decoded behind the link: fragments, lengths, ports, what is no IP; and
 * every packet of real captures where there are some ($MIRA_PCAPS, else ../shared/data), cut off at
 * every length. Links and tunnels: preprocess_link.c.
 */
#include "tests/unit/frames.h"

#include <dirent.h>

#include "preprocess/pcapng.h"
#include "spool/linktype.h"

static void tcp_over_ethernet(void **state)
{
	struct bytes *bytes = begin();
	struct packet packet;

	put_tcp(bytes);
	put_ipv4(bytes, 6, 1);
	put_ethernet(bytes, "0800");
	packet = decode(1, bytes);
	assert_flow(&packet, 6, "10.0.0.1", 0x1234, 80, 43);
	assert_int_equal(packet.tcp_flags, TCP_SYN);
	assert_int_equal(packet.tcp_seq, 100);
	assert_int_equal(packet.tcp_length, 3);
	assert_int_equal(packet.payload_size, 3);
	assert_memory_equal(packet.payload, "HI!", 3);
	assert_int_equal(packet.tunnel_count + packet.vlan_count, 0);
	decode_all_lengths(1, bytes);
}

/* Every link type: what stands before the IP header, in hex. */
static void assert_fragment(const struct packet *packet, unsigned index, uint32_t id, bool later,
	unsigned transport, unsigned sport)
{
	const struct fragment *fragment = &packet->fragments[index];

	assert_true(index < packet->fragment_count);
	assert_int_equal(fragment->id, id);
	assert_int_equal(fragment->later, later);
	assert_int_equal(fragment->transport, transport);
	assert_int_equal(fragment->sport, sport);
}

static void fragments_of_ipv4(void **state)
{
	static const struct {
		const char *header;
		unsigned count;
		bool later;
	} rows[] = {
		{"4500 002b 0007 0000 40 06 0000 0a000001 0a000002", 0, false},
		{"4500 002b 0007 4000 40 06 0000 0a000001 0a000002", 0, false}, /* may not be cut */
		{"4500 002b 0007 2000 40 06 0000 0a000001 0a000002", 1, false},
		{"4500 002b 0007 2010 40 06 0000 0a000001 0a000002", 1, true},
		{"4500 002b 0007 0010 40 06 0000 0a000001 0a000002", 1, true},
		{"4500 002b 0007 0010 40 01 0000 0a000001 0a000002", 0, false}, /* ICMP: no ports */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bytes *bytes = begin();
		struct packet packet;

		put_tcp(bytes);
		put(bytes, rows[i].header);
		packet = decode(228, bytes);
		decode_all_lengths(228, bytes);
		assert_int_equal(packet.kind, PACKET_IP);
		assert_int_equal(packet.fragment_count, rows[i].count);
		if (rows[i].count == 0)
			continue;
		assert_fragment(&packet, 0, 7, rows[i].later, 6, rows[i].later ? 0 : 0x1234);
		assert_memory_equal(packet.fragments[0].addresses, packet.key.src, 4);
		if (rows[i].later)
			assert_null(packet.payload);
	}
}

static void fragments_of_ipv6(void **state)
{
	struct bytes *bytes = begin();
	struct packet packet;

	put_tcp(bytes);
	put(bytes, "06 00 000000000000"); /* destination options, then the ports */
	put(bytes, "3c 00 0001 00000009");
	put_ipv6(bytes, 44, 1);
	packet = decode(229, bytes);
	assert_fragment(&packet, 0, 9, false, 6, 0x1234);
	assert_memory_equal(packet.fragments[0].addresses, packet.key.src, 16);
	decode_all_lengths(229, bytes);

	bytes = begin();
	put_tcp(bytes);
	put(bytes, "3c 00 0008 00000009");
	put_ipv6(bytes, 44, 1);
	packet = decode(229, bytes);
	assert_fragment(&packet, 0, 9, true, 60, 0);

	bytes = begin();
	put_tcp(bytes);
	put(bytes, "06 00 0000 00000009"); /* the only one */
	put_ipv6(bytes, 44, 1);
	assert_int_equal(decode(229, bytes).fragment_count, 0);
}

/* A tunnel's first fragment holds the first fragment of what is inside; both have ports. */
static void fragments_inside_of_fragments(void **state)
{
	struct bytes *bytes = begin();
	struct packet packet;

	put_tcp(bytes);
	put(bytes, "4500 1000 0007 2000 40 06 0000 0a000009 0a00000a");
	put_ethernet(bytes, "0800");
	put(bytes, "08000000 00000100");
	put_udp(bytes, 40000, 4789);
	put(bytes, "4500 0800 0008 2000 40 11 0000 0a000001 0a000002");
	packet = decode(228, bytes);
	assert_flow(&packet, 6, "10.0.0.9", 0x1234, 80, 4096);
	assert_int_equal(packet.fragment_count, 2);
	assert_fragment(&packet, 0, 8, false, 17, 40000);
	assert_fragment(&packet, 1, 7, false, 6, 0x1234);
	decode_all_lengths(228, bytes);
}

static void unusable_inner_header_leaves_the_outer_flow(void **state)
{
	struct bytes *bytes = begin();
	struct packet packet;

	put(bytes, "0001 0800 0604 0001"); /* ARP */
	put_ethernet(bytes, "8100 0005 0806");
	put(bytes, "08000000 00000100");
	put_udp(bytes, 40000, 4789);
	put_ipv4(bytes, 17, 1);
	packet = decode(101, bytes);
	assert_flow(&packet, 17, "10.0.0.1", 40000, 4789, (unsigned)SIZE(bytes));
	assert_int_equal(packet.tunnel_count, 0);
	assert_int_equal(packet.vlan_count, 0);
	assert_int_equal(packet.payload_size, SIZE(bytes) - 28);

	bytes = begin();
	put(bytes, "4500 0030 0000 0000 40"); /* cut off inside the inner header */
	put_ipv4(bytes, 4, 1);
	packet = decode(101, bytes);
	assert_flow(&packet, 4, "10.0.0.1", 0, 0, 29);
	assert_int_equal(packet.tunnel_count, 0);
}

static void quoted_packets_are_not_looked_into(void **state)
{
	struct bytes *bytes = begin();
	struct packet packet;

	put_tcp(bytes);
	put_ipv4(bytes, 6, 9);
	put(bytes, "0301 0000 00000000");
	put_ipv4(bytes, 1, 1);
	packet = decode(101, bytes);
	assert_flow(&packet, 1, "10.0.0.1", 0, 0, (unsigned)SIZE(bytes));
	assert_null(packet.payload);
	decode_all_lengths(101, bytes);

	bytes = begin();
	put(bytes, "0800 0000 00010001 414243");
	put_ipv4(bytes, 1, 1);
	packet = decode(101, bytes);
	assert_int_equal(packet.payload_size,
		3); /* what the sender of an echo chose is looked at */
}

static void lengths_of_ip(void **state)
{
	static const struct {
		const char *header; /* of IPv4, before 20 bytes of TCP and 3 of payload */
		int kind;
		unsigned octets;
	} rows[] = {
		{"4500 002b 0000 0000 40 06 0000 0a000001 0a000002", PACKET_IP, 43},
		{"4500 0000 0000 0000 40 06 0000 0a000001 0a000002", PACKET_IP,
			43}, /* left to the network card */
		{"4500 1000 0000 0000 40 06 0000 0a000001 0a000002", PACKET_IP,
			4096}, /* more than was captured */
		{"4500 0013 0000 0000 40 06 0000 0a000001 0a000002", PACKET_MALFORMED,
			0}, /* less than the header */
		{"4400 002b 0000 0000 40 06 0000 0a000001 0a000002", PACKET_MALFORMED, 0},
		{"7500 002b 0000 0000 40 06 0000 0a000001 0a000002", PACKET_MALFORMED, 0},
		{"4f00 0040 0000 0000 40 06 0000 0a000001 0a000002", PACKET_IP,
			64}, /* options are cut off */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bytes *bytes = begin();
		struct packet packet;

		put_tcp(bytes);
		put(bytes, rows[i].header);
		packet = decode(228, bytes);
		assert_int_equal(packet.kind, rows[i].kind);
		if (packet.kind == PACKET_IP)
			assert_int_equal(packet.octets, rows[i].octets);
		decode_all_lengths(228, bytes);
	}
}

/*
 * Padding behind the IP packet is no payload; what snaplen cut off still counts in the TCP
 * segment.
 */
static void padding_and_snaplen(void **state)
{
	struct bytes *bytes = begin();
	struct packet packet;

	put(bytes, "000000");
	put(bytes, "5678 0050 00000064 00000000 5010 ffff 0000 0000");
	put(bytes, "4500 0028 0000 0000 40 06 0000 0a000001 0a000002");
	packet = decode(228, bytes);
	assert_flow(&packet, 6, "10.0.0.1", 0x5678, 80, 40);
	assert_int_equal(packet.payload_size, 0);
	assert_int_equal(packet.tcp_length, 0);

	bytes = begin();
	put_tcp(bytes);
	put(bytes, "4500 03e8 0000 0000 40 06 0000 0a000001 0a000002");
	decode_packet(228, bytes->data + bytes->at, (uint32_t)SIZE(bytes), 1000, &packet);
	assert_int_equal(packet.octets, 1000);
	assert_int_equal(packet.payload_size, 3);
	assert_int_equal(packet.tcp_length, 960);
	assert_int_equal(packet.uncaptured, 957);
	/* what the header claims and the wire did not carry was not left out by the capture */
	decode_packet(228, bytes->data + bytes->at, (uint32_t)SIZE(bytes), 100, &packet);
	assert_int_equal(packet.octets, 1000);
	assert_int_equal(packet.uncaptured, 57);
}

static void ports_need_four_bytes(void **state)
{
	struct bytes *bytes = begin();
	struct packet packet;

	put(bytes, "1234 0050");
	put(bytes, "4500 0028 0000 0000 40 06 0000 0a000001 0a000002");
	packet = decode(228, bytes);
	assert_flow(&packet, 6, "10.0.0.1", 0x1234, 80, 40);
	assert_int_equal(packet.tcp_flags, 0);
	decode_packet(228, bytes->data + bytes->at, (uint32_t)SIZE(bytes) - 1, 40, &packet);
	assert_flow(&packet, 6, "10.0.0.1", 0, 0, 40);
}

/* A forger can nest without end; the decoder stops and keeps what it has. */
static void endless_nesting(void **state)
{
	struct bytes *bytes = begin();
	struct packet packet;

	put_tcp(bytes);
	put_ipv4(bytes, 6, 200);
	for (unsigned host = 60; host > 0; host--)
		put_ipv4(bytes, 4, host);
	packet = decode(228, bytes);
	assert_int_equal(packet.kind, PACKET_IP);
	assert_int_equal(packet.key.proto, 4);
	assert_int_equal(packet.tunnel_count, DECODE_TUNNELS);
	decode_all_lengths(228, bytes);
}

static void not_ip(void **state)
{
	static const char *const types[] = {"0806 0001", "88cc 0207", "8863 1109", "0026 4242 03",
		"0026 ffff 00", "8035"};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct bytes *bytes = begin();

		put_ethernet(bytes, types[i]);
		assert_int_equal(decode(1, bytes).kind, PACKET_NOT_IP);
	}
	assert_int_equal(decode(9999, begin()).kind, PACKET_NOT_IP);
}

/* Pseudo-random bytes as packets of every link type: nothing may be read outside of them. */
static void random_bytes(void **state)
{
	uint8_t data[200];
	uint32_t seed = 1;
	size_t types = 0;

	while (linktype_at(types))
		types++;
	for (unsigned round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(data); i++) {
			seed = seed * 1664525 + 1013904223;
			data[i] = (uint8_t)(seed >> 24);
		}
		data[round % 24] = round & 1 ? 0x45 : 0x60;
		decode_cut(linktype_at(round % types)->number, data, round % 100);
	}
}

static uint32_t number(const uint8_t *at, bool swapped)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return swapped ? __builtin_bswap32(value) : value;
}

static unsigned cut_pcap(const uint8_t *data, size_t size)
{
	uint32_t magic = number(data, false), linktype;
	bool swapped = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
	unsigned packets = 0;
	size_t at = 24;

	linktype = number(data + 20, swapped) & 0xffff;
	while (at + 16 <= size) {
		uint32_t captured = number(data + at + 8, swapped);

		at += 16;
		if (captured > size - at)
			break;
		decode_cut(linktype, data + at, captured < 2000 ? captured : 2000);
		at += captured;
		packets++;
	}
	return packets;
}

static unsigned cut_pcapng(const char *path, size_t size)
{
	struct pcapng *reader = pcapng_new();
	struct frame frames[PCAPNG_BURST];
	unsigned packets = 0;
	int count;

	assert_int_equal(pcapng_open(reader, path, size, NULL), 0);
	while ((count = pcapng_burst(reader, frames)) > 0)
		for (int i = 0; i < count; i++, packets++)
			decode_cut(frames[i].linktype, frames[i].bytes,
				frames[i].captured < 2000 ? frames[i].captured : 2000);
	pcapng_free(reader);
	return packets;
}

static unsigned real_packets;

static int cut_file(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
	uint8_t *data;
	uint32_t magic;
	FILE *file;

	if (flag != FTW_F || status->st_size < 24 || status->st_size > 400000)
		return 0;
	data = malloc((size_t)status->st_size);
	file = fopen(path, "r");
	assert_int_equal(fread(data, 1, (size_t)status->st_size, file), status->st_size);
	fclose(file);
	magic = number(data, false);
	if (magic == 0x0a0d0d0a)
		real_packets += cut_pcapng(path, (size_t)status->st_size);
	else if (magic == 0xa1b2c3d4 || magic == 0xd4c3b2a1 || magic == 0xa1b23c4d ||
		 magic == 0x4d3cb2a1)
		real_packets += cut_pcap(data, (size_t)status->st_size);
	free(data);
	return 0;
}

static void real_captures(void **state)
{
	const char *folder = getenv("MIRA_PCAPS");

	if (nftw(folder ? folder : "../shared/data", cut_file, 16, FTW_PHYS) != 0) {
		print_message("# not looked at: MIRA_PCAPS names no folder of captures\n");
		return; /* not skip(): its "not ok # SKIP" is a failure to prove */
	}
	print_message("# %u packets of real captures, cut at every length\n", real_packets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_over_ethernet),
		cmocka_unit_test(fragments_of_ipv4),
		cmocka_unit_test(fragments_of_ipv6),
		cmocka_unit_test(fragments_inside_of_fragments),
		cmocka_unit_test(unusable_inner_header_leaves_the_outer_flow),
		cmocka_unit_test(quoted_packets_are_not_looked_into),
		cmocka_unit_test(lengths_of_ip),
		cmocka_unit_test(padding_and_snaplen),
		cmocka_unit_test(ports_need_four_bytes),
		cmocka_unit_test(endless_nesting),
		cmocka_unit_test(not_ip),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(real_captures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
