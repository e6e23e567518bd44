/*
 * mira-consolidate: partial flows of all probes become biflows, window by window. Manual page: mira-consolidate(8).
 *
 * Between preprocess, which writes a batch of flows for each batch of packets and shard, and classify, which gives biflows a
 * verdict. One process at a time works on a shard: the one that holds its token (token.c). A process visits its shards in
 * turn (serve.c): all of the spool whose token it can get, or the one it was told.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "consolidate/shard.h"
#include "spool/litter.h"
#include "spool/log.h"
#include "spool/metrics.h"
#include "spool/notify.h"
#include "spool/pressure.h"
#include "spool/value.h"
#include "spool/watch.h"

#define POLL_MS	 500
#define HOUSE_S	 5
#define EXPIRE_S 60

struct consolidate {
	struct stage_run *run;
	uint64_t batch_biflows;
	uint64_t only; /* --shard, or UINT64_MAX */
	struct window_table *table;
	struct shard *shards;
	bool *done;
	size_t count;
};

static const struct option options[] = {{"batch-biflows", required_argument, NULL, 'b'},
	{"shard", required_argument, NULL, 's'}, {0}};

/* 0 is a shard, too. */
static bool take_shard(const char *text, uint64_t *number)
{
	*number = 0;
	return strcmp(text, "0") == 0 || value_count(text, SHARDS_MAX - 1, number);
}

static int option(struct stage_run *run, int value, const char *argument)
{
	struct consolidate *all = run->own;

	if (value == 'b' ? value_count(argument, UINT64_MAX, &all->batch_biflows)
			 : take_shard(argument, &all->only))
		return 0;
	if (value == 'b')
		log_err("--batch-biflows \"%s\" is not a number above 0", argument);
	else
		log_err("--shard \"%s\": give 0 to %d", argument, SHARDS_MAX - 1);
	return MIRA_PERSON;
}

/* Every batch reaches every shard, so the watch on one folder is one on all. */
static const struct stage stage = {
	.name = "consolidate",
	.queue = "flows",
	.reader = "shard-0",
	.output = "biflows",
	.summary = "merges the flows of all probes into biflows, window by window",
	.options = options,
	.options_help =
		"  --batch-biflows N about so many biflows in a batch at most (1000000)\n"
		"  --shard K         only this shard; default: all that nobody else works on\n",
	.option = option,
};

static int open_shards(struct consolidate *all)
{
	const struct spool *spool = &all->run->spool;
	bool one = all->only != UINT64_MAX;

	if (one && all->only >= spool->shards) {
		log_err("--shard %u: the spool has %u, 0 to %u", (unsigned)all->only, spool->shards,
			spool->shards - 1);
		return MIRA_PERSON;
	}
	all->table = window_new();
	all->shards = x_calloc(one ? 1 : spool->shards, sizeof(*all->shards));
	all->done = x_calloc(one ? 1 : spool->shards, sizeof(*all->done));
	while (all->count < (one ? 1 : spool->shards)) {
		struct shard *shard = &all->shards[all->count];

		shard->batch_biflows = all->batch_biflows;
		shard->table = all->table;
		if (shard_open(shard, all->run, one ? (unsigned)all->only : (unsigned)all->count) <
			0)
			return MIRA_AGAIN;
		all->count++;
	}
	return 0;
}

static void close_shards(struct consolidate *all)
{
	for (size_t i = 0; i < all->count; i++) {
		token_release(&all->shards[i]);
		shard_close(&all->shards[i]);
	}
	free(all->shards);
	free(all->done);
	window_free(all->table);
}

static void keep_house(struct stage_run *run)
{
	if (stage_due(&run->house_at_s, HOUSE_S)) {
		metrics_write(&run->spool, run->worker, "consolidate", &run->progress);
		pressure_trim(&run->spool, &run->config, run->worker, "biflows");
	}
	if (stage_due(&run->expire_at_s, EXPIRE_S)) {
		metrics_expire(&run->spool, run->worker, "consolidate");
		litter_expire(&run->spool, run->worker);
	}
}

static unsigned tokens_held(const struct consolidate *all)
{
	unsigned held = 0;

	for (size_t i = 0; i < all->count; i++)
		held += all->shards[i].token[0] != '\0';
	return held;
}

/* Visits each shard that is not done; counts what the visits came to, and keeps the errno of a failure. */
static void visit_all(struct consolidate *all, unsigned *visits, int *error)
{
	for (size_t i = 0; i < all->count && !visits[VISIT_PERSON] && !stage_stopping(); i++) {
		enum visit visit = VISIT_DONE;

		if (!all->done[i])
			visit = serve(&all->shards[i], tokens_held(all));
		if (visit == VISIT_FAILED)
			*error = errno;
		all->done[i] = visit == VISIT_DONE;
		visits[visit]++;
	}
}

/* One visit at each shard; returns an exit code, or -1: go on. */
static int round_once(struct consolidate *all)
{
	unsigned visits[VISITS] = {0};
	int error = 0;

	if (stage_due(&all->run->check_at_s, HOUSE_S) && spool_check(&all->run->spool))
		return MIRA_PERSON;
	keep_house(all->run);
	visit_all(all, visits, &error);
	if (visits[VISIT_PERSON])
		return MIRA_PERSON;
	if (visits[VISIT_FAILED])
		return stage_machine_error(all->run, error, "consolidate");
	stage_recovered(all->run);
	notify_progress(&all->run->progress,
		tokens_held(all) ? NULL : "other processes consolidate its shards");
	if (visits[VISIT_DONE] == all->count)
		return MIRA_OK;
	if (!visits[VISIT_WORKED] && !stage_stopping())
		watch_wait(all->run->watch, visits[VISIT_SOON] ? POLL_MS / 5 : POLL_MS);
	return -1;
}

int main(int argc, char **argv)
{
	struct consolidate all = {.batch_biflows = 1000000, .only = UINT64_MAX};
	struct stage_run run = {.own = &all};
	int result = stage_start(&run, &stage, argc, argv);

	all.run = &run;
	if (result == 0)
		result = open_shards(&all);
	if (result == 0) {
		notify_ready();
		for (result = -1; result < 0 && !stage_stopping();) {
			result = round_once(&all);
			stage_reload(&run);
		}
		notify_stopping();
	}
	if (all.table)
		close_shards(&all);
	stage_end(&run);
	return result < 0 ? MIRA_OK : result;
}
