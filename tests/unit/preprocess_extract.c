/*
 * preprocess_extract.c: which packets of a segment are kept: both directions, fragments in any order, of the window of the verdict
 * alone; what is copied; segments of every length.
 */
#include "tests/unit/tmp.h"

#include "preprocess/extract.h"
#include "preprocess/pcapng.h"
#include "spool/intern.h"
#include "spool/nfs.h"

#define WINDOW_MS UINT64_C(1700000100000)

static struct {
	uint8_t data[4096];
	size_t size;
} segment;

static void put32(uint32_t value)
{
	memcpy(segment.data + segment.size, &value, 4);
	segment.size += 4;
}

/* Raw IP, times in milliseconds. */
static void begin_segment(void)
{
	segment.size = 0;
	put32(0x0a0d0d0a), put32(28), put32(0x1a2b3c4d), put32(1), put32(4000), put32(0), put32(28);
	put32(1), put32(32), put32(101), put32(65535), put32(1 << 16 | 9), put32(3), put32(0),
		put32(32);
}

/* With an option behind it: epb_flags, inbound. */
static void put_packet(uint64_t ms, const uint8_t *packet, uint32_t size)
{
	uint32_t padded = (size + 3) / 4 * 4;

	put32(6), put32(44 + padded), put32(0), put32((uint32_t)(ms >> 32)), put32((uint32_t)ms);
	put32(size), put32(size);
	memset(segment.data + segment.size, 0, padded);
	memcpy(segment.data + segment.size, packet, size);
	segment.size += padded;
	put32(4 << 16 | 2), put32(1), put32(0), put32(44 + padded);
}

/* From 10.0.0.SRC to 10.0.0.DST, a datagram or, FRAGMENT not 0, a piece of one; SIZE bytes of payload. */
static void put_udp(uint64_t ms, uint8_t src, uint8_t dst, uint16_t sport, uint16_t dport,
	uint16_t fragment, uint8_t size)
{
	bool later = fragment & 0x1fff;
	uint8_t length = (uint8_t)(20 + (later ? 0 : 8) + size);
	uint8_t packet[128] = {0x45, 0, 0, length, 0, 7, (uint8_t)(fragment >> 8),
		(uint8_t)fragment, 64, 17, 0, 0, 10, 0, 0, src, 10, 0, 0, dst};
	const uint8_t ports[] = {(uint8_t)(sport >> 8), (uint8_t)sport, (uint8_t)(dport >> 8),
		(uint8_t)dport, 0, (uint8_t)(8 + size), 0, 0};

	if (!later)
		memcpy(packet + 20, ports, sizeof(ports));
	put_packet(ms, packet, length);
}

static void put_packets(void)
{
	begin_segment();
	put_udp(WINDOW_MS + 1, 1, 2, 1000, 2000, 0, 11);
	put_udp(WINDOW_MS + 2, 1, 2, 1000, 2001, 0, 12);      /* another flow */
	put_udp(WINDOW_MS + 3, 1, 2, 0, 0, 3, 13);	      /* before its first one */
	put_udp(WINDOW_MS + 4, 1, 2, 1000, 2000, 0x2000, 16); /* the first one */
	put_udp(WINDOW_MS + 5, 2, 1, 2000, 1000, 0, 15);      /* the other direction */
	put_udp(WINDOW_MS + 4999, 1, 2, 1000, 2000, 0, 17);
	put_udp(WINDOW_MS + 5000, 1, 2, 1000, 2000, 0, 18); /* another window */
}

/* The verdict that the flow 1000 to 2000 is wanted in the window. */
static struct wanted *wanted_of(const char *words)
{
	struct biflow biflow = {.key = {.src = {10, 0, 0, 1},
					.dst = {10, 0, 0, 2},
					.sport = 1000,
					.dport = 2000,
					.proto = 17,
					.version = 4},
		.window_ms = WINDOW_MS,
		.forward = {1, 1, 0, 1},
		.class = intern("P2P"),
		.verdict = intern("unacceptable"),
		.rule = intern("torrent")};
	struct wanted *wanted = wanted_new(words);
	struct record_writer *writer;
	struct manifest manifest;
	char why[256];

	nfs_mkdir(tmp_path("verdicts"));
	unlink(tmp_path("verdicts/verdicts.ipfix"));
	writer = record_create(tmp_path("verdicts/verdicts.ipfix"), RECORD_VERDICTS);
	assert_int_equal(record_add_biflow(writer, &biflow), 0);
	biflow.key.dport = 2002;
	biflow.class = intern("WEB");
	biflow.verdict = biflow.rule = intern("acceptable");
	assert_int_equal(record_add_biflow(writer, &biflow), 0);
	assert_int_equal(record_finish(writer), 0);
	manifest_init(&manifest, "verdicts", "0000000001-shard-0");
	manifest_add_file(&manifest, tmp_path("verdicts"), "verdicts.ipfix");
	assert_int_equal(manifest_write(&manifest, tmp_path("verdicts")), 0);
	manifest_free(&manifest);
	assert_int_equal(wanted_load(wanted, tmp_path("verdicts"), "0000000001-shard-0", why), 0);
	return wanted;
}

static int extract_segment(struct wanted *wanted, size_t bytes, uint32_t snaplen, uint64_t *kept)
{
	struct spool spool = {.window_s = 5};
	struct extractor *extractor = extractor_new(&spool);
	struct batch batch = {.spool = &spool};
	char why[256] = "";
	int result;

	snprintf(batch.path, sizeof(batch.path), "%s", tmp_path("packets"));
	nfs_mkdir(batch.path);
	tmp_write_bytes("packets/000000.pcapng", segment.data, bytes);
	manifest_init(&batch.manifest, "packets", "x");
	manifest_add_file(&batch.manifest, batch.path, "000000.pcapng");
	unlink(tmp_path("out"));
	result = extract(extractor, &batch, wanted, snaplen, tmp_path("out"), kept, why);
	assert_true(result == 0 || (result == -2 && why[0]));
	manifest_free(&batch.manifest);
	extractor_free(extractor);
	return result;
}

static void assert_out(const uint32_t *lengths, int count, uint32_t snaplen)
{
	struct frame frames[PCAPNG_BURST];
	struct pcapng *reader = pcapng_new();
	struct stat status;

	assert_int_equal(stat(tmp_path("out"), &status), 0);
	assert_int_equal(pcapng_open(reader, tmp_path("out"), (uint64_t)status.st_size, NULL), 0);
	assert_int_equal(pcapng_burst(reader, frames), count);
	for (int i = 0; i < count; i++) {
		assert_int_equal(frames[i].length, lengths[i]);
		assert_int_equal(frames[i].captured, lengths[i] < snaplen ? lengths[i] : snaplen);
		assert_int_equal(frames[i].bytes[0], 0x45);
	}
	assert_int_equal(frames[0].time_ms, WINDOW_MS + 1);
	assert_int_equal(pcapng_burst(reader, frames), 0);
	pcapng_free(reader);
}

static const uint32_t lengths[] = {28 + 11, 20 + 13, 28 + 16, 28 + 15, 28 + 17};

static void these_and_no_others(void **state)
{
	static const char *const words[] = {"P2P", "unacceptable", "WEBS, torrent"};
	uint64_t kept;

	put_packets();
	for (size_t i = 0; i < 3; i++) {
		struct wanted *wanted = wanted_of(words[i]);

		assert_int_equal(wanted_count(wanted), 1);
		assert_int_equal(extract_segment(wanted, segment.size, 262144, &kept), 0);
		assert_int_equal(kept, 5);
		assert_int_equal(wanted_at(wanted, 0)->kept, 5);
		assert_out(lengths, 5, 262144);
		wanted_free(wanted);
	}
}

static void nothing(void **state)
{
	struct wanted *wanted = wanted_of("P2, torren");
	uint64_t kept = 7;

	put_packets();
	assert_int_equal(wanted_count(wanted), 0);
	assert_int_equal(extract_segment(wanted, segment.size, 262144, &kept), 0);
	assert_int_equal(kept, 0);
	assert_int_equal(access(tmp_path("out"), F_OK), -1);
	wanted_free(wanted);
}

static void cut_down(void **state)
{
	struct wanted *wanted = wanted_of("P2P");
	uint64_t kept;

	put_packets();
	for (uint32_t snaplen = 20; snaplen < 50; snaplen++) {
		assert_int_equal(extract_segment(wanted, segment.size, snaplen, &kept), 0);
		assert_out(lengths, 5, snaplen);
	}
	wanted_free(wanted);
}

static void forgotten(void **state)
{
	struct wanted *wanted = wanted_of("P2P");
	const struct flowkey key = wanted_at(wanted, 0)->key;

	assert_non_null(wanted_find(wanted, WINDOW_MS, &key));
	assert_null(wanted_find(wanted, WINDOW_MS + 5000, &key));
	assert_int_equal(wanted_window(wanted, "0000000001-shard-0"), WINDOW_MS);
	wanted_drop(wanted, "0000000001-shard-0");
	assert_false(wanted_has(wanted, "0000000001-shard-0"));
	assert_null(wanted_find(wanted, WINDOW_MS, &key));
	wanted_free(wanted);
}

static void every_length(void **state)
{
	struct wanted *wanted = wanted_of("P2P");
	uint64_t kept;
	int whole = 0;

	put_packets();
	for (size_t bytes = 0; bytes < segment.size; bytes++)
		whole += extract_segment(wanted, bytes, 30, &kept) == 0;
	assert_in_range(whole, 2, 12); /* cut between two blocks */
	wanted_free(wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(these_and_no_others),
		cmocka_unit_test(nothing),
		cmocka_unit_test(cut_down),
		cmocka_unit_test(forgotten),
		cmocka_unit_test(every_length),
	};

	nfs_set_durable(false);
	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
