/*
 * spool.c: makes and opens the root folder that all stages share. spool.json is written last and
 * exclusively, so a spool that has one is complete, and of two makers one wins and both read the
 * same.
 */
#include "spool/spool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/fault.h"
#include "spool/fields.h"
#include "spool/log.h"
#include "spool/nfs.h"

static const struct field fields[] = {
	FIELD(struct spool, window_s, FIELD_U32),
	FIELD(struct spool, lateness_s, FIELD_U32),
	FIELD(struct spool, max_delay_s, FIELD_U32),
	FIELD(struct spool, shards, FIELD_U32),
	FIELD(struct spool, durable, FIELD_BOOL),
	FIELD(struct spool, store, FIELD_TEXT),
	{0},
};

static const char *const folders[] = {"capture/tmp", "capture/done", "capture/writer",
	"state/capture", "state/rules", "state/looks", "state/strikes", "state/cache", "workers",
	"metrics"};

/* A queue has one reader, or one a shard. */
static const struct required {
	const char *queue, *reader;
} required[] = {
	{"packets", "preprocess"},
	{"flows", NULL},
	{"biflows", "classify"},
	{"verdicts", "store"},
	{"state", NULL},
};
#define REQUIRED (sizeof(required) / sizeof(*required))

char *spool_path(const struct spool *spool, char *out, const char *format, ...)
{
	int length = snprintf(out, PATH_MAX, "%s/", spool->root);
	va_list arguments;

	va_start(arguments, format);
	length += vsnprintf(out + length, (size_t)(PATH_MAX - length), format, arguments);
	va_end(arguments);
	if (length >= PATH_MAX)
		die(MIRA_PERSON, "%s...: the path is too long; name a shorter --spool", out);
	return out;
}

static int complain(const char *tried, const char *path)
{
	int error = errno, code;
	const char *remedy = nfs_remedy(error, &code);

	log_err("cannot %s %s: %s; %s%s", tried, path, strerror(error), remedy,
		code == MIRA_PERSON ? ", or name another --spool" : ", then start again");
	return code;
}

/* The root is absolute, so that a change of the working folder changes nothing. */
static int set_root(struct spool *spool, const char *root)
{
	char here[PATH_MAX];
	int length;

	memset(spool, 0, sizeof(*spool));
	if (root[0] == '/')
		length = snprintf(spool->root, sizeof(spool->root), "%s", root);
	else if (getcwd(here, sizeof(here)))
		length = snprintf(spool->root, sizeof(spool->root), "%s/%s", here, root);
	else
		return complain("find the working folder for", root);
	/* names below the root take up to 1,000 bytes */
	if (length < 0 || length >= PATH_MAX - 1024) {
		errno = ENAMETOOLONG;
		return complain("use as a spool", root);
	}
	while (length > 1 && spool->root[length - 1] == '/')
		spool->root[--length] = '\0';
	return 0;
}

static void add_required(const struct spool *spool, const struct required *row,
	struct namelist *readers)
{
	char reader[SHARD_NAME];

	if (row->reader) {
		namelist_add(readers, row->reader);
		return;
	}
	for (unsigned shard = 0; shard < spool->shards; shard++)
		namelist_add(readers, shard_name(shard, reader));
}

static int make_reader(const struct spool *spool, const char *queue, const char *reader, char *path)
{
	static const char *const ends[] = {"ready", "work", "done", "bad"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (nfs_mkdir(spool_path(spool, path, "%s/%s/%s", queue, reader, ends[i])) < 0)
			return -1;
	return 0;
}

static int make_queue(const struct spool *spool, const struct required *row, char *path)
{
	struct namelist readers = {0};
	int result = 0;

	add_required(spool, row, &readers);
	for (size_t i = 0; i < readers.count && result == 0; i++)
		result = make_reader(spool, row->queue, readers.names[i], path);
	namelist_free(&readers);
	return result;
}

/* PATH is left at the folder that failed. */
static int make_folders(const struct spool *spool, char *path)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (nfs_mkdir(spool_path(spool, path, "%s", folders[i])) < 0)
			return -1;
	for (size_t i = 0; i < REQUIRED; i++)
		if (make_queue(spool, &required[i], path) < 0)
			return -1;
	return 0;
}

static json_t *to_json(const struct spool *spool)
{
	json_t *object = json_object();

	json_object_set_new(object, "format", json_integer(SPOOL_FORMAT));
	fields_put(object, fields, spool);
	return object;
}

static int create_json(const struct spool *spool, const char *path)
{
	json_t *object = to_json(spool);
	char *text = json_dumps(object, JSON_INDENT(2));
	int result, error;

	json_decref(object);
	if (!text)
		die(MIRA_AGAIN, "out of memory for %s", path);
	result = nfs_create_file(path, text, strlen(text));
	error = errno;
	free(text);
	errno = error;
	return result < 0 && error != EEXIST ? -1 : 0;
}

static int make(struct spool *spool, const struct config *config, bool durable)
{
	char path[PATH_MAX];

	spool->window_s = config->window_s;
	spool->lateness_s = config->lateness_s;
	spool->max_delay_s = config->max_delay_s;
	spool->shards = config->shards;
	spool->durable = durable;
	nfs_set_durable(durable);
	if (make_folders(spool, path) < 0)
		return complain("make the folder", path);
	FAULT("folders");
	spool_path(spool, path, "spool.json");
	return create_json(spool, path) < 0 ? complain("write", path) : 0;
}

/* Zeros would be divided by or wait for nobody. */
static bool legal(const json_t *object, struct spool *spool, char *why)
{
	if (!json_is_integer(json_object_get(object, "format"))) {
		snprintf(why, FIELD_WHY, "\"format\" is missing");
		return false;
	}
	if (!fields_get(object, fields, spool, why))
		return false;
	if (spool->window_s && spool->max_delay_s && spool->shards && spool->shards <= SHARDS_MAX)
		return true;
	snprintf(why, FIELD_WHY, "\"window_s\", \"max_delay_s\" or \"shards\" is not legal");
	return false;
}

static int get_json(struct spool *spool, const json_t *object, const char *path)
{
	const json_t *format = json_object_get(object, "format");
	char why[FIELD_WHY];

	if (json_is_integer(format) && json_integer_value(format) != SPOOL_FORMAT) {
		log_err("%s: the spool has format %lld, this program works with format %d; use the "
			"MIRA that made it, or a new spool",
			path, (long long)json_integer_value(format), SPOOL_FORMAT);
		return MIRA_PERSON;
	}
	if (!legal(object, spool, why)) {
		log_err("%s: not the spool.json of a MIRA spool (%s); name another --spool", path,
			why);
		return MIRA_PERSON;
	}
	return 0;
}

static int read_json(struct spool *spool)
{
	char path[PATH_MAX], why[FIELD_WHY];
	json_t *object = json_read_file(spool_path(spool, path, "spool.json"), why);
	int result;

	if (!object && errno == EBADMSG) {
		log_err("%s: damaged or not MIRA's: %s; restore it or name another --spool", path,
			why);
		return MIRA_PERSON;
	}
	if (!object)
		return complain("read", path);
	result = get_json(spool, object, path);
	json_decref(object);
	return result;
}

/* A process with other windows would put the same packets under other names: nobody may start who
 * disagrees. */
int spool_compare(const struct spool *spool, const struct config *config)
{
	const struct {
		const char *name;
		uint32_t ours, theirs;
	} rows[] = {
		{"window_s", config->window_s, spool->window_s},
		{"lateness_s", config->lateness_s, spool->lateness_s},
		{"max_delay_s", config->max_delay_s, spool->max_delay_s},
		{"shards", config->shards, spool->shards},
	};
	const char *file = config->file[0] ? config->file : "the defaults (no mira.conf was read)";
	int result = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].ours == rows[i].theirs)
			continue;
		log_err("%s: %s is %u, but the spool was made with %u (%s/spool.json); "
			"set %s = %u in mira.conf or use a new spool",
			file, rows[i].name, rows[i].ours, rows[i].theirs, spool->root, rows[i].name,
			rows[i].theirs);
		result = MIRA_PERSON;
	}
	return result;
}

static int check_mount(const struct spool *spool)
{
	char why[PATH_MAX + 256];
	int verdict = nfs_check_mount(spool->root, why, sizeof(why));

	if (verdict > 0)
		log_warn("spool %s: %s", spool->root, why);
	if (verdict < 0)
		log_err("spool %s: %s", spool->root, why);
	return verdict < 0 ? MIRA_PERSON : 0;
}

/* An existing spool is touched by nothing yet: better to hear of a read-only mount now than after
 * an hour's work. */
static int check_writable(const struct spool *spool)
{
	return access(spool->root, W_OK | X_OK) < 0 ? complain("write into", spool->root) : 0;
}

int spool_open(struct spool *spool, const char *root, const struct config *config, bool durable)
{
	int result = set_root(spool, root);

	if (result == 0)
		result = check_mount(spool);
	if (result == 0 && !spool_exists(spool->root))
		result = make(spool, config, durable);
	if (result == 0)
		result = read_json(spool);
	if (result == 0)
		result = check_writable(spool);
	if (result == 0)
		result = spool_compare(spool, config);
	if (result == 0)
		nfs_set_durable(spool->durable);
	return result;
}

int spool_attach(struct spool *spool, const char *root)
{
	int result = set_root(spool, root);

	if (result == 0 && !spool_exists(spool->root)) {
		log_err("%s is no spool: it holds no spool.json; name the folder the stages use",
			spool->root);
		result = MIRA_PERSON;
	}
	if (result == 0)
		result = read_json(spool);
	if (result == 0)
		nfs_set_durable(spool->durable);
	return result;
}

static bool same(const struct spool *then, const struct spool *now)
{
	return then->window_s == now->window_s && then->lateness_s == now->lateness_s &&
	       then->max_delay_s == now->max_delay_s && then->shards == now->shards &&
	       (!then->store[0] || strcmp(then->store, now->store) == 0);
}

int spool_check(const struct spool *spool)
{
	struct spool now = *spool;
	char path[PATH_MAX], why[FIELD_WHY];
	json_t *object = json_read_file(spool_path(spool, path, "spool.json"), why);
	int result = 0;

	if (object) {
		result = get_json(&now, object, path);
		json_decref(object);
		strcpy(why, "it was changed while this stage ran");
		if (result == 0 && same(spool, &now))
			return 0;
	} else if (errno == ENOENT && nfs_has(spool->root, "spool.json") == 0) {
		strcpy(why, "it is gone; was the file system unmounted?");
	} else if (errno != EBADMSG) {
		return 0;
	}
	log_err("%s: %.200s; this stage ends before it mixes two kinds of results: put the file back "
		"as it was, then start again",
		path, why);
	return MIRA_PERSON;
}

bool spool_exists(const char *root)
{
	return nfs_has(root, "spool.json") == 1;
}

/* Another identity than the recorded one would load windows into two stores, each with a part of
 * them. */
int spool_set_store(struct spool *spool, const char *identity)
{
	char path[PATH_MAX], *recorded;
	size_t size = strlen(identity);

	if (size >= sizeof(spool->store) || size == 0) {
		errno = EINVAL;
		return -1;
	}
	spool_path(spool, path, "state/store");
	if (nfs_create_file(path, identity, size) < 0 && errno != EEXIST)
		return -1;
	recorded = nfs_read_file(path, NULL);
	if (!recorded)
		return -1;
	snprintf(spool->store, sizeof(spool->store), "%s", recorded);
	free(recorded);
	if (strcmp(spool->store, identity) != 0) {
		errno = EEXIST;
		return -1;
	}
	FAULT("identity");
	return json_write_file(to_json(spool), spool_path(spool, path, "spool.json"));
}

/* A folder with a legal name. Batches must not be handed to a file, or to where a link leads. */
static bool is_reader(const char *queue, const char *name)
{
	char path[PATH_MAX];

	if (name_part_ok(name) && nfs_join(path, queue, name) == 0 && nfs_is_folder(path) != 0)
		return true;
	log_once("%s/%s is no reader: left alone", queue, name);
	return false;
}

static int add_standing(const struct spool *spool, const char *queue, struct namelist *readers)
{
	struct namelist standing;
	char path[PATH_MAX];

	if (nfs_list(spool_path(spool, path, "%s", queue), &standing) < 0)
		return errno == ENOENT ? 0 : -1;
	for (size_t i = 0; i < standing.count; i++)
		if (!namelist_has(readers, standing.names[i]) && is_reader(path, standing.names[i]))
			namelist_add(readers, standing.names[i]);
	namelist_free(&standing);
	return 0;
}

int spool_readers(const struct spool *spool, const char *queue, struct namelist *readers)
{
	int result = 0;

	*readers = (struct namelist){0};
	for (size_t i = 0; i < REQUIRED; i++)
		if (strcmp(required[i].queue, queue) == 0)
			add_required(spool, &required[i], readers);
	if (strcmp(queue, "state") != 0)
		result = add_standing(spool, queue, readers);
	if (result < 0)
		namelist_free(readers);
	else
		namelist_sort(readers);
	return result;
}
