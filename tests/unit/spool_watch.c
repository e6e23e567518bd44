/* watch.c: a change ends the wait, and so does the clock. */
#include "tests/unit/tmp.h"

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "spool/watch.h"

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double waited(struct watch *watch, unsigned poll_ms)
{
	double began = now_s();

	watch_wait(watch, poll_ms);
	return now_s() - began;
}

/* A folder that is moved into the watched one, by another process. */
static void move_in(const char *name, unsigned after_ms)
{
	char from[PATH_MAX], to[PATH_MAX];

	snprintf(from, sizeof(from), "%s", tmp_path(name));
	snprintf(to, sizeof(to), "%s/%s", tmp_path("ready"), name);
	mkdir(from, 0700);
	if (fork() == 0) {
		usleep(after_ms * 1000);
		_exit(rename(from, to) != 0);
	}
}

static void a_change_ends_the_wait(void **state)
{
	struct watch *watch = watch_new();
	double took;

	mkdir(tmp_path("ready"), 0700);
	watch_folder(watch, tmp_path("ready"));
	for (int i = 0; i < 3; i++) {
		move_in((char[]){'a', (char)('0' + i), 0}, 200);
		took = waited(watch, 10000);
		assert_true(took > 0.1 && took < 5);
		wait(NULL);
	}
	watch_free(watch);
}

/* Many changes are one reason to scan. */
static void changes_are_not_counted(void **state)
{
	struct watch *watch = watch_new();

	mkdir(tmp_path("ready"), 0700);
	watch_folder(watch, tmp_path("ready"));
	for (int i = 0; i < 5; i++)
		move_in((char[]){'b', (char)('0' + i), 0}, 0);
	while (wait(NULL) > 0)
		;
	assert_true(waited(watch, 10000) < 1);
	assert_true(waited(watch, 1000) > 0.9);
	watch_free(watch);
}

/* Nothing is watched: the poll drives, jittered by a quarter. */
static void the_poll_remains(void **state)
{
	struct watch *watch = watch_new();
	double took, least = 1e9, most = 0;

	watch_folder(watch, tmp_path("nowhere"));
	for (int i = 0; i < 12; i++) {
		took = waited(watch, 100);
		assert_true(took > 0.074 && took < 0.5);
		least = took < least ? took : least;
		most = took > most ? took : most;
	}
	assert_true(most - least > 0.005);
	watch_free(watch);
}

static void on_alarm(int number)
{
}

static void a_signal_ends_the_wait(void **state)
{
	struct itimerval soon = {.it_value = {.tv_usec = 200000}};
	struct sigaction action = {.sa_handler = on_alarm};
	struct watch *watch = watch_new();

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_true(waited(watch, 10000) < 5);
	watch_folder(watch, tmp_folder);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_true(waited(watch, 10000) < 5);
	watch_free(watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_ends_the_wait),
		cmocka_unit_test(changes_are_not_counted),
		cmocka_unit_test(the_poll_remains),
		cmocka_unit_test(a_signal_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
