/* symptom_first.c: with which bytes a match can begin, and which can follow which, and how long it is. A byte too many costs
 * time, one that is missing would hide a symptom. */
#include "tests/unit/tmp.h"

#include <ctype.h>
#include <hs.h>

#include "preprocess/symptom_first.h"

static const struct {
	const char *expression;
	unsigned flags;
	const char *bytes; /* NULL: any */
} table[] = {
	{"abc", 0, "a"},
	{"^(?:\\x41\\x42)", 0, "A"},
	{"^(GET|POST) /", 0, "GP"},
	{"^get", HS_FLAG_CASELESS, "Gg"},
	{"^(?:a?b*c{0,3}d|e)", 0, "abcde"},
	{"^(?:a?)+b", 0, "ab"},
	{"a{2}b", 0, "a"},
	{"a{0,2}b", 0, "ab"},
	{"a+?b", 0, "a"},
	{"a{2,}+b", 0, "a"},
	{"a*|b", 0, NULL},
	{"a|", 0, NULL},
	{"()x", 0, "x"},
	{"[ac-e]x", 0, "acde"},
	{"[]a-]x", 0, "]a-"},
	{"[\\x30-\\x32\\d]x", 0, "0123456789"},
	{"[\\n\\]\\-]x", 0, "\n]-"},
	{"[^\\x01-\\xff]x", 0, ""},
	{"\\d{1,3} ok", 0, "0123456789"},
	{"\\.\\/x", 0, "."},
	{"\\bword", 0, "w"},
	{"x{y", 0, "x"},
	{"{y", 0, "{"},
	{".x", HS_FLAG_DOTALL, NULL},
	/* not understood */
	{"(?i)x", 0, NULL},
	{"[[:alpha:]]x", 0, NULL},
	{"[a-\\d]x", 0, NULL},
	{"\\x{41}", 0, NULL},
	{"\\pLx", 0, NULL},
	{"\\Qx\\E", 0, NULL},
	{"\\Bx", 0, NULL},
	{"[abc", 0, NULL},
	{"(abc", 0, NULL},
	{"abc)", 0, NULL},
	{"a\\", 0, NULL},
};

static bool listed(const char *bytes, int byte)
{
	return !bytes || (byte && strchr(bytes, byte));
}

static void all_of_the_table(void **state)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct symptom_pattern pattern = {.expression = (char *)table[i].expression,
			.flags = table[i].flags};
		struct symptom_bytes bytes;

		symptom_bytes(&pattern, &bytes);
		for (int byte = 1; byte < 256; byte++) {
			bool has = byteset_has(&bytes.first, (uint8_t)byte);

			if (has != listed(table[i].bytes, byte))
				fail_msg("/%s/ %s with byte %02x", table[i].expression,
					has ? "may not begin" : "may begin", byte);
		}
	}
}

/* Hyperscan has the last word: whatever begins a match, and whatever stands side by side in one, is known. */
struct checked {
	const char *expression, *text;
	const struct symptom_bytes *bytes;
};

static int check(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
	void *context)
{
	const struct checked *checked = context;
	const uint8_t *text = (const uint8_t *)checked->text;

	if (to > from && !byteset_has(&checked->bytes->first, text[from]))
		fail_msg("/%s/ begins with %02x", checked->expression, text[from]);
	for (; from + 1 < to; from++)
		if (!byteset_has(&checked->bytes->follow[text[from]], text[from + 1]))
			fail_msg("/%s/ has %02x behind %02x", checked->expression, text[from + 1],
				text[from]);
	return 0;
}

static void hyperscan_agrees(void **state)
{
	static const char *const rests[] = {"", "a", "b", "d", "x", " ok", " /", "ET /", "OST /",
		"et", "ETx", "bc", "B", "aab", "./x", "/x", "ord", "{y", "y", "aaab", "bbccd",
		"12 ok", "ababb"};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct symptom_pattern pattern = {.expression = (char *)table[i].expression,
			.flags = table[i].flags};
		struct symptom_bytes bytes;
		hs_database_t *database = NULL;
		hs_scratch_t *scratch = NULL;
		hs_compile_error_t *error = NULL;

		if (hs_compile(pattern.expression, pattern.flags | HS_FLAG_SOM_LEFTMOST,
			    HS_MODE_BLOCK, NULL, &database, &error)) {
			hs_free_compile_error(error);
			continue;
		}
		assert_int_equal(hs_alloc_scratch(database, &scratch), 0);
		symptom_bytes(&pattern, &bytes);
		for (size_t k = 0; k < 255 * sizeof(rests) / sizeof(*rests); k++) {
			char text[8];
			struct checked checked = {pattern.expression, text, &bytes};
			int size = snprintf(text, sizeof(text), "%c%s", (int)(k % 255 + 1),
				rests[k / 255]);
			hs_scan(database, text, (unsigned)size, 0, scratch, check, &checked);
		}
		hs_free_scratch(scratch);
		hs_free_database(database);
	}
}

/* Bytes that stand nowhere side by side are told from those that do. */
static void what_cannot_follow(void **state)
{
	static const struct {
		const char *expression;
		unsigned flags;
		const char *good, *bad; /* pairs */
	} pairs[] = {
		{"abc", 0, "abbc", "acbacb"},
		{"a(b|cd)?e", 0, "abaebeaccdde", "adbccedc"},
		{"(ab)+c", 0, "abbabc", "acaabb"},
		{"a[x-z]b", 0, "axzb", "abxy"},
		{"ab", HS_FLAG_CASELESS, "abAbaBAB", "aAba"},
		{"a{2}b", 0, "aaab", "bb"},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct symptom_pattern pattern = {.expression = (char *)pairs[i].expression,
			.flags = pairs[i].flags};
		struct symptom_bytes bytes;

		symptom_bytes(&pattern, &bytes);
		for (const char *at = pairs[i].good; *at; at += 2)
			if (!byteset_has(&bytes.follow[(uint8_t)at[0]], (uint8_t)at[1]))
				fail_msg("/%s/ without %.2s", pairs[i].expression, at);
		for (const char *at = pairs[i].bad; *at; at += 2)
			if (byteset_has(&bytes.follow[(uint8_t)at[0]], (uint8_t)at[1]))
				fail_msg("/%s/ with %.2s", pairs[i].expression, at);
	}
}

/* As Hyperscan says; where it would say more than is understood here, it is asked. */
static bool check_length(const char *expression, unsigned flags)
{
	struct symptom_pattern pattern = {.expression = (char *)expression, .flags = flags};
	struct symptom_bytes bytes;
	hs_expr_info_t *info = NULL;
	hs_compile_error_t *error = NULL;

	symptom_bytes(&pattern, &bytes);
	if (!bytes.measured || hs_expression_info(expression, flags, &info, &error)) {
		hs_free_compile_error(error);
		return false;
	}
	if (bytes.least != info->min_width || bytes.most != info->max_width)
		fail_msg("/%s/ of %u to %u bytes, Hyperscan says %u to %u", expression, bytes.least,
			bytes.most, info->min_width, info->max_width);
	free(info);
	return true;
}

static void lengths(void **state)
{
	static const char *const measured[] = {"abc", "^abc", "\\Aabc", "a?bc", "a*b", "a+b",
		"(ab){3}", "(ab){2,}c", "(a|bcd){2,5}x", "(a?b{1,3}){0,4}xx", "x(bc|)y",
		"x.{10,200}y", "[a-c]{4}(?:de|f)?"};
	static const char *const asked[] = {"abc$", "\\babc", "abc\\b", "abc\\z", "(?i)x", "a{2"};

	for (size_t i = 0; i < sizeof(measured) / sizeof(*measured); i++)
		if (!check_length(measured[i], 0))
			fail_msg("/%s/ is not measured", measured[i]);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		assert_false(check_length(asked[i], 0));
	assert_false(check_length("^abc", HS_FLAG_MULTILINE));
}

static void lengths_of_the_default_set(void **state)
{
	struct symptom_source source;
	size_t measured = 0;

	assert_int_equal(symptom_source_load(&source, "etc/symptoms.d"), 0);
	for (size_t i = 0; i < source.pattern_count; i++)
		measured += check_length(source.patterns[i].expression, source.patterns[i].flags);
	assert_true(measured > source.pattern_count / 2);
	symptom_source_free(&source);
}

static void what_a_match_begins_with(void **state)
{
	static const struct {
		const char *expression;
		unsigned flags;
		const char *prefix;
	} prefixes[] = {
		{"needle", 0, "needle"},
		{"needles and pins", 0, "needles "},
		{"needl", 0, NULL},
		{"\\r\\nHost: [^\\r\\n]{0,80}x", HS_FLAG_CASELESS, "\r\nhost: "},
		{"\\bneedle(s|work)?", 0, "needle"},
		{"(?:needle|needless)", 0, "needle"},
		{"(?:needle|needful)", 0, NULL},
		{"neee{2}dle", 0, "neeeedle"},
		{"nee*dle", 0, NULL},
		{"x?needle", 0, NULL},
		{"[nN]eedle", 0, NULL},
		{"[nN]eedle", HS_FLAG_CASELESS, "needle"},
		{"\\x00{8}\\x01", 0, NULL},
		{"(?i)needle", 0, NULL},
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		struct symptom_pattern pattern = {.expression = (char *)prefixes[i].expression,
			.flags = prefixes[i].flags};
		const char *expected = prefixes[i].prefix;
		struct symptom_bytes bytes;
		char text[64] = "", *prefix;

		symptom_bytes(&pattern, &bytes);
		prefix = symptom_prefix(&pattern, &bytes);
		for (const char *byte = expected; byte && *byte; byte++)
			sprintf(text + strlen(text), "\\x%02x",
				(unsigned)(pattern.flags ? toupper(*byte) : *byte));
		if (strcmp(prefix ? prefix : "", text))
			fail_msg("/%s/: %s", pattern.expression, prefix ? prefix : "nothing");
		free(prefix);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_the_table),
		cmocka_unit_test(hyperscan_agrees),
		cmocka_unit_test(what_cannot_follow),
		cmocka_unit_test(lengths),
		cmocka_unit_test(lengths_of_the_default_set),
		cmocka_unit_test(what_a_match_begins_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
