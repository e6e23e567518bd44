/* quic.c: Initial packets of RFC 9001 and RFC 9369, whole, coalesced, cut and damaged. */
#include "tests/unit/tmp.h"

#include "preprocess/quic.h"
#include "tests/unit/initials.h"

#define FRAMES 1162 /* of RFC 9001, A.2: the ClientHello and padding */

static uint8_t hello[INITIAL_HELLO_SIZE];

/* What CRYPTO frames brought. */
struct got {
	uint8_t bytes[4096];
	size_t end;
	unsigned frames;
};

static void take(void *own, uint64_t offset, const uint8_t *bytes, size_t size)
{
	struct got *got = own;

	assert_true(offset + size <= sizeof(got->bytes));
	memcpy(got->bytes + offset, bytes, size);
	got->end = offset + size > got->end ? offset + size : got->end;
	got->frames++;
}

/* open_copy(): of exactly SIZE bytes, so that a sanitizer sees a read behind them. */
static unsigned open_copy(const uint8_t *packet, size_t size, struct got *got)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct quic_cid cid;
	unsigned opened = 0;

	memcpy(copy, packet, size);
	memset(got, 0, sizeof(*got));
	if (quic_initial(copy, size, &cid))
		opened = quic_open(copy, size, &cid, take, got);
	free(copy);
	return opened;
}

static size_t make(const struct initial_version *version, uint8_t *packet)
{
	static uint8_t frames[FRAMES];

	initial_crypto(frames, 0, hello, sizeof(hello));
	return initial_protect(version, 2, frames, sizeof(frames), packet);
}

/* The protected packets as the RFCs print them: their heads and their last 16 bytes. */
static const struct {
	const struct initial_version *version;
	const char *head, *tag;
} printed[] = {
	{&initial_v1, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
		"e221af44860018ab0856972e194cd934"},
	{&initial_v2, "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
		"a18b2faa745b6fe189cf772a9f84cbfc"},
};

/* The frame of A.2 has its offset in one byte; the packet is that of the RFC to the last byte. */
static void packets_of_the_rfcs(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		uint8_t frames[FRAMES] = {6, 0, 0x40, 0xf1}, packet[1200], head[32], tag[16];
		struct got got;

		memcpy(frames + 4, hello, sizeof(hello));
		assert_int_equal(initial_protect(printed[i].version, 2, frames, FRAMES, packet),
			1200);
		unhex(printed[i].head, head);
		unhex(printed[i].tag, tag);
		assert_memory_equal(packet, head, sizeof(head));
		assert_memory_equal(packet + 1200 - 16, tag, sizeof(tag));
		assert_int_equal(open_copy(packet, sizeof(packet), &got), 1);
		assert_int_equal(got.end, sizeof(hello));
		assert_memory_equal(got.bytes, hello, sizeof(hello));
	}
}

static void id_of_the_destination(void **state)
{
	uint8_t packet[1400];
	struct quic_cid cid;
	size_t size = make(&initial_v1, packet);

	assert_true(quic_initial(packet, size, &cid));
	assert_int_equal(cid.size, 8);
	assert_memory_equal(cid.bytes, "\x83\x94\xc8\xf0\x3e\x51\x57\x08", 8);
	packet[5] = 21; /* an id that is too long */
	assert_false(quic_initial(packet, size, &cid));
}

static void other_packets_are_not_opened(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} changes[] = {
		{0, 0x40},    /* a short header */
		{0, 0xe0},    /* Handshake */
		{0, 0xf0},    /* Retry */
		{4, 9},	      /* an unknown version */
		{10, 0},      /* another connection id */
		{600, 0},     /* damage */
		{1199, 0xff}, /* a false tag */
	};
	uint8_t packet[1400];
	struct got got;

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		size_t size = make(&initial_v1, packet);
		assert_true(changes[i].at < size && packet[changes[i].at] != changes[i].value);
		packet[changes[i].at] = changes[i].value;
		assert_int_equal(open_copy(packet, size, &got), 0);
		assert_int_equal(got.frames, 0);
	}
}

/* A packet that the capture cut off gives what was captured of it, and nothing else. */
static void a_cut_packet_gives_its_beginning(void **state)
{
	uint8_t packet[1400];
	size_t whole = make(&initial_v2, packet);
	struct got got;

	for (size_t size = 0; size < whole; size++) {
		open_copy(packet, size, &got);
		assert_true(got.end <= sizeof(hello));
		assert_memory_equal(got.bytes, hello, got.end);
		if (size >= 22 + 5 + sizeof(hello))
			assert_int_equal(got.end, sizeof(hello));
	}
}

static void frames_in_any_order(void **state)
{
	uint8_t frames[1100] = {1, 0, 0, 2, 5, 0, 1, 5, 0, 0},
		packet[1400]; /* PING, PADDING, ACK */
	size_t at = 10;
	struct got got;

	at += initial_crypto(frames + at, 200, hello + 200, 41);
	frames[at++] = 1;
	at += initial_crypto(frames + at, 0, hello, 100);
	at += initial_crypto(frames + at, 100, hello + 100, 100);
	assert_int_equal(open_copy(packet, initial_protect(&initial_v1, 0, frames, at, packet),
				 &got),
		1);
	assert_int_equal(got.frames, 3);
	assert_memory_equal(got.bytes, hello, sizeof(hello));
}

/* Frames that an Initial cannot hold end the reading; what stood before them counts. */
static void an_unknown_frame_ends_a_packet(void **state)
{
	uint8_t frames[200], packet[400];
	size_t at = initial_crypto(frames, 0, hello, 50);
	struct got got;

	frames[at++] = 8; /* STREAM */
	at += initial_crypto(frames + at, 50, hello + 50, 50);
	open_copy(packet, initial_protect(&initial_v1, 0, frames, at, packet), &got);
	assert_int_equal(got.end, 50);
}

static void packets_share_a_datagram(void **state)
{
	uint8_t frames[400], datagram[1400];
	size_t size = 0, at;
	struct got got;

	at = initial_crypto(frames, 0, hello, 120);
	size += initial_protect(&initial_v1, 0, frames, at, datagram);
	/* 0-RTT in between: type 1, a length of 20 and anything. */
	size += unhex("d000000001088394c8f03e51570800"
		      "14",
			datagram + size) +
		20;
	memset(datagram + size - 20, 0xaa, 20);
	at = initial_crypto(frames, 120, hello + 120, 121);
	size += initial_protect(&initial_v1, 1, frames, at, datagram + size);
	assert_int_equal(open_copy(datagram, size, &got), 2);
	assert_memory_equal(got.bytes, hello, sizeof(hello));
}

/* A server answers to another id with other keys; a client goes on with the server's id. */
static void keys_are_those_of_the_first_id(void **state)
{
	struct quic_cid first = {"\x83\x94\xc8\xf0\x3e\x51\x57\x08", 8}, cid;
	struct initial_version later = initial_v1;
	uint8_t frames[400], packet[600];
	size_t at = initial_crypto(frames, 0, hello, sizeof(hello)), size;
	struct got got = {.end = 0};

	later.start = "c300000001020102"
		      "0000";
	size = initial_protect(&later, 3, frames, at, packet);
	assert_true(quic_initial(packet, size, &cid));
	assert_int_equal(cid.size, 2);
	assert_int_equal(quic_open(packet, size, &cid, take, &got), 0);
	assert_int_equal(quic_open(packet, size, &first, take, &got), 1);
	assert_memory_equal(got.bytes, hello, sizeof(hello));
}

static int begin(void **state)
{
	return unhex(INITIAL_HELLO, hello) == sizeof(hello) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_of_the_rfcs),
		cmocka_unit_test(id_of_the_destination),
		cmocka_unit_test(other_packets_are_not_opened),
		cmocka_unit_test(a_cut_packet_gives_its_beginning),
		cmocka_unit_test(frames_in_any_order),
		cmocka_unit_test(an_unknown_frame_ends_a_packet),
		cmocka_unit_test(packets_share_a_datagram),
		cmocka_unit_test(keys_are_those_of_the_first_id),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
