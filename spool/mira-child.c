/* mira-child.c: starting, watching and stopping the stages of one `mira run`. */
#include "spool/mira-child.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/mira.h"

int child_start(struct child *child)
{
	char path[PATH_MAX];
	pid_t parent = getpid();

	mira_sibling(child->stage, path);
	child->pid = fork();
	if (child->pid < 0) {
		child->pid = 0;
		log_err("cannot start mira-%s: %m", child->stage);
		return -1;
	}
	if (child->pid == 0) {
		/* A group of its own: what the terminal sends to us is for us to pass on. */
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(MIRA_AGAIN);
		if (child->quiet && !freopen("/dev/null", "w", stdout))
			_exit(MIRA_AGAIN);
		execvp(path, child->argv);
		log_err("cannot execute %s: %m", path);
		_exit(MIRA_PERSON);
	}
	return 0;
}

static void pause_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&time, NULL);
}

/* What the end of CHILD means: 0 fine or started again, else its exit code. */
static int judge(struct child *child, int status)
{
	child->code = WIFEXITED(status) ? WEXITSTATUS(status) : child->stopped ? MIRA_OK : MIRA_AGAIN;
	if (WIFSIGNALED(status) && !child->stopped) {
		log_warn("mira-%s was ended by signal %d (%s)", child->stage, WTERMSIG(status),
			strsignal(WTERMSIG(status)));
		if (child->restart && child->restarts++ < CHILD_RESTARTS && !child_start(child))
			return MIRA_OK;
	}
	child->ended = true;
	return child->code;
}

static struct child *find(struct child *children, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (children[i].pid == pid)
			return &children[i];
	return NULL;
}

int child_reap(struct child *children, size_t count)
{
	int status, worst = MIRA_OK;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *child = find(children, count, pid);
		int code;

		if (!child)
			continue;
		child->pid = 0;
		code = judge(child, status);
		if (code > worst)
			worst = code;
	}
	return worst;
}

void child_stop(struct child *child)
{
	child->stopped = true;
	if (child->pid > 0)
		kill(child->pid, SIGTERM);
}

static bool any_running(const struct child *children, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (children[i].pid > 0)
			return true;
	return false;
}

void child_wait(struct child *children, size_t count)
{
	while (any_running(children, count)) {
		child_reap(children, count);
		pause_ms(5);
	}
}
