/*
 * mira-requeue.c: `mira requeue`: what a person puts back to work. mira-status.c shows what there is.
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
