/* host.c: names out of DNS, TLS and HTTP, also from packets that end too early. */
#include "tests/unit/tmp.h"

#include <arpa/inet.h>

#include "preprocess/decode.h"
#include "preprocess/host.h"

enum { TCP = 6, UDP = 17 };

#define CLIENT_HELLO                                                                               \
	"\x16\x03\x01\x00\x58\x01\x00\x00\x54\x03\x03"                                             \
	"0123456789abcdef0123456789abcdef"                                                         \
	"\x04sess\x00\x04\x13\x01\x13\x02\x01\x00\x00\x23"                                         \
	"\x00\x17\x00\x00"                                                                         \
	"\x00\x00\x00\x14\x00\x12\x00\x00\x0fWWW.Example.org"                                      \
	"\x00\x2b\x00\x03\x02\x03\x04"
#define SNI_END (sizeof(CLIENT_HELLO) - 1 - 7) /* the name's last byte is the one before */

#define QUERY                                                                                      \
	"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03WwW\x07"                              \
	"example\x03org\x00\x00\x01\x00\x01"

static const struct {
	const char *payload;
	size_t size;
	int proto, sport, dport;
	const char *name; /* "" for none */
} packets[] = {
#define PACKET(bytes, proto, sport, dport, name)                                                   \
	{                                                                                          \
		bytes, sizeof(bytes) - 1, proto, sport, dport, name                                \
	}
	/* DNS: query, answer, the multicast kinds, over TCP; no other port. */
	PACKET(QUERY, UDP, 40000, 53, "www.example.org"),
	PACKET(QUERY, UDP, 53, 40000, "www.example.org"),
	PACKET(QUERY, UDP, 5353, 5353, "www.example.org"),
	PACKET(QUERY, UDP, 40000, 5355, "www.example.org"),
	PACKET(QUERY, UDP, 40000, 5354, ""),
	PACKET("\x00\x21" QUERY, TCP, 40000, 53, "www.example.org"),
	PACKET(QUERY, TCP, 40000, 53, ""),
	PACKET("\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03www\x00\x00\x01\x00\x01", UDP,
		1, 53, ""),
	/* A pointer, a label of dots, blanks, the root, a dot inside a label: no name of ours. */
	PACKET("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01", UDP, 1,
		53, ""),
	PACKET("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03"
	       "a.b\x00\x00\x01\x00\x01",
		UDP, 1, 53, ""),
	PACKET("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03"
	       "a b\x00\x00\x01\x00\x01",
		UDP, 1, 53, ""),
	PACKET("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01", UDP, 1, 53,
		""),
	PACKET("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03\xe4zh\x00\x00\x01\x00\x01",
		UDP, 1, 53, ""),
	/* TLS on any port; not a ServerHello, not by UDP, not a record of another type. */
	PACKET(CLIENT_HELLO, TCP, 40000, 443, "www.example.org"),
	PACKET(CLIENT_HELLO, TCP, 9, 9, "www.example.org"),
	PACKET(CLIENT_HELLO, UDP, 40000, 443, ""),
	PACKET("\x17\x03\x01\x00\x04\x01\x00\x00\x00", TCP, 1, 443, ""),
	PACKET("\x16\x03\x01\x00\x04\x02\x00\x00\x00", TCP, 443, 1, ""),
	/* HTTP. */
	PACKET("GET / HTTP/1.1\r\nHost: Example.ORG\r\n\r\n", TCP, 1, 80, "example.org"),
	PACKET("GET / HTTP/1.1\r\nA: b\r\nHOST:example.org:8080 \r\n\r\n", TCP, 1, 8080,
		"example.org"),
	PACKET("GET / HTTP/1.0\nhost: example.org.\n\n", TCP, 1, 80, "example.org"),
	PACKET("POST /x HTTP/1.1\r\nHost: 192.0.2.1:80\r\n", TCP, 1, 80, "192.0.2.1"),
	PACKET("CONNECT mail.example.org:993 HTTP/1.1\r\nHost: other\r\n\r\n", TCP, 1, 3128,
		"mail.example.org"),
	PACKET("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n", UDP, 1, 1900, ""),
	PACKET("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", TCP, 1, 80, ""),
	PACKET("GET / HTTP/1.1\r\nHost: exa mple.org\r\n\r\n", TCP, 1, 80, ""),
	PACKET("GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", TCP, 1, 80, ""),
	PACKET("GET / HTTP/1.1\r\nHost: .b\r\n\r\n", TCP, 1, 80, ""),
	PACKET("GET / HTTP/1.1\r\nHost:\r\n\r\n", TCP, 1, 80, ""),
	PACKET("GET / HTTP/1.1\r\nHost: .\r\n\r\n", TCP, 1, 80, ""),
	PACKET("GET / HTTP/1.1\r\n\r\nHost: body.example.org\r\n", TCP, 1, 80, ""),
	PACKET("GET / HTTP/1.1\r\nXHost: a.example\r\n\r\n", TCP, 1, 80, ""),
	PACKET("HTTP/1.1 200 OK\r\nHost: example.org\r\n\r\n", TCP, 80, 1, ""),
	PACKET("OPTIONS sip:a SIP/2.0\r\nHost: example.org\r\n\r\n", TCP, 1, 5060, ""),
	PACKET("", TCP, 1, 80, ""),
};
#define PACKETS (sizeof(packets) / sizeof(*packets))

/* find(): of a copy of exactly SIZE bytes, so that a sanitizer sees a read behind them. */
static size_t find(const void *payload, size_t size, int proto, int sport, int dport, char *name)
{
	uint8_t *copy = malloc(size ? size : 1);
	size_t found;

	memcpy(copy, payload, size);
	memset(name, 'x', HOST_NAME_SIZE);
	found = host_name(copy, size, (uint8_t)proto, (uint16_t)sport, (uint16_t)dport, name);
	free(copy);
	assert_int_equal(found, strlen(name));
	return found;
}

static void tells_names(void **state)
{
	char name[HOST_NAME_SIZE];

	for (size_t i = 0; i < PACKETS; i++) {
		find(packets[i].payload, packets[i].size, packets[i].proto, packets[i].sport,
			packets[i].dport, name);
		if (strcmp(name, packets[i].name))
			fail_msg("packet %zu: \"%s\" instead of \"%s\"", i, name, packets[i].name);
	}
}

/* A packet that ends anywhere tells its whole name or none; a Host line without its end could
 * be half a name. */
static void half_a_packet_tells_no_half_name(void **state)
{
	char name[HOST_NAME_SIZE];

	for (size_t i = 0; i < PACKETS; i++)
		for (size_t size = 0; size < packets[i].size; size++)
			if (find(packets[i].payload, size, packets[i].proto, packets[i].sport,
				    packets[i].dport, name) &&
				strcmp(name, packets[i].name))
				fail_msg("packet %zu cut to %zu: \"%s\"", i, size, name);
}

static void a_cut_client_hello_tells_what_it_holds(void **state)
{
	char name[HOST_NAME_SIZE];

	assert_int_equal(find(CLIENT_HELLO, SNI_END, TCP, 1, 443, name), 15);
	assert_string_equal(name, "www.example.org");
	assert_int_equal(find(CLIENT_HELLO, SNI_END - 1, TCP, 1, 443, name), 0);
}

/* Any byte of any packet may be anything: nothing is read behind the end, and names stay legal. */
static void changed_bytes_do_no_harm(void **state)
{
	char name[HOST_NAME_SIZE], bytes[256];

	for (size_t i = 0; i < PACKETS; i++)
		for (size_t at = 0; at < packets[i].size; at++)
			for (int value = 0; value < 256; value += 15) {
				memcpy(bytes, packets[i].payload, packets[i].size);
				bytes[at] = (char)value;
				find(bytes, packets[i].size, packets[i].proto, packets[i].sport,
					packets[i].dport, name);
				assert_int_equal(strspn(name,
							 "abcdefghijklmnopqrstuvwxyz0123456789.-_"),
					strlen(name));
			}
}

static void longest_name(void **state)
{
	static const uint8_t header[12] = {0, 1, 1, 0, 0, 1};
	uint8_t packet[400];
	char name[HOST_NAME_SIZE];

	for (int last = 61; last <= 63; last++) { /* 64 * 3 + 61 = 253 with its dots */
		uint8_t *at = packet + 12;
		memcpy(packet, header, 12);
		for (int label = 0; label < 4; label++) {
			int size = label < 3 ? 63 : last;
			*at++ = (uint8_t)size;
			memset(at, 'a' + label, (size_t)size);
			at += size;
		}
		memset(at, 0, 5);
		assert_int_equal(find(packet, (size_t)(at + 5 - packet), UDP, 1, 53, name),
			last == 61 ? 253 : 0);
	}
}

/* ---- names in captures of real programs, where a folder of them is named ---- */

static uint32_t little(const uint8_t *at)
{
	return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

/* tells(): does any packet of a classic pcap file tell NAME? -1 when there is no such file. */
static int tells(const char *file, const char *name)
{
	uint8_t header[24], record[16], bytes[65536];
	char path[PATH_MAX], found[HOST_NAME_SIZE];
	struct packet packet;
	int told = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/ndpi/%s", getenv("MIRA_PCAPS"), file);
	in = fopen(path, "r");
	if (!in || fread(header, sizeof(header), 1, in) != 1)
		return -1;
	while (!told && fread(record, sizeof(record), 1, in) == 1) {
		uint32_t size = little(record + 8);
		if (size > sizeof(bytes) || fread(bytes, 1, size, in) != size)
			break;
		decode_packet(little(header + 20), bytes, size, little(record + 12), &packet);
		told = packet.kind == PACKET_IP && packet.payload &&
		       host_name(packet.payload, packet.payload_size, packet.key.proto,
			       packet.key.sport, packet.key.dport, found) &&
		       !strcmp(found, name);
	}
	fclose(in);
	return told;
}

static void real_captures(void **state)
{
	static const char *const known[][2] = {
		{"1kxun.pcap", "mangaweb.1kxun.mobi"},
		{"long_tls_certificate.pcap", "beacon-api.aliyuncs.com"},
		{"wa_voice.pcap", "media-mxp1-1.cdn.whatsapp.net"},
		{"dnscrypt-v2-doh.pcap", "fi.doh.dns.snopyta.org"},
		{"quickplay.pcap", "vod-singtelhawk.quickplay.com"},
		{"http_connect.pcap", "apache.org"},
		{NULL, NULL},
	};

	if (!getenv("MIRA_PCAPS")) {
		print_message("# not looked at: MIRA_PCAPS names no folder of captures\n");
		return; /* not skip(): its "not ok # SKIP" is a failure to prove */
	}
	for (size_t i = 0; known[i][1]; i++)
		if (!tells(known[i][0], known[i][1]))
			fail_msg("%s is not told by %s", known[i][1], known[i][0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_names),
		cmocka_unit_test(half_a_packet_tells_no_half_name),
		cmocka_unit_test(a_cut_client_hello_tells_what_it_holds),
		cmocka_unit_test(changed_bytes_do_no_harm),
		cmocka_unit_test(longest_name),
		cmocka_unit_test(real_captures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
