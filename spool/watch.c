/*
 * watch.c: the wait between two scans of ready/, at every stage that follows. libinotifytools tells
 * of changes that this host made; on NFS those of other hosts are never told, so there the poll
 * drives, jittered lest all hosts list at once.
 *
 * The library keeps one global state, and counts its timeout in whole seconds.
 */
#include "spool/watch.h"

#include <inotifytools/inotify.h>
#include <inotifytools/inotifytools.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/vfs.h>
#include <time.h>

#include "spool/log.h"

struct watch {
	bool ready;    /* the library is initialised */
	bool watching; /* a folder is watched, and all its changes are this host's */
};

struct watch *watch_new(void)
{
	struct watch *watch = x_calloc(1, sizeof(*watch));

	watch->ready = inotifytools_initialize();
	return watch;
}

void watch_free(struct watch *watch)
{
	if (watch && watch->ready)
		inotifytools_cleanup();
	free(watch);
}

/* File systems whose changes one host alone makes. */
static bool is_local(const char *path)
{
	static const long local[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
		TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC, F2FS_SUPER_MAGIC};
	struct statfs status;

	if (statfs(path, &status) < 0)
		return false;
	for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++)
		if ((uint32_t)status.f_type == (uint32_t)local[i])
			return true;
	return false;
}

void watch_folder(struct watch *watch, const char *path)
{
	if (watch->ready && is_local(path))
		watch->watching = inotifytools_watch_file(path, IN_MOVED_TO | IN_CREATE);
}

static void sleep_jittered(unsigned poll_ms)
{
	struct timespec rest;
	unsigned random = 0;
	uint64_t wait_ms;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0;
	wait_ms = poll_ms - poll_ms / 4 + random % (poll_ms / 2 + 1);
	rest.tv_sec = (time_t)(wait_ms / 1000);
	rest.tv_nsec = (long)(wait_ms % 1000) * 1000000;
	nanosleep(&rest, NULL);
}

void watch_wait(struct watch *watch, unsigned poll_ms)
{
	if (!watch->watching) {
		sleep_jittered(poll_ms);
		return;
	}
	if (!inotifytools_next_events((poll_ms + 999) / 1000, 1))
		return;
	/* one scan answers for all of them, and for what an overflow left out */
	while (inotifytools_next_events(0, 1))
		;
}
