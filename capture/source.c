/* source.c: opens what was named on the command line, before archive.c looks into it and
 * reader.c reads it. */
#include "capture/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/input.h"
#include "spool/log.h"
#include "spool/traceid.h"

#define PIECE	  (256u << 10)
#define TAR_BLOCK 512

static int cannot_read(const struct source *source)
{
	if (errno == EINTR && capture_stopping()) {
		log_warn("stopped before anything of %s could be read", source->label);
		return MIRA_AGAIN;
	}
	log_err("cannot read %s: %m; name a capture file that this user may read", source->path);
	return MIRA_PERSON;
}

static int open_regular(struct source *source, const struct stat *status)
{
	source->resumable = true;
	source->bytes = (uint64_t)status->st_size;
	source->device = status->st_dev;
	source->inode = status->st_ino;
	if (trace_id(source->fd, source->run))
		return cannot_read(source);
	close(source->fd);
	source->fd = -1;
	return MIRA_OK;
}

/* What is no archive may also have no end. */
static bool may_be_archive(const uint8_t *head, size_t size)
{
	static const struct {
		size_t offset, size;
		const char *magic;
	} rows[] = {
		{0, 2, "\x1f\x8b"}, /* gzip */
		{0, 6,
			"\xfd"
			"7zXZ"},	     /* xz, with the zero behind */
		{0, 4, "\x28\xb5\x2f\xfd"},  /* Zstandard */
		{0, 3, "BZh"}, {0, 2, "PK"}, /* bzip2, zip */
		{257, 5, "ustar"},	     /* tar */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].offset + rows[i].size <= size &&
			memcmp(head + rows[i].offset, rows[i].magic, rows[i].size) == 0)
			return true;
	return false;
}

static int no_archive(const struct source *source)
{
	log_err("%s is no capture: it is neither pcap nor pcapng, nor an archive of such",
		source->label);
	return MIRA_PERSON;
}

static ssize_t read_start(struct source *source, uint8_t *start, size_t size, char *why)
{
	size_t have = 0;
	ssize_t got = 1;

	while (have < size && got > 0) {
		got = input_read(source->pipe, start + have, size - have, why);
		have += got > 0 ? (size_t)got : 0;
	}
	return got < 0 ? got : (ssize_t)have;
}

static int copy_all(struct source *source, int to)
{
	static uint8_t piece[PIECE];
	char why[FEED_WHY];
	ssize_t got = read_start(source, piece, TAR_BLOCK, why);

	if (got >= 0 && !may_be_archive(piece, (size_t)got))
		return no_archive(source);
	for (; got > 0; got = input_read(source->pipe, piece, sizeof(piece), why)) {
		if (write(to, piece, (size_t)got) == got)
			continue;
		log_err("cannot keep %s, an archive: %m; free space in the folder for temporary "
			"files (TMPDIR)",
			source->label);
		return MIRA_AGAIN;
	}
	if (!got)
		return MIRA_OK;
	log_err("cannot read %s: %m", source->label);
	return MIRA_AGAIN;
}

/* An archive is walked twice, and zip is read from its end, so one out of a pipe is kept in a
 * file first. */
static int keep(struct source *source)
{
	const char *place = getenv("TMPDIR");
	char *path = x_sprintf("%s/mira-capture-XXXXXX", place && *place ? place : "/tmp");
	int fd = mkostemp(path, O_CLOEXEC), code;

	if (fd < 0) {
		log_err("cannot make a temporary file %s: %m; set TMPDIR to a folder with space",
			path);
		free(path);
		return MIRA_AGAIN;
	}
	unlink(path);
	free(path);
	code = copy_all(source, fd);
	close(source->fd);
	source->fd = fd;
	source->bytes = source->position;
	source->once = false;
	return code;
}

static int open_pipe(struct source *source)
{
	const uint8_t *head;
	size_t size;

	trace_id_random(source->run);
	source->once = true;
	source->pipe = x_calloc(1, sizeof(*source->pipe));
	source->pipe->source = source;
	source->pipe->name = "";
	head = input_head(source->pipe, &size);
	if (source->pipe->failed)
		return cannot_read(source);
	return size == 0 || reader_knows(head, size) ? MIRA_OK : keep(source);
}

int source_open(struct source *source, const char *path)
{
	bool standard_input = strcmp(path, "-") == 0;
	struct stat status;

	memset(source, 0, sizeof(*source));
	source->path = path;
	source->label = standard_input ? "standard input" : path;
	source->fd = standard_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (source->fd < 0 || fstat(source->fd, &status))
		return cannot_read(source);
	if (S_ISDIR(status.st_mode)) {
		errno = EISDIR;
		return cannot_read(source);
	}
	if (S_ISREG(status.st_mode) && !standard_input)
		return open_regular(source, &status);
	return open_pipe(source);
}

void source_close(struct source *source)
{
	if (source->fd >= 0)
		close(source->fd);
	free(source->pipe);
	source->fd = -1;
	source->pipe = NULL;
}

int source_walk(struct source *source, source_visit visit, void *context, char *why)
{
	struct walk walk = {visit, context, why};
	struct input file = {.source = source, .name = ""};
	int result;

	source->machine_errno = 0;
	if (source->once)
		return visit(context, source->pipe);
	source->position = 0;
	if (source->fd < 0)
		source->fd = open(source->path, O_RDONLY | O_CLOEXEC);
	if (source->fd < 0 || lseek(source->fd, 0, SEEK_SET) < 0)
		return -1;
	result = walk_input(&walk, &file, 0);
	if (source->resumable) {
		close(source->fd);
		source->fd = -1;
	}
	return result;
}
