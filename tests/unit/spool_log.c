/* log.c: one line a message, whatever stands in it. */
#include "tests/unit/tmp.h"

#include <errno.h>
#include <sys/wait.h>

#include "spool/log.h"

static const char *logged(const char *level, enum log_level at, const char *text)
{
	if (level)
		setenv("MIRA_LOG", level, 1);
	else
		unsetenv("MIRA_LOG");
	log_open("mira-test");
	tmp_log_begin();
	log_write(at, "%s", text);
	return tmp_log_end();
}

static void line_has_time_level_program_message(void **state)
{
	const char *line = logged(NULL, LOG_WARN, "cut at byte 812");

	assert_int_equal(line[10], 'T');
	assert_int_equal(line[23], 'Z');
	assert_string_equal(line + 24, " level=warn prog=mira-test msg=\"cut at byte 812\"\n");
	assert_string_equal(log_program(), "mira-test");
}

static void message_cannot_end_its_line(void **state)
{
	const char *line = logged(NULL, LOG_ERR, "a\nb\"c\\d\x1b[2J\x7f");

	assert_string_equal(line + 24,
		" level=err prog=mira-test msg=\"a\\nb\\\"c\\\\d\\x1b[2J\\x7f\"\n");
}

static void long_message_is_one_line(void **state)
{
	char *text = malloc(20001);
	const char *line;

	memset(text, '\n', 20000);
	text[20000] = '\0';
	line = logged(NULL, LOG_ERR, text);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_true(strlen(line) > 4000);
	free(text);
}

static void level_is_chosen_by_environment(void **state)
{
	assert_string_equal(logged(NULL, LOG_DEBUG, "x"), "");
	assert_string_not_equal(logged(NULL, LOG_INFO, "x"), "");
	assert_string_not_equal(logged("debug", LOG_DEBUG, "x"), "");
	assert_string_equal(logged("err", LOG_WARN, "x"), "");
	assert_string_equal(logged("nonsense", LOG_DEBUG, "x"), "");
}

static void errno_survives(void **state)
{
	errno = ESTALE;
	logged(NULL, LOG_ERR, "x");
	tmp_log_begin();
	errno = ESTALE;
	log_err("x");
	assert_int_equal(errno, ESTALE);
	tmp_log_end();
}

static void die_exits_with_its_code(void **state)
{
	int status;
	pid_t child;

	tmp_log_begin();
	child = fork();
	if (child == 0)
		die(MIRA_PERSON, "enough of %s", "this");
	waitpid(child, &status, 0);
	assert_says(tmp_log_end(), "level=err prog=mira-test msg=\"enough of this\"");
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), MIRA_PERSON);
}

static void memory_is_there_for_nothing_too(void **state)
{
	char *none = x_calloc(0, 8), *text = x_sprintf("%d-%s", 7, "x"), *copy = x_strdup(text);

	assert_non_null(none);
	assert_string_equal(text, "7-x");
	assert_string_equal(copy, text);
	none = x_realloc(none, 0);
	assert_non_null(none);
	free(none);
	free(text);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_has_time_level_program_message),
		cmocka_unit_test(message_cannot_end_its_line),
		cmocka_unit_test(long_message_is_one_line),
		cmocka_unit_test(level_is_chosen_by_environment),
		cmocka_unit_test(errno_survives),
		cmocka_unit_test(die_exits_with_its_code),
		cmocka_unit_test(memory_is_there_for_nothing_too),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
