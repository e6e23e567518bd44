/* look.c: who is dead, who lives, and of whom nothing is known. */
#include "tests/unit/queues.h"

#include <sys/wait.h>

#include "spool/beat.h"
#include "spool/fields.h"

#define NAME "preprocess.far.00000000000000000000000000000001"

static struct beat self;

/* A worker of another host, by its boot id. */
static void put_far(uint64_t beat)
{
	struct beat far = {.beat = beat, .pid = 1, .start_time = 1};

	strcpy(far.boot_id, "another");
	strcpy(far.host, "far");
	assert_int_equal(beat_write(&queues_spool, NAME, &far), 0);
}

static const char *looks_file(void)
{
	beat_self(&self);
	return at("state/looks/%s.json", self.boot_id);
}

/* Lets SECONDS pass, as far as the looks know. */
static void pass(unsigned seconds)
{
	static const char *const times[] = {"at_ms", "changed_ms"};
	char why[FIELD_WHY];
	json_t *looks = json_read_file(looks_file(), why), *look;

	look = json_object_get(looks, NAME);
	assert_non_null(look);
	for (size_t i = 0; i < 2; i++) {
		json_int_t ms = json_integer_value(json_object_get(look, times[i]));

		if (ms)
			json_object_set_new(look, times[i],
				json_integer(ms - (json_int_t)seconds * 1000));
	}
	assert_int_equal(json_write_file(looks, looks_file()), 0);
}

/* A worker of this machine before a reboot, or of a clone of it. */
static void put_earlier(uint64_t beat)
{
	struct beat earlier = {.beat = beat, .pid = 1, .start_time = 1};

	beat_self(&self);
	strcpy(earlier.boot_id, "earlier");
	strcpy(earlier.machine, self.machine[0] ? self.machine : "m");
	assert_int_equal(beat_write(&queues_spool, NAME, &earlier), 0);
}

static void own_process_lives(void **state)
{
	struct worker *worker = worker_start(&queues_spool, "store");

	assert_int_equal(worker_state(&queues_spool, worker_name(worker)), WORKER_ALIVE);
	assert_int_equal(worker_dead(&queues_spool, worker_name(worker)), 0);
	worker_stop(worker);
}

/* Killed, and even before its parent has asked: a zombie process works no more. */
static void killed_process_is_dead_at_once(void **state)
{
	int pipes[2];
	char name[NAME_MAX + 1] = "";
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		struct worker *worker = worker_start(&queues_spool, "store");

		if (write(pipes[1], worker_name(worker), strlen(worker_name(worker))) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	assert_true(read(pipes[0], name, NAME_MAX) > 0);
	assert_int_equal(worker_dead(&queues_spool, name), 0);
	kill(child, SIGKILL);
	siginfo_t info;
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	assert_int_equal(worker_dead(&queues_spool, name), 1);
	waitpid(child, NULL, 0);
	assert_int_equal(worker_dead(&queues_spool, name), 1);
	close(pipes[0]);
	close(pipes[1]);
}

static void reused_pid_is_another_process(void **state)
{
	struct beat beat = {.beat = 1};

	beat_self(&beat);
	beat.start_time--;
	assert_int_equal(beat_write(&queues_spool, NAME, &beat), 0);
	assert_int_equal(worker_dead(&queues_spool, NAME), 1);
}

/* In another PID namespace the same number is somebody else: only silence tells. */
static void other_namespace_says_nothing(void **state)
{
	struct beat beat = {.beat = 1};

	beat_self(&beat);
	beat.start_time--;
	strcpy(beat.pidns, "pid:[1]");
	assert_int_equal(beat_write(&queues_spool, NAME, &beat), 0);
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_UNKNOWN);
}

static void silence_is_death_after_some_looks(void **state)
{
	put_far(7);
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_UNKNOWN);
	for (int look = 1; look <= WORKER_LOOKS; look++) {
		assert_int_equal(worker_state(&queues_spool, NAME), WORKER_UNKNOWN);
		pass(WORKER_LOOK_S);
		assert_int_equal(worker_state(&queues_spool, NAME),
			look < WORKER_LOOKS ? WORKER_UNKNOWN : WORKER_DEAD);
	}
}

static void looks_that_are_too_close_do_not_count(void **state)
{
	put_far(7);
	for (int i = 0; i < 10 * WORKER_LOOKS; i++)
		assert_int_equal(worker_state(&queues_spool, NAME), WORKER_UNKNOWN);
}

/* A watcher that slept a day has still looked once only. */
static void one_long_pause_is_one_look(void **state)
{
	put_far(7);
	worker_state(&queues_spool, NAME);
	pass(5000);
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_UNKNOWN);
}

static void change_is_life(void **state)
{
	put_far(7);
	worker_state(&queues_spool, NAME);
	pass(WORKER_LOOK_S);
	worker_state(&queues_spool, NAME);
	put_far(8);
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_ALIVE);
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_ALIVE);
	for (int look = 1; look <= WORKER_LOOKS; look++) {
		assert_int_not_equal(worker_state(&queues_spool, NAME), WORKER_DEAD);
		pass(WORKER_LOOK_S);
	}
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_DEAD);
	put_far(9);
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_ALIVE);
}

/* A host that comes back need not wait as others do; but a clone of it that beats lives. */
static void reboot_is_death_after_seconds(void **state)
{
	put_earlier(7);
	beat_self(&self);
	if (!self.machine[0])
		return; /* no machine-id(5) here: judged as any other host */
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_UNKNOWN);
	for (int i = 0; i < 5; i++) {
		pass(WORKER_REBOOT_S);
		put_earlier(8 + (uint64_t)i);
		assert_int_equal(worker_state(&queues_spool, NAME), WORKER_ALIVE);
	}
	for (int i = 0; i < 4 && worker_state(&queues_spool, NAME) != WORKER_DEAD; i++)
		pass(WORKER_REBOOT_S);
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_DEAD);
}

static void another_machine_is_waited_for(void **state)
{
	put_far(7);
	worker_state(&queues_spool, NAME);
	pass(WORKER_REBOOT_S + 1);
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_UNKNOWN);
}

static void no_beat_is_silence(void **state)
{
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_UNKNOWN);
	for (int look = 1; look <= WORKER_LOOKS; look++) {
		pass(WORKER_LOOK_S);
		assert_int_equal(worker_state(&queues_spool, NAME),
			look < WORKER_LOOKS ? WORKER_UNKNOWN : WORKER_DEAD);
	}
}

static void a_removed_beat_is_no_sign_of_life(void **state)
{
	put_far(7);
	worker_state(&queues_spool, NAME);
	assert_int_equal(unlink(at("workers/" NAME)), 0);
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_UNKNOWN);
}

static void broken_looks_are_begun_anew(void **state)
{
	put_far(7);
	put_file(looks_file(),
		"{\"" NAME "\": {\"beat\": 7, \"looks\": 99, \"at_ms\": 99999999999999, "
		"\"changed_ms\": 0}}");
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_UNKNOWN);
	put_file(looks_file(), "{\"" NAME "\": 3}");
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_UNKNOWN);
	put_file(looks_file(), "no json");
	assert_int_equal(worker_state(&queues_spool, NAME), WORKER_UNKNOWN);
}

static void forgotten_leave_nothing(void **state)
{
	char why[FIELD_WHY];
	json_t *looks;

	put_far(7);
	worker_state(&queues_spool, NAME);
	worker_forget(&queues_spool, NAME);
	assert_false(stands(at("workers/" NAME)));
	looks = json_read_file(looks_file(), why);
	assert_int_equal(json_object_size(looks), 0);
	json_decref(looks);
}

static void lists_the_dead_of_the_stage(void **state)
{
	struct worker *living = worker_start(&queues_spool, "store");
	struct beat gone = {.beat = 1};
	struct namelist dead;

	beat_self(&gone);
	gone.start_time--;
	beat_write(&queues_spool, "store.a.1", &gone);
	beat_write(&queues_spool, "stores.a.3", &gone);
	assert_int_equal(worker_list_dead(&queues_spool, "store", &dead), 0);
	assert_int_equal(dead.count, 1);
	assert_string_equal(dead.names[0], "store.a.1");
	namelist_free(&dead);
	worker_stop(living);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, queues_setup, queues_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(own_process_lives),
		TEST(killed_process_is_dead_at_once),
		TEST(reused_pid_is_another_process),
		TEST(other_namespace_says_nothing),
		TEST(silence_is_death_after_some_looks),
		TEST(looks_that_are_too_close_do_not_count),
		TEST(one_long_pause_is_one_look),
		TEST(change_is_life),
		TEST(reboot_is_death_after_seconds),
		TEST(another_machine_is_waited_for),
		TEST(no_beat_is_silence),
		TEST(a_removed_beat_is_no_sign_of_life),
		TEST(broken_looks_are_begun_anew),
		TEST(forgotten_leave_nothing),
		TEST(lists_the_dead_of_the_stage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
