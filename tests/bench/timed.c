/*
 * timed: what a command takes: itself and all that it waited for.
 *
 *	timed OUT PROCESSOR COMMAND [ARGUMENT...]	pinned to PROCESSOR, or to none (-1); writes key=value to OUT and
 *							exits as the command does
 *
 * A small program of its own, because the memory of who starts a command counts for it until it is executed.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static void pin(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("timed: sched_setaffinity");
}

int main(int argc, char **argv)
{
	struct rusage usage;
	double begin = now();
	int status;
	pid_t child;
	FILE *out;

	if (argc < 4 || !(out = fopen(argv[1], "we"))) {
		fprintf(stderr, "usage: timed OUT PROCESSOR COMMAND [ARGUMENT...]\n");
		return 2;
	}
	child = fork();
	if (child == 0) {
		if (atoi(argv[2]) >= 0)
			pin(atoi(argv[2]));
		execvp(argv[3], argv + 3);
		perror(argv[3]);
		_exit(127);
	}
	while (child < 0 || wait4(child, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return 1;
	fprintf(out, "cpu_s=%.6f wall_s=%.6f rss_kb=%ld\n",
		seconds(&usage.ru_utime) + seconds(&usage.ru_stime), now() - begin,
		usage.ru_maxrss);
	return fclose(out) ? 1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
