/* fault.c: dies at the Nth pass of the named point, and nowhere else. */
#include "tests/unit/tmp.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#define MIRA_FAULTS 1
#include "spool/fault.c" /* libspool.a has none in it unless it was built for faults */

/* How many of three passes of "commit", after one of "committed", does a child survive? */
static int passes(const char *fault, int *status)
{
	int pipes[2];
	char got[4];
	ssize_t count;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		setenv("MIRA_FAULT", fault, 1);
		FAULT("committed");
		for (int i = 0; i < 3; i++) {
			FAULT("commit");
			if (write(pipes[1], "x", 1) != 1)
				_exit(9);
		}
		_exit(0);
	}
	close(pipes[1]);
	for (count = 0; count < 3 && read(pipes[0], got, 1) == 1; count++)
		;
	close(pipes[0]);
	waitpid(child, status, 0);
	return (int)count;
}

static void dies_at_the_named_pass(void **state)
{
	int status;

	assert_int_equal(passes("commit:1", &status), 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(passes("commit:3", &status), 2);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void other_points_are_nothing(void **state)
{
	int status;

	assert_int_equal(passes("commit:4", &status), 3);
	assert_int_equal(status, 0);
	assert_int_equal(passes("com:1", &status), 3);
	assert_int_equal(passes("", &status), 3);
	assert_int_equal(passes("committed:1", &status), 0);
}

static void hangs_when_told(void **state)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		setenv("MIRA_FAULT", "commit:1:hang", 1);
		FAULT("commit");
		_exit(0);
	}
	usleep(100000);
	assert_int_equal(waitpid(child, &status, WNOHANG), 0);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

static void stops_and_goes_on(void **state)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		setenv("MIRA_FAULT", "commit:2:stop", 1);
		FAULT("commit");
		FAULT("commit");
		FAULT("commit");
		_exit(0);
	}
	waitpid(child, &status, WUNTRACED);
	assert_true(WIFSTOPPED(status));
	kill(child, SIGCONT);
	waitpid(child, &status, WUNTRACED);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dies_at_the_named_pass),
		cmocka_unit_test(other_points_are_nothing),
		cmocka_unit_test(hangs_when_told),
		cmocka_unit_test(stops_and_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
