/*
 * store_upstream.c: looks for a batch in the folders between consolidation and the store, so that the store can tell a batch that
 * is late from one that was lost.
 */
#include "postproc/store/store_upstream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/names.h"
#include "spool/nfs.h"

#define NUMBER_DIGITS 10

bool store_batch_parse(const char *name, uint64_t *number, char *shard)
{
	const char *rest = name + strspn(name, "0123456789");
	size_t digits = (size_t)(rest - name), size;

	if (digits < NUMBER_DIGITS || digits > 18 || *rest++ != '-')
		return false;
	size = strcspn(rest, "+~");
	if (!size || size > NAME_PART_MAX)
		return false;
	*number = strtoull(name, NULL, 10);
	memcpy(shard, rest, size);
	shard[size] = '\0';
	return true;
}

/* What to look for, and what was found. */
struct search {
	const struct spool *spool;
	const char *shard;
	uint64_t number;
};

static bool is_wanted(const struct search *search, const char *name)
{
	char shard[NAME_PART_MAX + 1];
	uint64_t number;

	return store_batch_parse(name, &number, shard) && number == search->number &&
	       strcmp(shard, search->shard) == 0;
}

/* ANY: every entry counts, whatever its name. */
static int look_into(const struct search *search, const char *path, bool any)
{
	struct namelist names = {0};
	int found = 0;

	if (nfs_list(path, &names))
		return errno == ENOENT ? 0 : -1;
	for (size_t i = 0; i < names.count && !found; i++)
		found = any || is_wanted(search, names.names[i]);
	namelist_free(&names);
	return found;
}

static int look_into_work(const struct search *search, const char *queue)
{
	char path[PATH_MAX];
	struct namelist workers = {0};
	int found = 0;

	if (nfs_list(spool_path(search->spool, path, "%s/work", queue), &workers))
		return errno == ENOENT ? 0 : -1;
	for (size_t i = 0; i < workers.count && !found; i++)
		found = look_into(search,
			spool_path(search->spool, path, "%s/work/%s", queue, workers.names[i]),
			false);
	namelist_free(&workers);
	return found;
}

static int look_into_queue(const struct search *search, const char *queue)
{
	char path[PATH_MAX];
	int found = look_into(search, spool_path(search->spool, path, "%s/ready", queue), false);

	if (!found)
		found = look_into_work(search, queue);
	/* Reclaimed between the two looks? */
	if (!found)
		found = look_into(search, spool_path(search->spool, path, "%s/ready", queue),
			false);
	return found ? found
		     : look_into(search, spool_path(search->spool, path, "%s/done", queue), false);
}

/* In the order in which a batch moves, so that none slips through between two looks. */
int store_upstream(const struct spool *spool, const char *shard, uint64_t number)
{
	struct search search = {spool, shard, number};
	char path[PATH_MAX];
	int found = look_into(&search, spool_path(spool, path, "state/%s/done", shard), true);

	if (!found)
		found = look_into_queue(&search, "biflows/classify");
	return found ? found : look_into_queue(&search, "verdicts/store");
}
