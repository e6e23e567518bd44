/*
 * preprocess_piece.c: what is kept of a stream is enough. Streams made by chance are cut into packets, sent in another
 * order, some twice, and looked at by two: one keeps what the patterns ask for, the other has a pattern more, which may begin
 * with so many bytes that everything is kept and every border is scanned. Both must find the same. Then the memory.
 */
#include "tests/unit/chance.h"
#include "tests/unit/tmp.h"

#include "preprocess/stitch.h"
#include "spool/intern.h"
#include "spool/log.h"

#define ISN	   0xfffffe00u /* numbers wrap within most streams */
#define STREAM_MAX 900

/* Of all kinds: narrow and wide, of one length and several, with and without anchors and ends. */
static const char rules[] = "symptom text\n text \"abc\"\n"
			    "symptom nocase\n text \"cAb\" nocase\n"
			    "symptom again\n text \"aaaa\"\n"
			    "symptom grows\n regex /ab{1,9}c/\n"
			    "symptom endless\n regex /ba+b/\n"
			    "symptom options\n regex /(ab|ca)c{0,3}X/\n"
			    "symptom wide\n regex /X.{0,6}Y/s\n"
			    "symptom wide_fixed\n regex /Z..X/s\n"
			    "symptom wide_far\n regex /YZ.{20,90}ZY/s\n"
			    "symptom line\n regex /^ab/m\n"
			    "symptom line_grows\n regex /^ca{1,3}X/m\n"
			    "symptom word\n regex /\\bcab\\b/\n"
			    "symptom word_grows\n regex /\\bb{2,4}\\b/\n"
			    "symptom end\n regex /bc$/\n"
			    "symptom end_of_line\n regex /ca$/m\n"
			    "symptom start\n text \"bca\" start\n"
			    "symptom start_wide\n regex /^W.{0,30}Z/s\n"
			    "symptom start_far\n regex /^W[WX].*YY/s\n"
			    "symptom port port 2000\n text \"bb\"\n"
			    "symptom sized size 3\n text \"cbc\"\n";
static const char all_kept[] = "symptom all_kept\n regex /[\\x80-\\x9f].{3}\\x80/s\n";

/* One who looks at the stream. */
struct looker {
	struct symptoms *symptoms;
	struct pieces *pieces;
	struct entry entry;
	struct symptom_hits hits;
	bool new;
};

static struct looker lookers[2];

static struct symptoms *load(const char *folder, const char *first, const char *second)
{
	char file[64];
	struct symptoms *symptoms;

	snprintf(file, sizeof(file), "%s/a.sym", folder);
	mkdir(tmp_path(folder), 0700);
	tmp_write(file, first);
	snprintf(file, sizeof(file), "%s/b.sym", folder);
	tmp_write(file, second);
	symptoms = symptoms_load(tmp_path(folder), NULL);
	assert_non_null(symptoms);
	return symptoms;
}

static int open_lookers(void **state)
{
	if (tmp_setup(state))
		return -1;
	lookers[0].symptoms = load("few", rules, "");
	lookers[1].symptoms = load("all", rules, all_kept);
	for (int i = 0; i < 2; i++)
		lookers[i].pieces = pieces_new(100);
	return 0;
}

static int close_lookers(void **state)
{
	for (int i = 0; i < 2; i++) {
		symptoms_free(lookers[i].symptoms);
		pieces_free(lookers[i].pieces);
	}
	return tmp_teardown(state);
}

/* ---- streams made by chance ---- */

static uint8_t stream[STREAM_MAX];

/* Few bytes that patterns are made of, and runs of others. */
static uint32_t make_stream(void)
{
	static const char bytes[] = "aaabbbcccWXYZ\n ";
	uint32_t size = 1 + chance(chance(3) ? 60 : STREAM_MAX), run = 0;

	for (uint32_t i = 0; i<size; i++, run -= run> 0) {
		if (!run && chance(20) == 0)
			run = 1 + chance(chance(2) ? 10 : 250);
		stream[i] = (uint8_t)(run ? '.' : bytes[chance(sizeof(bytes) - 1)]);
	}
	return size;
}

static void receive(struct looker *looker, uint32_t from, uint32_t to, uint32_t missing,
	uint16_t flags)
{
	struct packet packet = {
		.kind = PACKET_IP,
		.key = {.proto = 6, .sport = 1000, .dport = 2000, .version = 4},
		.payload = stream + from,
		.payload_size = to - from - missing,
		.tcp_length = to - from,
		.tcp_seq = ISN + from,
		.tcp_flags = flags,
	};

	looker->hits = (struct symptom_hits){.count = 0};
	looker->new = stitch_scan(looker->pieces, &looker->entry, &packet, looker->symptoms,
		&looker->hits);
}

/* Bits of those that both know. */
static uint64_t shown(const struct looker *looker)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < looker->hits.count; i++)
		bits |= 1ull << looker->hits.index[i];
	return bits & ((1ull << symptoms_count(lookers[0].symptoms)) - 1);
}

static uint64_t send_some(unsigned round, uint32_t from, uint32_t to)
{
	uint32_t missing = chance(50) ? 0 : chance(to - from + 1);
	uint16_t flags = chance(200) ? 0 : TCP_FIN;

	for (int i = 0; i < 2; i++)
		receive(&lookers[i], from, to, missing, flags);
	if (lookers[0].new != lookers[1].new || shown(&lookers[0]) != shown(&lookers[1]))
		fail_msg("stream %u: packet %u ... %u shows %llx, new %d; all kept: %llx, new %d",
			round, from, to, (unsigned long long)shown(&lookers[0]), lookers[0].new,
			(unsigned long long)shown(&lookers[1]), lookers[1].new);
	return shown(&lookers[0]);
}

/* One after the other, but some left out for later, and some once more. */
static uint64_t send_stream(unsigned round, uint32_t size)
{
	uint32_t longest = chance(4) ? 1 + chance(12) : 1 + chance(400), later[3][2], waiting = 0;
	uint64_t all = 0;

	for (uint32_t from = 0, to; from < size; from = to) {
		to = from + 1 + chance(longest);
		to = to < size ? to : size;
		if (waiting < 3 && chance(6) == 0) {
			later[waiting][0] = from;
			later[waiting++][1] = to;
			continue;
		}
		all |= send_some(round, from, to);
		if (waiting && chance(4) == 0 && waiting--)
			all |= send_some(round, later[waiting][0], later[waiting][1]);
		if (chance(12) == 0)
			all |= send_some(round, from - chance(from + 1), to);
	}
	while (waiting--)
		all |= send_some(round, later[waiting][0], later[waiting][1]);
	return all;
}

static void begin_stream(void)
{
	for (int i = 0; i < 2; i++) {
		memset(&lookers[i].entry, 0, sizeof(lookers[i].entry));
		pieces_begin(lookers[i].pieces);
	}
}

static void what_is_kept_is_enough(void **state)
{
	uint64_t all = 0;

	assert_int_equal(symptoms_opening(lookers[0].symptoms, stream, 200).size, 0);
	assert_int_equal(symptoms_opening(lookers[1].symptoms, stream, 200).size, 200);
	for (unsigned round = 0; round < 8000; round++) {
		begin_stream();
		all |= send_stream(round, make_stream());
	}
	assert_int_equal(all, (1ull << symptoms_count(lookers[0].symptoms)) - 1);
}

/* What is kept of the first bytes of a connection does not follow what comes below them. */
static void what_is_far_is_not_near(void **state)
{
	struct looker *looker = &lookers[0];

	for (uint32_t end = 100; end < 600; end += 100) {
		memset(stream, '.', sizeof(stream));
		stream[19] = 'X';
		stream[end] = 'Y';
		begin_stream();
		looker->entry.awaited = true;
		looker->entry.first_seq = ISN + 20;
		receive(looker, 20, end, 0, 0);
		receive(looker, 10, 20, 0, 0);
		receive(looker, end, 600, 0, 0);
		assert_int_equal(shown(looker), 0);
		assert_true(looker->new);
	}
}

/* ---- the memory ---- */

static void few_bytes_need_no_buffer(void **state)
{
	struct looker *looker = &lookers[0];

	memset(stream, '.', sizeof(stream));
	memcpy(stream + 398, "ab", 2);
	begin_stream();
	looker->entry.awaited = true;
	looker->entry.first_seq = ISN;
	receive(looker, 0, 400, 0, 0);
	assert_int_equal(pieces_top(looker->pieces, &looker->entry)->tail_size, 3);
	assert_int_equal(looker->pieces->buffers_used, 0);
	receive(looker, 400, 800, 0, 0);
	assert_int_equal(pieces_top(looker->pieces, &looker->entry)->tail_size, 1);
}

/* Above a gap there is a head, and behind an opening a long tail: two buffers, which are used again. */
static void buffers_are_given_back(void **state)
{
	struct looker *looker = &lookers[0];

	memset(stream, '.', sizeof(stream));
	stream[390] = 'X';
	begin_stream();
	for (unsigned i = 0; i < 10; i++) {
		receive(looker, 100, 391 + i % 7, 0, 0);
		assert_int_equal(looker->pieces->buffers_used, i ? 2 : 1);
		receive(looker, 391 + i % 7, 500, 0, 0);
		pieces_forget(looker->pieces, &looker->entry);
		looker->entry.sequenced = false;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_is_enough),
		cmocka_unit_test(what_is_far_is_not_near),
		cmocka_unit_test(few_bytes_need_no_buffer),
		cmocka_unit_test(buffers_are_given_back),
	};

	log_open("test");
	return cmocka_run_group_tests(tests, open_lookers, close_lookers);
}
