/* reader.c, pcap.c, pcapng.c: every variant of the formats, and what hostile bytes may do to
 * them. */
#include "tests/unit/traces.h"

#include "capture/reader.h"

#define ETHERNET 1
#define RAW	 101

/* ---- reading them ---- */

static struct cursor {
	const uint8_t *data;
	size_t size, at, most;
} cursor;

static ssize_t give(void *context, void *buffer, size_t size, char *why)
{
	size_t left = cursor.size - cursor.at;

	size = size < left ? size : left;
	size = size < cursor.most ? size : cursor.most;
	memcpy(buffer, cursor.data + cursor.at, size);
	cursor.at += size;
	return (ssize_t)size;
}

static struct feed feed;
static struct reader *reader;
static struct packet packet;
static char why[FEED_WHY];

/* PIECE: how much a read gives at most. */
static bool open_bytes(const uint8_t *data, size_t size, size_t piece)
{
	cursor = (struct cursor){data, size, 0, piece};
	feed_init(&feed, give, NULL);
	reader = reader_open(&feed, why);
	return reader != NULL;
}

static void close_all(void)
{
	reader_close(reader);
	feed_free(&feed);
}

static void open_trace(void)
{
	assert_true(open_bytes(trace.data, trace.used, SIZE_MAX));
}

static void expect_packet(uint64_t time_ns, const char *text)
{
	int result = reader_next(reader, &packet);

	if (result != 1)
		print_error("%s\n", reader_why(reader));
	assert_int_equal(result, 1);
	assert_int_equal(packet.time_ns, time_ns);
	assert_int_equal(packet.caplen, strlen(text));
	assert_memory_equal(packet.data, text, packet.caplen);
}

static void expect_end(void)
{
	assert_int_equal(reader_next(reader, &packet), 0);
	close_all();
}

static void expect_damage(const char *text)
{
	assert_int_equal(reader_next(reader, &packet), -2);
	assert_says(reader_why(reader), text);
	close_all();
}

/* ---- pcap ---- */

static void pcap_in_both_orders_and_units(void **state)
{
	for (int swapped = 0; swapped < 2; swapped++) {
		begin(swapped);
		pcap_header(0xa1b2c3d4, 4, ETHERNET);
		pcap_record(1700000000, 123456, 5, 60);
		put("hello", 5);
		open_trace();
		expect_packet(1700000000123456000, "hello");
		assert_int_equal(packet.origlen, 60);
		assert_int_equal(packet.linktype, ETHERNET);
		assert_int_equal(packet.snaplen, 65535);
		expect_end();

		begin(swapped);
		pcap_header(0xa1b23c4d, 4,
			0xf4000000 | RAW); /* the high bits tell of a frame check sequence */
		pcap_record(4294967295, 999999999, 1, 1);
		put("x", 1);
		open_trace();
		expect_packet(4294967295999999999, "x");
		assert_int_equal(packet.linktype, RAW);
		expect_end();
	}
}

static void pcap_modified(void **state)
{
	begin(false);
	pcap_header(0xa1b2cd34, 4, ETHERNET);
	for (int i = 0; i < 2; i++) {
		pcap_record(10, 20, 3, 3);
		put("\1\0\0\0\0\10\0\0", 8);
		put("abc", 3);
	}
	open_trace();
	expect_packet(10000020000, "abc");
	expect_packet(10000020000, "abc");
	expect_end();
}

static void pcap_of_old_versions_swaps_the_lengths(void **state)
{
	for (unsigned minor = 2; minor <= 3; minor++) {
		begin(false);
		pcap_header(0xa1b2c3d4, minor, ETHERNET);
		pcap_record(1, 0, 100, 3);
		put("abc", 3);
		open_trace();
		expect_packet(1000000000, "abc");
		assert_int_equal(packet.origlen, 100);
		expect_end();
	}
	begin(false);
	pcap_header(0xa1b2c3d4, 4, ETHERNET);
	trace.data[4] = 7;
	assert_false(open_bytes(trace.data, trace.used, SIZE_MAX));
	assert_says(why, "version 7.4");
	close_all();
}

static void pcap_with_absurd_lengths(void **state)
{
	begin(false);
	pcap_header(0xa1b2c3d4, 4, ETHERNET);
	pcap_record(1, 0, 4, 4);
	put("good", 4);
	pcap_record(2, 0, READER_PACKET_MAX + 1, 4);
	open_trace();
	expect_packet(1000000000, "good");
	expect_damage("damaged at byte 44: a record of 262145 captured bytes");
}

static void an_empty_pcap_knows_its_link_type(void **state)
{
	begin(false);
	pcap_header(0xa1b2c3d4, 4, RAW);
	open_trace();
	assert_int_equal(reader_linktype(reader), RAW);
	expect_end();
}

/* ---- pcapng ---- */

static void pcapng_sections_and_interfaces(void **state)
{
	begin(false);
	section(1);
	interface(ETHERNET, 0, 0, 0);
	interface(RAW, 96, 9, 0);
	enhanced(0, 1700000000000001, "first");
	enhanced(1, 1700000000000000002, "second");
	block(0x80000abc); /* nobody's: skipped */
	put("anything", 8);
	end_block();
	trace.swapped = true;
	section(1);
	interface(113, 0, 3, 0);
	enhanced(0, 1700000000003, "third");
	open_trace();
	assert_int_equal(reader_linktype(reader), ETHERNET);
	expect_packet(1700000000000001000, "first");
	assert_int_equal(packet.snaplen, 0);
	assert_int_equal(packet.origlen, 1005);
	expect_packet(1700000000000000002, "second");
	assert_int_equal(packet.linktype, RAW);
	assert_int_equal(packet.snaplen, 96);
	expect_packet(1700000000003000000, "third");
	assert_int_equal(packet.linktype, 113);
	expect_end();
}

static void pcapng_time(void **state)
{
	static const struct {
		unsigned resolution;
		int64_t offset;
		uint64_t units, time_ns;
	} cases[] = {
		{0, 0, 1, 1000},
		{6, 0, 1, 1000},
		{9, 0, 7, 7},
		{1, 0, 15, 1500000000},
		{12, 0, 1999, 1},
		{200 - 72, 0, 5, 5000000000},	 /* 2^0 */
		{128 + 10, 0, 1536, 1500000000}, /* 2^-10 */
		{128 + 32, 0, 1ull << 32, 1000000000},
		{128 + 127, 0, UINT64_MAX, 0},
		{40, 0, UINT64_MAX - 1, 0}, /* finer than any clock */
		{6, 100, 1, 100000001000},
		{6, -1, 2500000, 1500000000},
		{6, -10, 1, 0},		       /* before 1970 */
		{6, 0, UINT64_MAX, INT64_MAX}, /* after 2262 */
		{1, INT64_MAX, UINT64_MAX, INT64_MAX},
		{1, INT64_MIN, UINT64_MAX, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int swapped = 0; swapped < 2; swapped++) {
			begin(swapped);
			section(1);
			interface(ETHERNET, 0, cases[i].resolution, cases[i].offset);
			enhanced(0, cases[i].units, "x");
			open_trace();
			expect_packet(cases[i].time_ns, "x");
			expect_end();
		}
}

static void pcapng_simple_and_old_packets(void **state)
{
	begin(false);
	section(1);
	interface(ETHERNET, 4, 0, 0);
	interface(RAW, 0, 0, 0);
	block(2); /* interface, drops: 16 bits each */
	put16(1);
	put16(9);
	put32(0);
	put32(77);
	put32(3);
	put32(3);
	put("old", 4);
	end_block();
	block(3);
	put32(100);
	put("simp", 4);
	end_block();
	open_trace();
	expect_packet(77000, "old");
	assert_int_equal(packet.linktype, RAW);
	expect_packet(77000, "simp"); /* it has no time: the last packet's */
	assert_int_equal(packet.linktype, ETHERNET);
	assert_int_equal(packet.origlen, 100);
	expect_end();
}

static void pcapng_damage_is_told_with_its_place(void **state)
{
	begin(false);
	section(1);
	interface(ETHERNET, 0, 0, 0);
	enhanced(3, 1, "nobody");
	open_trace();
	expect_damage("damaged at byte 48: a packet of interface 3, the section has 1");

	begin(false);
	section(1);
	interface(ETHERNET, 0, 0, 0);
	enhanced(0, 1, "data");
	trace.data[trace.used - 16] = 200; /* its captured length */
	open_trace();
	expect_damage("a packet of 200 captured bytes in a block for 4");

	begin(false);
	section(1);
	interface(ETHERNET, 0, 0, 0);
	enhanced(0, 1, "data");
	trace.data[trace.used - 4]++; /* the second length */
	open_trace();
	expect_damage("damaged at byte 48: a block of type 0x00000006 and length 37");

	begin(false);
	section(1);
	block(6);
	end_block();
	open_trace();
	expect_damage("damaged at byte 28: a block of type 0x00000006 and length 12");

	begin(false);
	section(1);
	interface(ETHERNET, 0, 0, 0);
	section(2);
	open_trace();
	expect_damage("at byte 48: version 2.0");

	begin(false);
	section(1);
	block(0x0a0d0d0a);
	put("nonsense________", 16);
	end_block();
	open_trace();
	expect_damage("without byte order");
}

/* ---- what is no trace ---- */

static void other_files_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *says;
	} cases[] = {
		{"", 0, "empty"},
		{"GET / HTTP/1.0\r\n", 16, "neither"},
		{"abc", 3, "neither"},
		{"\xd4\xc3\xb2\xa1", 4, "cut at byte 0"},
		{"\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0", 14, "cut at byte 0"},
		{"\n\r\r\n\34\0\0\0MM++", 12, "neither"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_false(open_bytes((const uint8_t *)cases[i].bytes, cases[i].size, SIZE_MAX));
		assert_says(why, cases[i].says);
		close_all();
	}
}

/* ---- truncated, in pieces, and random ---- */

static void make_pcap(void)
{
	begin(true);
	pcap_header(0xa1b2c3d4, 4, ETHERNET);
	for (uint32_t i = 0; i < 20; i++) {
		pcap_record(i, i, i * 3, i * 3);
		put("012345678901234567890123456789012345678901234567890123456789", i * 3);
	}
}

static void make_pcapng(void)
{
	begin(false);
	section(1);
	interface(ETHERNET, 0, 9, 5);
	for (uint64_t i = 0; i < 20; i++) {
		enhanced(0, i, "0123456789" + i % 10);
		block(4);
		put("name of a host..", 16);
		end_block();
	}
}

/* How many packets stand in the first SIZE bytes; *RESULT: how reading ended. */
static unsigned count(const uint8_t *data, size_t size, size_t piece, int *result)
{
	unsigned packets = 0;

	*result = -2;
	if (open_bytes(data, size, piece)) {
		while ((*result = reader_next(reader, &packet)) == 1) {
			/* a sanitizer sees a view that is too long */
			volatile uint8_t sum = 0;

			for (uint32_t i = 0; i < packet.caplen; i++)
				sum = (uint8_t)(sum + packet.data[i]);
			packets++;
		}
	}
	close_all();
	return packets;
}

static void check_truncations(void)
{
	unsigned packets = 0;
	int result;

	for (size_t size = 0; size <= trace.used; size++) {
		/* a copy of exactly that size, so that a read behind it is seen */
		uint8_t *copy = malloc(size + 1);
		unsigned now;

		memcpy(copy, trace.data, size);
		now = count(copy, size, SIZE_MAX, &result);
		assert_true(now == packets || now == packets + 1);
		assert_true(result == 0 || result == -2);
		packets = now;
		free(copy);
	}
	assert_int_equal(packets, 20);
	assert_int_equal(result, 0);
}

static void truncated_anywhere(void **state)
{
	make_pcap();
	check_truncations();
	make_pcapng();
	check_truncations();
}

static void read_in_pieces_of_any_size(void **state)
{
	int result;

	for (size_t piece = 1; piece < 40; piece++) {
		make_pcap();
		assert_int_equal(count(trace.data, trace.used, piece, &result), 20);
		make_pcapng();
		assert_int_equal(count(trace.data, trace.used, piece, &result), 20);
	}
}

static void flipped_bytes_end_in_packets_or_damage(void **state)
{
	static uint8_t copy[sizeof(trace.data)];
	int result;

	srandom(1);
	for (int round = 0; round < 20000; round++) {
		if (round % 2)
			make_pcap();
		else
			make_pcapng();
		memcpy(copy, trace.data, trace.used);
		for (int flips = 0; flips < 3; flips++)
			copy[(size_t)random() % trace.used] = (uint8_t)random();
		count(copy, trace.used, SIZE_MAX, &result);
		assert_true(result == 0 || result == -2);
	}
}

/* A record longer than the window, and the last one: the window grows and moves. */
static void long_packets(void **state)
{
	size_t size = 24 + 8 * (16 + READER_PACKET_MAX), at = 24;
	uint8_t *data = calloc(1, size);
	int result;

	begin(false);
	pcap_header(0xa1b2c3d4, 4, ETHERNET);
	memcpy(data, trace.data, 24);
	for (int i = 0; i < 8; i++) {
		uint32_t record[4] = {(uint32_t)i, 0, READER_PACKET_MAX, READER_PACKET_MAX};

		memcpy(data + at, record, sizeof(record));
		at += sizeof(record) + READER_PACKET_MAX;
	}
	assert_int_equal(count(data, size, SIZE_MAX, &result), 8);
	assert_int_equal(result, 0);
	assert_int_equal(count(data, size, 70001, &result), 8);
	free(data);
}

static void a_skipped_block_may_be_longer_than_the_window(void **state)
{
	size_t body = 3 << 20, size;
	uint8_t *data;
	uint32_t length = (uint32_t)body + 12;
	int result;

	make_pcapng();
	size = trace.used;
	data = calloc(1, size + length);
	memcpy(data, trace.data, 28);
	memcpy(data + 28, "\xbc\x0a\0\x80", 4);
	memcpy(data + 32, &length, 4);
	memcpy(data + 28 + length - 4, &length, 4);
	memcpy(data + 28 + length, trace.data + 28, size - 28);
	assert_int_equal(count(data, size + length, SIZE_MAX, &result), 20);
	assert_int_equal(result, 0);
	assert_int_equal(count(data, 1 << 20, SIZE_MAX, &result), 0);
	assert_int_equal(result, -2);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_in_both_orders_and_units),
		cmocka_unit_test(pcap_modified),
		cmocka_unit_test(pcap_of_old_versions_swaps_the_lengths),
		cmocka_unit_test(pcap_with_absurd_lengths),
		cmocka_unit_test(an_empty_pcap_knows_its_link_type),
		cmocka_unit_test(pcapng_sections_and_interfaces),
		cmocka_unit_test(pcapng_time),
		cmocka_unit_test(pcapng_simple_and_old_packets),
		cmocka_unit_test(pcapng_damage_is_told_with_its_place),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(truncated_anywhere),
		cmocka_unit_test(read_in_pieces_of_any_size),
		cmocka_unit_test(flipped_bytes_end_in_packets_or_damage),
		cmocka_unit_test(long_packets),
		cmocka_unit_test(a_skipped_block_may_be_longer_than_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
