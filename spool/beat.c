/*
 * beat.c: the sign of life that a worker writes and others compare. It carries a counter because
 * clocks of two hosts are never compared, and where its process runs, because on one host a missing
 * process says at once what silence says after half a minute.
 */
#include "spool/beat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/fields.h"
#include "spool/hash.h"
#include "spool/log.h"
#include "spool/nfs.h"

static const struct field beat_fields[] = {
	FIELD(struct beat, beat, FIELD_U64),
	FIELD(struct beat, boot_id, FIELD_TEXT),
	FIELD(struct beat, pidns, FIELD_TEXT),
	FIELD(struct beat, pid, FIELD_U64),
	FIELD(struct beat, start_time, FIELD_U64),
	FIELD(struct beat, host, FIELD_TEXT),
	FIELD(struct beat, stage, FIELD_TEXT),
	FIELD(struct beat, version, FIELD_TEXT),
	{0},
};

/* Not in the beats of older versions; then nothing is known of the machine, or of the sandbox. */
static const struct field machine_fields[] = {
	FIELD(struct beat, machine, FIELD_TEXT),
	{0},
};

static const struct field sandbox_fields[] = {
	FIELD(struct beat, sandbox, FIELD_TEXT),
	{0},
};

static const struct field progress_fields[] = {
	FIELD(struct progress, batches, FIELD_U64),
	FIELD(struct progress, packets, FIELD_U64),
	FIELD(struct progress, bytes, FIELD_U64),
	FIELD(struct progress, records, FIELD_U64),
	FIELD(struct progress, total_bytes, FIELD_U64),
	FIELD(struct progress, dropped, FIELD_U64),
	FIELD(struct progress, doing, FIELD_TEXT),
	{0},
};

static void read_boot_id(char *out, size_t size)
{
	char *text = nfs_read_file("/proc/sys/kernel/random/boot_id", NULL);

	snprintf(out, size, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
	free(text);
}

/* Outlives a reboot. Both, because images are cloned with their machine-id; hashed, because that is
 * confidential (machine-id(5)). */
static void read_machine(const char *host, char out[HASH_HEX + 1])
{
	char *id = nfs_read_file("/etc/machine-id", NULL), *both;

	out[0] = '\0';
	if (!id || !*id)
		return free(id);
	both = x_sprintf("%s%s", id, host);
	hash_bytes(both, strlen(both), out);
	free(both);
	free(id);
}

/* proc(5): field 3 is the state, field 22 the start; field 2, in brackets, may hold anything. */
uint64_t process_start_time(uint64_t pid)
{
	char path[64], *text;
	const char *rest;
	uint64_t start = 0;
	char state;

	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/stat", pid);
	text = nfs_read_file(path, NULL);
	rest = text ? strrchr(text, ')') : NULL;
	if (rest &&
		sscanf(rest + 1,
			" %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
			" %*s %*s %*s %" SCNu64,
			&state, &start) == 2 &&
		(state == 'Z' || state == 'X'))
		start = 0;
	free(text);
	return start;
}

void beat_self(struct beat *beat)
{
	ssize_t length = readlink("/proc/self/ns/pid", beat->pidns, sizeof(beat->pidns) - 1);

	beat->pidns[length > 0 ? length : 0] = '\0';
	read_boot_id(beat->boot_id, sizeof(beat->boot_id));
	beat->pid = (uint64_t)getpid();
	beat->start_time = process_start_time(beat->pid);
	gethostname(beat->host, sizeof(beat->host) - 1);
	read_machine(beat->host, beat->machine);
	snprintf(beat->version, sizeof(beat->version), "%s", MIRA_VERSION);
}

/* What a stage says it is doing may be long once escaped; the beat goes on without it then. */
static bool beat_format(const struct beat *beat, bool doing, char *out)
{
	json_t *object = json_object();
	size_t length;

	fields_put(object, beat_fields, beat);
	fields_put(object, machine_fields, beat);
	fields_put(object, sandbox_fields, beat);
	fields_put(object, progress_fields, &beat->progress);
	if (!doing)
		json_object_set_new(object, "doing", json_string(""));
	memset(out, ' ', WORKER_BEAT_BYTES);
	length = json_dumpb(object, out, WORKER_BEAT_BYTES, JSON_COMPACT);
	json_decref(object);
	out[WORKER_BEAT_BYTES - 1] = '\n';
	return length < WORKER_BEAT_BYTES;
}

/*
 * Opened anew each time: on NFS that makes the others' next open see the change, and a file that
 * somebody removed who thought us dead comes back.
 */
int beat_write(const struct spool *spool, const char *name, const struct beat *beat)
{
	char path[PATH_MAX], text[WORKER_BEAT_BYTES];
	int fd, error = 0;

	if (!beat_format(beat, true, text) && !beat_format(beat, false, text)) {
		errno = EMSGSIZE;
		return -1;
	}
	fd = open(spool_path(spool, path, "workers/%s", name), O_WRONLY | O_CREAT | O_CLOEXEC,
		0660);
	if (fd < 0)
		return -1;
	if (pwrite(fd, text, sizeof(text), 0) != sizeof(text) || nfs_sync_file(fd) < 0)
		error = errno;
	if (close(fd) < 0 && !error)
		error = errno;
	errno = error;
	return error ? -1 : 0;
}

int beat_read(const struct spool *spool, const char *name, struct beat *beat)
{
	char path[PATH_MAX], why[FIELD_WHY];
	char *text = nfs_read_file(spool_path(spool, path, "workers/%s", name), NULL);
	json_t *object = NULL;
	bool good;

	memset(beat, 0, sizeof(*beat));
	if (!text && errno != ENOENT)
		return -1;
	if (text)
		object = json_loads(text, 0, NULL);
	good = object && fields_get(object, beat_fields, beat, why) &&
	       fields_get(object, progress_fields, &beat->progress, why);
	if (!good)
		memset(beat, 0, sizeof(*beat));
	else if (!fields_get(object, machine_fields, beat, why))
		beat->machine[0] = '\0';
	if (good && !fields_get(object, sandbox_fields, beat, why))
		beat->sandbox[0] = '\0';
	json_decref(object);
	free(text);
	return good;
}
