/*
 * eventlog.c: lines of batches into one file, each exactly once (eventlog.h). Between a program that reads the verdicts
 * and whoever follows its output.
 */
#include "postproc/feed/eventlog.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/fields.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define COPY_BYTES 65536

struct eventlog {
	char path[PATH_MAX];
	int lock;
	uint64_t rotate_bytes;
	unsigned keep;
	struct place {
		char batch[NAME_MAX + 1]; /* whose lines were added last */
		uint64_t file, begin;	  /* to the file of this inode, from here on */
	} last;
	json_t *memory;
	bool doubt; /* a write of the state failed: it may be the new one all the same */
	FILE *out;  /* of the batch at hand */
	char batch[NAME_MAX + 1];
};

static const struct field fields[] = {
	FIELD(struct place, batch, FIELD_TEXT),
	FIELD(struct place, file, FIELD_U64),
	FIELD(struct place, begin, FIELD_U64),
	{0},
};

static char *beside(const struct eventlog *log, char *out, const char *end)
{
	if (snprintf(out, PATH_MAX, "%s.%s", log->path, end) >= PATH_MAX)
		die(MIRA_PERSON, "%s: the path is too long; name a shorter one", log->path);
	return out;
}

/* The exit code. */
static int cannot(const char *what, const char *path)
{
	int code;
	const char *remedy = nfs_remedy(errno, &code);

	log_err("cannot %s %s: %m; %s", what, path, remedy);
	return code;
}

/* ---- the state ---- */

/* 0; or an exit code after a message. */
static int read_state(struct eventlog *log)
{
	char path[PATH_MAX], why[FIELD_WHY];
	json_t *state = json_read_file(beside(log, path, "state"), why);
	bool ok = state && fields_get(state, fields, &log->last, why) &&
		  json_is_object(json_object_get(state, "memory"));

	log->memory = ok ? json_incref(json_object_get(state, "memory")) : json_object();
	if (ok || (!state && errno == ENOENT)) {
		json_decref(state);
		return MIRA_OK;
	}
	if (!state && errno != EBADMSG)
		return cannot("read", path);
	json_decref(state);
	log_err("cannot read %s, which says what stands in %s: mend it, or remove both", path,
		log->path);
	return MIRA_PERSON;
}

static int write_state(const struct eventlog *log)
{
	char path[PATH_MAX];
	json_t *state = json_object();

	fields_put(state, fields, &log->last);
	json_object_set(state, "memory", log->memory);
	return json_write_file(state, beside(log, path, "state"));
}

/* ---- adding ---- */

static int write_all(int to, const char *bytes, ssize_t size)
{
	while (size > 0) {
		ssize_t wrote = write(to, bytes, (size_t)size);

		if (wrote < 0 && errno != EINTR)
			return -1;
		bytes += wrote > 0 ? wrote : 0;
		size -= wrote > 0 ? wrote : 0;
	}
	return 0;
}

static int copy(int from, off_t skip, int to)
{
	char bytes[COPY_BYTES];
	ssize_t got;

	if (lseek(from, skip, SEEK_SET) < 0)
		return -1;
	while ((got = read(from, bytes, sizeof(bytes))) > 0)
		if (write_all(to, bytes, got) < 0)
			return -1;
	return got < 0 ? -1 : nfs_sync_file(to);
}

static int open_end(const struct eventlog *log, struct stat *status)
{
	int to = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (to >= 0 && fstat(to, status) == 0)
		return to;
	if (to >= 0)
		close(to);
	return -1;
}

/* How much of what began at last.begin is there? */
static off_t added(const struct eventlog *log, const struct stat *status)
{
	if (status->st_ino == log->last.file)
		return status->st_size > (off_t)log->last.begin
			       ? status->st_size - (off_t)log->last.begin
			       : 0;
	log_warn(
		"%s is another file than the one that the lines of %s were being added to: they may stand in both",
		log->path, log->last.batch);
	return 0;
}

static int add(const struct eventlog *log, int from)
{
	struct stat status;
	int to = open_end(log, &status), result, error;

	if (to < 0)
		return -1;
	result = copy(from, added(log, &status), to);
	error = errno;
	if (close(to) < 0 && result == 0)
		return -1;
	errno = error;
	return result;
}

/* Adds what is lacking of the last batch; nothing is when no file of its lines stands there. */
static int settle(const struct eventlog *log)
{
	char path[PATH_MAX];
	int from, result, error;

	if (!log->last.batch[0])
		return 0;
	from = open(beside(log, path, log->last.batch), O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return errno == ENOENT ? 0 : -1;
	result = add(log, from);
	error = errno;
	close(from);
	errno = error;
	return result < 0 ? -1 : nfs_unlink(path);
}

/* PATH.7 becomes PATH.8, …, PATH becomes PATH.1. */
static int rotate(const struct eventlog *log)
{
	char from[PATH_MAX], to[PATH_MAX], end[16];
	struct stat status;

	if (!log->rotate_bytes || stat(log->path, &status) < 0 ||
		(uint64_t)status.st_size < log->rotate_bytes)
		return 0;
	for (unsigned i = log->keep; i > 0; i--) {
		snprintf(end, sizeof(end), "%u", i);
		beside(log, to, end);
		snprintf(end, sizeof(end), "%u", i - 1);
		if (rename(i > 1 ? beside(log, from, end) : log->path, to) < 0 && errno != ENOENT)
			return -1;
	}
	return 0;
}

/* ---- what others call ---- */

static int take_lock(struct eventlog *log)
{
	char path[PATH_MAX];

	log->lock = open(beside(log, path, "lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (log->lock >= 0 && flock(log->lock, LOCK_EX | LOCK_NB) == 0)
		return MIRA_OK;
	if (log->lock >= 0 && errno == EWOULDBLOCK) {
		log_err("another process writes to %s; one is enough", log->path);
		return MIRA_AGAIN;
	}
	return cannot("open", path);
}

static int recover(struct eventlog *log)
{
	return settle(log) == 0 ? MIRA_OK : cannot("add to", log->path);
}

struct eventlog *eventlog_open(const char *path, uint64_t rotate_bytes, unsigned keep, int *code)
{
	struct eventlog *log = x_calloc(1, sizeof(*log));

	log->rotate_bytes = rotate_bytes;
	log->keep = keep;
	log->lock = -1;
	snprintf(log->path, sizeof(log->path), "%s", path);
	*code = take_lock(log);
	if (!*code)
		*code = read_state(log);
	if (!*code)
		*code = recover(log);
	if (!*code)
		return log;
	eventlog_close(log);
	return NULL;
}

void eventlog_close(struct eventlog *log)
{
	if (log->out)
		eventlog_abandon(log);
	if (log->lock >= 0)
		close(log->lock);
	json_decref(log->memory);
	free(log);
}

static int read_again(struct eventlog *log)
{
	json_decref(log->memory);
	log->doubt = read_state(log) != MIRA_OK;
	errno = EIO;
	return log->doubt ? -1 : 0;
}

FILE *eventlog_begin(struct eventlog *log, const char *batch)
{
	char path[PATH_MAX];

	if ((log->doubt && read_again(log) < 0) || settle(log) < 0)
		return NULL;
	errno = 0;
	if (strcmp(batch, log->last.batch) == 0)
		return NULL;
	snprintf(log->batch, sizeof(log->batch), "%s", batch);
	log->out = fopen(beside(log, path, batch), "we");
	return log->out;
}

/* The lines are on the disk before the state names them. */
static int complete(struct eventlog *log, long *size)
{
	FILE *out = log->out;
	int result;

	*size = ftell(out);
	result = *size < 0 || fflush(out) != 0 || nfs_sync_file(fileno(out)) < 0 ? -1 : 0;
	log->out = NULL;
	return fclose(out) != 0 ? -1 : result;
}

static int name_place(struct eventlog *log)
{
	struct stat status;
	int to = rotate(log) < 0 ? -1 : open_end(log, &status);

	if (to < 0)
		return -1;
	close(to);
	snprintf(log->last.batch, sizeof(log->last.batch), "%s", log->batch);
	log->last.file = status.st_ino;
	log->last.begin = (uint64_t)status.st_size;
	return write_state(log);
}

int eventlog_commit(struct eventlog *log, json_t *memory)
{
	struct place before = log->last;
	json_t *old = log->memory;
	char path[PATH_MAX];
	long size;
	int result = complete(log, &size);

	if (result == 0 && size == 0) {
		json_decref(memory);
		return nfs_unlink(beside(log, path, log->batch));
	}
	log->memory = memory;
	if (result == 0 && name_place(log) == 0) {
		json_decref(old);
		return settle(log);
	}
	log->doubt = true;
	log->memory = old;
	log->last = before;
	json_decref(memory);
	return -1;
}

void eventlog_abandon(struct eventlog *log)
{
	char path[PATH_MAX];

	fclose(log->out);
	log->out = NULL;
	nfs_unlink(beside(log, path, log->batch));
}

const json_t *eventlog_memory(const struct eventlog *log)
{
	return log->memory;
}
