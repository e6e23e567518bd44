/*
 * litter.c: sweeps the folders of a spool that outlive every batch. Part of the housekeeping of each
 * stage.
 */
#include "spool/litter.h"

#include "spool/nfs.h"

#define KEPT_S 86400

static const char *const folders[] = {"", "state", "state/rules", "state/capture", "state/looks",
	"state/cache", "metrics"};
static const char *const queues[] = {"packets", "flows", "biflows", "verdicts", "state"};
#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static void sweep_readers(const struct spool *spool, const char *queue, int64_t before_s)
{
	char path[PATH_MAX];
	struct namelist readers;

	if (spool_readers(spool, queue, &readers) < 0)
		return;
	for (size_t i = 0; i < readers.count; i++) {
		nfs_expire(spool_path(spool, path, "%s/%s", queue, readers.names[i]), before_s);
		nfs_expire(spool_path(spool, path, "%s/%s/bad", queue, readers.names[i]), before_s);
	}
	namelist_free(&readers);
}

void litter_expire(const struct spool *spool, const struct worker *worker)
{
	char path[PATH_MAX];
	/* the beat is a second old at most: the file server's clock */
	int64_t now_s = nfs_mtime(spool_path(spool, path, "workers/%s", worker_name(worker)));

	if (now_s < 0)
		return;
	for (size_t i = 0; i < COUNT(folders); i++)
		nfs_expire(spool_path(spool, path, "%s", folders[i]), now_s - KEPT_S);
	for (size_t i = 0; i < COUNT(queues); i++)
		sweep_readers(spool, queues[i], now_s - KEPT_S);
}
