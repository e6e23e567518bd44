/*
 * preprocess_link.c: every link type, tag, extension header and tunnel around one packet, cut off at
 * every length.
 */
#include "tests/unit/frames.h"

#include "spool/linktype.h"

static const struct {
	uint32_t linktype;
	const char *header;
	bool v6;
} links[] = {
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
	{105, "0801 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800", false},
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

static void every_link_type(void **state)
{
	bool seen[512] = {false};

	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		struct bytes *bytes = begin();
		struct packet packet;

		put_packet(bytes, links[i].v6, 1);
		put(bytes, links[i].header);
		packet = decode(links[i].linktype, bytes);
		if (packet.kind != PACKET_IP)
			fail_msg("link type %u, %s", links[i].linktype, links[i].header);
		assert_flow(&packet, 6, links[i].v6 ? "2001:db8::1" : "10.0.0.1", 0x1234, 80,
			links[i].v6 ? 63 : 43);
		decode_all_lengths(links[i].linktype, bytes);
		seen[links[i].linktype] = true;
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

		put_packet(bytes, false, 1);
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
static const struct {
	const char *header;
	unsigned proto, sport, dport; /* of the outer header; a port: it is UDP */
	bool outer6, inner6;
	enum tunnel tunnel;
} tunnels[] = {
	{"", 4, 0, 0, false, false, TUNNEL_IPIP},
	{"", 41, 0, 0, false, true, TUNNEL_6IN4},
	{"", 4, 0, 0, true, false, TUNNEL_4IN6},
	{"", 41, 0, 0, true, true, TUNNEL_6IN6},
	{"04 04 0000 00000001 00000002 000000000000000000000000", 51, 0, 0, false, false,
		TUNNEL_IPIP},
	{"0000 0800", 47, 0, 0, false, false, TUNNEL_GRE},
	{"b000 86dd 00000000 00000007 00000001", 47, 0, 0, false, true, TUNNEL_GRE},
	{"4000 0800 00000000 00000004 0a000001 00000000", 47, 0, 0, false, false, TUNNEL_GRE},
	{"0000 6558 020000000001 020000000002 0800", 47, 0, 0, true, false, TUNNEL_GRE},
	{"0000 880b ff03 0021", 47, 0, 0, false, false, TUNNEL_GRE},
	{"0000 8240 0801 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 "
	 "0800",
		47, 0, 0, false, false, TUNNEL_GRE},
	{"3081 880b 002d 0001 00000001 00000001 ff03 0021", 47, 0, 0, false, false, TUNNEL_PPTP},
	{"0000 88be 020000000001 020000000002 0800", 47, 0, 0, false, false, TUNNEL_ERSPAN},
	{"1000 88be 00000001 1000 0000 00000000 020000000001 020000000002 0800", 47, 0, 0, false,
		false, TUNNEL_ERSPAN},
	{"1000 22eb 00000001 2000 0000 00000000 0000 0001 0000000000000000 020000000001 "
	 "020000000002 0800",
		47, 0, 0, false, false, TUNNEL_ERSPAN},
	{"08000000 00000100 020000000001 020000000002 0800", 0, 40000, 4789, false, false,
		TUNNEL_VXLAN},
	{"08000000 00000100 020000000001 020000000002 86dd", 0, 40000, 8472, true, true,
		TUNNEL_VXLAN},
	{"0c000001 00000100", 0, 40000, 4790, false, false, TUNNEL_VXLAN},
	{"0c000004 00000100 0fc2 0103 00000001 020000000001 020000000002 86dd", 0, 40000, 4790,
		false, true, TUNNEL_VXLAN},
	{"0240 6558 00000100 0000000000000000 020000000001 020000000002 0800", 0, 40000, 6081,
		false, false, TUNNEL_GENEVE},
	{"0000 86dd 00000100", 0, 40000, 6081, false, true, TUNNEL_GENEVE},
	{"30ff 002b 00000001", 0, 2152, 2152, false, false, TUNNEL_GTP_U},
	{"1eff 002b 0000 0000 ffffffff 0000000000000000", 0, 3386, 3386, false, false,
		TUNNEL_GTP_U},
	{"34ff 0033 00000001 00000085 01000100", 0, 2152, 2152, false, false, TUNNEL_GTP_U},
	{"", 0, 40000, 3544, false, true, TUNNEL_TEREDO},
	{"0001 0000 0000000000000000 00 0000 0000 00000000", 0, 3544, 40000, false, true,
		TUNNEL_TEREDO},
	{"4002 003a 0001 0001 ff03 0021", 0, 1701, 1701, false, false, TUNNEL_L2TP},
	{"0a02 0001 0001 00000000 0002 0000 0021", 0, 1701, 1701, false, false, TUNNEL_L2TP},
	{"0010 0000 00000000 020000000001 020000000002 0800", 0, 40000, 5247, false, false,
		TUNNEL_CAPWAP},
	{"0010 0300 00000000 0108 0000 020000000001 020000000002 020000000003 0000 aaaa03 "
	 "000000 0800",
		0, 40000, 5247, false, false, TUNNEL_CAPWAP}, /* frame control swapped */
	{"4111 1129 00000000 20010db8000000000000000000000009 00000000", 0, 5072, 5072, false, true,
		TUNNEL_AYIYA},
	{"c0000001 00000001", 0, 40000, 4341, false, false, TUNNEL_LISP},
	{"80000000", 0, 4342, 4342, false, false, TUNNEL_LISP},
	{"08000000 00000000", 0, 40000, 4341, true, true, TUNNEL_LISP},
	{"0000 894f 0fc2 0101 00000001", 47, 0, 0, false, false, TUNNEL_GRE},
	{"00010040 00020140", 137, 0, 0, false, false, TUNNEL_MPLS},
	{"00020140", 0, 40000, 6635, true, false, TUNNEL_MPLS},
};

/* Between 10.0.0.LOW and 10.0.0.HIGH, or between 2001:db8::LOW and 2001:db8::HIGH. */
static void assert_endpoints(const struct endpoints *endpoints, bool v6, unsigned low,
	unsigned high)
{
	static const uint8_t v4_net[16] = {10}, v6_net[16] = {0x20, 0x01, 0x0d, 0xb8};
	unsigned hosts[2] = {low, high};

	assert_int_equal(endpoints->version, v6 ? 6 : 4);
	for (int i = 0; i < 2; i++) {
		uint8_t wanted[16];

		memcpy(wanted, v6 ? v6_net : v4_net, sizeof(wanted));
		wanted[v6 ? 15 : 3] = (uint8_t)hosts[i];
		assert_memory_equal(endpoints->addresses[i], wanted, sizeof(wanted));
	}
}

static void every_tunnel(void **state)
{
	for (size_t i = 0; i < sizeof(tunnels) / sizeof(*tunnels); i++) {
		struct bytes *bytes = begin();
		struct packet packet;

		put_packet(bytes, tunnels[i].inner6, 9);
		put(bytes, tunnels[i].header);
		if (tunnels[i].dport)
			put_udp(bytes, tunnels[i].sport, tunnels[i].dport);
		if (tunnels[i].outer6)
			put_ipv6(bytes, tunnels[i].dport ? 17 : tunnels[i].proto, 1);
		else
			put_ipv4(bytes, tunnels[i].dport ? 17 : tunnels[i].proto, 1);
		packet = decode(101, bytes);
		if (packet.tunnel_count != (strstr(tunnels[i].header, "0fc2") ? 2 : 1) ||
			packet.tunnels[0] != tunnels[i].tunnel) /* NSH is one, too */
			fail_msg("%s: \"%s\" was not recognised", tunnel_name(tunnels[i].tunnel),
				tunnels[i].header);
		assert_flow(&packet, 6, tunnels[i].inner6 ? "2001:db8::9" : "10.0.0.9", 0x1234, 80,
			tunnels[i].inner6 ? 63 : 43);
		assert_int_equal(packet.endpoint_count, 1);
		assert_endpoints(packet.endpoints, tunnels[i].outer6, 1, 2);
		decode_all_lengths(101, bytes);
	}
}

/* PPPoE has no IP header; what the innermost header says is the flow's, not a tunnel's. */
static void endpoints_of_a_stack(void **state)
{
	struct bytes *bytes = begin();
	struct packet packet;

	put_packet(bytes, false, 9);
	put_ipv6(bytes, 4, 1);
	put_ipv4(bytes, 41, 3);
	put(bytes, "1100 0001 0069 0021");
	packet = decode(51, bytes);
	assert_flow(&packet, 6, "10.0.0.9", 0x1234, 80, 43);
	assert_int_equal(packet.tunnel_count, 3);
	assert_int_equal(packet.tunnels[0], TUNNEL_PPPOE);
	assert_int_equal(packet.tunnels[2], TUNNEL_4IN6);
	assert_int_equal(packet.endpoint_count, 2);
	assert_endpoints(&packet.endpoints[0], false, 2, 3); /* sent by the higher one */
	assert_endpoints(&packet.endpoints[1], true, 1, 2);
	decode_all_lengths(51, bytes);

	bytes = begin();
	put_packet(bytes, false, 9);
	put(bytes, "1100 0001 002d 0021");
	packet = decode(51, bytes);
	assert_int_equal(packet.tunnel_count, 1);
	assert_int_equal(packet.endpoint_count, 0);
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

	put_packet(bytes, false, 1);
	put(bytes, "82 07 0123 aaaa03 000000 0800");
	packet = decode(123, bytes);
	assert_int_equal(packet.circuit, CIRCUIT(7, 0x123));
	assert_int_equal(CIRCUIT_VPI(packet.circuit), 7);
	assert_int_equal(CIRCUIT_VCI(packet.circuit), 0x123);
	assert_int_equal(decode(100, bytes).kind, PACKET_NOT_IP);
	bytes->at += 4;
	assert_int_equal(decode(100, bytes).circuit, 0);

	bytes = begin();
	put_packet(bytes, false, 1);
	put(bytes, "06 00 0005"); /* signalling, whatever it looks like */
	assert_int_equal(decode(123, bytes).kind, PACKET_NOT_IP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_link_type),
		cmocka_unit_test(vlans_and_labels_are_no_tunnels),
		cmocka_unit_test(ipv6_extension_headers),
		cmocka_unit_test(every_tunnel),
		cmocka_unit_test(endpoints_of_a_stack),
		cmocka_unit_test(to_2002_is_6to4),
		cmocka_unit_test(circuits_of_atm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
