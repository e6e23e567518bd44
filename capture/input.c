/* input.c: the bytes of a file, a pipe, a decompressor or an archive's member, all read in the
 * same way. */
#include "capture/input.h"

#include <archive.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/gzip.h"

#define PIPE_LOOK_MS 200

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

/* Block by block: archive_read_data() throws away what stands before the damage. Holes of sparse
 * files are zeros. */
static ssize_t read_member(struct input *input, void *buffer, size_t size)
{
	la_int64_t offset;
	const void *block;
	int status;

	while (!input->block_left) {
		status = archive_read_data_block(input->archive, &block, &input->block_left,
			&offset);
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
		got = read_raw(input, input->head + input->head_size,
			sizeof(input->head) - input->head_size);
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
