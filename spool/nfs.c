/*
 * nfs.c: everything the hand-over asks of a file system, said so that it holds on NFS too: after a
 * lost reply, with a stale cache, with two hosts at once (SPOOL.md, rules 3, 10 and 16). No batch
 * is moved in another way; files are nfs-file.c, mounts mount.c.
 */
#include "spool/nfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/fault.h"
#include "spool/log.h"

/* opendir, not stat: opening a folder makes the client ask the server (close-to-open), a name's
 * entry may be stale. */
static int each_with(const char *path, bool (*wanted)(const char *name), int flags,
	void (*each)(const char *name, void *own), void *own)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags), error;
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (fd < 0 && errno == ELOOP)
		errno = ENOTDIR;
	if (!folder)
		return -1;
	for (errno = 0; (entry = readdir(folder)); errno = 0)
		if (wanted(entry->d_name))
			each(entry->d_name, own);
	error = errno;
	closedir(folder);
	errno = error;
	return error ? -1 : 0;
}

static void add_name(const char *name, void *own)
{
	namelist_add(own, name);
}

static int list_with(const char *path, struct namelist *list, bool (*wanted)(const char *name),
	int flags)
{
	return each_with(path, wanted, flags, add_name, list);
}

static bool no_dot(const char *name)
{
	return name[0] != '.';
}

static bool any_name(const char *name)
{
	return true;
}

static bool is_temporary(const char *name)
{
	return strncmp(name, NFS_TEMPORARY, strlen(NFS_TEMPORARY)) == 0;
}

static int list_tries(const char *path, struct namelist *list, bool (*wanted)(const char *name),
	int flags)
{
	int result = -1;

	*list = (struct namelist){0};
	for (int tries = 0; tries < NFS_STALE_TRIES; tries++) {
		int error;

		result = list_with(path, list, wanted, flags);
		if (result == 0)
			break;
		error = errno;
		namelist_free(list);
		errno = error;
		if (error != ESTALE)
			break;
	}
	return result;
}

void nfs_confirm_absence(const char *path)
{
	int shown;

	if (errno != ENOENT && errno != ESTALE)
		return;
	shown = nfs_listed(path);
	if (shown >= 0)
		errno = shown ? ESTALE : ENOENT;
}

static int list_patiently(const char *path, struct namelist *list, bool (*wanted)(const char *name),
	int flags)
{
	int result = list_tries(path, list, wanted, flags);

	if (result < 0)
		nfs_confirm_absence(path);
	if (result < 0 && errno == ESTALE) {
		result = list_tries(path, list, wanted, flags);
		errno = errno == ENOENT ? ESTALE : errno;
	}
	return result;
}

int nfs_list(const char *path, struct namelist *list)
{
	return list_patiently(path, list, no_dot, O_NOFOLLOW);
}

int nfs_list_linked(const char *path, struct namelist *list)
{
	return list_patiently(path, list, no_dot, 0);
}

bool nfs_none(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

int nfs_each(const char *path, void (*each)(const char *name, void *own), void *own)
{
	return each_with(path, no_dot, O_NOFOLLOW, each, own);
}

int nfs_has(const char *folder, const char *name)
{
	struct namelist list;
	int has;

	if (list_patiently(folder, &list, any_name, 0) < 0)
		return errno == ENOENT ? 0 : -1;
	has = namelist_has(&list, name);
	namelist_free(&list);
	return has;
}

int nfs_join(char *out, const char *folder, const char *name)
{
	int length = snprintf(out, PATH_MAX, "%s/%s", folder, name);

	if (length >= 0 && length < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int nfs_split(const char *path, char *folder, const char **name)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	if (strlen(path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(folder, path, length);
	folder[length] = '\0';
	if (!slash)
		strcpy(folder, ".");
	else if (length == 0)
		strcpy(folder, "/");
	*name = slash ? slash + 1 : path;
	return 0;
}

int nfs_listed(const char *path)
{
	char folder[PATH_MAX];
	const char *name;

	return nfs_split(path, folder, &name) < 0 ? -1 : nfs_has(folder, name);
}

/* What a rename that failed with ERROR has done. */
static int settle(const char *from_folder, const char *from, const char *to_folder, const char *to,
	int error)
{
	int at_to = nfs_has(to_folder, to), at_from = nfs_has(from_folder, from);

	if (at_to < 0 || at_from < 0)
		return -1;
	errno = at_to && at_from ? EEXIST : error;
	return at_from ? -1 : at_to;
}

/* A folder that another host moved, and that this one knows where it stood, Linux does not find
 * inside of a rename: ESTALE, however often, until its name is looked up by itself. */
static bool rename_known(const char *old, const char *new)
{
	struct stat status;

	if (rename(old, new) == 0)
		return true;
	if (errno != ESTALE)
		return false;
	if (lstat(old, &status) == 0)
		return rename(old, new) == 0;
	errno = ESTALE;
	return false;
}

/* 1 done, 0 failed with errno, -1 a path is too long. */
static int try_move(const char *from_folder, const char *from, const char *to_folder,
	const char *to)
{
	char old[PATH_MAX], new[PATH_MAX];

	if (nfs_join(old, from_folder, from) < 0 || nfs_join(new, to_folder, to) < 0)
		return -1;
	return rename_known(old, new);
}

/* The reply to a rename that was done can be lost; the repeated request then fails, mostly with
 * ENOENT. */
int nfs_move(const char *from_folder, const char *from, const char *to_folder, const char *to)
{
	int result = try_move(from_folder, from, to_folder, to);

	return result ? result : settle(from_folder, from, to_folder, to, errno);
}

int nfs_take(const char *from_folder, const char *from, const char *to_folder, const char *to)
{
	int result = try_move(from_folder, from, to_folder, to);

	if (result)
		return result;
	if (errno != ENOENT)
		return settle(from_folder, from, to_folder, to, errno);
	result = nfs_has(to_folder, to);
	errno = result < 0 ? errno : ENOENT;
	return result;
}

static int is_folder(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return -1;
	errno = ENOTDIR;
	return S_ISDIR(status.st_mode) ? 0 : -1;
}

/* After a lost reply it stands there, although stat may not know of it before the folder is listed. */
static int make_folder(const char *path)
{
	int error;

	if (mkdir(path, 0770) == 0 || (errno == EEXIST && is_folder(path) == 0))
		return 0;
	error = errno;
	if (nfs_listed(path) == 1)
		return is_folder(path);
	errno = error;
	return -1;
}

int nfs_mkdir(const char *path)
{
	char folder[PATH_MAX];
	const char *name;

	if (make_folder(path) == 0)
		return 0;
	if (errno != ENOENT || nfs_split(path, folder, &name) < 0 || nfs_mkdir(folder) < 0)
		return -1;
	return make_folder(path);
}

int nfs_mkdir_in(const char *folder, const char *name)
{
	char path[PATH_MAX];

	return nfs_join(path, folder, name) < 0 ? -1 : make_folder(path);
}

static bool same_file(const char *a, const char *b)
{
	struct stat left, right;

	return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
	       left.st_ino == right.st_ino;
}

int nfs_link(const char *from, const char *to)
{
	int error;

	if (link(from, to) == 0)
		return 0;
	error = errno;
	if (nfs_listed(to) == 1 && same_file(from, to))
		return 0;
	errno = error;
	return -1;
}

/* The result of a removal is decided by the listing as well: an absent name is what was wanted. EISDIR is none: a folder
 * stands there. */
static int removed(const char *path, int result)
{
	int error = errno;

	if (result == 0 || error == ENOENT || (error != EISDIR && nfs_listed(path) == 0))
		return 0;
	errno = error;
	return -1;
}

int nfs_unlink(const char *path)
{
	return removed(path, unlink(path));
}

void nfs_sweep(const char *path)
{
	struct namelist list = {0};
	char name[PATH_MAX];

	list_with(path, &list, is_temporary, O_NOFOLLOW);
	for (size_t i = 0; i < list.count; i++)
		if (nfs_join(name, path, list.names[i]) == 0)
			unlink(name);
	namelist_free(&list);
}

int nfs_rmdir(const char *path)
{
	int result = rmdir(path);

	if (result < 0 && (errno == ENOTEMPTY || errno == EEXIST)) {
		nfs_sweep(path);
		result = rmdir(path);
	}
	result = removed(path, result);
	if (result < 0 && errno == EEXIST)
		errno = ENOTEMPTY;
	return result;
}

int nfs_remove(const char *path, int depth)
{
	char below[PATH_MAX];
	struct namelist names;
	int result = 0;

	if (nfs_unlink(path) == 0)
		return 0;
	if ((errno != EISDIR && errno != EPERM) || depth == 0)
		return -1;
	if (nfs_list(path, &names) < 0)
		return errno == ENOENT ? 0 : -1;
	for (size_t i = 0; i < names.count && result == 0; i++)
		result = nfs_join(below, path, names.names[i]) < 0 ? -1
								   : nfs_remove(below, depth - 1);
	namelist_free(&names);
	return result == 0 && nfs_rmdir(path) < 0 && errno != ENOTEMPTY ? -1 : result;
}

void nfs_expire(const char *folder, int64_t before_s)
{
	struct namelist list = {0};
	char path[PATH_MAX];
	int64_t made;

	list_with(folder, &list, is_temporary, O_NOFOLLOW);
	for (size_t i = 0; i < list.count; i++) {
		made = nfs_join(path, folder, list.names[i]) < 0 ? -1 : nfs_mtime(path);
		if (made >= 0 && made < before_s)
			nfs_remove(path, 2);
	}
	namelist_free(&list);
}
