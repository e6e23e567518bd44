/* Files that are cut, bent or made by an enemy are refused with a reason; files of a poorer writer are understood. */
#include "tests/unit/tmp.h"

#include <math.h>

#include "spool/hash.h"
#include "spool/intern.h"
#include "spool/record.h"
#include "spool/record_schema.h"

/* A file under construction: big-endian numbers, and places whose length is filled in later. */
static uint8_t bytes[1 << 20];
static size_t used, message_at, set_at;

static void put(uint64_t value, unsigned size)
{
	while (size--)
		bytes[used++] = size < 8 ? (uint8_t)(value >> 8 * size) : 0;
}

static void put_text(const char *text)
{
	put(strlen(text), 1);
	memcpy(bytes + used, text, strlen(text));
	used += strlen(text);
}

static void fill(size_t at, size_t value)
{
	bytes[at] = (uint8_t)(value >> 8);
	bytes[at + 1] = (uint8_t)value;
}

static void message(uint32_t sequence)
{
	message_at = used;
	put(10, 2);
	put(0, 2);
	put(1, 4);
	put(sequence, 4);
	put(RECORD_DOMAIN, 4);
}

static void set(uint16_t id)
{
	set_at = used;
	put(id, 2);
	put(0, 2);
}

static void set_done(void)
{
	fill(set_at + 2, used - set_at);
	fill(message_at + 2, used - message_at);
}

static void start(void)
{
	used = 0;
	message(0);
}

static void element(uint32_t pen, uint16_t number, uint16_t length)
{
	put(number | (pen ? 0x8000 : 0), 2);
	put(length, 2);
	if (pen)
		put(pen, 4);
}

static const struct element {
	uint32_t pen;
	uint16_t number, length;
} least[] = {
	/* what a flow cannot do without, in an order of its own and with counts of reduced size */
	{0, 2, 4},
	{0, 1, 3},
	{0, 8, 4},
	{0, 12, 4},
	{0, 7, 2},
	{0, 11, 1},
	{0, 4, 1},
	{PEN_MIRA, 1, 8},
	{0, 152, 8},
	{0, 153, 8},
	{PEN_MIRA, 2, 8},
	{9999, 17, 65535},
};

static void least_template(unsigned extra)
{
	set(2);
	put(300, 2);
	put(sizeof(least) / sizeof(least[0]) + extra, 2);
	for (size_t i = 0; i < sizeof(least) / sizeof(least[0]); i++)
		element(least[i].pen, least[i].number, least[i].length);
}

static void least_record(void)
{
	put(77, 4);
	put(7777, 3);
	put(0x0a000001, 4);
	put(0x0a000002, 4);
	put(1024, 2);
	put(53, 1);
	put(17, 1);
	put(1700000100000, 8);
	put(1700000100001, 8);
	put(1700000100002, 8);
	put(5, 8);
	put_text("unknown");
}

/* The closing record, in a message of its own. */
static void close_file(uint32_t records, uint64_t flows)
{
	message(records);
	set(3);
	put(301, 2);
	put(2, 2);
	put(1, 2);
	element(0, 149, 4);
	element(0, 42, 8);
	set_done();
	set(301);
	put(RECORD_DOMAIN, 4);
	put(flows, 8);
	set_done();
}

/* Reads all records; returns what ended it. */
static int read_all(const char *path, unsigned *count)
{
	struct record_reader *reader = record_open(path);
	union record record;
	int result;

	assert_non_null(reader);
	for (*count = 0; (result = record_next(reader, &record)) > 0; ++*count)
		for (size_t i = 0; result == RECORD_FLOW && i < record.flow.symptom_count; i++)
			assert_true(record.flow.symptoms[i].name < intern_count());
	assert_int_equal(record_next(reader, &record), result);
	record_close(reader);
	return result;
}

static void refused(const char *reason)
{
	unsigned count;

	assert_int_equal(read_all(tmp_write_bytes("bent", bytes, used), &count), -2);
	assert_says(record_why(), reason);
}

static void open_segment(const struct segment *segment, unsigned *count, int wanted)
{
	struct record_reader *reader = record_open_segment(tmp_folder, segment);
	union record record;
	int result;

	assert_non_null(reader);
	for (*count = 0; (result = record_next(reader, &record)) > 0; ++*count)
		;
	assert_int_equal(result, wanted);
	record_close(reader);
}

/* The records look right, one by one; only the sum tells that a late write changed one. */
static void what_changed_since_the_manifest(void **state)
{
	struct segment segment = {.name = "whole"};
	unsigned count;

	start();
	least_template(0);
	set_done();
	set(300);
	least_record();
	set_done();
	close_file(1, 1);
	segment.bytes = used;
	hash_bytes(bytes, used, segment.xxh128);
	tmp_write_bytes("whole", bytes, used);
	open_segment(&segment, &count, RECORD_END);
	assert_int_equal(count, 1);
	tmp_write_bytes("whole", bytes, used + 40); /* what stands behind was never handed over */
	open_segment(&segment, &count, RECORD_END);
	tmp_write_bytes("whole", bytes, used - 1);
	open_segment(&segment, &count, -2);
	bytes[4] ^= 1; /* export time: nobody looks at it */
	tmp_write_bytes("whole", bytes, used);
	assert_int_equal(read_all(tmp_path("whole"), &count), RECORD_END);
	open_segment(&segment, &count, -2);
	assert_says(record_why(), "changed after it was published");
	segment.bytes += 40;
	open_segment(&segment, &count, -2);
}

static void poorer_writer(void **state)
{
	struct record_reader *reader;
	union record record;

	start();
	least_template(0);
	set_done();
	set(300);
	least_record();
	put(0, 3); /* padding */
	set_done();
	close_file(1, 1);
	reader = record_open(tmp_write_bytes("least", bytes, used));
	memset(&record, 0xff, sizeof(record));
	assert_int_equal(record_next(reader, &record), RECORD_FLOW);
	assert_memory_equal(record.flow.key.src, "\x0a\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(record.flow.key.version, 4);
	assert_int_equal(record.flow.key.dport, 53);
	assert_int_equal(record.flow.packets, 77);
	assert_int_equal(record.flow.octets, 7777);
	assert_int_equal(record.flow.first_index, 5);
	assert_true(record.flow.sampling == 1);
	assert_int_equal(record.flow.syn_ms, 0);
	assert_int_equal(record.flow.vlan, 0);
	assert_int_equal(record.flow.symptom_count, 0);
	assert_int_equal(record_next(reader, &record), RECORD_END);
	record_close(reader);
}

static void not_ipfix(void **state)
{
	used = 0;
	refused("empty");
	memcpy(bytes, "GIF89a, and no IPFIX at all", used = 27);
	refused("not an IPFIX file");
	start();
	fill(2, 12);
	refused("length 12");
	start();
	set_done();
	bytes[15] = 2;
	refused("observation domain 2");
}

static void templates(void **state)
{
	start();
	set(2);
	put(300, 2);
	put(1, 2);
	element(0, 82, 0); /* libfixbuf reads such records for ever */
	set_done();
	refused("no record known");
	start();
	set(3);
	put(300, 2);
	put(1, 2);
	put(1, 2);
	element(0, 82, 0);
	set_done();
	refused("without a byte");
	start();
	set(3);
	put(300, 2);
	put(1, 2);
	put(2, 2);
	element(0, 82, 5);
	set_done();
	refused("2 of scope");
	start();
	least_template(1);
	set_done();
	refused("is cut");
	start();
	least_template(1);
	element(0, 311, 5);
	set_done();
	refused("samplingProbability of 5 octets");
	start();
	set(2);
	put(255, 2);
	put(1, 2);
	element(0, 4, 1);
	set_done();
	refused("template 255");
}

static void sets(void **state)
{
	start();
	set(300);
	put(0, 8);
	set_done();
	refused("without a template");
	start();
	set(2);
	put(0, 8);
	set_done();
	fill(set_at + 2, 3);
	refused("does not fit");
	fill(set_at + 2, 13);
	refused("does not fit");
	start();
	least_template(0);
	set_done();
	set(300);
	least_record();
	bytes[used - 8] = 255; /* the last text is longer than the set */
	set_done();
	refused("past the end");
}

static void lost_records(void **state)
{
	start();
	least_template(0);
	set_done();
	set(300);
	least_record();
	set_done();
	close_file(2, 1);
	refused("sequence number 2 after 1");
	used = 0;
	close_file(0, 1);
	refused("0 flows instead of 1");
	start();
	set_done();
	refused("closing record is missing");
	used = 0;
	close_file(0, 0);
	set(301);
	put(0, 12);
	set_done();
	refused("after the closing one");
}

/* A flow with samplingProbability of these bits. */
static void flow_with(uint64_t value)
{
	start();
	least_template(1);
	element(0, 311, 8);
	set_done();
	set(300);
	least_record();
	put(value, 8);
	set_done();
	close_file(1, 1);
}

/* Whoever divides by it must not meet 0 or a number that is none. */
static void sampling(void **state)
{
	static const double wrong[] = {0, -0.5, 1.0001, NAN, INFINITY};
	unsigned count;
	uint64_t bits;
	double half = 0.5;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(&bits, &wrong[i], 8);
		flow_with(bits);
		refused("samplingProbability");
	}
	memcpy(&bits, &half, 8);
	flow_with(bits);
	assert_int_equal(read_all(tmp_write_bytes("half", bytes, used), &count), RECORD_END);
	assert_int_equal(count, 1);
}

/* A flow up to its symptom list of LENGTH bytes, which the caller writes; the symptom template is 302. */
static void begin_list(unsigned length)
{
	start();
	set(2);
	put(302, 2);
	put(2, 2);
	element(PEN_MIRA, 20, 4);
	element(PEN_MIRA, 22, 8);
	set_done();
	least_template(1);
	element(0, 292, 65535);
	set_done();
	set(300);
	least_record();
	put(length, 1);
}

static void lists(void **state)
{
	begin_list(2);
	put(3, 2);
	set_done();
	refused("symptom list of");
	begin_list(3);
	put(3, 1);
	put(300, 2);
	set_done();
	refused("list of template 300");
	begin_list(3);
	put(3, 1);
	put(999, 2);
	set_done();
	refused("list of template 999");
	begin_list(8);
	put(3, 1);
	put(302, 2);
	put(0, 5);
	set_done();
	refused("past the end");
	begin_list(15);
	put(3, 1);
	put(302, 2);
	put(1, 4);
	put(1, 8);
	set_done();
	refused("symptom 1 has no name");
	begin_list(0);
	used--;
	put(255, 1);
	put(65535, 2);
	set_done();
	refused("past the end");
	begin_list(3);
	used--;
	set(302);
	put(0, 12);
	set_done();
	refused("does not fit");
}

static void symptom_ids(void **state)
{
	start();
	set(3);
	put(303, 2);
	put(2, 2);
	put(1, 2);
	element(PEN_MIRA, 20, 4);
	element(PEN_MIRA, 21, 65535);
	set_done();
	set(303);
	put(4000000000, 4);
	put_text("dns");
	set_done();
	refused("miraSymptomId 4000000000");
}

/* A row as another program might write it: STATUS and PROBE vary. */
static void row(const char *probe, unsigned status)
{
	start();
	set(3);
	put(304, 2);
	put(5, 2);
	put(4, 2);
	for (uint16_t number = 40; number <= 42; number++)
		element(PEN_MIRA, number, 65535);
	element(PEN_MIRA, 43, 8);
	element(PEN_MIRA, 44, 1);
	set_done();
	set(304);
	put_text(probe);
	put_text("all");
	put_text("00112233445566778899aabbccddeeff");
	put(3, 8);
	put(status, 1);
	set_done();
	close_file(1, 0);
}

static void ledger(void **state)
{
	unsigned count;

	row("probe1", 2);
	assert_int_equal(read_all(tmp_write_bytes("row", bytes, used), &count), RECORD_END);
	assert_int_equal(count, 1);
	row("probe1", 3);
	refused("miraBatchStatus 3");
	row("../../etc", 0);
	refused("legal probe");
	row("a.probe.whose.name.is.longer.than.a.part.of.names.may.be", 0);
	refused("miraProbe has 56 octets");
}

/* What the writer makes, small enough for every cut and many flips. */
static size_t written(void)
{
	struct symptom_count symptoms[2] = {{intern("dns"), 3, 0, 0}, {intern("mp3"), 4, 0, 0}};
	struct flow flow = {.key = {.version = 4, .proto = 17},
		.packets = 1,
		.sampling = 1,
		.host_name = intern("a.b"),
		.symptoms = symptoms,
		.symptom_count = 2};
	struct ledger ledger_row = {.probe = "p", .stream = "s", .run = "0", .damaged = "cut"};
	struct record_writer *writer;
	FILE *file;

	unlink(tmp_path("whole"));
	writer = record_create(tmp_path("whole"), RECORD_FLOWS);
	assert_int_equal(record_add_ledger(writer, &ledger_row), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(record_add_flow(writer, &flow), 0);
	assert_int_equal(record_finish(writer), 0);
	file = fopen(tmp_path("whole"), "r");
	used = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return used;
}

static void cut_anywhere(void **state)
{
	size_t whole = written();
	unsigned count;

	for (used = 0; used < whole; used++)
		refused(used ? "IPFIX message" : "empty");
	assert_int_equal(read_all(tmp_write_bytes("bent", bytes, whole), &count), RECORD_END);
	assert_int_equal(count, 4);
}

/* A fixed sequence of random numbers, so that a failure comes again. */
static uint32_t random_number(void)
{
	static uint32_t state = 2463534242u;

	state ^= state << 13;
	state ^= state >> 17;
	return state ^= state << 5;
}

static void flipped(void **state)
{
	static uint8_t whole[65536];
	size_t size = written();
	unsigned count, refusals = 0;

	memcpy(whole, bytes, size);
	for (int round = 0; round < 3000; round++) {
		for (unsigned flips = 1 + random_number() % 4; flips; flips--)
			bytes[random_number() % size] = (uint8_t)random_number();
		refusals += read_all(tmp_write_bytes("bent", bytes, size), &count) == -2;
		memcpy(bytes, whole, size);
	}
	assert_in_range(refusals, 500, 3000); /* most bytes of so small a file describe elements */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_changed_since_the_manifest),
		cmocka_unit_test(poorer_writer),
		cmocka_unit_test(not_ipfix),
		cmocka_unit_test(templates),
		cmocka_unit_test(sets),
		cmocka_unit_test(lost_records),
		cmocka_unit_test(sampling),
		cmocka_unit_test(lists),
		cmocka_unit_test(symptom_ids),
		cmocka_unit_test(ledger),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(flipped),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
