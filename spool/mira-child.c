/* mira-child.c: starting, watching and stopping the stages of one `mira run`. */
#include "spool/mira-child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/mira-progress.h"
#include "spool/mira.h"

#define LOOK_MS	  5
#define AGAIN_MS  50
#define SAY_MS	  2000 /* work that takes longer is named */
#define LINE_SIZE 16384

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

void child_catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

bool child_interrupted(void)
{
	return interrupted;
}

void child_go_on(void)
{
	interrupted = 0;
}

/* ---- what children say ---- */

static int messages[2] = {-1, -1}; /* a pipe from all children to us */

static int open_messages(void)
{
	if (messages[0] >= 0)
		return 0;
	if (pipe2(messages, O_CLOEXEC))
		return -1;
	return fcntl(messages[0], F_SETFL, O_NONBLOCK);
}

static bool tells_of_full_disk(const char *line)
{
	static const char *const causes[] = {"No space left on device", "disk is full",
		"Disk quota exceeded", "min_free"};

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (strstr(line, causes[i]))
			return true;
	return false;
}

static void pass_on(const char *line)
{
	static bool full_said;
	bool full = tells_of_full_disk(line);

	if (full && full_said)
		return;
	full_said |= full && strstr(line, "level=err");
	mira_progress_end();
	fprintf(stderr, "%s\n", line);
}

/* Whole lines; what is left of one waits for its end. */
static void read_messages(void)
{
	static char text[LINE_SIZE];
	static size_t used;
	ssize_t got;
	char *end;

	while (messages[0] >= 0 &&
		(got = read(messages[0], text + used, sizeof(text) - 1 - used)) > 0) {
		used += (size_t)got;
		text[used] = '\0';
		while ((end = strchr(text, '\n'))) {
			*end = '\0';
			pass_on(text);
			used = strlen(end + 1);
			memmove(text, end + 1, used + 1);
		}
		if (used == sizeof(text) - 1) {
			pass_on(text);
			used = 0;
		}
	}
}

/* ---- starting ---- */

static void become(struct child *child, const char *path, pid_t parent)
{
	/* A group of its own: what the terminal sends to us is for us to pass on. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(messages[1], STDERR_FILENO) < 0)
		_exit(MIRA_AGAIN);
	if (child->quiet && !freopen("/dev/null", "w", stdout))
		_exit(MIRA_AGAIN);
	execvp(path, child->argv);
	log_err("cannot execute %s: %m", path);
	_exit(MIRA_PERSON);
}

int child_start(struct child *child)
{
	char path[PATH_MAX];
	pid_t parent = getpid();

	mira_sibling(child->stage, path);
	child->pid = open_messages() ? -1 : fork();
	if (child->pid == 0)
		become(child, path, parent);
	if (child->pid > 0)
		return 0;
	child->pid = 0;
	log_err("cannot start mira-%s: %m", child->stage);
	return -1;
}

/* ---- ending ---- */

/* What the end of CHILD means: 0 fine or started again, else its exit code. */
static int judge(struct child *child, int status)
{
	child->code = WIFEXITED(status) ? WEXITSTATUS(status)
		      : child->stopping ? MIRA_OK
					: MIRA_AGAIN;
	if (WIFSIGNALED(status) && !child->stopping) {
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
	read_messages();
	return worst;
}

static void tell(struct child *child, int number)
{
	child->restart = false;
	child->stopping = true;
	if (child->pid > 0)
		kill(child->pid, number);
}

void child_stop(struct child *child)
{
	tell(child, SIGTERM);
}

static bool any_running(const struct child *children, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (children[i].pid > 0)
			return true;
	return false;
}

static void tell_all(struct child *children, size_t count, int number)
{
	for (size_t i = 0; i < count; i++)
		tell(&children[i], number);
}

/* A signal that comes between a stage's look for one and its wait for work is heard when that wait is over, in
 * a second; the next one ends it. */
static void tell_again(struct child *children, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (children[i].stopping)
			tell(&children[i], SIGTERM);
}

/* False: MS have passed and some still run. */
static bool wait_for(struct child *children, size_t count, long ms)
{
	const struct timespec look = {0, LOOK_MS * 1000000L};

	child_reap(children, count);
	for (; any_running(children, count) && ms > 0; ms -= LOOK_MS) {
		nanosleep(&look, NULL);
		child_reap(children, count);
	}
	return !any_running(children, count);
}

void child_wait(struct child *children, size_t count, const char *what)
{
	for (long waited_ms = 0; !wait_for(children, count, LOOK_MS); waited_ms += LOOK_MS) {
		if (interrupted)
			child_end(children, count);
		else if (waited_ms % AGAIN_MS == 0)
			tell_again(children, count);
		if (what && waited_ms == SAY_MS)
			fprintf(stderr, "mira run: %s\n", what);
	}
}

void child_end(struct child *children, size_t count)
{
	tell_all(children, count, SIGTERM);
	if (wait_for(children, count, CHILD_GRACE_S * 1000L))
		return;
	tell_all(children, count, SIGKILL);
	wait_for(children, count, LONG_MAX);
}
