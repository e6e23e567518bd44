/*
 * shard.c: a shard's folders and tables, and its bad end.
 */
#include "consolidate/shard.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/fault.h"
#include "spool/log.h"
#include "spool/nfs.h"

int shard_open(struct shard *shard, struct stage_run *run, unsigned number)
{
	const char *name = shard_name(number, shard->name);

	shard->run = run;
	shard->number = number;
	spool_path(&run->spool, shard->ready, "flows/%s/ready", name);
	spool_path(&run->spool, shard->bad, "flows/%s/bad", name);
	spool_path(&run->spool, shard->home, "state/%s", name);
	state_init(&shard->state, &run->spool);
	if (queue_open(&shard->tokens, &run->spool, "state", name) < 0 ||
		queue_open(&shard->flows, &run->spool, "flows", name) < 0) {
		log_err("cannot open %s or flows/%s: %s; %s, then start again", shard->home, name,
			strerror(errno), nfs_remedy(errno, NULL));
		return -1;
	}
	return 0;
}

void shard_close(struct shard *shard)
{
	state_free(&shard->state);
	carry_free(shard->carry);
	free(shard->waiting);
	queue_close(&shard->flows);
	if (queue_close(&shard->tokens) < 0)
		worker_keep_beat(shard->run->worker);
}

/* The reason first: a batch in bad/ always has one. After the move nobody but the administrator touches it. */
int shard_reject(struct shard *shard, const char *name, const char *why)
{
	char path[PATH_MAX], reason[NAME_MAX + 16];
	int moved;

	log_err("flows batch %s is bad and moves to %s: %s; its packets count as quarantined", name,
		shard->bad, why);
	snprintf(reason, sizeof(reason), "%s.reason", name);
	if (nfs_join(path, shard->bad, reason) < 0 || nfs_write_file(path, why, strlen(why)) < 0)
		return -1;
	FAULT("reason");
	moved = nfs_move(shard->ready, name, shard->bad, name);
	FAULT("bad");
	return moved < 0 ? -1 : nfs_sync_folder(shard->bad);
}

/* An input whose windows could all close is none of these: it is us who are behind with it. */
static uint64_t count_held(const struct shard *shard, uint64_t limit_ms)
{
	uint64_t held = shard->unread;

	for (size_t i = 0; i < shard->state.input_count; i++)
		held += shard->state.inputs[i].last_ms >= limit_ms;
	return held;
}

void shard_tell_held(struct shard *shard, uint64_t limit_ms)
{
	uint64_t held = count_held(shard, limit_ms);
	char path[PATH_MAX], text[32];

	if (held + 1 == shard->held)
		return;
	snprintf(text, sizeof(text), "%" PRIu64 "\n", held);
	spool_path(&shard->run->spool, path, "flows/%s/held", shard->name);
	if (nfs_write_file(path, text, strlen(text)) == 0)
		shard->held = held + 1;
	else if (!shard->run->failures)
		log_warn("cannot write %s: %s; preprocessing may stop too early", path,
			strerror(errno));
}
