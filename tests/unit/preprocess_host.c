/*
 * host.c: names out of DNS, TLS, QUIC and HTTP, from packets that end too early, come in pieces and
 * in another order, and names that were resolved before.
 */
#include "tests/unit/tmp.h"

#include "preprocess/hello.h"
#include "preprocess/host.h"
#include "spool/intern.h"
#include "tests/unit/initials.h"

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

static struct hosts *hosts;
static struct entry *flow; /* the one at hand */
static struct told told;

static int begin(void **state)
{
	hosts = hosts_new();
	hosts_begin(hosts, false);
	flow = aligned_alloc(64, sizeof(*flow));
	memset(flow, 0, sizeof(*flow));
	return 0;
}

static int end(void **state)
{
	hosts_free(hosts);
	free(flow);
	return 0;
}

/* look(): as meter.c does, at a copy of exactly SIZE bytes, so that a sanitizer sees a read behind
 * them. */
static void look(struct packet packet, const void *payload, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	memcpy(copy, payload, size);
	packet.payload = copy;
	packet.payload_size = packet.tcp_length = (uint32_t)size;
	flow->packets++;
	memset(&told, 'x', sizeof(told));
	hosts_look(hosts, flow, flow->packets, &packet, &told);
	if (told.name[0])
		flow->host_name = intern(told.name);
	free(copy);
}

static void look_at(const char *payload, size_t size, int proto, int sport, int dport)
{
	look((struct packet){.key = {.proto = (uint8_t)proto,
				     .sport = (uint16_t)sport,
				     .dport = (uint16_t)dport}},
		payload, size);
}

/* find(): in a packet that is alone. */
static size_t find(const void *payload, size_t size, int proto, int sport, int dport, char *name)
{
	hosts_forget_flows(hosts);
	memset(flow, 0, sizeof(*flow));
	look_at(payload, size, proto, sport, dport);
	strcpy(name, told.name);
	return strlen(name);
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

/* ---- several packets ---- */

#define CLIENT_HELLO_SIZE (sizeof(CLIENT_HELLO) - 1)

/* segment(): bytes FROM … TO of CLIENT_HELLO as a TCP segment. */
static void segment(size_t from, size_t to)
{
	look((struct packet){.key = {.proto = TCP, .sport = 40000, .dport = 443},
		     .tcp_seq = (uint32_t)(0xffffffc0 + from)},
		CLIENT_HELLO + from, to - from);
}

static void begin_flow(void)
{
	hosts_forget_flows(hosts);
	memset(flow, 0, sizeof(*flow));
	hosts_opened(flow, &(struct packet){.key = {.proto = TCP},
				   .tcp_flags = TCP_SYN,
				   .tcp_seq = 0xffffffbf});
}

/* The name is told once: by the segment that completes it. */
static void a_client_hello_in_three_segments(void **state)
{
	for (size_t a = 1; a < CLIENT_HELLO_SIZE; a++)
		for (size_t b = a; b < CLIENT_HELLO_SIZE; b += 7) {
			unsigned times = 0;
			begin_flow();
			segment(0, a);
			times += told.name[0] != 0;
			segment(a, b);
			times += told.name[0] != 0;
			segment(b, CLIENT_HELLO_SIZE);
			times += told.name[0] != 0;
			assert_int_equal(times, 1);
			assert_string_equal(intern_text(flow->host_name), "www.example.org");
			assert_int_equal(flow->hello, 0);
			flow->host_name = 0;
		}
}

static void segments_in_another_order(void **state)
{
	static const int orders[][3] = {{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	size_t third = CLIENT_HELLO_SIZE / 3, cut[4] = {0, third, 2 * third, CLIENT_HELLO_SIZE};

	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		unsigned times = 0;
		begin_flow();
		for (int j = 0; j < 3; j++) {
			segment(cut[orders[i][j]], cut[orders[i][j] + 1]);
			times += told.name[0] != 0;
		}
		if (times != 1 || strcmp(intern_text(flow->host_name), "www.example.org"))
			fail_msg("order %zu: told %u times", i, times);
		flow->host_name = 0;
	}
}

/* What came early may belong to something else than a ClientHello. */
static void a_request_whose_body_came_early(void **state)
{
	static const char request[] = "POST / HTTP/1.1\r\nHost: a.example\r\n\r\n";
	struct packet packet = {.key = {.proto = TCP, .sport = 40000, .dport = 80}};

	begin_flow();
	packet.tcp_seq = 0xffffffc0u + sizeof(request) - 1;
	look(packet, "body", 4);
	packet.tcp_seq = 0xffffffc0;
	look(packet, request, sizeof(request) - 1);
	assert_string_equal(told.name, "a.example");
	assert_int_equal(flow->hello, 0);
}

/* A fingerprint needs the whole ClientHello, the name does not wait for it. */
static void a_fingerprint_when_complete(void **state)
{
	hosts_begin(hosts, true);
	begin_flow();
	segment(0, SNI_END);
	assert_string_equal(told.name, "www.example.org");
	assert_string_equal(told.ja4, "");
	segment(SNI_END, CLIENT_HELLO_SIZE);
	assert_string_equal(told.name, "");
	assert_memory_equal(told.ja4, "t13d020300_", 11);
	segment(CLIENT_HELLO_SIZE - 1, CLIENT_HELLO_SIZE);
	assert_string_equal(told.ja4, "");
}

/* More ClientHellos than slots that begin and do not end: the first lose theirs, and nothing else
 * happens. */
static void a_full_pool_takes_the_oldest(void **state)
{
	struct entry *flows = aligned_alloc(64, (HELLO_SLOTS + 1) * sizeof(*flows)), *mine = flow;
	unsigned named = 0;

	memset(flows, 0, (HELLO_SLOTS + 1) * sizeof(*flows));
	for (int piece = 0; piece < 2; piece++)
		for (size_t i = 0; i <= HELLO_SLOTS; i++) {
			flow = &flows[i];
			segment(piece ? 50 : 0, piece ? CLIENT_HELLO_SIZE : 50);
			named += told.name[0] != 0;
			assert_true(!told.name[0] || i > 0);
		}
	assert_int_equal(named, HELLO_SLOTS);
	flow = mine;
	free(flows);
}

/* ---- QUIC ---- */

static uint8_t message[INITIAL_HELLO_SIZE];

/* initial(): CRYPTO bytes FROM … TO in a packet of their own. */
static void initial(const struct initial_version *version, uint32_t number, size_t from, size_t to)
{
	uint8_t frames[400] = {0}, packet[600];
	size_t size = initial_crypto(frames, from, message + from, to - from);

	size = initial_protect(version, number, frames, size < 40 ? 40 : size, packet);
	look_at((char *)packet, size, UDP, 40000, 443);
}

static void quic_in_two_packets(void **state)
{
	const struct initial_version *versions[] = {&initial_v1, &initial_v2};

	unhex(INITIAL_HELLO, message);
	hosts_begin(hosts, true);
	for (size_t cut = 1; cut < sizeof(message); cut++)
		for (int order = 0; order < 2; order++) {
			const struct initial_version *version = versions[cut % 2];
			bool named;
			memset(flow, 0, sizeof(*flow));
			hosts_forget_flows(hosts);
			initial(version, 0, order ? cut : 0, order ? sizeof(message) : cut);
			assert_string_equal(told.ja4, "");
			named = told.name[0] != 0;
			initial(version, 1, order ? 0 : cut, order ? cut : sizeof(message));
			assert_true(named != (told.name[0] != 0)); /* once */
			assert_string_equal(told.ja4, "q13d0211an_62ed6f6ca7ad_4d634acda6c0");
			assert_string_equal(intern_text(flow->host_name), "example.com");
			initial(version, 2, 0, sizeof(message)); /* sent again */
			assert_string_equal(told.name, "");
		}
}

/* The client goes on with the id of the server, and with the keys of its own first one. */
static void quic_changes_the_id(void **state)
{
	struct initial_version later = initial_v1;

	later.start = "c300000001020102"
		      "0000";
	unhex(INITIAL_HELLO, message);
	initial(&initial_v1, 0, 0, 60);
	assert_string_equal(told.name, "");
	initial(&later, 1, 60, sizeof(message));
	assert_string_equal(told.name, "example.com");
}

static void quic_is_tried_in_the_first_packets(void **state)
{
	unhex(INITIAL_HELLO, message);
	flow->packets = HOSTS_QUIC_PACKETS;
	initial(&initial_v1, 0, 0, sizeof(message));
	assert_string_equal(told.name, "");
	flow->packets--;
	flow->packets--;
	initial(&initial_v1, 0, 0, sizeof(message));
	assert_string_equal(told.name, "example.com");
}

/* ---- what was resolved ---- */

#define ANSWER                                                                                     \
	"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x03WwW\x07"                              \
	"example\x03org\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"

static void learn(const char *payload, size_t size, int proto, int sport)
{
	struct packet packet = {.payload = (const uint8_t *)payload,
		.payload_size = (uint32_t)size,
		.key = {.proto = (uint8_t)proto, .sport = (uint16_t)sport, .dst = {10, 0, 0, 1}}};

	hosts_learn(hosts, &packet, 1000);
}

static void both_directions_of_a_resolved_flow(void **state)
{
	struct flowkey key = {.src = {10, 0, 0, 1}, .dst = {192, 0, 2, 1}, .version = 4},
		       back = {.src = {192, 0, 2, 1}, .dst = {10, 0, 0, 1}, .version = 4};
	static const struct {
		const char *payload;
		size_t size;
		int proto, sport;
		bool known;
	} answers[] = {
		{ANSWER, sizeof(ANSWER) - 1, UDP, 53, true},
		{"\x00\x31" ANSWER, sizeof(ANSWER) + 1, TCP, 53, true},
		{ANSWER, sizeof(ANSWER) - 1, UDP, 54, false},
		{ANSWER, sizeof(ANSWER) - 1, 17 + 1, 53, false},
		{QUERY, sizeof(QUERY) - 1, UDP, 53, false},
		{ANSWER, 0, UDP, 53, false},
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		const char *there, *here;
		hosts_begin(hosts, false);
		learn(answers[i].payload, answers[i].size, answers[i].proto, answers[i].sport);
		there = hosts_resolved(hosts, &key, 1001);
		here = hosts_resolved(hosts, &back, 1001);
		assert_true((there != NULL) == answers[i].known);
		assert_true((here != NULL) == answers[i].known);
		if (there)
			assert_string_equal(there, "www.example.org");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tells_names),
		TEST(half_a_packet_tells_no_half_name),
		TEST(a_cut_client_hello_tells_what_it_holds),
		TEST(changed_bytes_do_no_harm),
		TEST(longest_name),
		TEST(a_client_hello_in_three_segments),
		TEST(segments_in_another_order),
		TEST(a_request_whose_body_came_early),
		TEST(a_fingerprint_when_complete),
		TEST(a_full_pool_takes_the_oldest),
		TEST(quic_in_two_packets),
		TEST(quic_changes_the_id),
		TEST(quic_is_tried_in_the_first_packets),
		TEST(both_directions_of_a_resolved_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
