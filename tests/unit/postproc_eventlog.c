/* The lines of a batch stand in the file once, wherever the process that added them died. */
#include "tests/unit/tmp.h"

#include <errno.h>

#include "postproc/feed/eventlog.h"
#include "postproc/feed/limit.h"
#include "spool/log.h"
#include "spool/nfs.h"

static char *content(const char *name)
{
	return nfs_read_file(tmp_path(name), NULL);
}

static void assert_content(const char *name, const char *wanted)
{
	char *text = content(name);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

static struct eventlog *open_log(uint64_t rotate)
{
	int code;
	struct eventlog *log = eventlog_open(tmp_path("log"), rotate, 2, &code);

	assert_non_null(log);
	return log;
}

static bool add(struct eventlog *log, const char *batch, const char *lines)
{
	FILE *out = eventlog_begin(log, batch);

	if (!out) {
		assert_int_equal(errno, 0);
		return false;
	}
	fputs(lines, out);
	assert_int_equal(eventlog_commit(log, json_object()), 0);
	return true;
}

static void each_batch_once(void **state)
{
	struct eventlog *log = open_log(0);

	assert_true(add(log, "1", "a\n"));
	assert_false(add(log, "1", "a\n"));
	assert_true(add(log, "2", "b\nc\n"));
	eventlog_close(log);
	log = open_log(0);
	assert_false(add(log, "2", "b\nc\n"));
	assert_true(add(log, "3", ""));
	assert_true(add(log, "4", "d\n"));
	eventlog_close(log);
	assert_content("log", "a\nb\nc\nd\n");
	assert_null(content("log.4"));
}

/* Killed before the state names the batch: nothing of it stands there, and it comes again. */
static void killed_before_the_state(void **state)
{
	struct eventlog *log = open_log(0);
	FILE *out;

	assert_true(add(log, "1", "a\n"));
	out = eventlog_begin(log, "2");
	fputs("half a li", out);
	fflush(out);
	eventlog_close(log);
	assert_int_equal(nfs_write_file(tmp_path("log.2"), "half a li", 9), 0);
	log = open_log(0);
	assert_content("log", "a\n");
	assert_true(add(log, "2", "b\n"));
	eventlog_close(log);
	assert_content("log", "a\nb\n");
}

/* Killed behind it: KEPT bytes of the batch were added. */
static void killed_while_adding(void **state)
{
	static const char lines[] = "one\ntwo\n";

	for (size_t kept = 0; kept < sizeof(lines); kept++) {
		struct eventlog *log = open_log(0);
		char batch[16];
		size_t before = (size_t)(kept * (sizeof(lines) - 1));

		snprintf(batch, sizeof(batch), "b%zu", kept);
		assert_true(add(log, batch, lines));
		eventlog_close(log);
		assert_int_equal(truncate(tmp_path("log"), (off_t)(before + kept)), 0);
		snprintf(batch, sizeof(batch), "log.b%zu", kept);
		assert_int_equal(nfs_write_file(tmp_path(batch), lines, sizeof(lines) - 1), 0);
		log = open_log(0);
		assert_false(add(log, batch + 4, lines));
		eventlog_close(log);
		assert_null(content(batch));
	}
	assert_content("log", "one\ntwo\none\ntwo\none\ntwo\none\ntwo\none\ntwo\none\ntwo\n"
			      "one\ntwo\none\ntwo\none\ntwo\n");
}

static void abandoned(void **state)
{
	struct eventlog *log = open_log(0);

	assert_true(add(log, "1", "a\n"));
	fputs("no", eventlog_begin(log, "2"));
	eventlog_abandon(log);
	assert_true(add(log, "2", "b\n"));
	eventlog_close(log);
	assert_content("log", "a\nb\n");
}

static void moved_away_and_rotated(void **state)
{
	struct eventlog *log = open_log(4);

	assert_true(add(log, "1", "1234\n"));
	assert_true(add(log, "2", "5678\n"));
	assert_true(add(log, "3", "9\n"));
	assert_content("log", "9\n");
	assert_content("log.1", "5678\n");
	assert_content("log.2", "1234\n");
	assert_int_equal(rename(tmp_path("log"), tmp_path("moved")), 0);
	assert_true(add(log, "4", "x\n"));
	eventlog_close(log);
	assert_content("log", "x\n");
	assert_content("moved", "9\n");
}

static void one_writer(void **state)
{
	struct eventlog *log = open_log(0);
	int code;

	assert_null(eventlog_open(tmp_path("log"), 0, 2, &code));
	assert_int_equal(code, MIRA_AGAIN);
	eventlog_close(log);
	assert_int_equal(nfs_write_file(tmp_path("log.state"), "[", 1), 0);
	assert_null(eventlog_open(tmp_path("log"), 0, 2, &code));
	assert_int_equal(code, MIRA_PERSON);
}

#define HOUR 3600000ull

static void counts_by_rule_source_and_hour(void **state)
{
	json_t *memory = json_object();
	struct limit limit;

	limit_begin(&limit, 2, memory);
	json_decref(memory);
	assert_true(limit_count(&limit, 10 * HOUR, "1:7 a"));
	assert_true(limit_count(&limit, 10 * HOUR + 1, "1:7 a"));
	assert_false(limit_count(&limit, 11 * HOUR - 1, "1:7 a"));
	assert_true(limit_count(&limit, 10 * HOUR, "1:7 b"));
	assert_true(limit_count(&limit, 10 * HOUR, "1:8 a"));
	assert_true(limit_count(&limit, 11 * HOUR, "1:7 a"));
	memory = limit_end(&limit);
	limit_begin(&limit, 2, memory);
	json_decref(memory);
	assert_false(limit_count(&limit, 10 * HOUR, "1:7 a"));
	assert_true(limit_count(&limit, 12 * HOUR, "1:7 a"));
	memory = limit_end(&limit);
	assert_null(json_object_get(memory, "10"));
	assert_non_null(json_object_get(memory, "11"));
	limit_begin(&limit, 0, memory);
	json_decref(memory);
	for (int i = 0; i < 1000; i++)
		assert_true(limit_count(&limit, 12 * HOUR, "1:7 a"));
	json_decref(limit_end(&limit));
}

#define TEST_IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_IN_FOLDER(each_batch_once),
		TEST_IN_FOLDER(killed_before_the_state),
		TEST_IN_FOLDER(killed_while_adding),
		TEST_IN_FOLDER(abandoned),
		TEST_IN_FOLDER(moved_away_and_rotated),
		TEST_IN_FOLDER(one_writer),
		cmocka_unit_test(counts_by_rule_source_and_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
