/* sink.c: carries the segments and batches of one stream into the spool; the only part of the
 * capture that writes there. */
#include "capture/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture/capture.h"
#include "spool/batch.h"
#include "spool/fault.h"
#include "spool/hash.h"
#include "spool/nfs.h"
#include "spool/notify.h"
#include "spool/pressure.h"

#define LOOK_MS 250 /* between two looks at the pressure */

struct sink {
	char probe[NAME_PART_MAX + 1], stream[NAME_PART_MAX + 1];
	struct batch batch;
	char folder[PATH_MAX]; /* where its files are made */
	bool open;	       /* a batch is */
	int fd;		       /* of the segment being written, -1 */
	char name[64];
	uint64_t bytes;
	XXH3_state_t *hash;
	struct manifest written; /* the segments of the batch so far */
};

/* Another instance that thought us dead captures this stream now: it has taken our claim and what we
 * were making away, and we have nothing left to do or to remove. */
static bool taken_over(const struct place *place, const struct sink *sink)
{
	struct capstate now;
	int error = errno;
	bool taken = false;

	if (error == ESTALE || error == ENOENT)
		taken = capstate_read(place->spool, sink->probe, sink->stream, &now) == 1 &&
			strcmp(now.worker, worker_name(place->worker)) != 0;
	if (taken)
		log_err("stream %s was taken over by another instance (%s), which thought this one "
			"dead; this one ends",
			sink->stream, *now.worker ? now.worker : "it has ended");
	errno = error;
	return taken;
}

static int fail(struct place *place, const char *what, const struct sink *sink)
{
	const char *remedy;

	if (taken_over(place, sink)) {
		place->code = MIRA_AGAIN;
		return -1;
	}
	remedy = nfs_remedy(errno, &place->code);
	log_err("cannot %s of stream %s in the spool %s: %m; %s, then start again: it goes on from the last batch",
		what, sink->stream, place->spool->root, remedy);
	return -1;
}

struct sink *sink_new(const char *probe, const char *stream)
{
	struct sink *sink = x_calloc(1, sizeof(*sink));

	snprintf(sink->probe, sizeof(sink->probe), "%s", probe);
	snprintf(sink->stream, sizeof(sink->stream), "%s", stream);
	sink->fd = -1;
	sink->hash = XXH3_createState();
	if (!sink->hash)
		die(MIRA_AGAIN, "out of memory for a checksum");
	manifest_init(&sink->written, "packets", "");
	return sink;
}

/* ---- segments ---- */

static int open_segment(struct place *place, struct sink *sink)
{
	char path[PATH_MAX];

	snprintf(sink->name, sizeof(sink->name), "%06zu.pcapng", sink->written.segment_count);
	if (snprintf(path, sizeof(path), "%s/%s", sink->folder, sink->name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return fail(place, "make a segment", sink);
	}
	sink->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (sink->fd < 0)
		return fail(place, "make a segment", sink);
	sink->bytes = 0;
	XXH3_128bits_reset(sink->hash);
	return 0;
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t put = write(fd, data, size);

		if (put < 0 && errno != EINTR)
			return -1;
		if (put < 0)
			continue;
		data += put;
		size -= (size_t)put;
	}
	return 0;
}

int sink_data(struct place *place, struct sink *sink, const uint8_t *data, size_t size)
{
	if (sink->fd < 0 && open_segment(place, sink))
		return -1;
	if (write_all(sink->fd, data, size))
		return fail(place, "write a segment", sink);
	FAULT("segment");
	nfs_sync_soon(sink->fd, sink->bytes, size);
	XXH3_128bits_update(sink->hash, data, size);
	sink->bytes += size;
	return 0;
}

int sink_segment(struct place *place, struct sink *sink)
{
	char hex[HASH_HEX + 1];
	int fd = sink->fd;

	sink->fd = -1;
	if (nfs_sync_file(fd)) {
		int error = errno;

		close(fd);
		errno = error;
		return fail(place, "write a segment", sink);
	}
	if (close(fd))
		return fail(place, "write a segment", sink);
	hash_hex(XXH3_128bits_digest(sink->hash), hex);
	manifest_add_segment(&sink->written, sink->name, sink->bytes, hex);
	return 0;
}

/* ---- batches ---- */

int sink_begin(struct place *place, struct sink *sink, const char *name)
{
	manifest_free(&sink->written);
	if (batch_create(&sink->batch, place->spool, place->worker, name))
		return fail(place, "make a batch", sink);
	sink->open = true;
	if (batch_begin_output(&sink->batch, "packets", NULL, name, sink->folder))
		return fail(place, "make a batch", sink);
	return 0;
}

/* Is there a preprocessor that may catch up? One whose state is not known yet counts. */
static bool reader_lives(const struct place *place)
{
	char path[PATH_MAX];
	struct namelist names;
	bool lives = false;

	if (nfs_list(spool_path(place->spool, path, "workers"), &names))
		return true;
	for (size_t i = 0; i < names.count && !lives; i++)
		lives = strncmp(names.names[i], "preprocess.", strlen("preprocess.")) == 0 &&
			worker_dead(place->spool, names.names[i]) != 1;
	namelist_free(&names);
	return lives;
}

static int no_space(struct place *place)
{
	log_err("less than the share min_free is free in %s, and no mira-preprocess makes room; "
		"free space or start one, then "
		"start the capture again: it goes on there",
		place->spool->root);
	place->code = MIRA_AGAIN;
	return -1;
}

/*
 * A trace waits until its readers have caught up; live packets are shed instead
 * (publisher_pressed()). Where nobody reads, the stages are started by hand, one after the other:
 * waiting for them would be for ever, and only space sets a limit.
 */
static int wait_for_readers(struct place *place, const char *name)
{
	char why[PATH_MAX + 256];
	bool said = false;

	if (place->room) {
		place->room--;
		return 0;
	}
	if (time(NULL) == place->looked)
		return 0;
	while (pressure_look(place->spool, place->config, "capture", "packets", name, &place->room,
		why, sizeof(why))) {
		double free_share = nfs_free_share(place->spool->root);

		if (capture_stopping())
			return -1;
		if (!reader_lives(place) && free_share >= 0 && free_share < place->config->min_free)
			return no_space(place);
		if (!reader_lives(place)) {
			place->looked = time(NULL);
			break;
		}
		if (!said)
			log_info("waiting: %s", why);
		said = true;
		notify_alive();
		capture_pause(LOOK_MS);
	}
	return 0;
}

static int publish(struct place *place, struct sink *sink, struct manifest *manifest,
	const struct capstate *state)
{
	int result;

	if (batch_end_output(&sink->batch, "packets", NULL, manifest, sink->folder))
		return fail(place, "complete a batch", sink);
	FAULT("complete");
	/* from here on the state may name this batch, also when the call says that it failed: whoever
	 * goes on commits it then, so it must stand there; unless it was fenced */
	sink->open = false;
	if (capstate_write(place->spool, state)) {
		sink->open = errno == ESTALE;
		return fail(place, "write the state", sink);
	}
	FAULT("state");
	result = batch_publish(&sink->batch, place->worker);
	if (result < 0)
		return fail(place, "publish a batch", sink);
	log_debug("published %s", sink->batch.name);
	return 0;
}

int sink_commit(struct place *place, struct sink *sink, struct manifest *manifest,
	const struct capstate *state)
{
	for (size_t i = 0; i < sink->written.segment_count; i++) {
		const struct segment *segment = &sink->written.segments[i];

		manifest_add_segment(manifest, segment->name, segment->bytes, segment->xxh128);
	}
	if (!place->live && wait_for_readers(place, manifest->name))
		return -1;
	return publish(place, sink, manifest, state);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path) && errno != ENOENT ? -1 : 0;
}

/* Drops what SINK holds open: it was never complete. */
static void abandon(struct sink *sink)
{
	if (sink->fd >= 0)
		close(sink->fd);
	sink->fd = -1;
	if (sink->open && nftw(sink->batch.path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) &&
		errno != ENOENT)
		log_warn("cannot remove %s: %m; the next capture of this stream will",
			sink->batch.path);
	sink->open = false;
}

int sink_release(struct place *place, struct sink *sink)
{
	abandon(sink);
	if (capstate_release(place->spool, worker_name(place->worker), sink->probe, sink->stream) &&
		errno != ESTALE)
		return fail(place, "write the state", sink);
	return 0;
}

void sink_free(struct sink *sink)
{
	abandon(sink);
	manifest_free(&sink->written);
	XXH3_freeState(sink->hash);
	free(sink);
}
