/* mira-progress.c: progress of the line, read from the beats of the workers. */
#include "spool/mira-progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/queue.h"
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

static size_t waiting(const struct spool *spool, const char *queue, const char *reader)
{
	struct namelist names = {0};
	char path[PATH_MAX];
	size_t count;

	nfs_list(spool_path(spool, path, "%s/%s/ready", queue, reader), &names);
	count = names.count;
	namelist_free(&names);
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
			bar, share * 100, done, total, rate, left_s / 60,
			(double)((long)left_s % 60), (unsigned long long)sum->packets);
	else
		snprintf(out, size, "capturing  %s  %s/s  %llu packets", done, rate,
			(unsigned long long)sum->packets);
}

static void line_text(const struct spool *spool, const char *stage, double elapsed_s, char *out,
	size_t size)
{
	struct progress sum;

	sum_beats(spool, stage, &sum);
	if (!strcmp(stage, "capture"))
		capture_text(&sum, elapsed_s, out, size);
	else
		snprintf(out, size,
			"%s  waiting: %zu packets, %zu flows, %zu biflows, %zu verdicts batches",
			stage, waiting(spool, "packets", "preprocess"),
			waiting(spool, "flows", "shard-0"), waiting(spool, "biflows", "classify"),
			waiting(spool, "verdicts", "store"));
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
	line_text(spool, stage, time_s - began_s, text, sizeof(text));
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
