/*
 * preprocess_pcapng.c: segments good and bad, in both byte orders, and every damage of one byte
 * or of length.
 */
#include "tests/unit/tmp.h"

#include <byteswap.h>

#include "preprocess/pcapng.h"
#include "spool/hash.h"

static struct segment {
	uint8_t data[1 << 20];
	size_t size;
	bool swapped;
} segment;

static void put32(uint32_t value)
{
	value = segment.swapped ? bswap_32(value) : value;
	memcpy(segment.data + segment.size, &value, 4);
	segment.size += 4;
}

static void put16(uint16_t value)
{
	value = segment.swapped ? bswap_16(value) : value;
	memcpy(segment.data + segment.size, &value, 2);
	segment.size += 2;
}

static void put_section(bool swapped)
{
	segment.swapped = swapped;
	put32(0x0a0d0d0a);
	put32(28);
	put32(0x1a2b3c4d);
	put16(1);
	put16(0);
	put32(UINT32_MAX);
	put32(UINT32_MAX);
	put32(28);
}

static void put_interface(uint16_t linktype, uint8_t resolution, uint32_t offset_s)
{
	put32(1);
	put32(44);
	put16(linktype);
	put16(0);
	put32(65535);
	put16(9);
	put16(1);
	segment.data[segment.size] = resolution;
	segment.size += 4;
	put16(14);
	put16(8);
	put32(segment.swapped ? 0 : offset_s);
	put32(segment.swapped ? offset_s : 0);
	put32(0);
	put32(44);
}

static void put_packet(uint32_t interface, uint64_t units, uint32_t captured, uint32_t length)
{
	uint32_t padded = (captured + 3) / 4 * 4;

	put32(6);
	put32(32 + padded);
	put32(interface);
	put32((uint32_t)(units >> 32));
	put32((uint32_t)units);
	put32(captured);
	put32(length);
	memset(segment.data + segment.size, 0xaa, padded);
	segment.size += padded;
	put32(32 + padded);
}

static struct pcapng *open_segment(uint64_t bytes)
{
	struct pcapng *reader = pcapng_new();

	assert_int_equal(pcapng_open(reader, tmp_write_bytes("segment", segment.data, segment.size),
				 bytes, NULL),
		0);
	return reader;
}

static void good_segments(void **state)
{
	struct frame frames[PCAPNG_BURST];
	struct pcapng *reader;

	for (int swapped = 0; swapped <= 1; swapped++) {
		segment.size = 0;
		put_section(swapped);
		put_interface(1, 9, 0);
		put_interface(101, 6, 10);
		put_packet(0, 1700000000123456789, 61, 100);
		put_packet(1, 1700000000123456, 0, 0);
		put32(5); /* interface statistics: passed over */
		put32(12);
		put32(12);
		put_section(!swapped);
		put_interface(276, 0x8a, 0); /* 2^-10 s */
		put_packet(0, (1700000000ull << 10) + 512, 1, 1);
		reader = open_segment(segment.size);
		assert_int_equal(pcapng_burst(reader, frames), 3);
		assert_int_equal(frames[0].time_ms, 1700000000123);
		assert_int_equal(frames[0].captured, 61);
		assert_int_equal(frames[0].length, 100);
		assert_int_equal(frames[0].linktype, 1);
		assert_int_equal(frames[0].bytes[60], 0xaa);
		assert_int_equal(frames[1].time_ms, 1700000010123);
		assert_int_equal(frames[1].linktype, 101);
		assert_int_equal(frames[2].time_ms, 1700000000500);
		assert_int_equal(frames[2].linktype, 276);
		assert_int_equal(pcapng_burst(reader, frames), 0);
		pcapng_free(reader);
	}
}

static void times_that_do_not_fit(void **state)
{
	static const struct {
		uint8_t resolution;
		uint64_t units, ms;
	} rows[] = {
		{0, 5, 5000},
		{3, 5, 5},
		{1, 5, 500},
		{0x80, 5, 5000},
		{0xff, UINT64_MAX, 2000 - 1},
		{19, UINT64_MAX, 1844},
		{127, UINT64_MAX, 1},
		{3, UINT64_MAX, PCAPNG_TIME_MAX_MS},
		{0, UINT64_MAX, PCAPNG_TIME_MAX_MS},
	};
	struct frame frames[PCAPNG_BURST];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pcapng *reader;

		segment.size = 0;
		put_section(false);
		put_interface(1, rows[i].resolution, 0);
		put_packet(0, rows[i].units, 4, 4);
		reader = open_segment(segment.size);
		assert_int_equal(pcapng_burst(reader, frames), 1);
		assert_int_equal(frames[0].time_ms, rows[i].ms);
		pcapng_free(reader);
	}
}

/* Many bursts and many reads; a packet larger than what is read at once. */
static void long_segment(void **state)
{
	struct frame frames[PCAPNG_BURST];
	struct pcapng *reader;
	unsigned seen = 0;
	int count;

	segment.size = 0;
	put_section(false);
	put_interface(1, 6, 0);
	put_packet(0, 0, 600000, 700000);
	for (unsigned i = 1; i < 300; i++)
		put_packet(0, i * 1000ull, i * 4, i * 4);
	reader = open_segment(segment.size);
	while ((count = pcapng_burst(reader, frames)) > 0)
		for (int i = 0; i < count; i++, seen++) {
			assert_int_equal(frames[i].time_ms, seen);
			assert_int_equal(frames[i].captured, seen ? seen * 4 : 600000);
			assert_int_equal(frames[i].bytes[frames[i].captured - 1], 0xaa);
		}
	assert_int_equal(count, 0);
	assert_int_equal(seen, 300);
	pcapng_free(reader);
}

static int read_all(uint64_t bytes, char *why)
{
	struct frame frames[PCAPNG_BURST];
	struct pcapng *reader = open_segment(bytes);
	volatile unsigned sum = 0;
	int count;

	while ((count = pcapng_burst(reader, frames)) > 0)
		for (int i = 0; i < count; i++)
			for (uint32_t k = 0; k < frames[i].captured; k++)
				sum += frames[i].bytes[k];
	snprintf(why, 200, "%s", count ? pcapng_why(reader) : "");
	pcapng_free(reader);
	return count;
}

static void small_segment(void)
{
	segment.size = 0;
	put_section(false);
	put_interface(1, 9, 0);
	put_packet(0, 1, 61, 100);
	put_packet(0, 2, 10, 10);
}

static void bad_segments(void **state)
{
	char why[200];

	small_segment();
	assert_int_equal(read_all(segment.size + 4, why), -2);
	assert_says(why, "4 bytes shorter than the manifest says");
	assert_int_equal(read_all(segment.size - 4, why), -2);
	assert_says(why, "ends inside a block");
	put_packet(1, 1, 4, 4);
	assert_int_equal(read_all(segment.size, why), -2);
	assert_says(why, "interface 1 of 1");
	small_segment();
	memset(segment.data + 72 + 20, 0xff, 4); /* captured length of the first packet */
	assert_int_equal(read_all(segment.size, why), -2);
	assert_says(why, "packet of 4294967295 bytes");
	small_segment();
	segment.data[0] = 0;
	assert_int_equal(read_all(segment.size, why), -2);
	assert_says(why, "does not begin with a section header");
	small_segment();
	segment.data[8] = 0;
	assert_int_equal(read_all(segment.size, why), -2);
	assert_says(why, "is no pcapng file");
	small_segment();
	segment.data[72 + 7] = 0x10; /* a block of 256 MiB */
	assert_int_equal(read_all(segment.size, why), -2);
	assert_says(why, "has a block of 268435552 bytes");
	segment.size = 0;
	assert_int_equal(read_all(0, why), 0);
}

/* Packets look right, one by one; only the sum tells that a late write changed one. */
static void what_changed_since_the_manifest(void **state)
{
	struct frame frames[PCAPNG_BURST];
	struct pcapng *reader = pcapng_new();
	char hex[HASH_HEX + 1];
	const char *path;

	small_segment();
	hash_bytes(segment.data, segment.size, hex);
	path = tmp_write_bytes("segment", segment.data, segment.size);
	assert_int_equal(pcapng_open(reader, path, segment.size, hex), 0);
	while (pcapng_burst(reader, frames) > 0)
		;
	assert_int_equal(pcapng_burst(reader, frames), 0);
	segment.data[segment.size - 8] ^= 1;
	tmp_write_bytes("segment", segment.data, segment.size);
	assert_int_equal(pcapng_open(reader, path, segment.size, hex), 0);
	assert_int_equal(pcapng_burst(reader, frames), -2);
	assert_says(pcapng_why(reader), "changed after it was published");
	pcapng_free(reader);
}

static void every_damage(void **state)
{
	char why[200];
	size_t whole;

	small_segment();
	whole = segment.size;
	for (size_t at = 0; at < whole; at++)
		for (unsigned value = 0; value < 256; value += 15) {
			small_segment();
			segment.data[at] = (uint8_t)value;
			read_all(segment.size, why);
		}
	for (size_t size = 0; size <= whole; size++) {
		small_segment();
		segment.size = size;
		read_all(size, why);
	}
}

static void absent_segment(void **state)
{
	struct pcapng *reader = pcapng_new();

	assert_int_equal(pcapng_open(reader, tmp_path("absent"), 1, NULL), -1);
	pcapng_free(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_segments),
		cmocka_unit_test(times_that_do_not_fit),
		cmocka_unit_test(long_segment),
		cmocka_unit_test(bad_segments),
		cmocka_unit_test(what_changed_since_the_manifest),
		cmocka_unit_test(every_damage),
		cmocka_unit_test(absent_segment),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
