/*
 * token.c: the right to consolidate a shard, and the state that comes with it (SPOOL.md, rule 7).
 *
 * The token of shard K is a batch of the queue state/shard-K, so claim, commit and reclaim are those of any queue. Only its birth is
 * special, for nobody hands over the first one: whoever finds no token builds a candidate under birth/<worker>; the file "born",
 * made once and for all, names the candidate that counts; anybody moves it to ready/. A folder that is moved
 * is gone from birth/, so the first token appears once, whoever dies in between.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consolidate/shard.h"
#include "spool/fault.h"
#include "spool/log.h"
#include "spool/nfs.h"

void token_name(uint64_t serial, char *out)
{
	snprintf(out, NAME_MAX + 1, "token-%010" PRIu64, serial);
}

/* An empty state and an empty carry, as a batch. */
static int build_first(struct shard *shard, const char *folder)
{
	struct carry *carry = carry_new(shard->state.window_ms, CARRY_LIMIT);
	struct manifest manifest;
	struct state state;
	char name[NAME_MAX + 1];
	int result;

	token_name(0, name);
	manifest_init(&manifest, "state", name);
	state_init(&state, &shard->run->spool);
	result = nfs_mkdir(folder);
	if (!result)
		result = state_write(&state, folder);
	if (!result)
		result = carry_write(carry, folder, 0);
	if (!result)
		result = manifest_add_file(&manifest, folder, "state.json");
	if (!result)
		result = manifest_add_file(&manifest, folder, "carry.bin");
	if (!result)
		result = manifest_write(&manifest, folder);
	state_free(&state);
	carry_free(carry);
	manifest_free(&manifest);
	return result;
}

/* A candidate that did not become the first token. */
static void discard(const char *folder)
{
	static const char *const files[] = {"state.json", "carry.bin", "manifest.json"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (!nfs_join(path, folder, files[i]))
			nfs_unlink(path);
	nfs_rmdir(folder);
}

static int propose(struct shard *shard, const char *births, const char *born)
{
	const char *self = worker_name(shard->run->worker);
	char folder[PATH_MAX];
	int error;

	/* the one who was faster removes what it finds, also from under our hands */
	if (nfs_join(folder, births, self) < 0 || build_first(shard, folder) < 0) {
		error = errno;
		if (nfs_has(shard->home, "born") == 1)
			return 0;
		errno = error;
		return -1;
	}
	FAULT("state");
	if (nfs_create_file(born, self, strlen(self)) && errno != EEXIST)
		return -1;
	FAULT("birth");
	return 0;
}

/* The candidate CHOSEN becomes the first token; the others, of the slower or of the dead, go. */
static int choose(const char *births, const char *chosen, const char *ready)
{
	char first[NAME_MAX + 1], folder[PATH_MAX];
	struct namelist names;
	int result = 0;

	if (nfs_list(births, &names) < 0)
		return errno == ENOENT ? 0 : -1;
	token_name(0, first);
	for (size_t i = 0; i < names.count && result >= 0; i++)
		if (strcmp(names.names[i], chosen) == 0)
			result = nfs_move(births, chosen, ready, first);
		else if (!nfs_join(folder, births, names.names[i]))
			discard(folder);
	namelist_free(&names);
	return result < 0 ? -1 : 0;
}

static int birth(struct shard *shard)
{
	char births[PATH_MAX], born[PATH_MAX], ready[PATH_MAX];
	char *chosen;
	int has, result;

	spool_path(&shard->run->spool, births, "state/%s/birth", shard->name);
	spool_path(&shard->run->spool, born, "state/%s/born", shard->name);
	spool_path(&shard->run->spool, ready, "state/%s/ready", shard->name);
	has = nfs_has(shard->home, "born");
	if (has < 0 || (!has && propose(shard, births, born) < 0))
		return -1;
	chosen = nfs_read_file(born, NULL);
	if (!chosen)
		return -1;
	result = choose(births, chosen, ready);
	FAULT("born");
	free(chosen);
	return result;
}

static int read_token(struct shard *shard, const char *folder, char *why)
{
	struct manifest manifest;
	int result = manifest_read(&manifest, folder, why);

	if (!result)
		result = manifest_check(&manifest, folder, why);
	if (!result)
		result = state_read(&shard->state, folder, why);
	if (!result)
		result = carry_read(shard->carry, folder, why);
	manifest_free(&manifest);
	return result;
}

/* What stood in the token, and what was made of it. */
static void forget(struct shard *shard)
{
	state_free(&shard->state);
	state_init(&shard->state, &shard->run->spool);
	carry_free(shard->carry);
	shard->carry = NULL;
	window_reset(shard->table);
	shard->held = 0; /* another worker may write there now */
}

/* 1, -1, -2. */
static int load(struct shard *shard)
{
	char folder[PATH_MAX], why[256];
	int result;

	forget(shard);
	shard->carry = carry_new(shard->state.window_ms, CARRY_LIMIT);
	spool_path(&shard->run->spool, folder, "state/%s/work/%s/%s", shard->name,
		worker_name(shard->run->worker), shard->token);
	result = read_token(shard, folder, why);
	if (result == -1)
		log_err("cannot read the state of consolidation in %s: %s", folder,
			strerror(errno));
	if (result == -2)
		log_err("the state of consolidation in %s is damaged: %s; restore state.json and "
			"carry.bin, or begin a "
			"new spool",
			folder, why);
	return result < 0 ? result : 1;
}

/* The one token in ready/. More than one cannot be; if it is, nothing here may guess which is right. */
static int find(struct shard *shard, char *name)
{
	struct namelist names = {0};
	int result = queue_ready(&shard->tokens, &names);

	if (result >= 0)
		result = names.count > 0;
	if (result == 1)
		snprintf(name, NAME_MAX + 1, "%s", names.names[0]);
	if (names.count > 1) {
		log_err("%s/ready holds %zu tokens, there can be one only: remove all but the "
			"right one",
			shard->home, names.count);
		result = -2;
	}
	namelist_free(&names);
	return result;
}

/* Thought dead and reclaimed, a worker goes on under another name (SPOOL.md, rule 4). */
static int claim(struct shard *shard)
{
	struct worker *self = shard->run->worker;
	int result = queue_claim_named(&shard->tokens, self, shard->token);

	if (result < 0 && errno == ESTALE && !worker_rename(self))
		result = queue_claim_named(&shard->tokens, self, shard->token);
	return result;
}

/* Birth, and a look: 1 with NAME, 0, -1, -2. */
static int look(struct shard *shard, char *name)
{
	int result = birth(shard);

	if (!result)
		result = find(shard, name);
	if (result == -1)
		log_err("cannot look for the token in %s: %s; free space or restore access there",
			shard->home, strerror(errno));
	return result;
}

int token_free(struct shard *shard)
{
	char name[NAME_MAX + 1];

	return look(shard, name);
}

int token_take(struct shard *shard)
{
	int result = look(shard, shard->token);

	if (result == 1) {
		result = claim(shard);
		if (result == -1)
			log_err("cannot claim the token in %s: %s", shard->home, strerror(errno));
	}
	if (result == 1)
		return load(shard);
	shard->token[0] = '\0';
	return result;
}

void token_release(struct shard *shard)
{
	if (shard->token[0] && queue_release(&shard->tokens, shard->run->worker, shard->token) < 0)
		log_warn("cannot give back %s: %s; the next start does", shard->token,
			strerror(errno));
	shard->token[0] = '\0';
	forget(shard);
}

char *token_holder(const struct shard *shard, char *out)
{
	char path[PATH_MAX], below[PATH_MAX];
	struct namelist workers = {0}, held = {0};

	out[0] = '\0';
	nfs_list(spool_path(&shard->run->spool, path, "state/%s/work", shard->name), &workers);
	for (size_t i = 0; i < workers.count && !out[0]; i++) {
		if (nfs_join(below, path, workers.names[i]) == 0 && nfs_list(below, &held) == 0 &&
			held.count)
			snprintf(out, NAME_MAX + 1, "%s", workers.names[i]);
		namelist_free(&held);
	}
	namelist_free(&workers);
	return out;
}
