/*
 * finish.c: moves the outputs of a committed batch to their readers and removes the rest; the
 * second half of every hand-over from capture to store.
 *
 * Any number of processes on any hosts may run this for the same entry at once, and die anywhere in
 * it. It holds because an output has one name and is moved, never linked or copied: there is no
 * moment at which two can have it. And because each step begins only when the one before it is on
 * disk, for every output.
 */
#include "spool/finish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/fault.h"
#include "spool/log.h"
#include "spool/nfs.h"

/* entry / attempt / out / <queue>.<reader> / batch / file */
#define DEPTH 6

struct finish {
	const struct spool *spool;
	const char *where;
	const char *entry;
	char name[NAME_MAX + 1], attempt[NAME_MAX + 1];
	char done[PATH_MAX]; /* SPOOL/WHERE/done */
	char home[PATH_MAX]; /* SPOOL/WHERE/done/X~A */
	char won[PATH_MAX];  /* SPOOL/WHERE/done/X~A/A */
	char out[PATH_MAX];  /* SPOOL/WHERE/done/X~A/A/out */
};

static bool is_legal(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '_' || byte == '.' || byte == '+' ||
	       byte == '-';
}

/* Asked of each of 100,000 names: without strspn(), which makes a table each time. */
bool finish_name_ok(const char *text)
{
	size_t length = 0;

	while (is_legal(text[length]))
		length++;

	return length >= 1 && length <= ENTRY_MAX && text[length] == '\0' && text[0] != '.';
}

/* Lists PATH; what is gone is an empty list. */
static int list(const char *path, struct namelist *names)
{
	if (nfs_list(path, names) == 0)
		return 0;
	*names = (struct namelist){0};
	return nfs_none(errno) ? 0 : -1;
}

static bool parse(struct finish *finish)
{
	const char *tilde = strchr(finish->entry, '~');

	if (!tilde || strlen(finish->entry) > NAME_MAX)
		return false;
	snprintf(finish->name, sizeof(finish->name), "%.*s", (int)(tilde - finish->entry),
		finish->entry);
	snprintf(finish->attempt, sizeof(finish->attempt), "%s", tilde + 1);
	return finish_name_ok(finish->name) && finish_name_ok(finish->attempt);
}

static void set_paths(struct finish *finish)
{
	spool_path(finish->spool, finish->done, "%s/done", finish->where);
	spool_path(finish->spool, finish->home, "%s/done/%s", finish->where, finish->entry);
	spool_path(finish->spool, finish->won, "%s/done/%s/%s", finish->where, finish->entry,
		finish->attempt);
	spool_path(finish->spool, finish->out, "%s/done/%s/%s/out", finish->where, finish->entry,
		finish->attempt);
}

/* A reader whose folder was taken away comes back with its first batch: nothing is thrown away in
 * silence. */
static int move_out(const char *box, const char *name, const char *ready)
{
	int result = nfs_move(box, name, ready, name);

	if (result < 0 && errno == ENOENT && nfs_mkdir(ready) == 0)
		result = nfs_move(box, name, ready, name);
	if (result < 0)
		log_err("cannot move %s from %s to %s: %s", name, box, ready, strerror(errno));
	return result;
}

/* One out/<queue>.<reader>/. Its folder is removed after the reader's was fsynced, also when
 * another process moved. */
static int publish_box(const struct finish *finish, const char *box)
{
	char path[PATH_MAX], ready[PATH_MAX];
	const char *dot = strchr(box, '.');
	struct namelist names;
	int result = 0;

	if (!dot) {
		errno = EINVAL;
		return -1;
	}
	if (nfs_join(path, finish->out, box) < 0 || list(path, &names) < 0)
		return -1;
	spool_path(finish->spool, ready, "%.*s/%s/ready", (int)(dot - box), box, dot + 1);
	for (size_t i = 0; i < names.count && result >= 0; i++) {
		result = move_out(path, names.names[i], ready);
		if (result == 1)
			FAULT("moved");
	}
	namelist_free(&names);
	if (result < 0 || (nfs_sync_folder(ready) < 0 && errno != ENOENT))
		return -1;
	FAULT("synced");
	return nfs_rmdir(path) < 0 && errno != ENOTEMPTY ? -1 : 0;
}

/* The next state of a token is last: whoever sees it may take it that all else was published. */
static int publish(const struct finish *finish, bool state)
{
	struct namelist boxes;
	int result = 0;

	if (list(finish->out, &boxes) < 0)
		return -1;
	for (size_t i = 0; i < boxes.count && result == 0; i++)
		if ((strncmp(boxes.names[i], "state.", 6) == 0) == state)
			result = publish_box(finish, boxes.names[i]);
	namelist_free(&boxes);
	return result;
}

/* Splits "<queue>/<reader>/<name>" in place. */
static bool parse_retired(char *line, char **reader, char **name)
{
	*reader = strchr(line, '/');
	*name = *reader ? strchr(*reader + 1, '/') : NULL;
	if (!*name)
		return false;
	*(*reader)++ = '\0';
	*(*name)++ = '\0';
	return finish_name_ok(line) && finish_name_ok(*reader) && finish_name_ok(*name);
}

static int retire_one(const struct finish *finish, const char *queue, const char *reader,
	const char *name)
{
	char ready[PATH_MAX], done[PATH_MAX], where[2 * NAME_MAX + 2], entry[2 * NAME_MAX + 2];
	int moved;

	spool_path(finish->spool, ready, "%s/%s/ready", queue, reader);
	spool_path(finish->spool, done, "%s/%s/done", queue, reader);
	snprintf(where, sizeof(where), "%s/%s", queue, reader);
	snprintf(entry, sizeof(entry), "%s~%s", name, finish->attempt);
	moved = nfs_move(ready, name, done, entry);
	if (moved < 0)
		return -1;
	FAULT("retired");
	/* 0: retired before, perhaps by one that died before it removed the rest */
	return finish_entry(finish->spool, where, entry) < 0 ? -1 : 0;
}

static int retire(const struct finish *finish)
{
	char path[PATH_MAX], *text, *save, *reader, *name;
	int result = 0;

	if (nfs_join(path, finish->won, "retire") < 0)
		return -1;
	text = nfs_read_file(path, NULL);
	if (!text)
		return errno == ENOENT ? 0 : -1;
	for (char *line = strtok_r(text, "\n", &save); line && result == 0;
		line = strtok_r(NULL, "\n", &save)) {
		if (parse_retired(line, &reader, &name))
			result = retire_one(finish, line, reader, name);
		else
			log_err("%s: a line that names no batch: left out", path);
	}
	FAULT("retired-all");
	free(text);
	return result;
}

static int clear_strikes(const struct finish *finish)
{
	char path[PATH_MAX], where[PATH_MAX];
	struct namelist names;

	snprintf(where, sizeof(where), "%s", finish->where);
	if (strchr(where, '/'))
		*strchr(where, '/') = '.';
	spool_path(finish->spool, path, "state/strikes/%s/%s", where, finish->name);
	if (list(path, &names) < 0)
		return -1;
	if (names.count)
		nfs_remove(path, 1);
	namelist_free(&names);
	return 0;
}

/* done/X~A to bad/X, whole: nothing in it is unlinked, so no late finisher can hurt a batch that
 * was requeued. */
static int to_bad(const struct finish *finish)
{
	char path[PATH_MAX], bad[PATH_MAX], *reason;
	size_t size;
	int result;

	if (nfs_join(path, finish->won, "reject") < 0)
		return -1;
	reason = nfs_read_file(path, &size);
	if (!reason)
		return errno == ENOENT ? 0 : -1;
	spool_path(finish->spool, bad, "%s/bad", finish->where);
	spool_path(finish->spool, path, "%s/bad/%s.reason", finish->where, finish->name);
	result = nfs_write_file(path, reason, size);
	free(reason);
	FAULT("reason");
	if (result < 0 || clear_strikes(finish) < 0)
		return -1;
	FAULT("to-bad");
	result = nfs_move(finish->done, finish->entry, bad, finish->name);
	FAULT("bad");
	return result == 1 && nfs_sync_folder(bad) < 0 ? -1 : result;
}

/* Never on the winner's out/, which is gone by then: what a loser staged was never published, and
 * nobody can commit it any more. */
static int discard(const struct finish *finish)
{
	char path[PATH_MAX];
	struct namelist names;
	int result = clear_strikes(finish);

	if (result < 0 || list(finish->home, &names) < 0)
		return -1;
	for (size_t i = 0; i < names.count && result == 0; i++) {
		FAULT("removing");
		result = nfs_join(path, finish->home, names.names[i]) < 0 ? -1
									  : nfs_remove(path, DEPTH);
	}
	namelist_free(&names);
	if (result < 0)
		return -1;
	FAULT("removed");
	return nfs_rmdir(finish->home) < 0 && errno != ENOTEMPTY ? -1 : 1;
}

static int leave_alone(const struct spool *spool, const char *where, const char *entry)
{
	log_once("%s/%s/done/%s is no committed batch: left alone", spool->root, where, entry);
	return 0;
}

int finish_entry(const struct spool *spool, const char *where, const char *entry)
{
	struct finish finish = {.spool = spool, .where = where, .entry = entry};
	int stands, rejected;

	if (!parse(&finish))
		return leave_alone(spool, where, entry);
	set_paths(&finish);
	/* a fresh listing: through a stale path a late finisher would work in bad/ (rules 1 and
	 * 3) */
	stands = nfs_has(finish.done, entry);
	if (stands != 1)
		return stands;
	stands = nfs_is_folder(finish.home);
	if (stands != 1)
		return stands == 0 ? leave_alone(spool, where, entry) : nfs_none(errno) ? 0 : -1;
	FAULT("finish");
	if (publish(&finish, false) < 0 || retire(&finish) < 0)
		return -1;
	if (publish(&finish, true) < 0)
		return -1;
	FAULT("published");
	if (nfs_rmdir(finish.out) < 0)
		return errno == ENOTEMPTY ? 0 : -1;
	FAULT("handed");
	rejected = nfs_has(finish.won, "reject");
	if (rejected < 0)
		return -1;
	return rejected ? to_bad(&finish) : discard(&finish);
}

int finish_all(const struct spool *spool, const char *where)
{
	char path[PATH_MAX];
	struct namelist entries;
	int result = 0;

	if (list(spool_path(spool, path, "%s/done", where), &entries) < 0)
		return -1;
	namelist_sort(&entries);
	for (size_t i = 0; i < entries.count && result >= 0; i++)
		result = finish_entry(spool, where, entries.names[i]);
	namelist_free(&entries);
	return result < 0 ? -1 : 0;
}
