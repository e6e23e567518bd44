/*
 * mira-status-workers.c: who works on the spool, and what time it is there. Part of `mira status`.
 *
 * A beat is rewritten every second, so its stamp is the server's time, a second ago, when its worker lives. That it lives is
 * proven by its process on this host, or by a counter that moved between two readings; on a network file system the
 * beats are therefore read twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "spool/beat.h"
#include "spool/log.h"
#include "spool/mira-status.h"
#include "spool/nfs.h"

#define TWICE_US 1300000 /* a beat is due every second */
#define SILENT_S 5

struct seen {
	char name[NAME_MAX + 1];
	struct beat beat;
	double stamp_s;
	bool moved;
};

/* File systems whose clock is this host's; anything else is asked as if it were far away. */
static bool is_local(const char *root)
{
	static const unsigned local[] = {0xEF53 /* ext4 */, 0x58465342 /* xfs */,
		0x9123683E /* btrfs */, 0x01021994 /* tmpfs */, 0x2FC12FC1 /* zfs */,
		0xF2F52010 /* f2fs */, 0x794C7630 /* overlay */};
	struct statfs status;

	if (statfs(root, &status) < 0)
		return false;
	for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++)
		if ((unsigned)status.f_type == local[i])
			return true;
	return false;
}

/* The stamp of what was just opened, which on NFS asks the server. */
static double stamp_of(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0
		       ? 0
		       : (double)status.st_mtim.tv_sec + (double)status.st_mtim.tv_nsec / 1e9;
}

static bool read_one(const struct spool *spool, const char *name, struct seen *seen)
{
	char path[PATH_MAX];

	memset(seen, 0, sizeof(*seen));
	if (beat_read(spool, name, &seen->beat) != 1)
		return false;
	snprintf(seen->name, sizeof(seen->name), "%s", name);
	seen->stamp_s = stamp_of(spool_path(spool, path, "workers/%s", name));
	return true;
}

static int read_all(const struct spool *spool, struct seen **all, size_t *count)
{
	struct namelist names;
	char path[PATH_MAX];

	*count = 0;
	*all = NULL;
	if (nfs_list(spool_path(spool, path, "workers"), &names) < 0)
		return -1;
	namelist_sort(&names);
	*all = x_calloc(names.count + 1, sizeof(**all));
	for (size_t i = 0; i < names.count; i++)
		*count += read_one(spool, names.names[i], &(*all)[*count]);
	namelist_free(&names);
	return 0;
}

static void read_again(const struct spool *spool, struct seen *all, size_t count)
{
	usleep(TWICE_US);
	for (size_t i = 0; i < count; i++) {
		struct seen second;

		if (!read_one(spool, all[i].name, &second))
			continue;
		second.moved = second.beat.beat != all[i].beat.beat;
		all[i] = second;
	}
}

/* 1 its process stands here, 0 it would but does not, -1 elsewhere. */
static int stands_here(const struct beat *self, const struct beat *beat)
{
	if (strcmp(self->boot_id, beat->boot_id) || strcmp(self->pidns, beat->pidns))
		return -1;
	return beat->start_time && process_start_time(beat->pid) == beat->start_time;
}

/* Did any host see the counter stand still often enough? */
static bool thought_dead(const struct spool *spool, const struct seen *seen)
{
	char folder[PATH_MAX], path[PATH_MAX], why[256];
	struct namelist names;
	bool dead = false;

	if (nfs_list(spool_path(spool, folder, "state/looks"), &names) < 0)
		return false;
	for (size_t i = 0; i < names.count && !dead; i++) {
		json_t *looks = nfs_join(path, folder, names.names[i]) < 0
					? NULL
					: json_read_file(path, why);
		const json_t *look = json_object_get(looks, seen->name);

		dead = look && (uint64_t)status_get(look, "beat") == seen->beat.beat &&
		       status_get(look, "looks") >= WORKER_LOOKS;
		json_decref(looks);
	}
	namelist_free(&names);
	return dead;
}

static const char *state_of(const struct status_look *look, const struct beat *self,
	const struct seen *seen)
{
	int stands = stands_here(self, &seen->beat);

	if (stands == 0 || (stands < 0 && !seen->moved && thought_dead(&look->spool, seen)))
		return "dead";
	if (seen->moved || look->now_s - seen->stamp_s < SILENT_S)
		return "alive";
	return "silent";
}

static json_t *to_json(const struct status_look *look, const struct beat *self,
	const struct seen *seen)
{
	const struct progress *progress = &seen->beat.progress;
	json_t *worker = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "name", seen->name, "stage",
		seen->beat.stage, "host", seen->beat.host, "version", seen->beat.version, "pid",
		(json_int_t)seen->beat.pid, "state", state_of(look, self, seen));

	json_object_set_new(worker, "beat_age_s",
		json_real(look->now_s > seen->stamp_s ? look->now_s - seen->stamp_s : 0));
	/* the counter moves once a second */
	json_object_set_new(worker, "running_s", json_integer((json_int_t)seen->beat.beat));
	json_object_set_new(worker, "batches", json_integer((json_int_t)progress->batches));
	json_object_set_new(worker, "packets", json_integer((json_int_t)progress->packets));
	json_object_set_new(worker, "bytes", json_integer((json_int_t)progress->bytes));
	json_object_set_new(worker, "records", json_integer((json_int_t)progress->records));
	json_object_set_new(worker, "dropped_batches", json_integer((json_int_t)progress->dropped));
	json_object_set_new(worker, "sandbox", json_string(seen->beat.sandbox));
	json_object_set_new(worker, "doing", json_text(progress->doing));
	json_object_set_new(worker, "holding", json_array());
	return worker;
}

static double local_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void set_clock(struct status_look *look, bool local, const struct seen *all, size_t count)
{
	const char *source = local ? "local" : "stopped";

	look->now_s = local ? local_now() : 0;
	for (size_t i = 0; i < count; i++) {
		if (!local && all[i].stamp_s > look->now_s)
			look->now_s = all[i].stamp_s;
		if (!local && all[i].moved)
			source = "beats";
	}
	json_object_set_new(look->status, "clock",
		json_pack("{s:s, s:f}", "source", source, "server_s", look->now_s));
}

int status_clock(struct status_look *look)
{
	bool local = is_local(look->spool.root);
	struct beat self = {0};
	struct seen *all;
	size_t count;
	json_t *workers = json_array();

	if (read_all(&look->spool, &all, &count) < 0) {
		json_decref(workers);
		return -1;
	}
	if (!local && count)
		read_again(&look->spool, all, count);
	set_clock(look, local, all, count);
	beat_self(&self);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(workers, to_json(look, &self, &all[i]));
	json_object_set_new(look->status, "workers", workers);
	free(all);
	return 0;
}
