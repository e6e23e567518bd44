/*
 * preprocess_decode.c: packets of every link type and tunnel, built by hand; every one of them,
 * and every packet of real captures where there are some ($MIRA_PCAPS, else ../shared/data), cut
 * off at every length.
 */
#include "tests/unit/tmp.h"

#include <arpa/inet.h>
#include <dirent.h>

#include "preprocess/decode.h"
#include "preprocess/pcapng.h"
#include "spool/linktype.h"

/* A packet grows from the inside out: headers are written before what is there. */
struct bytes {
	uint8_t data[2048];
	size_t at;
};

#define SIZE(bytes) (sizeof((bytes)->data) - (bytes)->at)

static struct bytes *begin(void)
{
	static struct bytes bytes;

	bytes.at = sizeof(bytes.data);
	return &bytes;
}

static void put(struct bytes *bytes, const char *hex)
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

static void put_tcp(struct bytes *bytes)
{
	put(bytes, "48 49 21"); /* HI! */
	put(bytes, "1234 0050 00000064 00000000 5002 ffff 0000 0000");
}

static void put_udp(struct bytes *bytes, unsigned sport, unsigned dport)
{
	char header[64];

	snprintf(header, sizeof(header), "%04x %04x %04x 0000", sport, dport,
		(unsigned)SIZE(bytes) + 8);
	put(bytes, header);
}

/* From 10.0.0.HOST to 10.0.0.2. */
static void put_ipv4(struct bytes *bytes, unsigned proto, unsigned host)
{
	char header[80];

	snprintf(header, sizeof(header), "4500 %04x 0000 0000 40 %02x 0000 0a0000%02x 0a000002",
		(unsigned)SIZE(bytes) + 20, proto, host);
	put(bytes, header);
}

static void put_ipv6(struct bytes *bytes, unsigned next, unsigned host)
{
	char header[160];

	snprintf(header, sizeof(header),
		"60000000 %04x %02x 40 20010db80000000000000000000000%02x "
		"20010db8000000000000000000000002",
		(unsigned)SIZE(bytes), next, host);
	put(bytes, header);
}

static void put_ethernet(struct bytes *bytes, const char *type)
{
	put(bytes, type);
	put(bytes, "020000000001 020000000002");
}

static struct packet decode(uint32_t linktype, const struct bytes *bytes)
{
	struct packet packet;

	decode_packet(linktype, bytes->data + bytes->at, (uint32_t)SIZE(bytes),
		(uint32_t)SIZE(bytes), &packet);
	return packet;
}

/*
 * Asan sees every byte read behind the end: the packet stands at the end of its own allocation.
 */
static void decode_cut(uint32_t linktype, const uint8_t *data, uint32_t size)
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

static void decode_all_lengths(uint32_t linktype, const struct bytes *bytes)
{
	decode_cut(linktype, bytes->data + bytes->at, (uint32_t)SIZE(bytes));
}

static void assert_flow(const struct packet *packet, unsigned proto, const char *src,
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
static void every_link_type(void **state)
{
	static const struct {
		uint32_t linktype;
		const char *header;
		bool v6;
	} rows[] = {
		{0, "02000000", false},
		{0, "00000002", false},
		{0, "1e000000", true},
		{0, "0000001c", true},
		{0, "0f000800", false},
		{108, "00000002", false},
		{108, "00000018", true},
		{1, "020000000001 020000000002 86dd", true},
		{1, "020000000001 020000000002 0030 aaaa03 000000 0800", false},
		{1, "020000000001 020000000002 0030 060603", false},
		{8, "00 000000000000000000000000000000", false},
		{9, "0021", false},
		{9, "21", false},
		{9, "ff03 0021", false},
		{9, "ff03 0057", true},
		{9, "ff03 0021", true}, /* announced as IPv4 */
		{9, "0f00 0800", false},
		{50, "ff03 0021", false},
		{50, "8f00 86dd", true},
		{51, "1100 0001 002d 0021", false},
		{12, "", false},
		{14, "", true},
		{101, "", false},
		{101, "", true},
		{228, "", false},
		{229, "", true},
		{100, "aaaa03 000000 0800", false},
		{100, "fefe03 cc", false},
		{100, "fefe03 cf 0021", false},
		{100, "aaaa03 0080c2 0007 0000 020000000001 020000000002 86dd", true},
		{123, "02000021 aaaa03 000000 0800", false},
		{123, "01000021 0001 020000000001 020000000002 0800", false},
		{123, "02000021 fefe03 8e", true},
		{123, "02000021 aaaa03 0080c2 0001 0000 020000000001 020000000002 0800", false},
		{123, "00000021", false},
		{123, "80010100", true},
		{123, "03000021 aaaa03 000000 0800", false},
		{123, "00000021 0021", false},
		{123, "00000021 ff03 0057", true},
		{123, "00000021 0000 020000000001 020000000002 0800", false},
		{135, "4d474301 0000000000000000 aaaa03 000000 0800", false},
		{137, "4d474300 00000000", true},
		{137, "4d474300 00000000 fefe03 cf 0021", false},
		{167, "4d474301 020000000001 020000000002 8864 1100 0001 002d 0021", false},
		{178, "4d474300 020000000001 020000000002 0800", false},
		{178, "4d474381 0006 010101020101 020000000001 020000000002 86dd", true},
		{178, "4d474303 00000002", false},
		{179, "4d474301 ff03 0021", false},
		{180, "4d474301 1841 03 cc", false},
		{181, "4d474301 0f00 0800", false},
		{104, "0f00 0800", false},
		{104, "8f00 86dd", true},
		{105, "0801 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800",
			false},
		{105,
			"8803 0000 020000000001 020000000002 020000000003 0000 020000000004 0000 "
			"aaaa03 000000 86dd",
			true},
		{127,
			"0000 0800 00000000 0801 0000 020000000001 020000000002 020000000003 0000 "
			"aaaa03 000000 0800",
			false},
		{192, "0000 0800 01000000 020000000001 020000000002 0800", false},
		{107, "1841 03 cc", false},
		{107, "1841 03 8e", true},
		{107, "1841 03 00 80 000000 0800", false},
		{107, "1841 0800", false},
		{107, "1841 03 00 80 0080c2 0007 020000000001 020000000002 0800", false},
		{113, "0000 0001 0006 020000000001 0000 0800", false},
		{113, "0000 0001 0006 020000000001 0000 86dd", true},
		{276, "0800 0000 00000001 0001 00 06 0200000000010000", false},
		{239, "02000000 0800 0100 08000000 0800 0900", false},
		{239, "0a000000 0008 0001 00000000 0008 0009", true},
	};
	bool seen[512] = {false};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bytes *bytes = begin();
		struct packet packet;

		put_tcp(bytes);
		if (rows[i].v6)
			put_ipv6(bytes, 6, 1);
		else
			put_ipv4(bytes, 6, 1);
		put(bytes, rows[i].header);
		packet = decode(rows[i].linktype, bytes);
		if (packet.kind != PACKET_IP)
			fail_msg("link type %u, %s", rows[i].linktype, rows[i].header);
		assert_flow(&packet, 6, rows[i].v6 ? "2001:db8::1" : "10.0.0.1", 0x1234, 80,
			rows[i].v6 ? 63 : 43);
		decode_all_lengths(rows[i].linktype, bytes);
		seen[rows[i].linktype] = true;
	}
	for (uint32_t type = 0; type < 512; type++) {
		assert_int_equal(decode_knows(type), linktype_find(type) != NULL);
		if (decode_knows(type) && !seen[type])
			fail_msg("link type %u is not tested", type);
	}
	assert_false(decode_knows(UINT32_MAX));
}

static void vlans_and_labels_are_no_tunnels(void **state)
{
	static const struct {
		const char *tags;
		unsigned count, first, last;
	} rows[] = {
		{"8100 0007 0800", 1, 7, 7},
		{"88a8 2064 8100 0007 0800", 2, 100, 7},
		{"9100 0001 8100 0000 0800", 1, 1, 1}, /* id 0: a priority only */
		{"8100 0001 8100 0002 8100 0003 8100 0004 8100 0005 0800", 4, 1, 4},
		{"8847 00010040 00020140 0800", 0, 0,
			0}, /* bottom of stack missing: not what is meant */
		{"8847 00010000 00020140", 0, 0, 0},
		{"8847 00010140 00000000 020000000001 020000000002 0800", 0, 0, 0},
		{"8847 00010140 020000000001 020000000002 0800", 0, 0, 0}, /* no control word */
		{"8847 00010140 460000000001 020000000002 0800", 0, 0, 0},
		{"8847 00010140 660000000001 020000000002 8100 0008 0800", 1, 8, 8},
		{"8847 00010140 980000000001 020000000002 0800", 0, 0, 0},
		{"8926 80000000 8100 0009 0800", 1, 9, 9},
		{"88a8 0005 88e7 00000001 020000000003 020000000004 0800", 1, 5, 5},
		{"8903 0000 020000000003 020000000004 0800", 0, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bytes *bytes = begin();
		struct packet packet;

		put_tcp(bytes);
		put_ipv4(bytes, 6, 1);
		put_ethernet(bytes, rows[i].tags);
		packet = decode(1, bytes);
		decode_all_lengths(1, bytes);
		if (i == 4) {
			assert_int_equal(packet.kind, PACKET_NOT_IP);
			continue;
		}
		assert_flow(&packet, 6, "10.0.0.1", 0x1234, 80, 43);
		assert_int_equal(packet.tunnel_count, 0);
		assert_int_equal(packet.vlan_count, rows[i].count);
		if (rows[i].count) {
			assert_int_equal(packet.vlans[0], rows[i].first);
			assert_int_equal(packet.vlans[rows[i].count - 1], rows[i].last);
		}
	}
}

static void ipv6_extension_headers(void **state)
{
	static const struct {
		const char *headers;
		unsigned first, proto, sport;
	} rows[] = {
		{"06 00 050200000000", 0, 6, 0x1234}, /* hop-by-hop */
		{"06 02 0000 00000000 20010db8000000000000000000000009", 43, 6,
			0x1234},				 /* routing */
		{"06 00 0001 00000001", 44, 6, 0x1234},		 /* first fragment */
		{"06 00 0009 00000001", 44, 6, 0},		 /* a later one */
		{"06 00 000000000000", 60, 6, 0x1234},		 /* destination */
		{"06 01 0000 00000001 00000002", 51, 6, 0x1234}, /* AH, in words of 4 bytes */
		{"3c 00 000000000000 06 00 000000000000", 0, 6, 0x1234},
		{"3b 00 050200000000", 135, 135, 0}, /* mobility: nothing follows */
		{"3b 00 000000000000", 60, 59, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bytes *bytes = begin();
		struct packet packet;

		put_tcp(bytes);
		put(bytes, rows[i].headers);
		put_ipv6(bytes, rows[i].first, 1);
		packet = decode(229, bytes);
		assert_flow(&packet, rows[i].proto, "2001:db8::1", rows[i].sport,
			rows[i].sport ? 80 : 0, (unsigned)SIZE(bytes));
		decode_all_lengths(229, bytes);
	}
}

/*
 * What stands between the inner TCP packet (IPv4 from 10.0.0.9, or IPv6 from 2001:db8::9) and the
 * outer IP header.
 */
static void every_tunnel(void **state)
{
	static const struct {
		const char *header;
		unsigned proto, sport, dport; /* of the outer header; a port: it is UDP */
		bool outer6, inner6;
		enum tunnel tunnel;
	} rows[] = {
		{"", 4, 0, 0, false, false, TUNNEL_IPIP},
		{"", 41, 0, 0, false, true, TUNNEL_6IN4},
		{"", 4, 0, 0, true, false, TUNNEL_4IN6},
		{"", 41, 0, 0, true, true, TUNNEL_6IN6},
		{"04 04 0000 00000001 00000002 000000000000000000000000", 51, 0, 0, false, false,
			TUNNEL_IPIP},
		{"0000 0800", 47, 0, 0, false, false, TUNNEL_GRE},
		{"b000 86dd 00000000 00000007 00000001", 47, 0, 0, false, true, TUNNEL_GRE},
		{"4000 0800 00000000 00000004 0a000001 00000000", 47, 0, 0, false, false,
			TUNNEL_GRE},
		{"0000 6558 020000000001 020000000002 0800", 47, 0, 0, true, false, TUNNEL_GRE},
		{"0000 880b ff03 0021", 47, 0, 0, false, false, TUNNEL_GRE},
		{"0000 8240 0801 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 "
		 "0800",
			47, 0, 0, false, false, TUNNEL_GRE},
		{"3081 880b 002d 0001 00000001 00000001 ff03 0021", 47, 0, 0, false, false,
			TUNNEL_PPTP},
		{"0000 88be 020000000001 020000000002 0800", 47, 0, 0, false, false, TUNNEL_ERSPAN},
		{"1000 88be 00000001 1000 0000 00000000 020000000001 020000000002 0800", 47, 0, 0,
			false, false, TUNNEL_ERSPAN},
		{"1000 22eb 00000001 2000 0000 00000000 0000 0001 0000000000000000 020000000001 "
		 "020000000002 0800",
			47, 0, 0, false, false, TUNNEL_ERSPAN},
		{"08000000 00000100 020000000001 020000000002 0800", 0, 40000, 4789, false, false,
			TUNNEL_VXLAN},
		{"08000000 00000100 020000000001 020000000002 86dd", 0, 40000, 8472, true, true,
			TUNNEL_VXLAN},
		{"0c000001 00000100", 0, 40000, 4790, false, false, TUNNEL_VXLAN},
		{"0c000004 00000100 0fc2 0103 00000001 020000000001 020000000002 86dd", 0, 40000,
			4790, false, true, TUNNEL_VXLAN},
		{"0240 6558 00000100 0000000000000000 020000000001 020000000002 0800", 0, 40000,
			6081, false, false, TUNNEL_GENEVE},
		{"0000 86dd 00000100", 0, 40000, 6081, false, true, TUNNEL_GENEVE},
		{"30ff 002b 00000001", 0, 2152, 2152, false, false, TUNNEL_GTP_U},
		{"1eff 002b 0000 0000 ffffffff 0000000000000000", 0, 3386, 3386, false, false,
			TUNNEL_GTP_U},
		{"34ff 0033 00000001 00000085 01000100", 0, 2152, 2152, false, false, TUNNEL_GTP_U},
		{"", 0, 40000, 3544, false, true, TUNNEL_TEREDO},
		{"0001 0000 0000000000000000 00 0000 0000 00000000", 0, 3544, 40000, false, true,
			TUNNEL_TEREDO},
		{"4002 003a 0001 0001 ff03 0021", 0, 1701, 1701, false, false, TUNNEL_L2TP},
		{"0a02 0001 0001 00000000 0002 0000 0021", 0, 1701, 1701, false, false,
			TUNNEL_L2TP},
		{"0010 0000 00000000 020000000001 020000000002 0800", 0, 40000, 5247, false, false,
			TUNNEL_CAPWAP},
		{"0010 0300 00000000 0108 0000 020000000001 020000000002 020000000003 0000 aaaa03 "
		 "000000 0800",
			0, 40000, 5247, false, false, TUNNEL_CAPWAP}, /* frame control swapped */
		{"4111 1129 00000000 20010db8000000000000000000000009 00000000", 0, 5072, 5072,
			false, true, TUNNEL_AYIYA},
		{"c0000001 00000001", 0, 40000, 4341, false, false, TUNNEL_LISP},
		{"80000000", 0, 4342, 4342, false, false, TUNNEL_LISP},
		{"08000000 00000000", 0, 40000, 4341, true, true, TUNNEL_LISP},
		{"0000 894f 0fc2 0101 00000001", 47, 0, 0, false, false, TUNNEL_GRE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bytes *bytes = begin();
		struct packet packet;

		put_tcp(bytes);
		if (rows[i].inner6)
			put_ipv6(bytes, 6, 9);
		else
			put_ipv4(bytes, 6, 9);
		put(bytes, rows[i].header);
		if (rows[i].dport)
			put_udp(bytes, rows[i].sport, rows[i].dport);
		if (rows[i].outer6)
			put_ipv6(bytes, rows[i].dport ? 17 : rows[i].proto, 1);
		else
			put_ipv4(bytes, rows[i].dport ? 17 : rows[i].proto, 1);
		packet = decode(101, bytes);
		if (packet.tunnel_count != (strstr(rows[i].header, "0fc2") ? 2 : 1) ||
			packet.tunnels[0] != rows[i].tunnel) /* NSH is one, too */
			fail_msg("%s: \"%s\" was not recognised", tunnel_name(rows[i].tunnel),
				rows[i].header);
		assert_flow(&packet, 6, rows[i].inner6 ? "2001:db8::9" : "10.0.0.9", 0x1234, 80,
			rows[i].inner6 ? 63 : 43);
		decode_all_lengths(101, bytes);
	}
}

static void to_2002_is_6to4(void **state)
{
	struct bytes *bytes = begin();
	struct packet packet;

	put_tcp(bytes);
	put(bytes, "60000000 0017 06 40 20010db8000000000000000000000001 "
		   "20020a00000200000000000000000001");
	put_ipv4(bytes, 41, 1);
	packet = decode(101, bytes);
	assert_flow(&packet, 6, "2001:db8::1", 0x1234, 80, 63);
	assert_string_equal(tunnel_name(packet.tunnels[0]), "6to4");
}

static void circuits_of_atm(void **state)
{
	struct bytes *bytes = begin();
	struct packet packet;

	put_tcp(bytes);
	put_ipv4(bytes, 6, 1);
	put(bytes, "82 07 0123 aaaa03 000000 0800");
	packet = decode(123, bytes);
	assert_int_equal(packet.circuit, CIRCUIT(7, 0x123));
	assert_int_equal(CIRCUIT_VPI(packet.circuit), 7);
	assert_int_equal(CIRCUIT_VCI(packet.circuit), 0x123);
	assert_int_equal(decode(100, bytes).kind, PACKET_NOT_IP);
	bytes->at += 4;
	assert_int_equal(decode(100, bytes).circuit, 0);

	bytes = begin();
	put_tcp(bytes);
	put_ipv4(bytes, 6, 1);
	put(bytes, "06 00 0005"); /* signalling, whatever it looks like */
	assert_int_equal(decode(123, bytes).kind, PACKET_NOT_IP);
}

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
		cmocka_unit_test(every_link_type),
		cmocka_unit_test(vlans_and_labels_are_no_tunnels),
		cmocka_unit_test(ipv6_extension_headers),
		cmocka_unit_test(every_tunnel),
		cmocka_unit_test(to_2002_is_6to4),
		cmocka_unit_test(circuits_of_atm),
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
