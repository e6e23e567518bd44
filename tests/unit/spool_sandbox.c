/* sandbox.c, landlock.c, seccomp.c: which paths are allowed, and that a process inside can do what a stage does and
 * nothing else. Each case is tried in a child, which stays inside. */
#include "tests/unit/tmp.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "spool/sandbox.h"

static struct config config;
static char spool[PATH_MAX];
static bool has_landlock; /* inside nobody can ask any more */

static int setup(void **state)
{
	if (tmp_setup(state))
		return -1;
	snprintf(spool, sizeof(spool), "%s/spool", tmp_folder);
	has_landlock = landlock_abi() >= LANDLOCK_ABI;
	return mkdir(spool, 0700) || config_load(&config, "");
}

static int teardown(void **state)
{
	config_free(&config);
	return tmp_teardown(state);
}

static bool holds(const struct sandbox *sandbox, const char *name, bool write)
{
	for (size_t i = 0; i < sandbox->count; i++)
		if (strcmp(sandbox->paths[i].path, name) == 0 && sandbox->paths[i].write == write)
			return true;
	return false;
}

/* Whoever edits a file puts another one in its place, so its folder is allowed, and that of what a link leads to. */
static void folders_of_files(void **state)
{
	struct sandbox sandbox = {0};
	const char *folder = tmp_path("site"), *link = tmp_path("spool/link.conf");

	assert_int_equal(mkdir(folder, 0700), 0);
	tmp_write("site/a.conf", "x");
	assert_int_equal(symlink("../site/a.conf", link), 0);
	sandbox_folder_of(&sandbox, link, false);
	assert_true(holds(&sandbox, spool, false));
	assert_true(holds(&sandbox, folder, false));
	sandbox_folder_of(&sandbox, "/policy.conf", false);
	assert_true(holds(&sandbox, "/policy.conf", false));
	assert_false(holds(&sandbox, "/", false));
	for (size_t i = 0; i < sandbox.count; i++)
		free(sandbox.paths[i].path);
	free(sandbox.paths);
}

/* Of a child inside: its exit code, or 1000 and the signal it died of. */
static int inside_of(struct sandbox sandbox, int (*act)(void))
{
	struct rlimit no_core = {0, 0};
	int status;

	assert_true(symlink("x", tmp_path("spool/odd")) == 0 || errno == EEXIST);
	if (fork() == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGSYS, SIG_DFL); /* cmocka has one of its own */
		sandbox_write(&sandbox, spool);
		if (sandbox_enter(&sandbox, &config))
			_exit(99);
		_exit(act());
	}
	wait(&status);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int inside(int (*act)(void))
{
	return inside_of((struct sandbox){0}, act);
}

static void *in_thread(void *argument)
{
	*(bool *)argument = true;
	return NULL;
}

/* In the child nothing of cmocka's works. */
#define TRY(condition)                                                                             \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return dprintf(2, "# line %d: %s: %m\n", __LINE__, #condition), 1;         \
	} while (0)

static int what_a_stage_does(void)
{
	bool ran = false;
	pthread_t thread;
	DIR *folder;
	int fd;

	TRY(chdir(spool) == 0 && mkdir("a", 0700) == 0 && mkdir("b", 0700) == 0);
	TRY((fd = open("a/x", O_CREAT | O_RDWR, 0600)) >= 0 && write(fd, "1234", 4) == 4);
	TRY(ftruncate(fd, 2) == 0 && fsync(fd) == 0 &&
		mmap(NULL, 2, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	TRY(rename("a/x", "b/x") == 0 && rename("a", "b/a") == 0 && link("b/x", "y") == 0 &&
		unlink("y") == 0);
	TRY(mkdir("bad", 0700) == 0 &&
		rename("odd", "bad/odd") == 0); /* a link that somebody left */
	TRY((folder = opendir("b")) && closedir(folder) == 0 && rmdir("b/a") == 0);
	TRY(pthread_create(&thread, NULL, in_thread, &ran) == 0 &&
		pthread_join(thread, NULL) == 0 && ran);
	TRY((fd = socket(AF_UNIX, SOCK_DGRAM, 0)) >= 0 && kill(getpid(), 0) == 0);
	TRY((fd = open("/proc/self/stat", O_RDONLY)) >= 0);
	return 0;
}

static int write_outside(void)
{
	return open(tmp_path("outside"), O_CREAT | O_WRONLY, 0600) < 0 ? errno : 0;
}

static int read_outside(void)
{
	return open("/etc/passwd", O_RDONLY) < 0 ? errno : 0;
}

static int other_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static int raw_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

/* Nobody listens there: any error but that of a sandbox will do. */
static int to_a_collector(void)
{
	const struct sockaddr_in nobody = {.sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int tcp = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);

	TRY(tcp >= 0 && (six >= 0 || errno == EAFNOSUPPORT));
	TRY(connect(tcp, (const struct sockaddr *)&nobody, sizeof(nobody)) == 0 ||
		(errno != EACCES && errno != EPERM && errno != ENOSYS));
	return 0;
}

static int program(void)
{
	return execl("/bin/true", "true", NULL);
}

static int process(void)
{
	return fork() == 0 ? 0 : 1;
}

static int signal_others(void)
{
	return kill(getppid(), SIGTERM);
}

static int unheard_of(void)
{
	return syscall(100000) < 0 ? errno : 0;
}

static void the_work_goes_on(void **state)
{
	assert_int_equal(inside(what_a_stage_does), 0);
	assert_int_equal(inside(unheard_of), ENOSYS);
}

static void nothing_else_does(void **state)
{
	assert_int_equal(inside(other_socket), 1000 + SIGSYS);
	assert_int_equal(inside(program), 1000 + SIGSYS);
	assert_int_equal(inside(process), 1000 + SIGSYS);
	assert_int_equal(inside(signal_others), 1000 + SIGSYS);
	if (!has_landlock)
		return; /* t8-sandbox.t says so */
	assert_int_equal(inside(write_outside), EACCES);
	assert_int_equal(inside(read_outside), EACCES);
}

static void a_sender_may_send(void **state)
{
	const struct sandbox sender = {.network = true};

	assert_int_equal(inside_of(sender, to_a_collector), 0);
	assert_int_equal(inside_of(sender, raw_socket), 1000 + SIGSYS);
	assert_int_equal(inside_of(sender, process), 1000 + SIGSYS);
}

static int tell_state(void)
{
	return strcmp(sandbox_state(), has_landlock ? "full" : "no-landlock");
}

static int state_off(void)
{
	return strcmp(sandbox_state(), "off");
}

static void the_state_is_told(void **state)
{
	assert_int_equal(inside(tell_state), 0);
	config.sandbox_mode = SANDBOX_OFF;
	assert_int_equal(inside(state_off), 0);
	assert_int_equal(inside(write_outside), 0);
	config.sandbox_mode = SANDBOX_REQUIRED;
	assert_int_equal(inside(tell_state), has_landlock ? 0 : 99);
	config.sandbox_mode = SANDBOX_BEST_EFFORT;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(folders_of_files, setup, teardown),
		cmocka_unit_test_setup_teardown(the_work_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_else_does, setup, teardown),
		cmocka_unit_test_setup_teardown(a_sender_may_send, setup, teardown),
		cmocka_unit_test_setup_teardown(the_state_is_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
