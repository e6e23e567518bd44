/*
 * capstate.c: the capture's memory of one stream. It is what makes a killed capture go on at the
 * right packet, and what tells consolidation which runs it has to wait for.
 */
#include "spool/capstate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/fault.h"
#include "spool/fields.h"
#include "spool/log.h"
#include "spool/nfs.h"

static const struct field fields[] = {
	FIELD(struct capstate, probe, FIELD_TEXT),
	FIELD(struct capstate, stream, FIELD_TEXT),
	FIELD(struct capstate, run, FIELD_TEXT),
	FIELD(struct capstate, worker, FIELD_TEXT),
	FIELD(struct capstate, batch, FIELD_TEXT),
	FIELD(struct capstate, next_seq, FIELD_U64),
	FIELD(struct capstate, packet_index, FIELD_U64),
	FIELD(struct capstate, records, FIELD_U64),
	FIELD(struct capstate, cumulative, FIELD_COUNTS),
	FIELD(struct capstate, live, FIELD_BOOL),
	FIELD(struct capstate, ended, FIELD_BOOL),
	{0},
};

#define FENCE_TRIES 100

static json_t *to_json(const struct capstate *state)
{
	json_t *object = json_object();

	json_object_set_new(object, "format", json_integer(SPOOL_FORMAT));
	fields_put(object, fields, state);
	return object;
}

/* ---- claims ---- */

static char *claim_path(const struct spool *spool, const char *worker, const char *probe,
	const char *stream, char *out)
{
	return spool_path(spool, out, "capture/writer/%s-%s~%s", probe, stream, worker);
}

int capstate_claim(const struct spool *spool, const char *worker, const char *probe,
	const char *stream)
{
	char folder[PATH_MAX], name[NAME_MAX + 1];
	int length = snprintf(name, sizeof(name), "%s-%s~%s", probe, stream, worker);

	if (length >= (int)sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return nfs_mkdir_in(spool_path(spool, folder, "capture/writer"), name) < 0 ? -1 : 0;
}

int capstate_rivals(const struct spool *spool, const char *worker, const char *probe,
	const char *stream, struct namelist *rivals)
{
	char folder[PATH_MAX], prefix[2 * NAME_PART_MAX + 3];
	struct namelist claims;
	size_t length = (size_t)snprintf(prefix, sizeof(prefix), "%s-%s~", probe, stream);

	*rivals = (struct namelist){0};
	if (nfs_list(spool_path(spool, folder, "capture/writer"), &claims) < 0)
		return -1;
	for (size_t i = 0; i < claims.count; i++)
		if (strncmp(claims.names[i], prefix, length) == 0 &&
			strcmp(claims.names[i] + length, worker) != 0)
			namelist_add(rivals, claims.names[i] + length);
	namelist_free(&claims);
	return 0;
}

static int empty(const char *folder)
{
	char path[PATH_MAX];
	struct namelist names;
	int result = 0;

	if (nfs_list(folder, &names) < 0)
		return errno == ENOENT ? 0 : -1;
	for (size_t i = 0; i < names.count && result == 0; i++)
		result = nfs_join(path, folder, names.names[i]) < 0 ? -1 : nfs_unlink(path);
	namelist_free(&names);
	return result;
}

static int fence(const char *folder)
{
	for (unsigned i = 0; i < FENCE_TRIES; i++) {
		if (empty(folder) < 0)
			return -1;
		if (nfs_rmdir(folder) == 0)
			return 0;
		if (errno != ENOTEMPTY)
			return -1;
	}
	errno = EBUSY;
	return -1;
}

int capstate_fence(const struct spool *spool, const char *worker, const char *probe,
	const char *stream)
{
	char folder[PATH_MAX];

	return fence(claim_path(spool, worker, probe, stream, folder));
}

/* The claims of WORKER, whatever the stream. */
static int claims_of(const char *folder, const char *worker, struct namelist *claims)
{
	struct namelist all;

	*claims = (struct namelist){0};
	if (nfs_list(folder, &all) < 0)
		return errno == ENOENT ? 0 : -1;
	for (size_t i = 0; i < all.count; i++) {
		const char *by = strrchr(all.names[i], '~');

		if (by && strcmp(by + 1, worker) == 0)
			namelist_add(claims, all.names[i]);
	}
	namelist_free(&all);
	return 0;
}

int capstate_fence_all(const struct spool *spool, const char *worker)
{
	char folder[PATH_MAX], path[PATH_MAX];
	struct namelist claims;
	int result = claims_of(spool_path(spool, folder, "capture/writer"), worker, &claims);

	for (size_t i = 0; i < claims.count && result == 0; i++)
		result = nfs_join(path, folder, claims.names[i]) < 0 ? -1 : fence(path);
	namelist_free(&claims);
	return result;
}

int capstate_holds(const struct spool *spool, const char *worker)
{
	char folder[PATH_MAX];
	struct namelist claims;
	int result = claims_of(spool_path(spool, folder, "capture/writer"), worker, &claims);

	result = result < 0 ? -1 : claims.count > 0;
	namelist_free(&claims);
	return result;
}

/* ---- writing ---- */

/* After an ERROR of the rename: a lost reply, or a fence? What stands there tells. */
static int look_back(const struct spool *spool, const struct capstate *state, int error)
{
	struct capstate now;
	int result = capstate_read(spool, state->probe, state->stream, &now);

	if (result == 1 && strcmp(now.run, state->run) == 0 &&
		strcmp(now.worker, state->worker) == 0 && now.next_seq == state->next_seq &&
		now.ended == state->ended)
		return 0;
	errno = error == ENOENT ? ESTALE : error;
	if (result < 0) /* who knows? */
		errno = EIO;
	return -1;
}

static int write_as(const struct spool *spool, const char *worker, const struct capstate *state)
{
	char folder[PATH_MAX], made[PATH_MAX], path[PATH_MAX];

	claim_path(spool, worker, state->probe, state->stream, folder);
	spool_path(spool, path, "state/capture/%s-%s", state->probe, state->stream);
	if (nfs_join(made, folder, "state") < 0)
		return -1;
	if (json_write_file(to_json(state), made) < 0) {
		errno = errno == ENOENT ? ESTALE : errno;
		return -1;
	}
	FAULT("stating");
	if (rename(made, path) < 0 && look_back(spool, state, errno) < 0)
		return -1;
	if (nfs_sync_folder(spool_path(spool, folder, "state/capture")) == 0)
		return 0;
	errno = errno == ESTALE ? EIO : errno; /* it stands there: nobody took the claim away */
	return -1;
}

int capstate_write(const struct spool *spool, const struct capstate *state)
{
	char path[PATH_MAX];

	if (state->worker[0])
		return write_as(spool, state->worker, state);
	spool_path(spool, path, "state/capture/%s-%s", state->probe, state->stream);
	return json_write_file(to_json(state), path);
}

int capstate_release(const struct spool *spool, const char *worker, const char *probe,
	const char *stream)
{
	struct capstate now;
	int result = capstate_read(spool, probe, stream, &now);

	if (result == 1 && strcmp(now.worker, worker) == 0) {
		now.worker[0] = '\0';
		result = write_as(spool, worker, &now);
		FAULT("let-go");
	}
	return result < 0 ? -1 : capstate_fence(spool, worker, probe, stream);
}

/* ---- reading ---- */

static bool from_json(const json_t *object, struct capstate *state, char *why)
{
	json_int_t format = json_integer_value(json_object_get(object, "format"));

	if (format != SPOOL_FORMAT) {
		snprintf(why, FIELD_WHY, "\"format\" is %lld, this program reads %d",
			(long long)format, SPOOL_FORMAT);
		return false;
	}
	if (!fields_get(object, fields, state, why))
		return false;
	if (name_part_ok(state->probe) && name_part_ok(state->stream))
		return true;
	snprintf(why, FIELD_WHY, "\"probe\" or \"stream\" is not legal");
	return false;
}

static int read_path(const char *path, struct capstate *state)
{
	char why[FIELD_WHY];
	json_t *object = json_read_file(path, why);
	bool good = false;

	if (!object && errno != EBADMSG)
		return errno == ENOENT ? 0 : -1;
	if (object)
		good = from_json(object, state, why);
	json_decref(object);
	if (good)
		return 1;
	log_err("%s: %s; if the capture of this stream must begin anew, remove the file", path,
		why);
	errno = EINVAL;
	return -1;
}

/* Existence is decided by the listing: a stale "no" here would begin the run a second time. */
int capstate_read(const struct spool *spool, const char *probe, const char *stream,
	struct capstate *state)
{
	char folder[PATH_MAX], path[PATH_MAX], name[NAME_MAX + 1];
	int has;

	snprintf(name, sizeof(name), "%s-%s", probe, stream);
	has = nfs_has(spool_path(spool, folder, "state/capture"), name);
	if (has <= 0)
		return has;
	return read_path(spool_path(spool, path, "state/capture/%s", name), state);
}

/* <probe>-<stream> */
static bool is_state(const char *name)
{
	char probe[NAME_PART_MAX + 1];
	size_t length = strcspn(name, "-");

	if (name[length] != '-' || length > NAME_PART_MAX)
		return false;
	memcpy(probe, name, length);
	probe[length] = '\0';
	return name_part_ok(probe) && name_part_ok(name + length + 1);
}

ssize_t capstate_list(const struct spool *spool, struct capstate **states)
{
	char path[PATH_MAX];
	struct namelist list;
	ssize_t count = 0;
	int result = 0;

	*states = NULL;
	if (nfs_list(spool_path(spool, path, "state/capture"), &list) < 0)
		return errno == ENOENT ? 0 : -1;
	namelist_sort(&list);
	*states = x_calloc(list.count, sizeof(**states));
	for (size_t i = 0; i < list.count && result >= 0; i++) {
		spool_path(spool, path, "state/capture/%s", list.names[i]);
		if (!is_state(list.names[i]) || nfs_is_folder(path) == 1) {
			log_once("%s is no state of a capture: left alone", path);
			continue;
		}
		result = read_path(path, &(*states)[count]);
		count += result == 1;
	}
	namelist_free(&list);
	if (result >= 0)
		return count;
	free(*states);
	*states = NULL;
	return -1;
}
