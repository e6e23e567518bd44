/*
 * strike.c: what the stage loop notes about a batch that kills its workers, so that the third is
 * the last.
 */
#include "spool/strike.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/fault.h"

/* Worked out before the work: in a handler only a few calls are allowed (signal-safety(7)). */
static char folder[PATH_MAX], file[PATH_MAX];
static volatile sig_atomic_t armed;
static char stack[1 << 16];

static bool is_own_fault(int number, const siginfo_t *info)
{
	return number != SIGBUS || info->si_code == BUS_ADRALN;
}

static void note(int number)
{
	char text[3] = {(char)('0' + number / 10), (char)('0' + number % 10), '\n'};
	int fd;

	mkdir(folder, 0770);
	FAULT("strike");
	fd = open(file, O_WRONLY | O_CREAT, 0660);
	if (fd < 0)
		return;
	FAULT("struck");
	if (write(fd, text, sizeof(text)) == sizeof(text))
		fsync(fd);
	close(fd);
}

/* SA_RESETHAND has put the default action back. */
static void handle(int number, siginfo_t *info, void *context)
{
	if (armed && is_own_fault(number, info))
		note(number);
	armed = 0;
	raise(number);
}

void strike_install(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGXCPU};
	const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_sigaction = handle,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND};

	sigaltstack(&alternate, NULL);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
}

void strike_arm(const struct queue *queue, const struct worker *worker, const char *batch)
{
	char path[PATH_MAX];

	armed = 0;
	spool_path(queue->spool, path, "state/strikes/%s.%s/%s", queue->queue, queue->reader,
		batch);
	snprintf(folder, sizeof(folder), "%s", path);
	spool_path(queue->spool, file, "state/strikes/%s.%s/%s/%s", queue->queue, queue->reader,
		batch, worker_name(worker));
	armed = 1;
}

void strike_disarm(void)
{
	armed = 0;
}
