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
#include <time.h>
#include <unistd.h>

#include "spool/capstate.h"
#include "spool/hash.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define AUDIT_FORMAT 1

int audit_describe(struct audit *audit, const struct config *config,
	const struct run_options *options)
{
	int code = inputs_describe(&audit->inputs, options->files, options->file_count,
		options->interface);

	return code ? code : inputs_key(&audit->inputs, config, options, audit->key);
}

/* ---- the folder ---- */

static char *in_dir(const struct audit *audit, const char *name)
{
	return x_sprintf("%s/%s", audit->dir, name);
}

/* Who may not write there has to do something about it; a full disk may empty itself. */
static int cannot_write(const char *path)
{
	int code = errno == EACCES || errno == EPERM || errno == EROFS ? MIRA_PERSON : MIRA_AGAIN;

	log_err("cannot write %s: %m; %s or name another folder with --out", path,
		code == MIRA_PERSON ? "have this user allowed to write there" : "free space there");
	return code;
}

static int write_state(const struct audit *audit)
{
	json_t *state = json_pack("{sisssOsbsssbsbsi}", "format", AUDIT_FORMAT, "key", audit->key,
		"inputs", audit->inputs.list, "once", audit->inputs.once, "spool", audit->spool,
		"temporary", audit->temporary, "complete", audit->complete, "code", audit->code);
	char *text = json_dumps(state, JSON_INDENT(2)), *path = in_dir(audit, "audit.json");
	int code = nfs_write_file(path, text, strlen(text)) ? cannot_write(path) : MIRA_OK;

	json_decref(state);
	free(text);
	free(path);
	return code;
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

/*
 * The stages inherit FD, so what a killed mira run leaves is locked until the last of them is gone,
 * which takes a moment. A file system without locks has none to offer.
 */
static bool locked_by_others(int fd)
{
	const struct timespec moment = {0, 50 * 1000000L};

	for (int i = 0; i < 40; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
			return false;
		nanosleep(&moment, NULL);
	}
	return true;
}

static int lock_dir(struct audit *audit)
{
	audit->lock = open(audit->dir, O_RDONLY | O_DIRECTORY);
	if (audit->lock < 0) {
		log_err("cannot open %s: %m; name another folder with --out", audit->dir);
		return MIRA_PERSON;
	}
	if (!locked_by_others(audit->lock))
		return MIRA_OK;
	log_err("another mira run works on %s; wait for it or name another folder with --out",
		audit->dir);
	return MIRA_AGAIN;
}

/* ---- the spool ---- */

/* A temporary spool is named after content and folder, so that two audits never share one. */
static int name_temporary(struct audit *audit)
{
	const char *place = getenv("TMPDIR");
	char hash[HASH_HEX + 1], *both;

	if (!place || !*place)
		return snprintf(audit->spool, sizeof(audit->spool), "%s/.spool", audit->dir);
	both = x_sprintf("%s %s", audit->key, audit->dir);
	hash_bytes(both, strlen(both), hash);
	free(both);
	return snprintf(audit->spool, sizeof(audit->spool), "%s%s/mira-spool-%s",
		place[0] == '/' ? "" : "./", place, hash);
}

/* Paths are recorded in JSON, which is UTF-8. */
static int check_utf8(const char *path)
{
	json_t *text = json_string(path);

	if (!text)
		log_err("the path %s is not UTF-8; name another folder", path);
	json_decref(text);
	return text ? MIRA_OK : MIRA_PERSON;
}

/* Absolute, so that the same command may come from elsewhere. */
static int name_spool(struct audit *audit, const char *named)
{
	char here[PATH_MAX], given[PATH_MAX];
	int length;

	audit->temporary = !named;
	length = named ? snprintf(audit->spool, sizeof(audit->spool), "%s", named)
		       : name_temporary(audit);
	if (audit->spool[0] != '/' && length < PATH_MAX && getcwd(here, sizeof(here))) {
		memcpy(given, audit->spool, sizeof(given));
		length = snprintf(audit->spool, sizeof(audit->spool), "%s/%s", here, given);
	}
	/* a path that ends in "/" would name another spool than the same one without */
	while (length > 1 && length < PATH_MAX && audit->spool[length - 1] == '/')
		audit->spool[--length] = '\0';
	if (length >= PATH_MAX) {
		log_err("the path of the spool is too long; name a shorter one with --spool");
		return MIRA_PERSON;
	}
	return check_utf8(audit->spool);
}

static int not_ours(const struct spool *spool)
{
	log_err("the spool %s holds packets of another audit; name another folder with --spool",
		spool->root);
	return MIRA_PERSON;
}

/* What was captured there by hand has to be of our inputs, too. */
static int compare_runs(const struct audit *audit, const struct spool *spool,
	const struct capstate *states, ssize_t count)
{
	for (ssize_t i = 0; i < count; i++)
		if (!inputs_have(&audit->inputs, states[i].run))
			return not_ours(spool);
	return MIRA_OK;
}

static int compare_store(const struct audit *audit, const struct spool *spool)
{
	char path[PATH_MAX], *db = nfs_read_file(spool_path(spool, path, "state/store.path"), NULL);
	char *ours = in_dir(audit, "mira.db");
	bool other = db && strcmp(db, ours) && access(db, F_OK) == 0;

	if (other)
		log_err("the spool %s belongs to the audit in %.*s; name that folder with --out, "
			"or another spool with --spool",
			spool->root, (int)(strlen(db) - strlen("/mira.db")), db);
	free(ours);
	free(db);
	return other ? MIRA_PERSON : MIRA_OK;
}

static int mark_spool(const struct audit *audit, const char *path)
{
	return nfs_write_file(path, audit->key, strlen(audit->key)) ? cannot_write(path) : MIRA_OK;
}

static int compare_spool(const struct audit *audit, const struct spool *spool)
{
	struct capstate *states = NULL;
	ssize_t count = capstate_list(spool, &states);
	char path[PATH_MAX], *key = nfs_read_file(spool_path(spool, path, "state/audit"), NULL);
	int code;

	if (count > 0 && key)
		code = strcmp(key, audit->key) ? not_ours(spool) : MIRA_OK;
	else
		code = compare_runs(audit, spool, states, count);
	if (!code && count > 0)
		code = compare_store(audit, spool);
	if (!code && (!key || strcmp(key, audit->key)))
		code = mark_spool(audit, path);
	free(key);
	free(states);
	return code;
}

int audit_take_spool(struct audit *audit, const struct spool *spool)
{
	char path[PATH_MAX];

	if (audit->temporary)
		return MIRA_OK;
	spool_path(spool, path, "state/audit.lock");
	audit->spool_lock = open(path, O_RDWR | O_CREAT, 0660);
	if (audit->spool_lock < 0)
		return cannot_write(path);
	if (!locked_by_others(audit->spool_lock))
		return compare_spool(audit, spool);
	log_err("another mira run works on the spool %s; wait for it or name another one with "
		"--spool",
		spool->root);
	return MIRA_AGAIN;
}

/* ---- beginning and going on ---- */

static void unmake(const struct audit *audit)
{
	if (audit->made)
		nfs_rmdir(audit->dir);
}

/* A folder without audit.json is taken only when it is empty: what stands there is not ours. */
static int first_time(struct audit *audit, const char *spool)
{
	struct namelist names = {0};
	bool foreign;
	int code;

	if (nfs_list_linked(audit->dir, &names)) {
		log_err("cannot list %s: %m; name another folder with --out", audit->dir);
		return MIRA_PERSON;
	}
	foreign = names.count > 0;
	namelist_free(&names);
	if (foreign) {
		log_err("%s holds files that are no audit; name an empty or new folder with --out",
			audit->dir);
		return MIRA_PERSON;
	}
	nfs_sweep(audit->dir); /* of a run that was killed as it wrote the first file */
	audit->fresh = true;
	code = name_spool(audit, spool);
	if (!code)
		code = write_state(audit);
	if (!code && audit->temporary)
		remove_tree(audit->spool);
	if (code)
		unmake(audit);
	return code;
}

static void remove_store(const struct audit *audit)
{
	static const char *const files[] = {"mira.db", "mira.db-wal", "mira.db-shm",
		"mira.db-journal"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = in_dir(audit, files[i]);

		nfs_unlink(path);
		free(path);
	}
}

/* A temporary spool that is gone (a reboot) took its windows with it: what the store holds is made
 * again. */
static void start_over(const struct audit *audit)
{
	log_warn("the temporary spool %s is gone; the audit starts over", audit->spool);
	remove_store(audit);
}

static bool same_folder(const char *one, const char *other)
{
	char a[PATH_MAX], b[PATH_MAX];

	return !strcmp(one, other) || (realpath(one, a) && realpath(other, b) && !strcmp(a, b));
}

static int compare_named(struct audit *audit, const char *was, const char *spool)
{
	int code = name_spool(audit, spool);

	if (code || same_folder(audit->spool, was))
		return code;
	log_err("the audit in %s uses the spool %s, not %s; name that one with --spool", audit->dir,
		was, spool);
	return MIRA_PERSON;
}

static int go_on(struct audit *audit, json_t *state, const char *spool)
{
	const char *key = json_string_value(json_object_get(state, "key"));
	const char *was = json_string_value(json_object_get(state, "spool"));

	if (!key || !was || json_integer_value(json_object_get(state, "format")) != AUDIT_FORMAT) {
		log_err("%s/audit.json is damaged or of another version; name another folder with "
			"--out",
			audit->dir);
		return MIRA_PERSON;
	}
	if (strcmp(key, audit->key) && !json_is_true(json_object_get(state, "complete")) &&
		json_is_true(json_object_get(state, "once"))) {
		log_err("%s holds an audit of live traffic or a pipe that was cut short and cannot "
			"go on; remove it, or name another folder with --out",
			audit->dir);
		return MIRA_PERSON;
	}
	if (strcmp(key, audit->key)) {
		log_err("%s holds an audit of other inputs or another configuration, which is left "
			"untouched; name another folder with --out",
			audit->dir);
		return MIRA_PERSON;
	}
	if (spool && compare_named(audit, was, spool))
		return MIRA_PERSON;
	audit->temporary = json_is_true(json_object_get(state, "temporary"));
	audit->complete = json_is_true(json_object_get(state, "complete"));
	audit->code = (int)json_integer_value(json_object_get(state, "code"));
	snprintf(audit->spool, sizeof(audit->spool), "%s", was);
	nfs_sweep(audit->dir);
	if (audit->temporary && audit->complete)
		remove_tree(audit->spool);
	else if (audit->temporary && !spool_exists(audit->spool))
		start_over(audit);
	return MIRA_OK;
}

int audit_begin(struct audit *audit, const char *dir, const char *spool)
{
	char *path, *text;
	json_t *state;
	int code;

	audit->made = access(dir, F_OK) != 0;
	if (nfs_mkdir(dir) || !realpath(dir, audit->dir)) {
		log_err("cannot make the folder %s: %m; name another one with --out", dir);
		return errno == ENOSPC ? MIRA_AGAIN : MIRA_PERSON;
	}
	/* names below it take some bytes, too */
	if (strlen(audit->dir) > PATH_MAX - 1024) {
		log_err("the path %s is too long; name a shorter one with --out", audit->dir);
		return MIRA_PERSON;
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
	free(path);
	unmake(audit);
}

void audit_end(struct audit *audit)
{
	inputs_free(&audit->inputs);
	if (audit->lock >= 0)
		close(audit->lock);
	if (audit->spool_lock >= 0)
		close(audit->spool_lock);
}

int audit_open_db(const char *dir, sqlite3 **db)
{
	char *path = x_sprintf("%s/mira.db", dir);
	int code = MIRA_OK;

	if (access(path, R_OK)) {
		log_err("cannot read %s: %m; name the folder of an audit made by mira run", path);
		code = MIRA_PERSON;
	} else if (sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
		   sqlite3_exec(*db, "SELECT 1 FROM ledger, biflow_text LIMIT 1", NULL, NULL,
			   NULL) != SQLITE_OK) {
		log_err("%s is not an audit's database: %s", path, sqlite3_errmsg(*db));
		sqlite3_close(*db);
		code = MIRA_PERSON;
	}
	free(path);
	return code;
}
