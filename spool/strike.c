/*
 * strike.c: what the stage loop notes about a batch that kills its workers, so that the third is
 * the last.
 */
#include "spool/strike.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "spool/fault.h"
#include "spool/log.h"

/* Worked out before the work: in a handler only a few calls are allowed (signal-safety(7)). */
static char folder[PATH_MAX], file[PATH_MAX];
static volatile sig_atomic_t armed;
static char stack[1 << 16];
static char too_long[NAME_MAX + 256]; /* to be said, made before for the same reason */

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
	if (armed && number == SIGXCPU && write(STDERR_FILENO, too_long, strlen(too_long)) < 0) {
		/* nobody is there to be told */
	}
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

	strike_disarm();
	spool_path(queue->spool, path, "state/strikes/%s.%s/%s", queue->queue, queue->reader,
		batch);
	snprintf(folder, sizeof(folder), "%s", path);
	spool_path(queue->spool, file, "state/strikes/%s.%s/%s/%s", queue->queue, queue->reader,
		batch, worker_name(worker));
	snprintf(too_long, sizeof(too_long),
		"level=err prog=%s msg=\"%s takes too long: more than segment_cpu_s in mira.conf for "
		"one segment\"\n",
		log_program(), batch);
	armed = 1;
}

void strike_disarm(void)
{
	strike_limit(0, 0);
	armed = 0;
}

bool strike_armed(void)
{
	return armed;
}

void strike_limit(unsigned seconds, uint64_t bytes)
{
	static const uint64_t unit = 64 << 20;
	static timer_t timer;
	static bool made;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGXCPU};
	struct itimerspec limit = {0};

	if (!made && seconds)
		made = timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) == 0;
	limit.it_value.tv_sec = (time_t)(seconds * (bytes > unit ? (bytes + unit - 1) / unit : 1));
	if (made)
		timer_settime(timer, 0, &limit, NULL);
}
