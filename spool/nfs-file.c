/*
 * nfs-file.c: files of the spool, whole or not at all, and what a file system says of itself: part of
 * nfs.h, beside nfs.c, which moves names.
 */
#include "spool/nfs.h"

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

static bool durable = true;

void nfs_set_durable(bool wanted)
{
	durable = wanted;
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

/* Writes a file beside PATH under a name that no listing shows; NFS_TEMPORARY_PATH gets it. */
static int write_beside(const char *path, char *temporary_path, const void *data, size_t size)
{
	char folder[PATH_MAX];
	const char *name;
	uint64_t number;
	int fd, length;

	if (nfs_split(path, folder, &name) < 0 || getrandom(&number, sizeof(number), 0) < 0)
		return -1;
	length = snprintf(temporary_path, PATH_MAX, "%s/" NFS_TEMPORARY "%016llx", folder,
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

	return nfs_split(path, folder, &name) < 0 ? -1 : nfs_sync_folder(folder);
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

		if (nfs_listed(temporary) != 0) {
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

	for (int tries = 0; !data && tries < NFS_STALE_TRIES; tries++) {
		data = read_once(path, &length);
		if (data)
			break;
		nfs_confirm_absence(path);
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

void nfs_sync_soon(int fd, uint64_t offset, size_t size)
{
	if (durable)
		sync_file_range(fd, (off64_t)offset, (off64_t)size, SYNC_FILE_RANGE_WRITE);
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
	{EINVAL, MIRA_PERSON, "what stands there cannot be understood: see the message before"},
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
