/*
 * shard.c: the shard's folders and tables, and its bad end.
 */
#include "consolidate/shard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/log.h"
#include "spool/nfs.h"

int shard_open(struct shard *shard, struct stage_run *run)
{
	shard->run = run;
	spool_path(&run->spool, shard->ready, "flows/" SHARD "/ready");
	spool_path(&run->spool, shard->bad, "flows/" SHARD "/bad");
	spool_path(&run->spool, shard->home, "state/" SHARD);
	state_init(&shard->state, &run->spool);
	shard->table = window_new();
	if (queue_open(&shard->tokens, &run->spool, "state", SHARD) < 0) {
		log_err("cannot open %s: %s", shard->home, strerror(errno));
		return -1;
	}
	return 0;
}

void shard_close(struct shard *shard)
{
	state_free(&shard->state);
	carry_free(shard->carry);
	window_free(shard->table);
	free(shard->waiting);
	queue_close(&shard->tokens);
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
	moved = nfs_move(shard->ready, name, shard->bad, name);
	return moved < 0 ? -1 : nfs_sync_folder(shard->bad);
}
