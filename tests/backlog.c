/*
 * backlog.c: a spool with very many waiting batches, and how fast they are claimed. The batches are real: a manifest each,
 * and a hard link to one segment.
 *
 *	backlog fill SPOOL COUNT SEGMENT [FROM]		batches FROM … FROM+COUNT-1 of one run into packets/preprocess/ready
 *	backlog claims SPOOL CLAIMS WORKERS		prints the mean time of a claim in microseconds, each worker's first,
 *							which begins with a listing, left out; gives all back
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spool/config.h"
#include "spool/log.h"
#include "spool/manifest.h"
#include "spool/nfs.h"
#include "spool/queue.h"
#include "spool/spool.h"

#define RUN	      "0123456789abcdef0123456789abcdef"
#define START_MS      1795259000000ull
#define PERIOD_MS     5000
#define BATCH_PACKETS 100

static void must(bool good, const char *what)
{
	if (!good)
		die(MIRA_AGAIN, "cannot %s: %s", what, strerror(errno));
}

static void open_spool(struct spool *spool, const char *root)
{
	static struct config config;

	if (config_load(&config, "") || spool_open(spool, root, &config, false))
		exit(MIRA_PERSON);
}

static void name_batch(struct manifest *manifest, uint64_t seq)
{
	struct batchname name = {.start_us = (START_MS + seq * PERIOD_MS) * 1000, .seq = seq};

	snprintf(name.probe, sizeof(name.probe), "probe1");
	snprintf(name.stream, sizeof(name.stream), "all");
	snprintf(name.run, sizeof(name.run), RUN);
	batchname_format(&name, manifest->name, sizeof(manifest->name));
	manifest->seq = seq;
	manifest->first_ms = START_MS + seq * PERIOD_MS;
	manifest->last_ms = manifest->first_ms + PERIOD_MS - 1;
	manifest->packet_index = seq * BATCH_PACKETS;
	manifest->counts = (struct counts){BATCH_PACKETS, BATCH_PACKETS, 0, 0, 0};
	manifest->cumulative =
		(struct counts){(seq + 1) * BATCH_PACKETS, (seq + 1) * BATCH_PACKETS, 0, 0, 0};
}

static void make_batch(const struct spool *spool, struct manifest *manifest, const char *segment)
{
	char folder[PATH_MAX], path[PATH_MAX];

	spool_path(spool, folder, "packets/preprocess/ready/%s", manifest->name);
	must(nfs_mkdir(folder) == 0, "make a batch");
	must(nfs_join(path, folder, manifest->segments[0].name) == 0 &&
			nfs_link(segment, path) == 0,
		"link the segment");
	must(manifest_write(manifest, folder) == 0, "write a manifest");
}

static int fill(const struct spool *spool, char **argv)
{
	uint64_t from = argv[5] ? strtoull(argv[5], NULL, 10) : 0;
	uint64_t end = from + strtoull(argv[3], NULL, 10);
	char folder[PATH_MAX];
	const char *slash = strrchr(argv[4], '/');
	struct manifest manifest;

	manifest_init(&manifest, "packets", "");
	snprintf(manifest.probe, sizeof(manifest.probe), "probe1");
	snprintf(manifest.stream, sizeof(manifest.stream), "all");
	snprintf(manifest.run, sizeof(manifest.run), RUN);
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - argv[4]) : 1,
		slash ? argv[4] : ".");
	must(manifest_add_file(&manifest, folder, slash ? slash + 1 : argv[4]) == 0,
		"read the segment");
	for (uint64_t seq = from; seq < end; seq++) {
		name_batch(&manifest, seq);
		make_batch(spool, &manifest, argv[4]);
	}
	manifest_free(&manifest);
	return MIRA_OK;
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The workers take turns; a claim begins by listing work/W, which must not grow, so what was claimed goes to done/ and is given
 * back at the end. */
static void claim_all(struct queue *queues, struct worker **workers, size_t count, double *took,
	size_t claims)
{
	char name[NAME_MAX + 1], done[PATH_MAX], work[PATH_MAX], ready[PATH_MAX];
	struct namelist names;

	spool_path(queues->spool, done, "packets/preprocess/done");
	spool_path(queues->spool, ready, "packets/preprocess/ready");
	for (size_t i = 0; i < claims; i++) {
		size_t who = i % count;
		double began = now_us();

		must(queue_claim(&queues[who], workers[who], name) == 1, "claim");
		took[i] = now_us() - began;
		spool_path(queues->spool, work, "packets/preprocess/work/%s",
			worker_name(workers[who]));
		must(nfs_move(work, name, done, name) == 1, "put a batch aside");
	}
	must(nfs_list(done, &names) == 0, "list done/");
	for (size_t i = 0; i < names.count; i++)
		must(nfs_move(done, names.names[i], ready, names.names[i]) == 1,
			"give a batch back");
	namelist_free(&names);
}

static int claims(const struct spool *spool, char **argv)
{
	size_t total = strtoull(argv[3], NULL, 10), count = strtoull(argv[4], NULL, 10);
	struct worker **workers = x_calloc(count, sizeof(*workers));
	struct queue *queues = x_calloc(count, sizeof(*queues));
	double *took = x_calloc(total, sizeof(*took)), sum = 0;

	for (size_t i = 0; i < count; i++) {
		workers[i] = worker_start(spool, "preprocess");
		must(workers[i] && queue_open(&queues[i], spool, "packets", "preprocess") == 0,
			"open the queue");
	}
	claim_all(queues, workers, count, took, total);
	for (size_t i = 0; i < count; i++) {
		queue_close(&queues[i]);
		worker_stop(workers[i]);
	}
	for (size_t i = count; i < total; i++)
		sum += took[i];
	printf("%.1f\n", sum / (double)(total - count));
	return MIRA_OK;
}

int main(int argc, char **argv)
{
	struct spool spool;

	log_open("backlog");
	if (argc < 5)
		die(MIRA_PERSON,
			"usage: backlog fill SPOOL COUNT SEGMENT [FROM] | claims SPOOL CLAIMS WORKERS");
	open_spool(&spool, argv[2]);
	return strcmp(argv[1], "fill") ? claims(&spool, argv) : fill(&spool, argv);
}
