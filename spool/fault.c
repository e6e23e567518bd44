/*
 * fault.c: lets a test kill or stop a process at a named point of the hand-over, so that every row
 * of the state table is a place where a process really died. Compiled in with -DMIRA_FAULTS only.
 */
#include "spool/fault.h"

#ifdef MIRA_FAULTS
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void stand_still(const char *name)
{
	dprintf(STDERR_FILENO, "FAULT %s %d\n", name, (int)getpid());
	raise(SIGSTOP);
}

/* $MIRA_FAULT is "name:N", "name:N:hang" or "name:N:stop". */
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
	if (strcmp(end, ":hang") != 0)
		kill(getpid(), SIGKILL);
	for (;;)
		pause();
}
#endif
