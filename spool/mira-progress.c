/* mira-progress.c: progress of the line, read from the beats of the workers. */
#include "spool/mira-progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/worker.h"

#define BAR_MS	  200
#define BAR_CELLS 24

static bool shown;

static double now_s(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Sums the beats of all workers of STAGE. */
static void sum_beats(const struct spool *spool, const char *stage, struct progress *sum)
{
	struct namelist names = {0};
	char path[PATH_MAX];
	size_t length = strlen(stage);

	memset(sum, 0, sizeof(*sum));
	nfs_list(spool_path(spool, path, "workers"), &names);
	for (size_t i = 0; i < names.count; i++) {
		struct progress one;

		if (strncmp(names.names[i], stage, length) || names.names[i][length] != '.' ||
			!worker_read(spool, names.names[i], &one))
			continue;
		sum->batches += one.batches;
		sum->packets += one.packets;
		sum->bytes += one.bytes;
		sum->total_bytes += one.total_bytes;
	}
	namelist_free(&names);
}

static size_t count_in(const struct spool *spool, const char *folder)
{
	struct namelist names = {0};
	char path[PATH_MAX];
	size_t count;

	nfs_list(spool_path(spool, path, "%s", folder), &names);
	count = names.count;
	namelist_free(&names);
	return count;
}

/* Waiting, and claimed (a folder a worker, one batch each). */
static size_t waiting_in(const struct spool *spool, const char *queue, const char *reader)
{
	char folder[64];
	size_t count;

	snprintf(folder, sizeof(folder), "%s/%s/ready", queue, reader);
	count = count_in(spool, folder);
	snprintf(folder, sizeof(folder), "%s/%s/work", queue, reader);
	return count + count_in(spool, folder);
}

/* Batches that STAGE has not finished. */
static size_t batches_left(const struct spool *spool, const char *stage)
{
	static const struct {
		const char *stage, *queue, *reader; /* NULL: one reader a shard */
	} rows[] = {{"preprocess", "packets", "preprocess"}, {"consolidate", "flows", NULL},
		{"classify", "biflows", "classify"}, {"store", "verdicts", "store"}};
	char shard[SHARD_NAME];
	size_t count = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].stage, stage))
			continue;
		if (rows[i].reader)
			return waiting_in(spool, rows[i].queue, rows[i].reader);
		for (unsigned k = 0; k < spool->shards; k++)
			count += waiting_in(spool, rows[i].queue, shard_name(k, shard));
	}
	return count;
}

static void size_text(double bytes, char *out, size_t size)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	size_t unit = 0;

	while (bytes >= 1000 && unit < 4) {
		bytes /= 1000;
		unit++;
	}
	snprintf(out, size, bytes < 10 && unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void bar_text(double share, char *out)
{
	int full = (int)(share * BAR_CELLS + 0.5);

	for (int i = 0; i < BAR_CELLS; i++)
		out[i] = i < full ? '#' : '.';
	out[BAR_CELLS] = '\0';
}

/* The line while the capture reads: share done, rate and time left. */
static void capture_text(const struct progress *sum, double elapsed_s, char *out, size_t size)
{
	char done[32], total[32], rate[32], bar[BAR_CELLS + 1];
	double share = sum->total_bytes ? (double)sum->bytes / (double)sum->total_bytes : 0;
	double left_s = share > 0 ? elapsed_s * (1 - share) / share : 0;

	size_text((double)sum->bytes, done, sizeof(done));
	size_text((double)sum->total_bytes, total, sizeof(total));
	size_text((double)sum->bytes / elapsed_s, rate, sizeof(rate));
	bar_text(share > 1 ? 1 : share, bar);
	if (sum->total_bytes)
		snprintf(out, size, "[%s] %3.0f%%  %s of %s  %s/s  %.0f:%02.0f left  %llu packets",
			bar, share * 100, done, total, rate, (double)((long)left_s / 60),
			(double)((long)left_s % 60), (unsigned long long)sum->packets);
	else
		snprintf(out, size, "capturing  %s  %s/s  %llu packets", done, rate,
			(unsigned long long)sum->packets);
}

/* The line while STAGE works off its queue, which only shrinks now: what of it is done. */
static void stage_text(const struct spool *spool, const char *stage, double time_s, char *out,
	size_t size)
{
	static struct {
		const char *stage;
		size_t batches;
		double at_s;
	} began;
	size_t left = batches_left(spool, stage), done;
	char bar[BAR_CELLS + 1];
	double elapsed_s, left_s;

	if (began.stage != stage || left > began.batches) {
		began.stage = stage;
		began.batches = left;
		began.at_s = time_s;
	}
	done = began.batches - left;
	elapsed_s = time_s - began.at_s;
	left_s = done ? elapsed_s * (double)left / (double)done : 0;
	bar_text(began.batches ? (double)done / (double)began.batches : 1, bar);
	snprintf(out, size, "[%s] %s: %zu of %zu batches  %.0f/s  %.0f:%02.0f left", bar, stage,
		done, began.batches, elapsed_s > 0 ? (double)done / elapsed_s : 0,
		(double)((long)left_s / 60), (double)((long)left_s % 60));
}

static void line_text(const struct spool *spool, const char *stage, double time_s, double elapsed_s,
	char *out, size_t size)
{
	struct progress sum;

	if (strcmp(stage, "capture")) {
		stage_text(spool, stage, time_s, out, size);
		return;
	}
	sum_beats(spool, stage, &sum);
	capture_text(&sum, elapsed_s, out, size);
}

void mira_progress(const struct spool *spool, const char *stage)
{
	static double began_s, last_s;
	double time_s = now_s();
	bool terminal = isatty(STDERR_FILENO);
	char text[256];

	if (!began_s)
		began_s = last_s = time_s;
	if (time_s - last_s < (terminal ? BAR_MS / 1e3 : PROGRESS_LINE_S))
		return;
	last_s = time_s;
	line_text(spool, stage, time_s, time_s - began_s, text, sizeof(text));
	if (terminal)
		fprintf(stderr, "\r\033[K%s", text);
	else
		fprintf(stderr, "mira run: %s\n", text);
	shown = terminal;
}

void mira_progress_end(void)
{
	if (shown)
		fputs("\r\033[K", stderr);
	shown = false;
}
