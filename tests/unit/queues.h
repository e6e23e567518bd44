/*
 * queues.h: what the tests of the hand-over share: a spool with default settings, batches in
 * ready/, and questions to the tree. Includes tmp.h.
 *
 *	cmocka_unit_test_setup_teardown(test, queues_setup, queues_teardown): each test has a spool of its own.
 */
#ifndef TESTS_QUEUES_H
#define TESTS_QUEUES_H

#include "tests/unit/tmp.h"

#include <errno.h>

#include "spool/batch.h"
#include "spool/config.h"
#include "spool/nfs.h"
#include "spool/queue.h"
#include "spool/spool.h"
#include "spool/worker.h"

static struct config queues_config;
static struct spool queues_spool;

static inline int queues_setup(void **state)
{
	tmp_setup(state);
	if (config_load(&queues_config, "") != 0)
		return -1;
	return spool_open(&queues_spool, tmp_path("spool"), &queues_config, false);
}

static inline int queues_teardown(void **state)
{
	config_free(&queues_config);
	return tmp_teardown(state);
}

/* at(): a path in the spool; one of eight buffers. */
static inline const char *at(const char *format, ...)
{
	static char paths[8][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 8], name[PATH_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(name, sizeof(name), format, arguments);
	va_end(arguments);
	return spool_path(&queues_spool, path, "%s", name);
}

static inline bool stands(const char *path)
{
	return access(path, F_OK) == 0;
}

static inline void put_file(const char *path, const char *text)
{
	assert_int_equal(nfs_write_file(path, text, strlen(text)), 0);
}

/* count_in(): entries of a folder of the spool; 0 when it is not there. */
static inline size_t count_in(const char *path)
{
	struct namelist names;
	size_t count;

	if (nfs_list(path, &names) < 0)
		return 0;
	count = names.count;
	namelist_free(&names);
	return count;
}

/* put_batch(): a flows batch NAME with one file holding TEXT appears whole in FOLDER. */
static inline void put_batch(const char *folder, const char *name, const char *text)
{
	struct manifest manifest;
	char path[PATH_MAX], file[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", tmp_path("made"), name);
	assert_int_equal(nfs_mkdir(path), 0);
	assert_int_equal(nfs_join(file, path, "data"), 0);
	put_file(file, text);
	manifest_init(&manifest, "flows", name);
	assert_int_equal(manifest_add_file(&manifest, path, "data"), 0);
	assert_int_equal(manifest_write(&manifest, path), 0);
	manifest_free(&manifest);
	assert_int_equal(nfs_mkdir(folder), 0);
	assert_int_equal(nfs_move(tmp_path("made"), name, folder, name), 1);
}

/* put_output(): an output NAME of BATCH for the readers of QUEUE. */
static inline void put_output(struct batch *batch, const char *queue, const char *reader,
	const char *name)
{
	struct manifest manifest;
	char folder[PATH_MAX], file[PATH_MAX];

	assert_int_equal(batch_begin_output(batch, queue, reader, name, folder), 0);
	assert_int_equal(nfs_join(file, folder, "data"), 0);
	put_file(file, name);
	manifest_init(&manifest, "flows", name);
	assert_int_equal(batch_end_output(batch, queue, reader, &manifest, folder), 0);
	manifest_free(&manifest);
}

/* steal(): what a reclaim by somebody who thinks WORKER dead does to its folder. */
static inline void steal(const char *queue, const char *reader, const char *worker)
{
	struct namelist names;

	assert_int_equal(nfs_list(at("%s/%s/work/%s", queue, reader, worker), &names), 0);
	for (size_t i = 0; i < names.count; i++)
		assert_int_equal(nfs_move(at("%s/%s/work/%s", queue, reader, worker),
					 names.names[i], at("%s/%s/ready", queue, reader),
					 names.names[i]),
			1);
	namelist_free(&names);
	assert_int_equal(nfs_rmdir(at("%s/%s/work/%s", queue, reader, worker)), 0);
}

/* make_precious(): a folder outside of the spool that no link may lead the hand-over into; kept():
 * does it still hold what it held? */
static inline const char *make_precious(void)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", tmp_path("precious"));
	assert_int_equal(nfs_mkdir(path), 0);
	assert_int_equal(nfs_mkdir_in(path, "folder"), 0);
	put_file(tmp_path("precious/folder/below"), "dear");
	put_file(tmp_path("precious/file"), "dear");
	return path;
}

static inline bool precious_kept(void)
{
	return stands(tmp_path("precious/folder/below")) && stands(tmp_path("precious/file")) &&
	       count_in(tmp_path("precious")) == 2;
}

#endif
