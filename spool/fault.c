/*
 * fault.c: lets a test kill or stop a process at a named point of the hand-over, so that every row
 * of the state table is a place where a process really died. Compiled in with -DMIRA_FAULTS only.
 */
#include "spool/fault.h"

#ifdef MIRA_FAULTS
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "spool/log.h"

static void stand_still(const char *name)
{
	dprintf(STDERR_FILENO, "FAULT %s %d\n", name, (int)getpid());
	raise(SIGSTOP);
}

/* ---- what an intruder would try ---- */

static int try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int try_exec(void)
{
	return execl("/bin/true", "true", NULL);
}

static int try_fork(void)
{
	pid_t child = fork();

	if (child == 0) /* of a process with threads: it may not go on */
		_exit(0);
	return child;
}

static int try_ptrace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int try_write(void)
{
	return open(getenv("MIRA_FAULT_FILE"), O_WRONLY | O_CREAT, 0600);
}

static int try_read(void)
{
	return open(getenv("MIRA_FAULT_FILE"), O_RDONLY);
}

static int try_memory(void)
{
	for (size_t taken = 0; taken < SIZE_MAX >> 20; taken++)
		memset(x_calloc(1, 1 << 20), 1, 1 << 20);
	return 0;
}

static int try_time(void)
{
	for (volatile uint64_t turns = 0; turns < UINT64_MAX; turns++)
		;
	return 0;
}

static const struct {
	const char *name;
	int (*act)(void);
} acts[] = {{":socket", try_socket}, {":exec", try_exec}, {":fork", try_fork},
	{":ptrace", try_ptrace}, {":write", try_write}, {":read", try_read},
	{":memory", try_memory}, {":time", try_time}};

static bool try(const char *what)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		if (strcmp(what, acts[i].name))
			continue;
		log_warn("FAULT%s: %s", what, acts[i].act() < 0 ? strerror(errno) : "done");
		return true;
	}
	return false;
}

/* $MIRA_FAULT is "name:N", "name:N:hang", "name:N:stop" or "name:N:" and an act. */
void fault_point(const char *name)
{
	static atomic_ulong passes;
	const char *fault = getenv("MIRA_FAULT");
	size_t length = strlen(name);
	unsigned long wanted;
	char *end;

	if (!fault || strncmp(fault, name, length) != 0 || fault[length] != ':')
		return;
	wanted = strtoul(fault + length + 1, &end, 10);
	if (atomic_fetch_add(&passes, 1) + 1 != wanted)
		return;
	if (strcmp(end, ":stop") == 0) {
		stand_still(name);
		return;
	}
	if (try(end))
		return;
	if (strcmp(end, ":hang") != 0)
		kill(getpid(), SIGKILL);
	for (;;)
		pause();
}
#endif
