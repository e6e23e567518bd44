/*
 * mira-status-ask.c: one look at the spool, by a process of its own. On a hard mount whose server is away, whoever reads hangs
 * and cannot even be killed; this way it is not the one that talks to the person. Part of `mira status`.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/mira-status.h"

#define SAID_MAX 4096

/* The one who looks, while it has not answered. */
static struct {
	pid_t process;
	int answer, said; /* a pipe; a file of its standard error */
	char *text;
	size_t size;
} asked;

static char said[SAID_MAX];

/* ---- in the process that looks ---- */

static int gather(struct status_look *look, const char *root)
{
	static int (*const parts[])(struct status_look *) = {status_clock, status_streams,
		status_windows, status_queues, status_disk};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	look->wanted = json_array();
	look->before = status_before(look->spool.root);
	look->status = json_pack("{s:i, s:s, s:I, s:I}", "format", STATUS_FORMAT, "spool",
		look->spool.root, "time_s", (json_int_t)now.tv_sec, "max_batches",
		(json_int_t)look->config.max_batches);
	json_object_set_new(look->status, "max_skew_s", json_integer(look->config.max_skew_s));
	json_object_set_new(look->status, "window_s", json_integer(look->spool.window_s));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (parts[i](look) < 0) {
			log_err("cannot read the spool %s: %s; is the file server there, and may this user read it?",
				root, strerror(errno));
			return errno == EACCES || errno == EPERM ? MIRA_PERSON : MIRA_AGAIN;
		}
	return MIRA_OK;
}

/* json_dumpfd() writes each bracket by itself. */
static int answer_with(const json_t *status, int answer)
{
	char *text = json_dumps(status, JSON_COMPACT);
	FILE *out = text ? fdopen(answer, "w") : NULL;

	if (!out || fputs(text, out) < 0 || fclose(out) < 0)
		return MIRA_AGAIN;
	free(text);
	return MIRA_OK;
}

static int look_at(const char *root, const char *named, int answer)
{
	static struct status_look look;
	char path[PATH_MAX];
	int code;

	config_find(named, path);
	code = config_load(&look.config, path);
	if (!code)
		code = spool_attach(&look.spool, root);
	if (!code)
		code = gather(&look, root);
	return code ? code : answer_with(look.status, answer);
}

/* ---- in the one that asks ---- */

static int begin(const char *root, const char *config)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe(ends) < 0)
		return -1;
	asked.said = memfd_create("mira-status", MFD_CLOEXEC);
	fflush(stdout);
	asked.process = fork();
	if (asked.process == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(MIRA_AGAIN);
		signal(SIGINT, SIG_IGN); /* of the terminal: the one that asks decides */
		dup2(asked.said, STDERR_FILENO);
		close(ends[0]);
		_exit(look_at(root, config, ends[1]));
	}
	close(ends[1]);
	asked.answer = ends[0];
	asked.size = 0;
	return asked.process < 0 ? -1 : 0;
}

/* 1 all is read, 0 not yet. */
static int read_answer(double timeout_s)
{
	struct pollfd ready = {.fd = asked.answer, .events = POLLIN};
	struct timespec began, now;
	double passed_s = 0;
	char piece[65536];
	ssize_t got;

	clock_gettime(CLOCK_MONOTONIC, &began);
	while (passed_s <= timeout_s) {
		if (poll(&ready, 1, (int)((timeout_s - passed_s) * 1000) + 1) < 0 && errno == EINTR)
			return 0;
		if (ready.revents) {
			got = read(asked.answer, piece, sizeof(piece));
			if (got <= 0)
				return 1;
			asked.text = x_realloc(asked.text, asked.size + (size_t)got);
			memcpy(asked.text + asked.size, piece, (size_t)got);
			asked.size += (size_t)got;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		passed_s = (double)(now.tv_sec - began.tv_sec) +
			   (double)(now.tv_nsec - began.tv_nsec) / 1e9;
	}
	return 0;
}

static int end(void)
{
	ssize_t length = pread(asked.said, said, sizeof(said) - 1, 0);
	int status;

	said[length > 0 ? length : 0] = '\0';
	close(asked.answer);
	close(asked.said);
	while (waitpid(asked.process, &status, 0) < 0 && errno == EINTR)
		;
	asked.process = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : MIRA_AGAIN;
}

json_t *status_ask(const char *root, const char *config, double timeout_s, int *code)
{
	json_t *status;

	if (!asked.process && begin(root, config) < 0) {
		snprintf(said, sizeof(said), "cannot start a process: %s\n", strerror(errno));
		*code = MIRA_AGAIN;
		return NULL;
	}
	if (!read_answer(timeout_s)) {
		*code = -1;
		return NULL;
	}
	*code = end();
	if (*code)
		return NULL;
	status = json_loadb(asked.text, asked.size, 0, NULL);
	if (!status)
		die(MIRA_AGAIN, "the look at %s gave no answer", root);
	status_lately(status);
	json_object_del(status, "kept");
	status_judge(status);
	return status;
}

const char *status_said(void)
{
	return said;
}
