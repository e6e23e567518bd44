/* symptom_border.c: which borders between two packets need a scan. Each that a match lies over does. */
#include "tests/unit/tmp.h"

#include <hs.h>

#include "preprocess/symptom_border.h"

static const struct {
	const char *expression;
	unsigned flags;
	const char *match;
} table[] = {
	{"facebook\\.com", 0, "facebook.com"},
	{"GET \\/announce\\?", HS_FLAG_CASELESS, "gEt /announce?"},
	{"\\r\\nHost: [^\\r\\n]{0,80}(facebook|fbcdn)\\.", HS_FLAG_CASELESS,
		"\r\nhost: cdn.static.fbcdn."},
	{"\\xff[\\xfa\\xfb].{20}\\xff", HS_FLAG_DOTALL, "\xff\xfb--------------------\xff"},
	{"(Xing|Info)[\\x01-\\x0f].{3,30}LAME", HS_FLAG_DOTALL, "Info\x02......LAME"},
	{"\\x{41}bc", 0, "Abc"}, /* is not understood: any border */
};

#define COUNT (sizeof(table) / sizeof(*table))

static struct symptom_border border;

static void add_pattern(char *expression, unsigned flags)
{
	struct symptom_pattern pattern = {.expression = expression, .flags = flags};
	struct symptom_bytes bytes;

	symptom_bytes(&pattern, &bytes);
	border_add(&border, &bytes, 200);
}

static void add(size_t i)
{
	add_pattern((char *)table[i].expression, table[i].flags);
}

static bool crossed(const char *text, size_t cut)
{
	struct symptom_opening opening =
		border_opening(&border, (const uint8_t *)text, (uint32_t)cut);

	return opening.size && (opening.sure || border_crossed(&border, (uint8_t)text[cut - 1],
							(uint8_t)text[cut]));
}

static void check_cuts(const char *match)
{
	char text[300];
	size_t size = (size_t)snprintf(text, sizeof(text), "%s%s%s", "....", match, "....");

	for (size_t cut = 5; cut < size - 4; cut++)
		if (!crossed(text, cut))
			fail_msg("%s cut behind %zu bytes", match, cut - 4);
}

/* Alone, and with all others. */
static void no_match_is_missed(void **state)
{
	for (size_t i = 0; i < COUNT; i++) {
		memset(&border, 0, sizeof(border));
		add(i);
		check_cuts(table[i].match);
	}
	for (size_t i = 0; i < COUNT; i++)
		add(i);
	for (size_t i = 0; i < COUNT; i++)
		check_cuts(table[i].match);
}

static void most_borders_are_spared(void **state)
{
	static const char text[] = "qqzzwqxx zqkw Host: facebook. zq";

	memset(&border, 0, sizeof(border));
	for (size_t i = 0; i + 1 < COUNT; i++)
		add(i);
	assert_false(border.always);
	for (size_t cut = 1; cut < 14; cut++)
		if (crossed(text, cut))
			fail_msg("%.*s|%c", (int)cut, text, text[cut]);
}

/* What begins farther back than the longest pattern reaches is of no account. */
static void reach(void **state)
{
	char text[301];

	memset(&border, 0, sizeof(border));
	add(2);
	memset(text, 'x', sizeof(text));
	memcpy(text + 50, "\r\n", 2);
	assert_true(crossed(text, 250));
	assert_false(crossed(text, 251));
}

static uint32_t opening(const char *tail)
{
	return border_opening(&border, (const uint8_t *)tail, (uint32_t)strlen(tail)).size;
}

/* From the first place where a match that goes on may begin, and one byte before it with which none begins. */
static void openings(void **state)
{
	memset(&border, 0, sizeof(border));
	add_pattern("facebook", 0);
	add_pattern("faces", 0);
	add_pattern("\\r\\nHost: [^\\r\\n]{0,80}fb", 0);
	assert_int_equal(opening(""), 0);
	assert_int_equal(opening("no pattern"), 0);
	assert_int_equal(opening("facebook."), 0);
	assert_int_equal(opening("see face"), 5);
	assert_int_equal(opening("face"), 4);
	assert_int_equal(opening("see facefface"), 6);
	assert_int_equal(opening("two lines\r\nand f"), 8);
	assert_int_equal(opening("two lines\rand f"), 2);
	assert_int_equal(opening("\r"), 1);
	assert_int_equal(opening("1 = f\r\nHost"), 8);
}

static void too_many_beginnings(void **state)
{
	memset(&border, 0, sizeof(border));
	for (int byte = 'a'; byte <= 'a' + BORDER_OPENERS; byte++) {
		char expression[] = "?!.{9}";

		assert_false(border.always);
		assert_int_equal(opening("...."), 0);
		expression[0] = (char)byte;
		add_pattern(expression, 0);
	}
	assert_true(border.always);
	assert_int_equal(opening("...."), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_match_is_missed),
		cmocka_unit_test(most_borders_are_spared),
		cmocka_unit_test(reach),
		cmocka_unit_test(openings),
		cmocka_unit_test(too_many_beginnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
