/*
 * mira-queues.c: `mira status` and `mira requeue`: what stands where on a spool, and what a person may put back.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/log.h"
#include "spool/mira.h"
#include "spool/nfs.h"
#include "spool/queue.h"
#include "spool/spool.h"
#include "spool/worker.h"

static const char *const queues[] = {"packets", "flows", "biflows", "verdicts", "state"};
#define QUEUES (sizeof(queues) / sizeof(queues[0]))

/* Calls EACH for every reader's queue. */
static int each_queue(const struct spool *spool, int (*each)(struct queue *queue, void *own),
	void *own)
{
	for (size_t i = 0; i < QUEUES; i++) {
		struct namelist readers = {0};

		if (spool_readers(spool, queues[i], &readers))
			return -1;
		namelist_sort(&readers);
		for (size_t r = 0; r < readers.count; r++) {
			struct queue queue;

			if (queue_open(&queue, spool, queues[i], readers.names[r]) ||
				each(&queue, own) < 0)
				return -1;
			queue_close(&queue);
		}
		namelist_free(&readers);
	}
	return 0;
}

static size_t count_names(const struct queue *queue, const char *folder)
{
	struct namelist names = {0};
	char path[PATH_MAX];
	size_t count;

	nfs_list(spool_path(queue->spool, path, "%s/%s/%s", queue->queue, queue->reader, folder),
		&names);
	count = names.count;
	namelist_free(&names);
	return count;
}

static size_t count_claimed(const struct queue *queue)
{
	struct namelist workers = {0};
	char path[PATH_MAX], folder[NAME_MAX + 8];
	size_t count = 0;

	nfs_list(spool_path(queue->spool, path, "%s/%s/work", queue->queue, queue->reader),
		&workers);
	for (size_t i = 0; i < workers.count; i++) {
		snprintf(folder, sizeof(folder), "work/%s", workers.names[i]);
		count += count_names(queue, folder);
	}
	namelist_free(&workers);
	return count;
}

/* bad/ holds a batch and a file with the reason beside it. */
static size_t print_bad(const struct queue *queue)
{
	struct namelist names = {0};
	char path[PATH_MAX];
	size_t count = 0;

	nfs_list(spool_path(queue->spool, path, "%s/%s/bad", queue->queue, queue->reader), &names);
	namelist_sort(&names);
	for (size_t i = 0; i < names.count; i++) {
		size_t length = strlen(names.names[i]);
		char *reason;

		if (length > 7 && !strcmp(names.names[i] + length - 7, ".reason"))
			continue;
		reason = nfs_read_file(spool_path(queue->spool, path, "%s/%s/bad/%s.reason",
					       queue->queue, queue->reader, names.names[i]),
			NULL);
		printf("  bad: %s: %s\n", names.names[i], reason ? reason : "no reason recorded");
		free(reason);
		count++;
	}
	namelist_free(&names);
	return count;
}

static int print_queue(struct queue *queue, void *own)
{
	printf("%-9s %-12s %7zu %7zu %7zu\n", queue->queue, queue->reader,
		count_names(queue, "ready"), count_claimed(queue), count_names(queue, "done"));
	print_bad(queue);
	return 0;
}

static void print_workers(const struct spool *spool)
{
	struct namelist names = {0};
	char path[PATH_MAX];

	nfs_list(spool_path(spool, path, "workers"), &names);
	namelist_sort(&names);
	printf("\n%-60s %9s %13s  %s\n", "worker", "batches", "packets", "doing");
	for (size_t i = 0; i < names.count; i++) {
		struct progress progress;

		if (worker_read(spool, names.names[i], &progress))
			printf("%-60s %9llu %13llu  %s\n", names.names[i],
				(unsigned long long)progress.batches,
				(unsigned long long)progress.packets, progress.doing);
	}
	namelist_free(&names);
}

/* Opens the spool of --spool DIR; the rest of the arguments begin at *REST. */
static int open_spool(int argc, char **argv, const char *usage, struct spool *spool, int *rest)
{
	if (argc < 3 || strcmp(argv[1], "--spool")) {
		bool help = argc == 2 && !strcmp(argv[1], "--help");

		fputs(usage, help ? stdout : stderr);
		return help ? -1 : MIRA_PERSON;
	}
	if (!spool_exists(argv[2])) {
		log_err("%s is no spool: it has no spool.json; name the folder given to the stages",
			argv[2]);
		return MIRA_PERSON;
	}
	*rest = 3;
	return spool_attach(spool, argv[2]);
}

int mira_status(int argc, char **argv)
{
	struct spool spool;
	int rest,
		code = open_spool(argc, argv,
			"usage: mira status --spool DIR\n\n"
			"Shows for each queue and reader the batches waiting, claimed and being handed over, what stands in bad/\n"
			"and why, and what each worker does.\n",
			&spool, &rest);

	if (code)
		return code < 0 ? MIRA_OK : code;
	printf("%-9s %-12s %7s %7s %7s\n", "queue", "reader", "ready", "work", "done");
	if (each_queue(&spool, print_queue, NULL)) {
		log_err("cannot list %s: %m", spool.root);
		return MIRA_AGAIN;
	}
	print_workers(&spool);
	return MIRA_OK;
}

struct requeue {
	char **names; /* none: all */
	int count, moved;
};

static bool wanted(const struct requeue *requeue, const char *name)
{
	for (int i = 0; i < requeue->count; i++)
		if (!strcmp(requeue->names[i], name))
			return true;
	return requeue->count == 0;
}

static int requeue_queue(struct queue *queue, void *own)
{
	struct requeue *requeue = own;
	struct namelist names = {0};
	char path[PATH_MAX];
	int result = 0;

	nfs_list(spool_path(queue->spool, path, "%s/%s/bad", queue->queue, queue->reader), &names);
	for (size_t i = 0; i < names.count && result >= 0; i++) {
		if (strstr(names.names[i], ".reason") || !wanted(requeue, names.names[i]))
			continue;
		result = queue_requeue(queue, names.names[i]);
		if (result == 1) {
			printf("%s/%s: %s\n", queue->queue, queue->reader, names.names[i]);
			requeue->moved++;
		}
	}
	namelist_free(&names);
	return result < 0 ? -1 : 0;
}

int mira_requeue(int argc, char **argv)
{
	struct spool spool;
	struct requeue requeue;
	int rest,
		code = open_spool(argc, argv,
			"usage: mira requeue --spool DIR [BATCH…]\n\n"
			"Puts quarantined batches (all, or those named) back to work. Their ledger rows are replaced when done.\n",
			&spool, &rest);

	if (code)
		return code < 0 ? MIRA_OK : code;
	requeue = (struct requeue){argv + rest, argc - rest, 0};
	if (each_queue(&spool, requeue_queue, &requeue)) {
		log_err("cannot requeue on %s: %m", spool.root);
		return MIRA_AGAIN;
	}
	if (requeue.moved == 0)
		log_warn("nothing to requeue: no such batch stands in bad/ of %s", spool.root);
	return requeue.moved || requeue.count == 0 ? MIRA_OK : MIRA_PERSON;
}
