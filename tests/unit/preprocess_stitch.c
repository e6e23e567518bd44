/*
 * preprocess_stitch.c: patterns that lie in several packets of a TCP stream. Edge cases, one by one;
 * then every plain text of the symptoms that are installed, split at every byte; then streams made
 * by chance against a count that looks at all bytes.
 */
#include "tests/unit/chance.h"
#include "tests/unit/tmp.h"

#include <ctype.h>
#include <hs.h>

#include "preprocess/meter.h"
#include "preprocess/stitch.h"
#include "preprocess/symptom_parse.h"
#include "spool/intern.h"
#include "spool/log.h"

#define ISN 0xffffff00u /* numbers wrap within most streams */

static struct pieces *pieces;
static struct symptoms *symptoms;
static struct entry entry;

static struct symptoms *load(const char *text)
{
	char path[PATH_MAX];
	struct symptoms *loaded;

	snprintf(path, sizeof(path), "%s", tmp_path("s"));
	mkdir(path, 0700);
	tmp_write("s/a.sym", text);
	loaded = symptoms_load(path, NULL);
	assert_non_null(loaded);
	return loaded;
}

static int open_memory(void **state)
{
	pieces = pieces_new(1000);
	return tmp_setup(state);
}

static int close_memory(void **state)
{
	pieces_free(pieces);
	return tmp_teardown(state);
}

static void begin_stream(void)
{
	memset(&entry, 0, sizeof(entry));
	pieces_begin(pieces);
}

/* Does the packet show symptom NAME? HITS has all. */
static bool in_hits(const struct symptom_hits *hits, const char *name)
{
	for (unsigned i = 0; i < hits->count; i++)
		if (strcmp(intern_text(symptoms_name(symptoms, hits->index[i])), name) == 0)
			return true;
	return false;
}

static struct symptom_hits last;

/* SIZE captured bytes at PAYLOAD of LENGTH, at OFFSET of the stream. Returns: new bytes in it? */
static bool receive(uint32_t offset, const void *payload, uint32_t size, uint32_t length,
	uint16_t flags)
{
	struct packet packet = {
		.kind = PACKET_IP,
		.key = {.proto = 6, .sport = 1000, .dport = 2000, .version = 4},
		.payload = payload,
		.payload_size = size,
		.tcp_length = length,
		.tcp_seq = ISN + offset,
		.tcp_flags = flags,
	};

	last = (struct symptom_hits){.count = 0};
	return stitch_scan(pieces, &entry, &packet, symptoms, &last);
}

/* ---- edge cases: packets of one direction, and what they show ---- */

static const char rules[] = "symptom hello\n text \"HELLO\"\n"
			    "symptom first\n text \"SSH-2.0-\" start\n"
			    "symptom line\n regex /^abc/m\n"
			    "symptom all\n regex /XY.{0,20}Z$/s\n"
			    "symptom grows\n regex /US[a-z]{1,50}/\n"
			    "symptom far\n regex /BEGIN.*END/s\n"
			    "symptom port port 2000\n text \"PORT\"\n"
			    "symptom other_port port 1\n text \"PORT\"\n"
			    "symptom udp_only udp\n text \"PORT\"\n"
			    "symptom sized size 3\n text \"SIZED\"\n"
			    "symptom either\n text \"left\"\n text \"right\"\n";

struct piece_of_test {
	uint32_t offset;
	const char *payload, *shows;
	uint16_t flags;
	uint32_t missing; /* bytes that were not captured */
};

struct stream {
	const char *name;
	struct piece_of_test packets[8];
};

#define P(offset, payload, shows)                                                                  \
	{                                                                                          \
		offset, payload, shows, 0, 0                                                       \
	}
#define FLAGS(offset, payload, shows, flags)                                                       \
	{                                                                                          \
		offset, payload, shows, flags, 0                                                   \
	}
#define CUT(offset, payload, shows, missing)                                                       \
	{                                                                                          \
		offset, payload, shows, 0, missing                                                 \
	}

static const struct stream streams[] = {
	{"in order", {P(0, "xxHEL", ""), P(5, "LOxx", "hello"), P(9, "HELLO", "hello")}},
	{"three", {P(0, "H", ""), P(1, "ELL", ""), P(4, "O", "hello"), P(5, "xxxx", "")}},
	{"alone", {P(0, "HELLO", "hello"), P(5, "x", ""), P(6, "HELLOHELLO", "hello")}},
	{"two in one packet", {P(0, "HEL", ""), P(3, "LO HELLO", "hello")}},
	{"sent again", {P(0, "HEL", ""), P(3, "LO", "hello"), P(0, "HEL", "-"), P(3, "LO", "-")}},
	{"all sent again", {P(0, "HEL", ""), P(3, "LO", "hello"), P(0, "HELLO", "-")}},
	{"some sent again",
		{P(0, "HELLO", "hello"), P(0, "HELLOxx", ""), P(5, "xxHELLO", "hello")}},
	{"overlap", {P(0, "HELL", ""), P(2, "LLO", "hello")}},
	{"grown again", {P(0, "SS", ""), P(0, "SSH-2.0-x", "first"), P(0, "SSH-2.0-x", "-")}},
	{"backwards", {P(3, "LO", ""), P(0, "HEL", "hello"), P(5, "HELLO", "hello")}},
	{"backwards, bytewise",
		{P(4, "O", ""), P(3, "L", ""), P(2, "L", ""), P(1, "E", ""), P(0, "H", "hello")}},
	{"gap", {P(0, "HE", ""), P(4, "Oxx", ""), P(2, "LL", "hello"), P(7, "x", "")}},
	{"two gaps",
		{P(0, "H", ""), P(2, "L", ""), P(4, "O", ""), P(3, "L", ""), P(1, "E", "hello")}},
	{"a gap filled by more",
		{P(0, "HE", ""), P(6, "HELLO", "hello"), P(0, "HELLOxHELLOHELLO", "hello")}},
	{"what stood behind the gap", {P(0, "x", ""), P(2, "HELLO", "hello"), P(1, "x", "")}},
	{"inside of the gap, again",
		{P(0, "x", ""), P(20, "x", ""), P(5, "HELLO", "hello"), P(5, "HELLO", "-")}},
	{"keep-alive", {P(0, "HEL", ""), P(2, "?", "-"), P(2, "", "-"), P(3, "LO", "hello")}},
	{"not all captured", {CUT(0, "xHEL", "", 3), P(7, "LO", ""), P(9, "HELLO", "hello")}},
	{"what is missing comes", {P(0, "HE", ""), CUT(2, "", "-", 2), P(4, "O", "")}},
	{"a new connection", {P(0, "HEL", ""), FLAGS(70000, "", "-", TCP_SYN), P(70001, "LO", "")}},
	{"a new connection at once", {P(0, "HEL", ""), FLAGS(2, "LO", "", TCP_SYN)}},
	{"the SYN again", {FLAGS(0, "", "-", TCP_SYN), P(1, "HEL", ""), FLAGS(0, "", "-", TCP_SYN),
				  P(1, "HEL", "-"), P(4, "LO", "hello")}},
	{"data with the SYN",
		{FLAGS(0, "HEL", "", TCP_SYN), FLAGS(0, "HEL", "-", TCP_SYN), P(4, "LO", "hello")}},
	{"far back", {P(100000000, "HEL", ""), P(0, "LO", ""), P(2, "HELLO", "hello")}},
	{"after the end",
		{FLAGS(0, "HEL", "", TCP_FIN), FLAGS(0, "HEL", "-", TCP_FIN), P(3, "LO", "")}},
	{"start", {P(0, "SS", ""), P(2, "H-2.0-x", "first")}},
	{"start in three", {P(0, "S", ""), P(1, "SH-", ""), P(4, "2.0-x", "first")}},
	{"start of a later packet", {P(0, "xx", ""), P(2, "SS", ""), P(4, "H-2.0-x", "first")}},
	{"no start", {P(0, "xSS", ""), P(3, "H-2.0-x", "")}},
	{"start, backwards", {P(2, "H-2.0-x", ""), P(0, "SS", "first")}},
	{"many starts", {P(0, "SS", ""), P(2, "H", ""), P(3, "-", ""), P(4, "2", ""), P(5, ".", ""),
				P(6, "0", ""), P(7, "-", "first")}},
	{"lines", {P(0, "x\na", ""), P(3, "bc", "line"), P(5, "abc", "line")}},
	{"no line", {P(0, "xa", ""), P(2, "bc", "")}},
	{"the end of a payload", {P(0, "XY", ""), P(2, "..Z", "all"), P(5, "XY.Z.", "")}},
	{"what grows",
		{P(0, "USbob", "grows"), P(5, "by", ""), P(7, "U", ""), P(8, "Sx", "grows")}},
	{"far", {P(0, "BEGIN", ""), P(5, "xx", ""), P(7, "END", "far")}},
	{"ports", {P(0, "PO", ""), P(2, "RT", "port")}},
	{"size", {P(0, "SI", ""), P(2, "ZED", "sized"), P(5, "SIZ", ""), P(8, "ED", "")}},
	{"one symptom", {P(0, "lef", ""), P(3, "tright", "either"), P(9, "ri", ""),
				P(11, "ght", "either")}},
};

static void shown(char *out)
{
	*out = 0;
	for (size_t i = 0; i < symptoms_count(symptoms); i++) {
		const char *name = intern_text(symptoms_name(symptoms, i));

		if (in_hits(&last, name))
			sprintf(out + strlen(out), "%s%s", *out ? " " : "", name);
	}
}

static void edge_cases(void **state)
{
	char text[512];

	symptoms = load(rules);
	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++) {
		begin_stream();
		for (const struct piece_of_test *p = streams[i].packets; p->payload; p++) {
			uint32_t size = (uint32_t)strlen(p->payload);
			bool new =
				receive(p->offset, p->payload, size, size + p->missing, p->flags);

			shown(text);
			if (strcmp(new ? text : "-", p->shows))
				fail_msg("%s: packet %td shows \"%s\", new %d", streams[i].name,
					p - streams[i].packets, text, new);
		}
	}
	symptoms_free(symptoms);
}

/* ---- long payloads ---- */

/* The head of a long payload is cut for the scan; what looks like its end is none. */
static void long_payloads(void **state)
{
	static uint8_t bytes[3000];

	symptoms = load(rules);
	begin_stream();
	memset(bytes, '.', sizeof(bytes));
	memcpy(bytes + 1498, "XY", 2);
	memcpy(bytes + 1510, "HELLO", 5);
	for (unsigned at = 1500; at < 2000; at++)
		if (bytes[at] == '.')
			bytes[at] = 'Z';
	assert_true(receive(0, bytes, 1500, 1500, 0));
	assert_true(receive(1500, bytes + 1500, 1500, 1500, 0));
	assert_true(in_hits(&last, "hello"));
	assert_false(in_hits(&last, "all"));
	memcpy(bytes + 1497, "HEL", 3);
	memcpy(bytes + 1500, "LO", 2);
	begin_stream();
	receive(1500, bytes + 1500, 1500, 1500, 0);
	receive(0, bytes, 1500, 1500, 0);
	assert_true(in_hits(&last, "hello"));
	symptoms_free(symptoms);
}

/* ---- the memory ---- */

static void full_memory(void **state)
{
	struct pieces *few = pieces_new(8), *all = pieces;
	struct entry flows[10] = {0};

	symptoms = load(rules);
	pieces = few;
	for (unsigned i = 0; i < 10; i++) {
		entry = flows[i];
		receive(0, "HEL", 3, 3, 0);
		few->list[i % 8].owner = &flows[i];
		flows[i] = entry;
	}
	assert_int_equal(few->full, 2); /* the first two */
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(flows[i].pieces != 0, i != 0 && i != 1);
	pieces_free(few);
	pieces = all;
	symptoms_free(symptoms);
}

static void many_gaps(void **state)
{
	symptoms = load(rules);
	begin_stream();
	for (unsigned i = 0; i < 100; i++)
		receive(10 * i, "HEL", 3, 3, 0);
	assert_int_equal(pieces->crowded, 96);
	assert_int_equal(pieces->full, 0);
	receive(993, "LO", 2, 2, 0);
	assert_true(in_hits(&last, "hello"));
	receive(963, "LO", 2, 2, 0);
	assert_true(in_hits(&last, "hello"));
	receive(3, "LO", 2, 2, 0); /* what came before is given up */
	assert_false(in_hits(&last, "hello"));
	symptoms_free(symptoms);
}

/* ---- every plain text of the symptoms that are installed ---- */

#define TEXTS_MAX 2000

struct text {
	uint8_t bytes[128];
	uint32_t size;
	bool start, nocase;
};

static struct text texts[TEXTS_MAX];
static uint32_t text_count;

/* An expression of bytes and \xHH only, and maybe ^(?:...) around it. */
static bool read_plain(const struct symptom_pattern *pattern, struct text *text)
{
	const char *at = pattern->expression, *end = at + strlen(at);

	*text = (struct text){.nocase = pattern->flags & HS_FLAG_CASELESS};
	if (strncmp(at, "^(?:", 4) == 0) {
		text->start = true;
		at += 4;
		end--;
	}
	while (at < end && text->size < sizeof(text->bytes)) {
		unsigned value = (unsigned char)*at;
		int width = 1;

		if (*at == '\\' && sscanf(at, "\\x%2x%n", &value, &width) != 1)
			return false;
		if (*at != '\\' && !isalnum((unsigned char)*at))
			return false;
		text->bytes[text->size++] = (uint8_t)value;
		at += width;
	}
	return at == end && text->size > 1;
}

/* Each text becomes a symptom of its own, of any port. */
static int open_texts(void **state)
{
	struct symptom_source source = {0};
	FILE *out;

	text_count = 0;
	assert_int_equal(symptom_source_load(&source, "etc/symptoms.d"), 0);
	mkdir(tmp_path("s"), 0700);
	out = fopen(tmp_path("s/a.sym"), "w");
	for (size_t i = 0; i < source.pattern_count && text_count < TEXTS_MAX; i++) {
		struct text *text = &texts[text_count];

		if (!read_plain(&source.patterns[i], text))
			continue;
		fprintf(out, "symptom t%u tcp\n hex", text_count++);
		for (uint32_t j = 0; j < text->size; j++)
			fprintf(out, " %02x", text->bytes[j]);
		fprintf(out, "%s%s\n", text->start ? " start" : "", text->nocase ? " nocase" : "");
	}
	fclose(out);
	symptom_source_free(&source);
	symptoms = symptoms_load(tmp_path("s"), NULL);
	return symptoms && text_count > 100 ? 0 : -1;
}

static int close_texts(void **state)
{
	symptoms_free(symptoms);
	return 0;
}

static bool shows(uint32_t text)
{
	for (unsigned i = 0; i < last.count; i++)
		if (last.index[i] == text)
			return true;
	return false;
}

/* Which segments come, one after the other: of three, or several in one. */
static const struct {
	const char *name;
	struct {
		uint8_t from, to; /* segments FROM … TO-1 as one packet */
	} packets[6];
	uint8_t finds; /* the packet that completes the text */
} orders[] = {
	{"in order", {{0, 1}, {1, 2}, {2, 3}}, 2},
	{"2 last", {{0, 1}, {2, 3}, {1, 2}}, 2},
	{"1 last", {{1, 2}, {2, 3}, {0, 1}}, 2},
	{"backwards", {{2, 3}, {1, 2}, {0, 1}}, 2},
	{"3 first", {{2, 3}, {0, 1}, {1, 2}}, 2},
	{"2 first", {{1, 2}, {0, 1}, {2, 3}}, 2},
	{"all sent twice", {{0, 1}, {0, 1}, {1, 2}, {0, 1}, {2, 3}, {0, 3}}, 4},
	{"sent again behind a gap", {{2, 3}, {0, 1}, {2, 3}, {0, 1}, {1, 2}, {1, 3}}, 4},
	{"overlapping", {{0, 2}, {1, 3}, {0, 3}}, 1},
	{"overlapping, backwards", {{1, 3}, {0, 2}, {0, 3}}, 1},
	{"over a gap", {{0, 1}, {2, 3}, {0, 3}, {1, 2}}, 2},
	{"inside first", {{1, 2}, {0, 3}, {0, 1}, {2, 3}}, 1},
};

/* BORDERS: where segments begin, and the end. */
static void check_order(uint32_t number, size_t order, const uint8_t *stream,
	const uint32_t borders[4])
{
	unsigned found = 0, at = 0;

	begin_stream();
	for (unsigned i = 0; i < 6 && orders[order].packets[i].to; i++) {
		uint32_t from = borders[orders[order].packets[i].from],
			 to = borders[orders[order].packets[i].to];

		receive(from, stream + from, to - from, to - from, 0);
		found += shows(number);
		if (shows(number))
			at = i;
	}
	if (found != 1 || at != orders[order].finds)
		fail_msg("text %u, %s, cut at %u and %u of %u: found %u times, last in packet %u",
			number, orders[order].name, borders[1], borders[2], borders[3], found, at);
}

static void every_split(void **state)
{
	uint8_t stream[160];

	for (uint32_t number = 0; number < text_count; number++) {
		const struct text *text = &texts[number];
		uint32_t lead = text->start ? 0 : 3, end = lead + text->size;

		memset(stream, 0xee, sizeof(stream));
		memcpy(stream + lead, text->bytes, text->size);
		for (uint32_t a = lead + 1; a < end; a++) {
			for (uint32_t b = a + 1; b < end; b++)
				for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++)
					check_order(number, i, stream,
						(uint32_t[]){0, a, b, end + 4});
			begin_stream();
			receive(0, stream, a, a, 0);
			assert_false(shows(number));
			receive(a, stream + a, end - a, end - a, 0);
			assert_true(shows(number));
			begin_stream();
			receive(a, stream + a, end - a, end - a, 0);
			assert_false(shows(number));
			receive(0, stream, a, a, 0);
			assert_true(shows(number));
		}
	}
}

/* ---- streams made by chance ---- */

#define STREAM_MAX 200

struct model {
	uint8_t bytes[STREAM_MAX];
	uint32_t size;
	bool received[STREAM_MAX], starts[STREAM_MAX];
	unsigned start_count;
};

/* Whole texts, parts of them, and few other bytes. */
static void make_stream(struct model *model)
{
	memset(model, 0, sizeof(*model));
	while (model->size < STREAM_MAX - 128 && chance(8)) {
		const struct text *text = &texts[chance(text_count)];
		uint32_t size = chance(3) ? text->size : 1 + chance(text->size);

		memcpy(model->bytes + model->size, text->bytes, size);
		model->size += size;
		if (chance(3) == 0)
			model->bytes[model->size++] = (uint8_t)chance(256);
	}
	if (model->size == 0)
		model->bytes[model->size++] = 'x';
}

static bool same(const struct text *text, const uint8_t *bytes)
{
	for (uint32_t i = 0; i < text->size; i++)
		if (text->nocase ? tolower(text->bytes[i]) != tolower(bytes[i])
				 : text->bytes[i] != bytes[i])
			return false;
	return true;
}

/* Does the last packet complete TEXT somewhere? BEFORE: what was there without it. */
static bool completes(const struct model *model, const bool *before, const struct text *text)
{
	for (uint32_t at = 0; at + text->size <= model->size; at++) {
		bool all = true, new = false;

		if (!same(text, model->bytes + at) || (text->start && !model->starts[at]))
			continue;
		for (uint32_t i = at; i < at + text->size; i++) {
			all = all && model->received[i];
			new = new || !before[i];
		}
		if (all && new)
			return true;
	}
	return false;
}

static void send_some(struct model *model, uint32_t from, uint32_t to)
{
	bool before[STREAM_MAX], new = false;

	memcpy(before, model->received, sizeof(before));
	for (uint32_t i = from; i < to; i++)
		if (!model->received[i])
			new = model->received[i] = true;
	if (new && !model->starts[from])
		model->starts[from] = ++model->start_count;
	receive(from, model->bytes + from, to - from, to - from, 0);
	if (pieces->crowded || model->start_count > PIECE_STARTS)
		return;
	for (uint32_t i = 0; i < text_count; i++) {
		bool wanted = completes(model, before, &texts[i]);

		if (wanted != shows(i))
			fail_msg("text %u: packet %u … %u of %u shows it: %d", i, from, to,
				model->size, shows(i));
	}
}

/* Segments that overlap, in any order, some twice, as long as all can be remembered. */
static void streams_by_chance(void **state)
{
	struct model model;

	for (unsigned round = 0; round < 1500; round++) {
		make_stream(&model);
		begin_stream();
		for (unsigned i = 0; i < 6 && !pieces->crowded; i++) {
			uint32_t from = chance(model.size);
			uint32_t to = from + 1 + chance(model.size - from);

			send_some(&model, from, to);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edge_cases),
		cmocka_unit_test(long_payloads),
		cmocka_unit_test(full_memory),
		cmocka_unit_test(many_gaps),
		cmocka_unit_test_setup_teardown(every_split, open_texts, close_texts),
		cmocka_unit_test_setup_teardown(streams_by_chance, open_texts, close_texts),
	};

	log_open("test");
	return cmocka_run_group_tests(tests, open_memory, close_memory);
}
