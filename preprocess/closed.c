/*
 * closed.c: looks at the tokens and at what waits for classification (closed.h).
 */
#include "preprocess/closed.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "spool/fields.h"
#include "spool/nfs.h"

/* What a token says. */
struct told {
	uint64_t closed_below_ms, commits;
};

static const struct field fields[] = {
	FIELD(struct told, closed_below_ms, FIELD_U64),
	FIELD(struct told, commits, FIELD_U64),
	{0},
};

/* ---- tokens ---- */

/* Of the token that stands in FOLDER; false: none does. */
static bool read_token(const char *folder, struct told *told)
{
	struct namelist tokens = {0};
	char path[PATH_MAX], why[FIELD_WHY];
	json_t *state = NULL;
	bool ok = false;

	if (nfs_list(folder, &tokens) == 0 && tokens.count == 1 &&
		snprintf(path, sizeof(path), "%s/%s/state.json", folder, tokens.names[0]) <
			(int)sizeof(path))
		state = json_read_file(path, why);
	if (state)
		ok = fields_get(state, fields, told, why);
	json_decref(state);
	namelist_free(&tokens);
	return ok;
}

/* It waits, or somebody works with it; on its way from one to the other it is not found, which only costs time. */
static bool find_token(const struct spool *spool, unsigned shard, struct told *told)
{
	struct namelist workers = {0};
	char path[PATH_MAX], name[SHARD_NAME];
	bool found;

	shard_name(shard, name);
	found = read_token(spool_path(spool, path, "state/%s/ready", name), told);
	if (!found)
		nfs_list(spool_path(spool, path, "state/%s/work", name), &workers);
	for (size_t i = 0; i < workers.count && !found; i++)
		found = read_token(spool_path(spool, path, "state/%s/work/%s", name,
					   workers.names[i]),
			told);
	namelist_free(&workers);
	return found;
}

/* ---- batches that wait for classification ---- */

/* A batch of biflows is called 0000000007-shard-0. */
static bool is_of(const char *name, unsigned shard, uint64_t commits)
{
	char wanted[SHARD_NAME], *end;
	uint64_t number = strtoull(name, &end, 10);
	size_t length = strlen(shard_name(shard, wanted));

	return *end == '-' && number <= commits && !strncmp(end + 1, wanted, length) &&
	       !(end[1 + length] >= '0' && end[1 + length] <= '9');
}

static bool stands_in(const char *folder, unsigned shard, uint64_t commits)
{
	struct namelist names = {0};
	bool found =
		nfs_list(folder, &names) < 0 && !nfs_none(errno); /* not known: not ruled out */

	for (size_t i = 0; i < names.count && !found; i++)
		found = is_of(names.names[i], shard, commits);
	namelist_free(&names);
	return found;
}

static bool is_worked_on(const struct spool *spool, unsigned shard, uint64_t commits)
{
	struct namelist workers = {0};
	char path[PATH_MAX];
	bool found = false;

	nfs_list(spool_path(spool, path, "biflows/classify/work"), &workers);
	for (size_t i = 0; i < workers.count && !found; i++)
		found = stands_in(spool_path(spool, path, "biflows/classify/work/%s",
					  workers.names[i]),
			shard, commits);
	namelist_free(&workers);
	return found;
}

/* In the order in which a batch moves; and ready/ again, for it may be given back between two looks. */
static bool waits(const struct spool *spool, unsigned shard, uint64_t commits)
{
	static const char *const folders[] = {"ready", NULL, "ready", "done"};
	char path[PATH_MAX];
	bool found = false;

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders) && !found; i++)
		found = folders[i] ? stands_in(spool_path(spool, path, "biflows/classify/%s",
						       folders[i]),
					     shard, commits)
				   : is_worked_on(spool, shard, commits);
	return found;
}

uint64_t closed_look(struct closed *closed, const struct spool *spool)
{
	uint64_t least = UINT64_MAX;

	for (unsigned shard = 0; shard < spool->shards; shard++) {
		struct told told;

		if (find_token(spool, shard, &told) && !waits(spool, shard, told.commits) &&
			told.closed_below_ms > closed->below_ms[shard])
			closed->below_ms[shard] = told.closed_below_ms;
		if (closed->below_ms[shard] < least)
			least = closed->below_ms[shard];
	}
	return least;
}
