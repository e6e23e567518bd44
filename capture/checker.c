/* checker.c: executes `mira check` for renewal.c: here, or in a process that stays outside of the sandbox. */
#include "capture/checker.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spool/log.h"

#define LOOK_MS 50 /* between two looks whether the check, or the capture, has ended */

struct checker {
	char program[PATH_MAX], config[PATH_MAX];
	pid_t server; /* 0: none */
	int wire;     /* to the other of the two; -1 */
	atomic_bool end;
};

/* mira stands beside mira-capture. Later /proc/self may be closed to us. */
static void find_program(char *out)
{
	ssize_t length = readlink("/proc/self/exe", out, PATH_MAX - 8);
	char *slash;

	out[length > 0 ? length : 0] = '\0';
	slash = strrchr(out, '/');
	strcpy(slash ? slash + 1 : out, "mira");
}

/* What pthreads inherit of blocked signals is not for the check. */
static int start(struct checker *checker, pid_t *pid)
{
	char *argv[] = {"mira", "check", "--config", checker->config, NULL};
	posix_spawnattr_t attributes;
	sigset_t none;
	int error;

	if (!checker->config[0])
		argv[2] = NULL;
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	error = posix_spawn(pid, checker->program, NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	return error;
}

/* Has the capture ended? */
static bool is_alone(struct checker *checker)
{
	struct pollfd wire = {.fd = checker->wire, .events = POLLRDHUP};

	return poll(&wire, 1, LOOK_MS) > 0 && (wire.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static bool run_here(struct checker *checker)
{
	int status = -1, error;
	pid_t pid, got;

	error = start(checker, &pid);
	if (error) {
		log_err("cannot execute %s check: %s", checker->program, strerror(error));
		return false;
	}
	while ((got = waitpid(pid, &status, WNOHANG)) == 0 || (got < 0 && errno == EINTR))
		if (is_alone(checker) || checker->end)
			kill(pid, SIGTERM);
	return got == pid && status == 0;
}

/* ---- the process apart ---- */

static void serve(struct checker *checker)
{
	char wish, answer;

	while (read(checker->wire, &wish, 1) == 1) {
		answer = (char)run_here(checker);
		if (write(checker->wire, &answer, 1) != 1)
			break;
	}
	_exit(0);
}

static int start_server(struct checker *checker)
{
	int wires[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wires))
		return -1;
	checker->server = fork();
	checker->wire = wires[checker->server == 0];
	close(wires[checker->server != 0]);
	if (checker->server)
		return checker->server < 0 ? -1 : 0;
	signal(SIGHUP, SIG_IGN);
	serve(checker);
	return 0;
}

/* ---- the capture ---- */

struct checker *checker_new(const char *config, bool apart)
{
	struct checker *checker = x_calloc(1, sizeof(*checker));

	checker->wire = -1;
	find_program(checker->program);
	snprintf(checker->config, sizeof(checker->config), "%s", config);
	if (!apart || start_server(checker) == 0)
		return checker;
	free(checker);
	return NULL;
}

bool checker_run(struct checker *checker)
{
	char answer = 0;

	if (!checker->server)
		return run_here(checker);
	return write(checker->wire, "?", 1) == 1 && read(checker->wire, &answer, 1) == 1 && answer;
}

void checker_stop(struct checker *checker)
{
	checker->end = true;
	if (checker->server)
		shutdown(checker->wire, SHUT_RDWR);
}

void checker_free(struct checker *checker)
{
	checker_stop(checker);
	if (checker->server) {
		close(checker->wire);
		waitpid(checker->server, NULL, 0);
	}
	free(checker);
}
