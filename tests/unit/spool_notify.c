/* notify.c: what a service manager reads, on a socket of the test's own. */
#include "tests/unit/tmp.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "spool/notify.h"

static int manager = -1;

static int open_manager(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (tmp_setup(state) < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", tmp_folder);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (manager < 0 || bind(manager, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static int close_manager(void **state)
{
	close(manager);
	return tmp_teardown(state);
}

/* The next message, "" when there is none. */
static const char *told(void)
{
	static char text[1024];
	ssize_t got = recv(manager, text, sizeof(text) - 1, 0);

	text[got > 0 ? got : 0] = '\0';
	return text;
}

static void tells_states(void **state)
{
	notify_ready();
	assert_string_equal(told(), "READY=1\nWATCHDOG=1");
	notify_reloading();
	assert_true(strncmp(told(), "RELOADING=1\nMONOTONIC_USEC=", 27) == 0);
	notify_stopping();
	assert_string_equal(told(), "STOPPING=1\nSTATUS=ending");
}

/* Asks until a message comes: one a second at most does. */
static const char *progress_told(const struct progress *progress, const char *doing)
{
	const char *text = "";

	for (int i = 0; i < 6000 && !*text; i++) {
		notify_progress(progress, doing);
		text = told();
		usleep(*text ? 0 : 10000);
	}
	return text;
}

static void says_how_far_it_is(void **state)
{
	struct progress progress = {.batches = 3, .records = 5};

	assert_string_equal(progress_told(&progress, NULL),
		"WATCHDOG=1\nSTATUS=waiting; done: 3 batches, 5 records");
	strcpy(progress.doing, "reading a.pcap");
	assert_string_equal(progress_told(&progress, NULL),
		"WATCHDOG=1\nSTATUS=reading a.pcap; done: 3 batches, 5 records");
	assert_says(progress_told(&progress, "its readers are behind"),
		"STATUS=its readers are behind; done: 3 batches");
}

static void feeds_the_watchdog_once_a_second(void **state)
{
	time_t begin = time(NULL);
	int count = 0;

	for (int i = 0; i < 10000; i++) {
		notify_alive();
		count += *told() != '\0';
	}
	assert_true(count >= 1 && count <= time(NULL) - begin + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_states),
		cmocka_unit_test(says_how_far_it_is),
		cmocka_unit_test(feeds_the_watchdog_once_a_second),
	};

	return cmocka_run_group_tests(tests, open_manager, close_manager);
}
