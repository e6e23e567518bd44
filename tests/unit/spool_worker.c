/* worker.c: names that never return, and beats that count. */
#include "tests/unit/queues.h"

#include <ctype.h>
#include <sys/wait.h>

#include "spool/beat.h"

static void names_are_long_and_new(void **state)
{
	struct worker *a = worker_start(&queues_spool, "preprocess"),
		      *b = worker_start(&queues_spool, "preprocess");
	const char *digits = strrchr(worker_name(a), '.') + 1;

	assert_non_null(a);
	assert_int_equal(strncmp(worker_name(a), "preprocess.", 11), 0);
	assert_int_equal(strlen(digits), 32);
	assert_int_equal(strspn(digits, "0123456789abcdef"), 32);
	assert_true(digits - worker_name(a) <= 11 + 24 + 1);
	assert_string_not_equal(worker_name(a), worker_name(b));
	for (const char *host = worker_name(a) + 11; *host != '.'; host++)
		assert_true(isalnum(*host) || *host == '_');
	worker_stop(a);
	worker_stop(b);
}

static void beats_count_and_tell(void **state)
{
	struct progress shown = {.batches = 3, .bytes = 1ull << 40, .doing = "batch \"x\"\n"}, seen;
	struct worker *worker = worker_start(&queues_spool, "store");
	struct beat first, second;
	struct stat status;

	assert_int_equal(beat_read(&queues_spool, worker_name(worker), &first), 1);
	worker_progress(worker, &shown);
	usleep(1300000);
	assert_int_equal(beat_read(&queues_spool, worker_name(worker), &second), 1);
	assert_true(second.beat > first.beat);
	assert_true(worker_read(&queues_spool, worker_name(worker), &seen));
	assert_int_equal(seen.batches, 3);
	assert_int_equal(seen.bytes, 1ull << 40);
	assert_string_equal(seen.doing, shown.doing);
	assert_int_equal(second.pid, getpid());
	assert_int_equal(second.start_time, process_start_time((uint64_t)getpid()));
	assert_int_equal(stat(at("workers/%s", worker_name(worker)), &status), 0);
	assert_int_equal(status.st_size, WORKER_BEAT_BYTES);
	worker_stop(worker);
	assert_int_equal(count_in(at("workers")), 0);
}

static void removed_beat_comes_back(void **state)
{
	struct worker *worker = worker_start(&queues_spool, "store");

	assert_int_equal(unlink(at("workers/%s", worker_name(worker))), 0);
	usleep(1300000);
	assert_true(stands(at("workers/%s", worker_name(worker))));
	worker_stop(worker);
}

static void renamed_worker_leaves_nothing(void **state)
{
	struct worker *worker = worker_start(&queues_spool, "store");
	char before[NAME_MAX + 1];

	strcpy(before, worker_name(worker));
	assert_int_equal(worker_rename(worker), 0);
	assert_string_not_equal(worker_name(worker), before);
	assert_false(stands(at("workers/%s", before)));
	assert_true(stands(at("workers/%s", worker_name(worker))));
	usleep(1300000);
	assert_int_equal(count_in(at("workers")), 1);
	worker_stop(worker);
}

#ifdef MIRA_FAULTS
/* Two beats of one process: both are those of a dead one. */
static void killed_between_two_names(void **state)
{
	struct namelist dead;
	int status;

	if (fork() == 0) {
		struct worker *worker = worker_start(&queues_spool, "store");

		setenv("MIRA_FAULT", "renamed:1", 1);
		worker_rename(worker);
		_exit(0);
	}
	wait(&status);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(count_in(at("workers")), 2);
	assert_int_equal(worker_list_dead(&queues_spool, "store", &dead), 0);
	assert_int_equal(dead.count, 2);
	namelist_free(&dead);
}
#endif

static void attempts_differ(void **state)
{
	struct worker *worker = worker_start(&queues_spool, "store");
	char one[NAME_MAX + 1], two[NAME_MAX + 1];

	worker_attempt(worker, one);
	worker_attempt(worker, two);
	assert_string_not_equal(one, two);
	assert_int_equal(strncmp(one, worker_name(worker), strlen(worker_name(worker))), 0);
	worker_stop(worker);
}

static void no_beat_without_a_spool(void **state)
{
	tmp_remove(at("workers"));
	assert_null(worker_start(&queues_spool, "store"));
	assert_int_equal(errno, ENOENT);
}

/* Whatever stands in a beat, reading it is safe. */
static void broken_beats_are_none(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{\"beat\":-1}", "{\"beat\":1}",
		"\xff\xfe"};
	struct beat beat;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		put_file(at("workers/w"), texts[i]);
		assert_int_equal(beat_read(&queues_spool, "w", &beat), 0);
		assert_int_equal(beat.beat, 0);
	}
	assert_int_equal(beat_read(&queues_spool, "none", &beat), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, queues_setup, queues_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_are_long_and_new),
		TEST(beats_count_and_tell),
		TEST(removed_beat_comes_back),
		TEST(renamed_worker_leaves_nothing),
#ifdef MIRA_FAULTS
		TEST(killed_between_two_names),
#endif
		TEST(attempts_differ),
		TEST(no_beat_without_a_spool),
		TEST(broken_beats_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
