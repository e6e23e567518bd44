/* mira-audit.c: the folder of one audit, between the command line and the stages. */
#include "spool/mira-audit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/rules.h"
#include "spool/spool.h"
#include "spool/traceid.h"

#define AUDIT_FORMAT 1

/* ---- what the audit is of ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int describe_file(struct audit *audit, const char *file)
{
	char run[RUN_HEX + 1];
	size_t i;
	json_t *input;
	int fd;

	if (!strcmp(file, "-")) {
		trace_id_random(run);
	} else {
		fd = open(file, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || trace_id(fd, run)) {
			log_err("cannot read %s: %m; name a capture file that this user may read", file);
			if (fd >= 0)
				close(fd);
			return MIRA_PERSON;
		}
		close(fd);
	}
	json_array_foreach(audit->inputs, i, input) {
		if (strcmp(json_string_value(json_object_get(input, "run")), run))
			continue;
		log_err("%s and %s are the same capture; name it once, or its packets would count twice",
			json_string_value(json_object_get(input, "file")), file);
		return MIRA_PERSON;
	}
	json_array_append_new(audit->inputs, json_pack("{ssssss}", "file", file, "stream", base_name(file), "run", run));
	return MIRA_OK;
}

static void add_text(XXH3_state_t *hash, const char *text)
{
	XXH3_128bits_update(hash, text, strlen(text) + 1);
}

/* The key: everything that decides the answer; of a file its content and what its stream is named after, not its folder. */
static int make_key(struct audit *audit, const struct config *config, const char *cut)
{
	char rules[33];
	XXH3_state_t *hash;
	XXH128_canonical_t digest;
	json_t *input;
	size_t i;

	if (rules_hash(config, rules))
		return MIRA_PERSON;
	hash = XXH3_createState();
	XXH3_128bits_reset(hash);
	json_array_foreach(audit->inputs, i, input)
	{
		add_text(hash, json_string_value(json_object_get(input, "run")));
		add_text(hash, json_string_value(json_object_get(input, "stream")));
	}
	add_text(hash, rules);
	add_text(hash, cut);
	XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(hash));
	for (int byte = 0; byte < 16; byte++)
		snprintf(audit->key + 2 * byte, 3, "%02x", digest.digest[byte]);
	XXH3_freeState(hash);
	return MIRA_OK;
}

int audit_describe(struct audit *audit, const struct config *config, const char *cut, char **files, int count,
	const char *interface)
{
	int code = MIRA_OK;

	memset(audit, 0, sizeof(*audit));
	audit->lock = -1;
	audit->inputs = json_array();
	for (int i = 0; i < count && !code; i++)
		code = describe_file(audit, files[i]);
	if (interface) {
		char run[RUN_HEX + 1];

		trace_id_random(run);
		json_array_append_new(audit->inputs, json_pack("{ssssss}", "interface", interface, "stream", interface, "run", run));
	}
	return code ? code : make_key(audit, config, cut);
}

/* ---- the folder ---- */

static char *in_dir(const struct audit *audit, const char *name)
{
	return x_sprintf("%s/%s", audit->dir, name);
}

static int write_state(const struct audit *audit)
{
	json_t *state = json_pack("{sisssOsssbsbsi}", "format", AUDIT_FORMAT, "key", audit->key, "inputs", audit->inputs,
		"spool", audit->spool, "temporary", audit->temporary, "complete", audit->complete, "code", audit->code);
	char *text = json_dumps(state, JSON_INDENT(2)), *path = in_dir(audit, "audit.json");
	int result = nfs_write_file(path, text, strlen(text));

	if (result)
		log_err("cannot write %s: %m; free space or name another folder with --out", path);
	json_decref(state);
	free(text);
	free(path);
	return result ? MIRA_AGAIN : MIRA_OK;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path) && errno != ENOENT ? -1 : 0;
}

static void remove_tree(const char *path)
{
	if (nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		log_warn("cannot remove %s: %m; remove it by hand", path);
}

static int lock_dir(struct audit *audit)
{
	audit->lock = open(audit->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (audit->lock < 0) {
		log_err("cannot open %s: %m; name another folder with --out", audit->dir);
		return MIRA_PERSON;
	}
	if (!flock(audit->lock, LOCK_EX | LOCK_NB))
		return MIRA_OK;
	log_err("another mira run works on %s; wait for it or name another folder with --out", audit->dir);
	return MIRA_AGAIN;
}

/* A folder without audit.json is taken only when it is empty: what stands there is not ours. */
static int first_time(struct audit *audit, const char *spool)
{
	const char *place = getenv("TMPDIR");
	struct namelist names = {0};
	bool foreign;
	int code;

	if (nfs_list(audit->dir, &names)) {
		log_err("cannot list %s: %m", audit->dir);
		return MIRA_AGAIN;
	}
	foreign = names.count > 0;
	namelist_free(&names);
	if (foreign) {
		log_err("%s holds files that are no audit; name an empty or new folder with --out", audit->dir);
		return MIRA_PERSON;
	}
	audit->temporary = !spool;
	if (spool)
		snprintf(audit->spool, sizeof(audit->spool), "%s", spool);
	else if (place && *place)
		snprintf(audit->spool, sizeof(audit->spool), "%s/mira-spool-%.16s", place, audit->key);
	else
		snprintf(audit->spool, sizeof(audit->spool), "%.*s/.spool", PATH_MAX - 8, audit->dir);
	code = write_state(audit);
	if (!code && audit->temporary)
		remove_tree(audit->spool);
	return code;
}

static void remove_store(const struct audit *audit)
{
	static const char *const files[] = {"mira.db", "mira.db-wal", "mira.db-shm", "mira.db-journal"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = in_dir(audit, files[i]);

		nfs_unlink(path);
		free(path);
	}
}

/* A temporary spool that is gone (a reboot) took its windows with it: what the store holds is made again. */
static void start_over(const struct audit *audit)
{
	log_warn("the temporary spool %s is gone; the audit starts over", audit->spool);
	remove_store(audit);
}

static int go_on(struct audit *audit, json_t *state, const char *spool)
{
	const char *key = json_string_value(json_object_get(state, "key"));
	const char *was = json_string_value(json_object_get(state, "spool"));

	if (!key || !was || json_integer_value(json_object_get(state, "format")) != AUDIT_FORMAT) {
		log_err("%s/audit.json is damaged or of another version; name another folder with --out", audit->dir);
		return MIRA_PERSON;
	}
	if (strcmp(key, audit->key)) {
		log_err("%s holds an audit of other inputs or another configuration, which is left untouched; name "
			"another folder with --out", audit->dir);
		return MIRA_PERSON;
	}
	audit->temporary = json_is_true(json_object_get(state, "temporary"));
	audit->complete = json_is_true(json_object_get(state, "complete"));
	audit->code = (int)json_integer_value(json_object_get(state, "code"));
	snprintf(audit->spool, sizeof(audit->spool), "%s", was);
	if (spool && strcmp(spool, was)) {
		log_err("the audit in %s uses the spool %s, not %s; name that one with --spool", audit->dir, was, spool);
		return MIRA_PERSON;
	}
	if (!audit->complete && audit->temporary && !spool_exists(audit->spool))
		start_over(audit);
	return MIRA_OK;
}

int audit_begin(struct audit *audit, const char *dir, const char *spool)
{
	char *path, *text;
	json_t *state;
	int code;

	if (nfs_mkdir(dir) || !realpath(dir, audit->dir)) {
		log_err("cannot make the folder %s: %m; name another one with --out", dir);
		return errno == ENOSPC ? MIRA_AGAIN : MIRA_PERSON;
	}
	code = lock_dir(audit);
	if (code)
		return code;
	path = in_dir(audit, "audit.json");
	text = nfs_read_file(path, NULL);
	free(path);
	if (!text)
		return first_time(audit, spool);
	state = json_loads(text, 0, NULL);
	code = go_on(audit, state, spool);
	json_decref(state);
	free(text);
	return code;
}

int audit_complete(struct audit *audit, int result)
{
	int code;

	audit->complete = true;
	audit->code = result;
	code = write_state(audit);
	if (!code && audit->temporary)
		remove_tree(audit->spool);
	return code;
}

void audit_discard(struct audit *audit)
{
	char *path = in_dir(audit, "audit.json");

	if (audit->temporary)
		remove_tree(audit->spool);
	remove_store(audit);
	nfs_unlink(path);
	nfs_rmdir(audit->dir);
	free(path);
}

void audit_end(struct audit *audit)
{
	json_decref(audit->inputs);
	if (audit->lock >= 0)
		close(audit->lock);
}

int audit_open_db(const char *dir, sqlite3 **db)
{
	char *path = x_sprintf("%s/mira.db", dir);
	int code = MIRA_OK;

	if (access(path, R_OK)) {
		log_err("cannot read %s: %m; name the folder of an audit made by mira run", path);
		code = MIRA_PERSON;
	} else if (sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
		   sqlite3_exec(*db, "SELECT 1 FROM ledger LIMIT 1", NULL, NULL, NULL) != SQLITE_OK) {
		log_err("%s is not an audit's database: %s", path, sqlite3_errmsg(*db));
		sqlite3_close(*db);
		code = MIRA_PERSON;
	}
	free(path);
	return code;
}
