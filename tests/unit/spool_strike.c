/* strike.c: a process that dies of its work leaves a note, one that is killed or loses its disk
 * does not. */
#include "tests/unit/queues.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "spool/strike.h"

static struct queue queue;

static int setup(void **state)
{
	return queues_setup(state) ? -1
				   : queue_open(&queue, &queues_spool, "packets", "preprocess");
}

static int teardown(void **state)
{
	queue_close(&queue);
	return queues_teardown(state);
}

/* Runs WORK in a child between arm and disarm; returns the signal it died of. */
static int die_of(void (*work)(void), bool armed)
{
	struct rlimit no_core = {0, 0};
	int status;

	if (fork() == 0) {
		struct worker *worker = worker_start(&queues_spool, "preprocess");

		setrlimit(RLIMIT_CORE, &no_core);
		strike_install();
		strike_arm(&queue, worker, "a");
		if (!armed)
			strike_disarm();
		work();
		_exit(0);
	}
	wait(&status);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void segv(void)
{
	raise(SIGSEGV);
}

/* Past the end of the stack the handler needs its own. */
static int deep(volatile int depth)
{
	volatile char frame[4096];

	frame[0] = (char)depth;
	return depth < 0 ? 0 : deep(depth + 1) + frame[0];
}

static void overflow(void)
{
	deep(0);
}

static void hang_up(void)
{
	raise(SIGKILL);
}

/* A mapped segment that another host cut short. */
static void cut_mapping(void)
{
	int fd = open(at("segment"), O_RDWR | O_CREAT, 0600);
	volatile char *data;

	if (fd < 0 || ftruncate(fd, 4096) < 0)
		_exit(9);
	data = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (ftruncate(fd, 0) < 0)
		_exit(9);
	_exit(data[0]);
}

static int strikes(int *which)
{
	return queue_strikes(&queue, "a", which);
}

static void own_signals_strike(void **state)
{
	int which;

	assert_int_equal(die_of(segv, true), SIGSEGV);
	assert_int_equal(strikes(&which), 1);
	assert_int_equal(which, SIGSEGV);
	assert_int_equal(die_of(abort, true), SIGABRT);
	assert_int_equal(strikes(NULL), 2);
	assert_int_equal(die_of(overflow, true), SIGSEGV);
	assert_int_equal(strikes(NULL), 3);
}

static void others_do_not(void **state)
{
	assert_int_equal(die_of(hang_up, true), SIGKILL);
	assert_int_equal(die_of(cut_mapping, true), SIGBUS);
	assert_int_equal(die_of(segv, false), SIGSEGV);
	assert_int_equal(strikes(NULL), 0);
}

/* The spool itself is gone: dying goes on as it would have. */
static void no_spool_no_strike(void **state)
{
	assert_int_equal(nfs_rmdir(at("state/strikes/packets.preprocess")), 0);
	assert_int_equal(die_of(segv, true), SIGSEGV);
	assert_int_equal(strikes(NULL), 0);
}

#ifdef MIRA_FAULTS
/* Killed between the two calls of its last breath: an empty folder is no strike, an empty file one. */
static void killed_in_its_last_breath(void **state)
{
	int which;

	setenv("MIRA_FAULT", "strike:1", 1);
	assert_int_equal(die_of(segv, true), SIGKILL);
	assert_true(stands(at("state/strikes/packets.preprocess/a")));
	assert_int_equal(strikes(&which), 0);
	setenv("MIRA_FAULT", "struck:1", 1);
	assert_int_equal(die_of(segv, true), SIGKILL);
	unsetenv("MIRA_FAULT");
	assert_int_equal(strikes(&which), 1);
	assert_int_equal(which, 0);
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(own_signals_strike),
		TEST(others_do_not),
		TEST(no_spool_no_strike),
#ifdef MIRA_FAULTS
		TEST(killed_in_its_last_breath),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
