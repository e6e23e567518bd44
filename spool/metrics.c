/*
 * metrics.c: what a stage has done, for those who watch the machines. Written by the stage loop.
 */
#include "spool/metrics.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/nfs.h"

#define KEPT_S 86400

static const struct metric {
	const char *name, *help;
	size_t offset;
} metrics[] = {
	{"mira_batches_total", "Batches worked on", offsetof(struct progress, batches)},
	{"mira_packets_total", "Packets read", offsetof(struct progress, packets)},
	{"mira_bytes_total", "Bytes of input read", offsetof(struct progress, bytes)},
	{"mira_records_total", "Records written", offsetof(struct progress, records)},
	{"mira_uncaptured_octets_total", "Octets of IP packets cut off by the snap length",
		offsetof(struct progress, uncaptured)},
	{"mira_dropped_batches_total", "Batches of optional readers dropped",
		offsetof(struct progress, dropped)},
};

static void print(FILE *out, const struct metric *metric, const char *stage, const char *worker,
	const struct progress *progress)
{
	const uint64_t *value = (const uint64_t *)((const char *)progress + metric->offset);

	fprintf(out, "# HELP %s %s.\n# TYPE %s counter\n", metric->name, metric->help,
		metric->name);
	fprintf(out, "%s{stage=\"%s\",worker=\"%s\"} %" PRIu64 "\n", metric->name, stage, worker,
		*value);
}

int metrics_write(const struct spool *spool, const struct worker *worker, const char *stage,
	const struct progress *progress)
{
	char path[PATH_MAX], *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int result = -1;

	if (!out)
		return -1;
	for (size_t i = 0; i < sizeof(metrics) / sizeof(*metrics); i++)
		print(out, &metrics[i], stage, worker_name(worker), progress);
	spool_path(spool, path, "metrics/%s.prom", worker_name(worker));
	if (fclose(out) == 0)
		result = nfs_write_file(path, text, size);
	free(text);
	return result;
}

void metrics_expire(const struct spool *spool, const struct worker *worker, const char *stage)
{
	char folder[PATH_MAX], path[PATH_MAX];
	size_t length = strlen(stage);
	struct namelist names;
	int64_t now;

	now = nfs_mtime(spool_path(spool, path, "metrics/%s.prom", worker_name(worker)));
	if (now < 0 || nfs_list(spool_path(spool, folder, "metrics"), &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		if (strncmp(names.names[i], stage, length) != 0 || names.names[i][length] != '.')
			continue;
		if (nfs_join(path, folder, names.names[i]) == 0 && nfs_mtime(path) >= 0 &&
			now - nfs_mtime(path) > KEPT_S)
			nfs_unlink(path);
	}
	namelist_free(&names);
}
