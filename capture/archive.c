/* archive.c: looks into compressed files and archives, with libarchive, for the traces inside. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/gzip.h"
#include "capture/input.h"
#include "spool/log.h"

#define PIECE (256u << 10)

/* The bytes of an input, as libarchive asks for them. */
struct client {
	struct input *input;
	uint8_t piece[PIECE];
};

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
		name = x_sprintf("%s%s%s", parent->name, *parent->name ? "/" : "",
			path ? path : "unnamed");
	member.name = name;
	result = walk_input(walk, &member, depth + 1);
	free(name);
	return result;
}

static int damaged_archive(const struct walk *walk, const struct input *input,
	struct archive *archive)
{
	const char *text = archive_error_string(archive);

	if (input->source->machine_errno) {
		errno = input->source->machine_errno;
		return -1;
	}
	snprintf(walk->why, FEED_WHY, "%s", text ? text : "the archive is damaged");
	return -2;
}

static int visit_members(const struct walk *walk, struct input *input, struct archive *archive,
	unsigned depth)
{
	struct archive_entry *entry;
	int status, result = 0;

	while ((status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK ||
		status == ARCHIVE_WARN) {
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
	result = walk_input(walk, &inside, depth + 1);
	gzip_close(inside.gzip);
	return result;
}

int walk_input(const struct walk *walk, struct input *input, unsigned depth)
{
	size_t size;
	const uint8_t *head = input_head(input, &size);

	if (input->failed == -1) {
		errno = input->source->machine_errno;
		return -1;
	}
	if (size == 0 || input->failed || reader_knows(head, size) || depth >= SOURCE_DEPTH)
		return walk->visit(walk->context, input);
	return gzip_knows(head, size) ? visit_gzip(walk, input, depth)
				      : visit_archive(walk, input, depth);
}
