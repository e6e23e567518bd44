/*
 * notify.c: the one place that speaks with the service manager, for every stage from capture to
 * store. See notify.h.
 */
#include "spool/notify.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define STATUS_MAX 512

static bool has_manager(void)
{
	static int known = -1;

	if (known < 0)
		known = getenv("NOTIFY_SOCKET") != NULL;
	return known;
}

static uint64_t now_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Once a second is enough for people and for any watchdog. Two threads at once: one more message. */
static bool is_due(atomic_ullong *next_us)
{
	uint64_t now;

	if (!has_manager())
		return false;
	now = now_us(CLOCK_MONOTONIC_COARSE);
	if (now < *next_us)
		return false;
	*next_us = now + 1000000;
	return true;
}

void notify_ready(void)
{
	sd_notify(0, "READY=1\nWATCHDOG=1");
}

void notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_us(CLOCK_MONOTONIC));
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=ending");
}

void notify_alive(void)
{
	static atomic_ullong next_us;

	if (is_due(&next_us))
		sd_notify(0, "WATCHDOG=1");
}

static void append_count(char *text, int *used, uint64_t count, const char *what)
{
	if (count && *used < STATUS_MAX)
		*used += snprintf(text + *used, (size_t)(STATUS_MAX - *used), "%s%" PRIu64 " %s",
			*used ? ", " : "", count, what);
}

void notify_progress(const struct progress *progress, const char *doing)
{
	static atomic_ullong next_us;
	char counts[STATUS_MAX] = "nothing yet";
	int used = 0;

	if (!is_due(&next_us))
		return;
	append_count(counts, &used, progress->batches, "batches");
	append_count(counts, &used, progress->packets, "packets");
	append_count(counts, &used, progress->records, "records");
	if (!doing)
		doing = progress->doing[0] ? progress->doing : "waiting";
	sd_notifyf(0, "WATCHDOG=1\nSTATUS=%s; done: %s", doing, counts);
}
