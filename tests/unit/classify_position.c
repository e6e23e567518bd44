/* A byte of a condition, back to line and column of policy.conf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "classify/position.h"

static void found(const char *text, int line, const char *value, size_t offset, int want_line,
	int want_column)
{
	struct position at;

	assert_true(position_find(text, line, "when", value, offset, &at));
	assert_int_equal(at.line, want_line);
	assert_int_equal(at.column, want_column);
}

static void plain(void **state)
{
	found("classes = ( { name = \"x\";\n\twhen = \"dns > 0\"; } );\n", 2, "dns > 0", 0, 2, 10);
	found("classes = ( { name = \"x\";\n\twhen = \"dns > 0\"; } );\n", 2, "dns > 0", 6, 2, 16);
	found("when : \"a\"", 1, "a", 0, 1, 9);
	found("when\n=\n\"ab\"", 1, "ab", 1, 3, 3);
}

static void end_of_value(void **state)
{
	found("when = \"abc\";", 1, "abc", 3, 1, 12);
	found("when = \"\";", 1, "", 0, 1, 9);
}

static void adjacent_literals(void **state)
{
	static const char text[] =
		"when = \"dns > 0 \"  # first\n  /* and\n */ \"AND x\" // last\n \" = 1\";";

	found(text, 1, "dns > 0 AND x = 1", 0, 1, 9);
	found(text, 1, "dns > 0 AND x = 1", 12, 3, 10);
	found(text, 1, "dns > 0 AND x = 1", 13, 4, 3);
}

static void line_end_inside(void **state)
{
	found("when = \"a\n  or b\";", 1, "a\n  or b", 7, 2, 6);
}

static void escapes(void **state)
{
	static const char text[] = "when = \"x = '\\\"\\\\\\x41\\n' OR y\";";

	found(text, 1, "x = '\"\\A\n' OR y", 5, 1, 14);
	found(text, 1, "x = '\"\\A\n' OR y", 6, 1, 16);
	found(text, 1, "x = '\"\\A\n' OR y", 7, 1, 18);
	found(text, 1, "x = '\"\\A\n' OR y", 14, 1, 29);
}

/* What only looks like the setting: comments, texts, other names, other values, earlier lines. */
static void decoys(void **state)
{
	static const char text[] =
		"# when = \"a\"\n/* when = \"a\" */\nsay = \"when = \\\"a\\\"\";\nwhen_not = \"a\";\n"
		"when = \"b\";\nwhen = \"a\";\n{ x = ( 1, \"when\" ); when = \"a\"; }\n";

	found(text, 1, "a", 0, 6, 9);
	found(text, 7, "a", 0, 7, 30);
	found("{ when = \"a\"; }, { when = \"bb\"; }", 1, "bb", 1, 1, 29);
}

static void absent(void **state)
{
	struct position at;

	assert_false(position_find("when = \"a\";", 1, "when", "b", 0, &at));
	assert_int_equal(at.line, 1);
	assert_int_equal(at.column, 1);
	assert_false(position_find("when = 12;", 7, "when", "12", 0, &at));
	assert_int_equal(at.line, 7);
	assert_false(position_find("", 3, "when", "", 0, &at));
}

/* The file may have changed since it was loaded: any cut of it is read to its end and no further. */
static void truncated(void **state)
{
	static const char text[] = "when = \"a \\x41\" /* c */ \"b\\\\\" # d\n \"e\";";
	struct position at;

	for (size_t size = 0; size < sizeof(text); size++) {
		char *cut = test_malloc(size + 1);

		memcpy(cut, text, size);
		cut[size] = '\0';
		position_find(cut, 1, "when", "a Ab\\e", 5, &at);
		test_free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(end_of_value),
		cmocka_unit_test(adjacent_literals),
		cmocka_unit_test(line_end_inside),
		cmocka_unit_test(escapes),
		cmocka_unit_test(decoys),
		cmocka_unit_test(absent),
		cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
