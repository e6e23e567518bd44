/* source.c: opens what was named on the command line and finds the traces in it, before reader.c sees a byte. */
#include "capture/source.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/gzip.h"
#include "spool/log.h"
#include "spool/traceid.h"

#define PIECE	     (256u << 10)
#define PIPE_LOOK_MS 200

struct input {
	struct source *source;
	struct archive *archive; /* whose current member it is */
	const uint8_t *block;	 /* what the archive gave last and was not read, and where the file continues after a hole */
	size_t block_left;
	uint64_t at, block_at;
	struct gzip *gzip;	 /* what it is decompressed by; without either, it is the source itself */
	const char *name;
	uint8_t head[READER_HEAD_BYTES];
	size_t head_size, head_at; /* read ahead, and given out of it */
	bool peeked;
	ssize_t failed; /* -1 or -2 once reading ended so */
	char why[FEED_WHY];
};

/* What a walk carries through nested archives. */
struct walk {
	source_visit visit;
	void *context;
	char *why;
};

/* The bytes of an input, as libarchive asks for them. */
struct client {
	struct input *input;
	uint8_t piece[PIECE];
};

/* ---- bytes ---- */

/* False when the process is to stop: a pipe may be silent for ever. */
static bool wait_for_pipe(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	while (!capture_stopping())
		if (poll(&wait, 1, PIPE_LOOK_MS) > 0)
			return true;
	return false;
}

static ssize_t read_source(struct source *source, void *buffer, size_t size)
{
	ssize_t got;

	if (source->once && !wait_for_pipe(source->fd)) {
		errno = EINTR;
		got = -1;
	} else {
		got = read(source->fd, buffer, size);
	}
	if (got < 0)
		source->machine_errno = errno;
	else
		source->position += (uint64_t)got;
	return got;
}

static ssize_t member_error(struct input *input)
{
	const char *text = archive_error_string(input->archive);

	if (input->source->machine_errno) {
		errno = input->source->machine_errno;
		return -1;
	}
	snprintf(input->why, sizeof(input->why), "%s", text ? text : "the archive is damaged");
	return -2;
}

/* Block by block: archive_read_data() throws away what stands before the damage. Holes of sparse files are zeros. */
static ssize_t read_member(struct input *input, void *buffer, size_t size)
{
	la_int64_t offset;
	const void *block;
	int status;

	while (!input->block_left) {
		status = archive_read_data_block(input->archive, &block, &input->block_left, &offset);
		if (status == ARCHIVE_EOF)
			return 0;
		if (status < ARCHIVE_WARN)
			return member_error(input);
		input->block = block;
		input->block_at = (uint64_t)offset;
	}
	if (input->at < input->block_at) {
		size = input->block_at - input->at < size ? input->block_at - input->at : size;
		memset(buffer, 0, size);
	} else {
		size = input->block_left < size ? input->block_left : size;
		memcpy(buffer, input->block, size);
		input->block += size;
		input->block_left -= size;
		input->block_at += size;
	}
	input->at += size;
	return (ssize_t)size;
}

static ssize_t read_raw(struct input *input, void *buffer, size_t size)
{
	ssize_t got = input->failed;

	if (got)
		return got;
	if (input->gzip)
		got = gzip_read(input->gzip, buffer, size, input->why);
	else if (input->archive)
		got = read_member(input, buffer, size);
	else
		got = read_source(input->source, buffer, size);
	if (got < 0)
		input->failed = got;
	return got;
}

const uint8_t *input_head(struct input *input, size_t *size)
{
	ssize_t got = 1;

	while (!input->peeked && input->head_size < sizeof(input->head) && got > 0) {
		got = read_raw(input, input->head + input->head_size, sizeof(input->head) - input->head_size);
		if (got > 0)
			input->head_size += (size_t)got;
	}
	input->peeked = true;
	*size = input->head_size;
	return input->head;
}

ssize_t input_read(void *context, void *buffer, size_t size, char *why)
{
	struct input *input = context;
	size_t ahead = input->head_size - input->head_at;
	ssize_t got;

	if (ahead) {
		ahead = ahead < size ? ahead : size;
		memcpy(buffer, input->head + input->head_at, ahead);
		input->head_at += ahead;
		return (ssize_t)ahead;
	}
	got = read_raw(input, buffer, size);
	if (got == -1)
		errno = input->source->machine_errno;
	if (got == -2)
		memcpy(why, input->why, FEED_WHY);
	return got;
}

const char *input_name(const struct input *input)
{
	return input->name;
}

/* ---- archives ---- */

static la_ssize_t client_read(struct archive *archive, void *context, const void **buffer)
{
	struct client *client = context;
	char why[FEED_WHY] = "";
	ssize_t got = input_read(client->input, client->piece, PIECE, why);

	*buffer = client->piece;
	if (got == -1)
		archive_set_error(archive, errno, "%s", strerror(errno));
	if (got == -2)
		archive_set_error(archive, EIO, "%s", why);
	return got < 0 ? ARCHIVE_FATAL : got;
}

/* Zip has its directory at the end, so a file is read where libarchive wants it. */
static la_int64_t client_seek(struct archive *archive, void *context, la_int64_t offset, int whence)
{
	struct input *input = ((struct client *)context)->input;
	off_t at = lseek(input->source->fd, offset, whence);

	input->head_at = input->head_size;
	if (at >= 0)
		input->source->position = (uint64_t)at;
	return at < 0 ? ARCHIVE_FATAL : at;
}

static struct archive *archive_open(struct client *client)
{
	struct archive *archive = archive_read_new();
	const struct input *input = client->input;

	if (!archive)
		die(MIRA_AGAIN, "out of memory for an archive");
	archive_read_support_filter_bzip2(archive);
	archive_read_support_filter_xz(archive);
	archive_read_support_filter_zstd(archive);
	archive_read_support_format_tar(archive);
	archive_read_support_format_zip(archive);
	archive_read_support_format_raw(archive);
	archive_read_support_format_empty(archive);
	archive_read_set_read_callback(archive, client_read);
	if (!input->archive && !input->gzip && !input->source->once)
		archive_read_set_seek_callback(archive, client_seek);
	archive_read_set_callback_data(archive, client);
	return archive;
}

/* Neither compressed nor an archive: then "raw" without a filter is what libarchive calls it. */
static bool is_plain(struct archive *archive)
{
	return archive_format(archive) == ARCHIVE_FORMAT_RAW && archive_filter_count(archive) < 2;
}

static int visit_input(const struct walk *walk, struct input *input, unsigned depth);

static int visit_member(const struct walk *walk, struct input *parent, struct archive *archive,
	struct archive_entry *entry, unsigned depth)
{
	struct input member = {.source = parent->source, .archive = archive};
	const char *path = archive_entry_pathname(entry);
	char *name;
	int result;

	while (path && strncmp(path, "./", 2) == 0)
		path += 2;
	if (archive_format(archive) == ARCHIVE_FORMAT_RAW)
		name = x_strdup(parent->name);
	else
		name = x_sprintf("%s%s%s", parent->name, *parent->name ? "/" : "", path ? path : "unnamed");
	member.name = name;
	result = visit_input(walk, &member, depth + 1);
	free(name);
	return result;
}

static int damaged_archive(const struct walk *walk, const struct input *input, struct archive *archive)
{
	const char *text = archive_error_string(archive);

	if (input->source->machine_errno) {
		errno = input->source->machine_errno;
		return -1;
	}
	snprintf(walk->why, FEED_WHY, "%s", text ? text : "the archive is damaged");
	return -2;
}

static int visit_members(const struct walk *walk, struct input *input, struct archive *archive, unsigned depth)
{
	struct archive_entry *entry;
	int status, result = 0;

	while ((status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK || status == ARCHIVE_WARN) {
		if (is_plain(archive))
			return walk->visit(walk->context, input);
		if (archive_entry_filetype(entry) == AE_IFREG || archive_entry_filetype(entry) == 0)
			result = visit_member(walk, input, archive, entry, depth);
		if (result)
			return result;
	}
	return status == ARCHIVE_EOF ? 0 : damaged_archive(walk, input, archive);
}

static int visit_archive(const struct walk *walk, struct input *input, unsigned depth)
{
	struct client *client = x_calloc(1, sizeof(*client));
	struct archive *archive;
	int result;

	client->input = input;
	archive = archive_open(client);
	if (archive_read_open1(archive) == ARCHIVE_OK)
		result = visit_members(walk, input, archive, depth);
	else
		result = damaged_archive(walk, input, archive);
	archive_read_free(archive);
	free(client);
	return result;
}

static int visit_gzip(const struct walk *walk, struct input *input, unsigned depth)
{
	struct input inside = {.source = input->source, .name = input->name};
	int result;

	inside.gzip = gzip_open(input_read, input);
	result = visit_input(walk, &inside, depth + 1);
	gzip_close(inside.gzip);
	return result;
}

static int visit_input(const struct walk *walk, struct input *input, unsigned depth)
{
	size_t size;
	const uint8_t *head = input_head(input, &size);

	if (input->failed == -1) {
		errno = input->source->machine_errno;
		return -1;
	}
	if (size == 0 || input->failed || reader_knows(head, size) || depth >= SOURCE_DEPTH)
		return walk->visit(walk->context, input);
	return gzip_knows(head, size) ? visit_gzip(walk, input, depth) : visit_archive(walk, input, depth);
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
	result = visit_input(&walk, &file, 0);
	if (source->resumable) {
		close(source->fd);
		source->fd = -1;
	}
	return result;
}

/* ---- opening ---- */

static int cannot_read(const struct source *source)
{
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

static int copy_all(struct source *source, int to)
{
	static uint8_t piece[PIECE];
	char why[FEED_WHY];
	ssize_t got;

	while ((got = input_read(source->pipe, piece, sizeof(piece), why)) > 0) {
		if (write(to, piece, (size_t)got) == got)
			continue;
		log_err("cannot keep %s, an archive: %m; free space in the folder for temporary files (TMPDIR)",
			source->label);
		return MIRA_AGAIN;
	}
	if (!got)
		return MIRA_OK;
	log_err("cannot read %s: %m", source->label);
	return MIRA_AGAIN;
}

/* An archive is walked twice, and zip is read from its end, so one out of a pipe is kept in a file first. */
static int keep(struct source *source)
{
	const char *place = getenv("TMPDIR");
	char *path = x_sprintf("%s/mira-capture-XXXXXX", place && *place ? place : "/tmp");
	int fd = mkostemp(path, O_CLOEXEC), code;

	if (fd < 0) {
		log_err("cannot make a temporary file %s: %m; set TMPDIR to a folder with space", path);
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
	const char *slash = strrchr(path, '/');
	bool standard_input = strcmp(path, "-") == 0;
	struct stat status;

	memset(source, 0, sizeof(*source));
	source->path = path;
	snprintf(source->label, sizeof(source->label), "%s", standard_input ? "stdin" : slash ? slash + 1 : path);
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
