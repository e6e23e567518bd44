/*
 * batch.c: the folder of a claimed batch, and the outputs staged in it for the readers of the next
 * queue; and the capture's batches, which are made instead of claimed. Folders below the batch are
 * made one by one, never with parents: where the batch was taken from us this must fail (rule 1).
 */
#include "spool/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/fault.h"
#include "spool/finish.h"
#include "spool/log.h"
#include "spool/nfs.h"

static int begin_attempt(struct batch *batch, const struct worker *worker)
{
	int result = nfs_mkdir_in(batch->path, worker_attempt(worker, batch->attempt));

	FAULT("attempt");
	return result;
}

int batch_open(struct batch *batch, const struct queue *queue, const struct worker *worker,
	const char *name)
{
	memset(batch, 0, sizeof(*batch));
	batch->spool = queue->spool;
	snprintf(batch->name, sizeof(batch->name), "%s", name);
	spool_path(queue->spool, batch->path, "%s/%s/work/%s/%s", queue->queue, queue->reader,
		worker_name(worker), name);
	return begin_attempt(batch, worker);
}

int batch_again(struct batch *batch, const struct worker *worker)
{
	return begin_attempt(batch, worker);
}

/* <batch>/<attempt>/out/<queue>.<reader>/NAME in FOLDER, made from the attempt downwards. */
static int make_output(const struct batch *batch, const char *queue, const char *reader,
	const char *name, char *folder)
{
	char path[PATH_MAX], box[2 * NAME_PART_MAX + 2];

	snprintf(box, sizeof(box), "%s.%s", queue, reader);
	if (nfs_join(path, batch->path, batch->attempt) < 0 || nfs_mkdir_in(path, "out") < 0 ||
		nfs_join(folder, path, "out") < 0 || nfs_mkdir_in(folder, box) < 0 ||
		nfs_join(path, folder, box) < 0 || nfs_mkdir_in(path, name) < 0)
		return -1;
	return nfs_join(folder, path, name);
}

static int readers_of(const struct batch *batch, const char *queue, const char *reader,
	struct namelist *readers)
{
	*readers = (struct namelist){0};
	if (!reader)
		return spool_readers(batch->spool, queue, readers);
	namelist_add(readers, reader);
	return 0;
}

int batch_begin_output(struct batch *batch, const char *queue, const char *reader, const char *name,
	char *folder)
{
	struct namelist readers;
	int result;

	if (readers_of(batch, queue, reader, &readers) < 0)
		return -1;
	if (readers.count == 0) {
		errno = EINVAL;
		return -1;
	}
	result = make_output(batch, queue, readers.names[0], name, folder);
	namelist_free(&readers);
	return result;
}

static bool listed(const struct manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->segment_count; i++)
		if (strcmp(manifest->segments[i].name, name) == 0)
			return true;
	return strcmp(name, "manifest.json") == 0;
}

static int add_files(struct manifest *manifest, const char *folder)
{
	struct namelist names;
	int result = 0;

	if (nfs_list(folder, &names) < 0)
		return -1;
	namelist_sort(&names);
	for (size_t i = 0; i < names.count && result == 0; i++)
		if (!listed(manifest, names.names[i]))
			result = manifest_add_file(manifest, folder, names.names[i]);
	namelist_free(&names);
	return result;
}

/* One copy of the data however many read it. */
static int link_files(const char *from, const char *to)
{
	char old[PATH_MAX], new[PATH_MAX];
	struct namelist names;
	int result = 0;

	if (nfs_list(from, &names) < 0)
		return -1;
	for (size_t i = 0; i < names.count && result == 0; i++)
		result = nfs_join(old, from, names.names[i]) < 0 ||
					 nfs_join(new, to, names.names[i]) < 0
				 ? -1
				 : nfs_link(old, new);
	namelist_free(&names);
	return result == 0 ? nfs_sync_folder(to) : -1;
}

/* For the other readers; a reader that appeared since the output was begun has its share too. */
static int link_readers(const struct batch *batch, const char *queue, const char *folder)
{
	char path[PATH_MAX];
	struct namelist readers;
	int result = 0;

	if (spool_readers(batch->spool, queue, &readers) < 0)
		return -1;
	for (size_t i = 0; i < readers.count && result == 0; i++) {
		result =
			make_output(batch, queue, readers.names[i], strrchr(folder, '/') + 1, path);
		if (result == 0 && strcmp(path, folder) != 0)
			result = link_files(folder, path);
	}
	namelist_free(&readers);
	return result;
}

/* The folders from out/<queue>.<reader> up to the batch: an entry is on disk when its folder is. */
static int sync_above(const struct batch *batch, const char *folder)
{
	char path[PATH_MAX];
	size_t stop = strlen(batch->path);

	snprintf(path, sizeof(path), "%s", folder);
	while (strlen(path) > stop) {
		*strrchr(path, '/') = '\0';
		if (nfs_sync_folder(path) < 0)
			return -1;
	}
	return 0;
}

int batch_end_output(struct batch *batch, const char *queue, const char *reader,
	struct manifest *manifest, const char *folder)
{
	/* The manifest comes last: what fsyncs its entry fsyncs those of the files. */
	if (add_files(manifest, folder) < 0 || manifest_write(manifest, folder) < 0)
		return -1;
	FAULT("output");
	if (!reader && link_readers(batch, queue, folder) < 0)
		return -1;
	return sync_above(batch, folder);
}

int batch_retire(struct batch *batch, const char *queue, const char *reader,
	const struct namelist *names)
{
	char attempt[PATH_MAX], path[PATH_MAX], *before, *text = NULL;
	size_t size;
	FILE *lines;
	int result = -1;

	if (nfs_join(attempt, batch->path, batch->attempt) < 0 ||
		nfs_join(path, attempt, "retire") < 0)
		return -1;
	before = nfs_read_file(path, NULL);
	if (!before && errno != ENOENT)
		return -1;
	lines = open_memstream(&text, &size);
	if (lines) {
		fputs(before ? before : "", lines);
		for (size_t i = 0; i < names->count; i++)
			fprintf(lines, "%s/%s/%s\n", queue, reader, names->names[i]);
		result = fclose(lines) == 0 ? nfs_write_file(path, text, size) : -1;
	}
	free(text);
	free(before);
	return result;
}
