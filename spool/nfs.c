/*
 * nfs.c: everything the hand-over asks of a file system, said so that it holds on NFS too: after a
 * lost reply, with a stale cache, with two hosts at once (SPOOL.md, rules 3, 10 and 16). Nothing
 * else in MIRA calls rename() on the spool.
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
#include <sys/statvfs.h>
#include <unistd.h>

#include "spool/fault.h"
#include "spool/log.h"

#define TEMPORARY   ".tmp-"
#define STALE_TRIES 5

static bool durable = true;

void nfs_set_durable(bool wanted)
{
	durable = wanted;
}

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
	return strncmp(name, TEMPORARY, strlen(TEMPORARY)) == 0;
}

static int list_tries(const char *path, struct namelist *list, bool (*wanted)(const char *name),
	int flags)
{
	int result = -1;

	*list = (struct namelist){0};
	for (int tries = 0; tries < STALE_TRIES; tries++) {
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

static int listed(const char *path);

/*
 * Of a PATH that is said to be absent, with errno: asks the folder above. ENOENT when it is, which is
 * then true; ESTALE when it stands there, and may be asked for again, for now its name is fresh.
 */
static void confirm_absence(const char *path)
{
	int shown;

	if (errno != ENOENT && errno != ESTALE)
		return;
	shown = listed(path);
	if (shown >= 0)
		errno = shown ? ESTALE : ENOENT;
}

static int list_patiently(const char *path, struct namelist *list, bool (*wanted)(const char *name),
	int flags)
{
	int result = list_tries(path, list, wanted, flags);

	if (result < 0)
		confirm_absence(path);
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

/* Splits PATH at its last slash. */
static int split(const char *path, char *folder, const char **name)
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

/* Does a fresh listing of its folder show PATH? */
static int listed(const char *path)
{
	char folder[PATH_MAX];
	const char *name;

	return split(path, folder, &name) < 0 ? -1 : nfs_has(folder, name);
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

/* 1 done, 0 failed with errno, -1 a path is too long. */
static int try_move(const char *from_folder, const char *from, const char *to_folder,
	const char *to)
{
	char old[PATH_MAX], new[PATH_MAX];

	if (nfs_join(old, from_folder, from) < 0 || nfs_join(new, to_folder, to) < 0)
		return -1;
	return rename(old, new) == 0;
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
	if (listed(path) == 1)
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
	if (errno != ENOENT || split(path, folder, &name) < 0 || nfs_mkdir(folder) < 0)
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
	if (listed(to) == 1 && same_file(from, to))
		return 0;
	errno = error;
	return -1;
}

/* The result of a removal is decided by the listing as well: an absent name is what was wanted. */
static int removed(const char *path, int result)
{
	int error = errno;

	if (result == 0 || error == ENOENT || listed(path) == 0)
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

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t put = write(fd, data, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		data += put;
		size -= (size_t)put;
	}
	return 0;
}

static int close_after(int fd, int result)
{
	int error = errno;

	/* on NFS it is close() that says the disk was full */
	if (close(fd) < 0 && result == 0)
		return -1;
	errno = error;
	return result;
}

/* Writes a file beside PATH under a name that no listing shows; TEMPORARY_PATH gets it. */
static int write_beside(const char *path, char *temporary_path, const void *data, size_t size)
{
	char folder[PATH_MAX];
	const char *name;
	uint64_t number;
	int fd, length;

	if (split(path, folder, &name) < 0 || getrandom(&number, sizeof(number), 0) < 0)
		return -1;
	length = snprintf(temporary_path, PATH_MAX, "%s/" TEMPORARY "%016llx", folder,
		(unsigned long long)number);
	if (length < 0 || length >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	/* without O_EXCL: nobody else has this name, and after a lost reply it is there already */
	fd = open(temporary_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0660);
	if (fd < 0)
		return -1;
	return close_after(fd, write_all(fd, data, size) < 0 || nfs_sync_file(fd) < 0 ? -1 : 0);
}

/* After the rename or link: the entry itself must outlive a power cut. */
static int sync_entry(const char *path)
{
	char folder[PATH_MAX];
	const char *name;

	return split(path, folder, &name) < 0 ? -1 : nfs_sync_folder(folder);
}

static int give_up(const char *temporary_path)
{
	int error = errno;

	unlink(temporary_path);
	errno = error;
	return -1;
}

int nfs_write_file(const char *path, const void *data, size_t size)
{
	char temporary[PATH_MAX] = "";

	if (write_beside(path, temporary, data, size) < 0)
		return give_up(temporary);
	FAULT("written");
	/* a lost reply: the temporary name is ours alone, so when it is gone it stands at PATH */
	if (rename(temporary, path) < 0) {
		int error = errno;

		if (listed(temporary) != 0) {
			errno = error;
			return give_up(temporary);
		}
	}
	return sync_entry(path);
}

int nfs_create_file(const char *path, const void *data, size_t size)
{
	char temporary[PATH_MAX] = "";

	if (write_beside(path, temporary, data, size) < 0)
		return give_up(temporary);
	FAULT("written");
	if (nfs_link(temporary, path) < 0)
		return give_up(temporary);
	FAULT("linked");
	unlink(temporary);
	return sync_entry(path);
}

static char *read_open_file(int fd, size_t *size)
{
	size_t room = 4096;
	char *data = x_calloc(1, room);
	ssize_t got;

	for (*size = 0;; *size += (size_t)got) {
		if (*size + 1 >= room)
			data = x_realloc(data, room *= 2);
		got = read(fd, data + *size, room - *size - 1);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			break;
	}
	data[*size] = '\0';
	if (got == 0)
		return data;
	free(data);
	return NULL;
}

static bool is_link(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
}

bool nfs_no_file(int error)
{
	return error == EISDIR || error == ENOTSUP;
}

static int refuse(int fd, int error)
{
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

int nfs_open_file(const char *path)
{
	bool meant = strncmp(path, "/dev/", 5) == 0; /* /dev/null, or the shell's <(...) */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (meant ? 0 : O_NONBLOCK));
	struct stat status;

	if (meant)
		return fd;
	/* ENXIO: a socket; ELOOP: a link to itself */
	if (fd < 0 && (errno == ENXIO || errno == ELOOP || (errno == ENOENT && is_link(path))))
		return refuse(-1, ENOTSUP);
	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0)
		return refuse(fd, errno);
	if (S_ISREG(status.st_mode))
		return fd;
	return refuse(fd, S_ISDIR(status.st_mode) ? EISDIR : ENOTSUP);
}

static char *read_once(const char *path, size_t *size)
{
	int fd = nfs_open_file(path), error;
	char *data;

	if (fd < 0)
		return NULL;
	data = read_open_file(fd, size);
	error = errno;
	close(fd);
	errno = error;
	return data;
}

/* A file that another host replaces while it is read gives ESTALE; its successor stands under the
 * same name. */
char *nfs_read_file(const char *path, size_t *size)
{
	size_t length = 0;
	char *data = NULL;

	for (int tries = 0; !data && tries < STALE_TRIES; tries++) {
		data = read_once(path, &length);
		if (data)
			break;
		confirm_absence(path);
		if (errno != ESTALE)
			return NULL;
	}
	if (size)
		*size = length;
	return data;
}

int nfs_sync_file(int fd)
{
	return durable ? fsync(fd) : 0;
}

int nfs_sync_folder(const char *path)
{
	int fd;

	if (!durable)
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : close_after(fd, fsync(fd));
}

static const struct remedy {
	int error, code;
	const char *text;
} remedies[] = {
	{ENOSPC, MIRA_AGAIN, "the file system is full: free space there"},
	{EDQUOT, MIRA_AGAIN, "the quota is used up: raise it or free space there"},
	{EROFS, MIRA_PERSON, "the file system is mounted read-only: mount it for writing"},
	{EACCES, MIRA_PERSON, "this user may not do that: change the owner"},
	{EPERM, MIRA_PERSON, "this user may not do that: change the owner"},
	{ENOENT, MIRA_PERSON, "the folder above is not there: is the file system mounted?"},
	{ENOTDIR, MIRA_PERSON, "a file stands where a folder is needed: move it away"},
	{EISDIR, MIRA_PERSON, "a folder stands where a file is needed: move it away"},
	{ENAMETOOLONG, MIRA_PERSON, "the path is too long: use a shorter one"},
	{EIO, MIRA_AGAIN, "the disk or the file server failed: see the kernel's log"},
	{ESTALE, MIRA_AGAIN,
		"the file server no longer knows what was open there: if that stays, mount it anew"},
	{ETIMEDOUT, MIRA_AGAIN, "the file server does not answer: see whether it runs"},
	{ENOMEM, MIRA_AGAIN, "memory is short: run fewer processes here"},
	{EMFILE, MIRA_AGAIN, "too many open files: raise the limit (ulimit -n)"},
};

const char *nfs_remedy(int error, int *code)
{
	static const struct remedy other = {0, MIRA_AGAIN, "the next try may help"};
	const struct remedy *found = &other;

	for (size_t i = 0; i < sizeof(remedies) / sizeof(*remedies); i++)
		if (remedies[i].error == error)
			found = &remedies[i];
	if (code)
		*code = found->code;
	return found->text;
}

int64_t nfs_free_bytes(const char *path)
{
	struct statvfs status;

	if (statvfs(path, &status) < 0)
		return -1;
	return (int64_t)(status.f_bavail * status.f_frsize);
}

double nfs_free_share(const char *path)
{
	struct statvfs status;
	double all;

	if (statvfs(path, &status) < 0)
		return -1;
	all = (double)(status.f_blocks - status.f_bfree + status.f_bavail);
	return all > 0 ? (double)status.f_bavail / all : 1;
}

int nfs_is_folder(const char *path)
{
	struct stat status;

	return lstat(path, &status) < 0 ? -1 : S_ISDIR(status.st_mode);
}

int64_t nfs_mtime(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 ? -1 : (int64_t)status.st_mtime;
}
