/* symptom_ahead.c: a look ahead spares scans, and changes nothing of what is found. */
#include "tests/unit/tmp.h"

#include "preprocess/symptom.h"
#include "preprocess/symptom_ahead.h"
#include "preprocess/symptom_compile.h"
#include "spool/log.h"

enum { TCP = 6, UDP = 17, SIZE = 4096, PAYLOADS = 20000 };

/* Patterns of all kinds, and for each what it finds. */
static const struct {
	const char *line, *match;
	size_t size;
} table[] = {
	{"text \"facebook.com\"", "facebook.com", 12},
	{"text \"GET /\" start", "GET /", 5},
	{"text \"BitTorrent\" at 1..3",
		"\x13"
		"BitTorrent",
		11},
	{"text \"one\"\n and text \"two\" after 0..4", "one  two", 8},
	{"hex 16 03 ?? 01 start", "\x16\x03\x01\x01", 4},
	{"regex /^.{0,4}\\xff\\xfb[\\x90-\\xe0]/s", "...\xff\xfb\xa0", 6},
	{"regex /^HELO |^EHLO /i", "ehlo ", 5},
	{"regex /^(ab){2,3}[0-9]?x{3}/", "ababxxx", 7},
	{"regex /^(?:USER|PASS) [^ ]{1,9} /", "PASS me ", 8},
	{"regex /^\\x00?\\x01{4}.(\\x02|\\x03\\x04)\\x05/s", "\x01\x01\x01\x01.\x03\x04\x05", 8},
	{"regex /a{3}$/", "aaa", 3},
	{"regex /\\bword\\b/", "word", 4},
	{"regex /^line/m", "x\nline", 6},
	{"regex /(?:^|\\n)Host: \\w/", "Host: x", 7},
	{"regex /User-Agent: [^\\r\\n]{0,40}curl/i", "user-agent: my curl", 19},
	{"pcre /(?<=ab)cd/", "abcd", 4},
};

#define COUNT (sizeof(table) / sizeof(*table))
#define SEEN  (COUNT - 1) /* with the last one it does not pay: its expression is not understood */

static uint8_t buffer[SIZE];
static uint32_t chance = 1;

static uint32_t draw(uint32_t below)
{
	chance = chance * 1664525 + 1013904223;
	return (chance >> 8) % below;
}

/* Bytes of chance, among them, for each of SOME, what a pattern finds. */
static void fill(unsigned some)
{
	for (size_t i = 0; i < SIZE; i++)
		buffer[i] = (uint8_t)draw(256);
	for (unsigned i = 0; i < some; i++) {
		size_t which = draw(COUNT);

		memcpy(buffer + draw(SIZE - 64), table[which].match, table[which].size);
	}
}

static struct symptoms *load(size_t from, size_t to)
{
	char text[2048];
	size_t size = 0;

	for (size_t i = from; i < to; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "symptom s%zu\n %s\n", i,
			table[i].line);
	mkdir(tmp_path("symptoms"), 0700);
	tmp_write("symptoms/a.sym", text);
	return symptoms_load(tmp_path("symptoms"), NULL);
}

static uint64_t hits_of(struct symptoms *symptoms, const uint8_t *payload, size_t size,
	uint8_t proto)
{
	struct symptom_hits hits = {.count = 0};
	uint64_t found = 0;

	symptoms_scan(symptoms, payload, size, proto, 1000, 2000, &hits);
	for (unsigned i = 0; i < hits.count; i++)
		found |= 1ull << hits.index[i];
	return found;
}

/* What is found in payloads anywhere in a buffer; one begins with a match now and then. */
static uint64_t compare(struct symptoms *looks, struct symptoms *plain)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < PAYLOADS; i++) {
		size_t at = draw(SIZE), size = draw((uint32_t)(SIZE - at)) % 200, which;
		uint8_t proto = i & 1 ? TCP : UDP;
		uint64_t found;

		if (i % 200 == 0) {
			fill(8);
			which = draw(COUNT);
			at = draw(SIZE - 64);
			size = table[which].size + draw(30);
			memcpy(buffer + at, table[which].match, table[which].size);
			symptoms_look_ahead(looks, buffer, SIZE);
		}
		found = hits_of(plain, buffer + at, size, proto);
		assert_int_equal(hits_of(looks, buffer + at, size, proto), found);
		all |= found;
	}
	return all;
}

static void nothing_is_missed(void **state)
{
	struct symptoms *looks = load(0, SEEN), *plain = load(0, SEEN);

	assert_non_null(looks);
	assert_int_equal(compare(looks, plain), (1ull << SEEN) - 1);
	symptoms_free(looks);
	symptoms_free(plain);
}

/* Alone, so that no other pattern is the reason for a scan. */
static void nothing_of_one_is_missed(void **state)
{
	for (size_t i = 0; i < COUNT; i++) {
		struct symptoms *looks = load(i, i + 1), *plain = load(i, i + 1);

		assert_non_null(looks);
		if (compare(looks, plain) != 1)
			fail_msg("%s was never found", table[i].line);
		symptoms_free(looks);
		symptoms_free(plain);
	}
}

/* ---- the module itself ---- */

struct look {
	struct symptom_ahead ahead;
	struct symptom_source source;
	hs_database_t *database;
	hs_scratch_t *scratch;
};

static struct look *look_new(const char *text)
{
	struct look *look = x_calloc(1, sizeof(*look));

	assert_int_equal(symptom_source_text(&look->source, "a.sym", text, strlen(text)), 0);
	for (size_t i = 0; i < look->source.pattern_count; i++) {
		struct symptom_bytes bytes;

		symptom_bytes(&look->source.patterns[i], &bytes);
		ahead_add(&look->ahead, &look->source.patterns[i], &bytes);
	}
	assert_int_equal(symptom_compile(&look->source, SYMPTOM_SET_AHEAD, NULL, &look->database),
		0);
	if (look->database)
		assert_int_equal(hs_alloc_scratch(look->database, &look->scratch), HS_SUCCESS);
	return look;
}

static void look_free(struct look *look)
{
	hs_free_scratch(look->scratch);
	hs_free_database(look->database);
	symptom_source_free(&look->source);
	free(look);
}

static bool shows(struct look *look, size_t at, size_t size)
{
	return ahead_shows(&look->ahead, buffer + at, size);
}

static void look_at(struct look *look)
{
	ahead_look(&look->ahead, look->database, look->scratch, buffer, SIZE);
}

static void most_need_no_scan(void **state)
{
	struct look *look = look_new("symptom a\n text \"needle\"\n regex /^POST \\// \n");

	memset(buffer, '.', SIZE);
	memcpy(buffer + 1000, "needle", 6);
	memcpy(buffer + 2000, "POST /", 6);
	assert_true(ahead_pays(&look->ahead));
	assert_true(shows(look, 0, 100)); /* nobody has looked yet */
	look_at(look);
	assert_false(shows(look, 0, 900));
	assert_true(shows(look, 900, 106));
	assert_true(shows(look, 1000, 500));
	assert_false(shows(look, 1100, 950)); /* POST is not where it begins */
	assert_true(shows(look, 2000, 10));
	assert_false(shows(look, 0, 1));
	assert_true(shows(look, 2000, 1)); /* the rest of POST is in the next packet */
	assert_true(shows(look, SIZE - 100, 101));
	assert_true(ahead_shows(&look->ahead, (const uint8_t *)"elsewhere", 9));
	look_free(look);
}

/* Looks at nothing where much is found, after which LOOK rests for so many buffers. */
static void check_rest(struct look *look, unsigned rest)
{
	for (size_t at = 0; at < SIZE; at += 64)
		memcpy(buffer + at, "needle", 6);
	look_at(look);
	assert_true(shows(look, 10, 40));
	memset(buffer, '.', SIZE);
	for (unsigned i = 0; i < rest; i++) {
		look_at(look);
		assert_true(shows(look, 10, 40));
	}
}

static void where_much_is_found_it_rests(void **state)
{
	struct look *look = look_new("symptom a\n text \"needle\"\n");

	for (unsigned rest = 1; rest <= AHEAD_REST; rest = 2 * rest + 1)
		check_rest(look, rest);
	check_rest(look, AHEAD_REST);
	look_at(look);
	assert_false(shows(look, 10, 40));
	look_at(look); /* it paid */
	check_rest(look, 1);
	look_at(look);
	assert_false(shows(look, 10, 40));
	look_free(look);
}

static void where_most_is_scanned_it_rests(void **state)
{
	struct look *look = look_new("symptom a\n text \"POST /\" start\n");

	memset(buffer, '.', SIZE);
	memcpy(buffer + 1000, "POST /", 6);
	look_at(look);
	assert_true(shows(look, 1000, 100));
	assert_true(shows(look, 1000, 100));
	assert_false(shows(look, 0, 100));
	look_at(look);
	assert_true(shows(look, 0, 100));
	look_free(look);
}

/* Any start, at length; what is not understood; and more starts than one of 32. */
static void some_sets_do_not_pay(void **state)
{
	static const struct {
		const char *text;
		bool pays;
	} sets[] = {
		{"symptom a\n regex /^.{20}x.{0,90}y/s\n", false},
		{"symptom a\n regex /^.{9}x/s\n", true},
		{"symptom a\n pcre /(?<=ab)cd/\n", false},
		{"symptom a\n regex /^[\\x00-\\x07]/\n", true},
		{"symptom a\n regex /^[\\x00-\\x03]/\n regex /^[\\x10-\\x13]/\n regex "
		 "/^[\\x20-\\x23]/\n",
			false},
		{"symptom a\n regex /^[\\x00-\\x03]{2}/\n regex /^[\\x10-\\x13]+x/\n regex "
		 "/^(x|[\\x20-\\x23])/\n",
			true},
	};

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		struct look *look = look_new(sets[i].text);

		if (ahead_pays(&look->ahead) != sets[i].pays)
			fail_msg("%s", sets[i].text);
		look_free(look);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_missed),
		cmocka_unit_test(nothing_of_one_is_missed),
		cmocka_unit_test(most_need_no_scan),
		cmocka_unit_test(where_much_is_found_it_rests),
		cmocka_unit_test(where_most_is_scanned_it_rests),
		cmocka_unit_test(some_sets_do_not_pay),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
