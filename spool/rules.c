/*
 * rules.c: the copy of configuration, policy and symptoms that travels with the packets. It is
 * found by its content, so a change by the operator makes a new folder and never changes one that a
 * waiting batch was stamped with.
 */
#include "spool/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "spool/fault.h"
#include "spool/hash.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/policy.h"

struct file {
	char name[NAME_MAX + 16]; /* below the rules' folder */
	char *data;
	size_t size;
};

struct files {
	struct file *list;
	size_t count;
};

static void files_free(struct files *files)
{
	int error = errno;

	for (size_t i = 0; i < files->count; i++)
		free(files->list[i].data);
	free(files->list);
	*files = (struct files){0};
	errno = error;
}

/* SETTING names the line of mira.conf to look at when PATH cannot be read. */
static int add(struct files *files, const char *name, const char *path, const char *setting)
{
	struct file file = {.name = ""};

	file.data = path[0] ? nfs_read_file(path, &file.size) : x_strdup("");
	if (!file.data) {
		log_err("cannot read %s: %s; it is what \"%s\" in mira.conf names", path,
			strerror(errno), setting);
		return -1;
	}
	snprintf(file.name, sizeof(file.name), "%s", name);
	files->list = x_realloc(files->list, (files->count + 1) * sizeof(file));
	files->list[files->count++] = file;
	return 0;
}

static bool is_symptoms(const char *name)
{
	size_t length = strlen(name);

	return length > 4 && strcmp(name + length - 4, ".sym") == 0;
}

int rules_symptoms(const char *folder, struct namelist *names)
{
	struct namelist all;

	*names = (struct namelist){0};
	if (nfs_list_linked(folder, &all) < 0) {
		namelist_free(&all);
		return -1;
	}
	for (size_t i = 0; i < all.count; i++)
		if (is_symptoms(all.names[i]))
			namelist_add(names, all.names[i]);
	namelist_free(&all);
	namelist_sort(names);
	return 0;
}

static int add_symptoms(struct files *files, const char *folder)
{
	struct namelist names;
	char path[PATH_MAX], name[NAME_MAX + 16];
	int result = 0;

	if (rules_symptoms(folder, &names) < 0) {
		log_err("cannot list %s: %s; it is what \"symptoms\" in mira.conf names", folder,
			strerror(errno));
		return -1;
	}
	for (size_t i = 0; i < names.count && result == 0; i++) {
		snprintf(name, sizeof(name), "symptoms.d/%s", names.names[i]);
		result = nfs_join(path, folder, names.names[i]);
		if (result == 0)
			result = add(files, name, path, "symptoms");
	}
	if (!names.count) {
		log_err("%s holds no *.sym file; it is what \"symptoms\" in mira.conf names",
			folder);
		errno = ENOENT;
		result = -1;
	}
	namelist_free(&names);
	return result;
}

static int collect(const struct config *config, struct files *files)
{
	*files = (struct files){0};
	if (add(files, "mira.conf", config->file, "--config") == 0 &&
		add(files, "policy.conf", config->policy, "policy") == 0 &&
		add_symptoms(files, config->symptoms) == 0)
		return 0;
	files_free(files);
	return -1;
}

/* Lengths go in as well, or a byte could move from one file into the next without a new hash. */
static void hash_files(const struct files *files, char hash[33])
{
	XXH3_state_t *state = XXH3_createState();

	if (!state)
		die(MIRA_AGAIN, "out of memory for a checksum");
	XXH3_128bits_reset(state);
	for (size_t i = 0; i < files->count; i++) {
		const struct file *file = &files->list[i];
		char length[32];

		snprintf(length, sizeof(length), "%zu", file->size);
		XXH3_128bits_update(state, file->name, strlen(file->name) + 1);
		XXH3_128bits_update(state, length, strlen(length) + 1);
		XXH3_128bits_update(state, file->data, file->size);
	}
	hash_hex(XXH3_128bits_digest(state), hash);
	XXH3_freeState(state);
}

static int write_files(const struct files *files, const char *folder)
{
	char path[PATH_MAX];

	if (nfs_join(path, folder, "symptoms.d") < 0 || nfs_mkdir(path) < 0)
		return -1;
	for (size_t i = 0; i < files->count; i++) {
		const struct file *file = &files->list[i];

		if (nfs_join(path, folder, file->name) < 0 ||
			nfs_write_file(path, file->data, file->size) < 0)
			return -1;
	}
	return nfs_sync_folder(folder);
}

static void remove_files(const struct files *files, const char *folder)
{
	char path[PATH_MAX];
	int error = errno;

	for (size_t i = 0; i < files->count; i++)
		if (nfs_join(path, folder, files->list[i].name) == 0)
			nfs_unlink(path);
	if (nfs_join(path, folder, "symptoms.d") == 0)
		nfs_rmdir(path);
	nfs_rmdir(folder);
	errno = error;
}

/* Made under a name that no listing shows and renamed: whoever sees the folder sees all of it. Of
 * two makers one loses the rename against a full folder with the same content, which is as good. */
static int make(const struct spool *spool, const struct files *files, const char *hash)
{
	char rules[PATH_MAX], folder[PATH_MAX], name[32];
	uint64_t number;
	int result;

	if (getrandom(&number, sizeof(number), 0) < 0)
		return -1;
	snprintf(name, sizeof(name), ".tmp-%016llx", (unsigned long long)number);
	spool_path(spool, rules, "state/rules");
	spool_path(spool, folder, "state/rules/%s", name);
	result = write_files(files, folder);
	FAULT("rules");
	if (result == 0)
		result = nfs_move(rules, name, rules, hash) == 1 || nfs_has(rules, hash) == 1 ? 0
											      : -1;
	remove_files(files, folder);
	return result == 0 ? nfs_sync_folder(rules) : -1;
}

static int check_policy(const struct config *config)
{
	struct policy policy;

	if (policy_load(&policy, config->policy) != MIRA_OK) {
		errno = EINVAL;
		return -1;
	}
	policy_free(&policy);
	return 0;
}

int rules_hash(const struct config *config, char hash[33])
{
	struct files files;

	if (collect(config, &files) < 0)
		return -1;
	hash_files(&files, hash);
	files_free(&files);
	return 0;
}

int rules_publish(const struct spool *spool, const struct config *config, char hash[33])
{
	char rules[PATH_MAX];
	struct files files;
	int result;

	if (collect(config, &files) < 0 || check_policy(config) < 0) {
		files_free(&files);
		return -1;
	}
	hash_files(&files, hash);
	result = nfs_has(spool_path(spool, rules, "state/rules"), hash);
	if (result == 0)
		result = make(spool, &files, hash);
	if (result < 0)
		log_err("cannot write %s/%s: %s", rules, hash, strerror(errno));
	files_free(&files);
	return result < 0 ? -1 : 0;
}

char *rules_path(const struct spool *spool, const char *hash, char *out)
{
	return spool_path(spool, out, "state/rules/%s", hash);
}

static int refuse(const struct spool *spool, const char *hash, const char *why)
{
	log_err("%s/state/rules/%s %s; batches name these rules, and no others may be used: put the "
		"folder back from a backup, or move what is left of it away and start mira-capture "
		"once with the configuration of that time",
		spool->root, hash, why);
	return MIRA_PERSON;
}

/* The folder is named after its content: rules that somebody edited there are not those that the
 * packets were stamped with. */
static int check_content(const struct spool *spool, const char *hash, const struct config *config)
{
	char found[33];
	int code;

	if (rules_hash(config, found) < 0) {
		nfs_remedy(errno, &code); /* what cannot be read now may be whole */
		return code == MIRA_AGAIN ? code : refuse(spool, hash, "is not complete");
	}
	return strcmp(found, hash) == 0
		       ? MIRA_OK
		       : refuse(spool, hash, "was changed: its content has another hash");
}

int rules_load(const struct spool *spool, const char *hash, struct config *config)
{
	char path[PATH_MAX];
	int result;

	if (nfs_has(spool_path(spool, path, "state/rules"), hash) == 0)
		return refuse(spool, hash, "is missing");
	spool_path(spool, path, "state/rules/%s/mira.conf", hash);
	result = config_load(config, path);
	if (result != MIRA_OK)
		return result;
	spool_path(spool, config->policy, "state/rules/%s/policy.conf", hash);
	spool_path(spool, config->symptoms, "state/rules/%s/symptoms.d", hash);
	return check_content(spool, hash, config);
}

int rules_in_force(const struct spool *spool, char hash[33])
{
	char path[PATH_MAX];
	char *text = nfs_read_file(spool_path(spool, path, "state/policy"), NULL);

	hash[0] = '\0';
	if (!text)
		return errno == ENOENT ? 0 : -1;
	if (hash_is_hex(text))
		memcpy(hash, text, HASH_HEX + 1);
	free(text);
	return 0;
}

int rules_enforce(const struct spool *spool, const char *hash)
{
	char path[PATH_MAX], now[33];

	if (rules_in_force(spool, now) < 0)
		return -1;
	if (strcmp(now, hash) == 0)
		return 0;
	return nfs_write_file(spool_path(spool, path, "state/policy"), hash, HASH_HEX) < 0 ? -1 : 1;
}
