/*
 * capstate.c: the capture's memory of one stream. It is what makes a killed capture go on at the
 * right packet, and what tells consolidation which runs it has to wait for.
 */
#include "spool/capstate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int capstate_write(const struct spool *spool, const struct capstate *state)
{
	char path[PATH_MAX];
	json_t *object = json_object();

	json_object_set_new(object, "format", json_integer(SPOOL_FORMAT));
	fields_put(object, fields, state);
	spool_path(spool, path, "state/capture/%s-%s", state->probe, state->stream);
	return json_write_file(object, path);
}

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
