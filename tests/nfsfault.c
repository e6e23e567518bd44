/*
 * nfsfault.c: a file system that fails like NFS, under any program: LD_PRELOAD=nfsfault.so. Not linked
 * with MIRA; what it does to the calls below $NFS_ROOT:
 *
 *   NFS_LOST=N    of 1000 calls that change names, N are done, and an error is reported: EIO, ESTALE,
 *                 or what the repeated request would meet (rename, unlink: ENOENT; mkdir, link: EEXIST)
 *   NFS_FAIL=N    of 1000 calls, N are not done: EIO, ESTALE or EDQUOT
 *   NFS_STALE=N   of 1000 names that were looked for in vain, N stay absent for this process until
 *                 their folder is listed; a name whose making was a lost reply always does
 *   NFS_ERROR=call:N:error[:on|:lost]   the Nth call of that name (on: and all later ones) fails with
 *                 that; lost: the Nth that is done is reported as that
 *   NFS_SEED=N    the schedule, with the program's name and NFS_RUN: the same numbers, the same faults
 *   NFS_REPORT=FILE  gets a line for each fault: the call, the error, the path
 *
 * Sleeps are cut to a fiftieth, so that a test need not wait for those who wait politely.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum call {
	RENAME,
	LINK,
	MKDIR,
	RMDIR,
	UNLINK,
	CREATE,
	OPEN,
	READ,
	WRITE,
	FSYNC,
	CLOSE,
	LIST,
};

/* The calls that change names have an error of the repeated request. */
static const struct kind {
	const char *name;
	int repeated;
} kinds[] = {{"rename", ENOENT}, {"link", EEXIST}, {"mkdir", EEXIST}, {"rmdir", ENOENT},
	{"unlink", ENOENT}, {"create", EEXIST}, {"open", 0}, {"read", 0}, {"write", 0},
	{"fsync", 0}, {"close", 0}, {"list", 0}};

static const struct {
	const char *name;
	int error;
} errors[] = {{"EIO", EIO}, {"ESTALE", ESTALE}, {"EDQUOT", EDQUOT}, {"ENOSPC", ENOSPC},
	{"EROFS", EROFS}, {"EACCES", EACCES}, {"ENOENT", ENOENT}, {"EEXIST", EEXIST}};
#define ERRORS (sizeof(errors) / sizeof(*errors))

#define ABSENT_MAX 256
#define FILES_MAX  4096
#define HASTE	   50

static const char *root;
static unsigned long lost, fail, stale;
static uint64_t seed;
static int report = -1;
static struct {
	int call, error;
	unsigned long pass;
	bool on, lost;
} wanted = {.call = -1};
static unsigned long passes, rolls;
static char *absent[ABSENT_MAX];
static size_t absent_next;
static bool ours_open[FILES_MAX];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static unsigned long number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : 0;
}

static void parse_error(const char *text)
{
	char call[16] = "", error[16] = "", on[8] = "";

	if (!text || sscanf(text, "%15[a-z]:%lu:%15[A-Z]:%7s", call, &wanted.pass, error, on) < 3)
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].name, call) == 0)
			wanted.call = (int)i;
	for (size_t i = 0; i < ERRORS; i++)
		if (strcmp(errors[i].name, error) == 0)
			wanted.error = errors[i].error;
	wanted.on = strcmp(on, "on") == 0;
	wanted.lost = strcmp(on, "lost") == 0;
}

static __attribute__((constructor)) void begin(void)
{
	const char *path = getenv("NFS_REPORT");

	lost = number("NFS_LOST");
	fail = number("NFS_FAIL");
	stale = number("NFS_STALE");
	seed = number("NFS_SEED") * 1000003 + number("NFS_RUN");
	for (const char *name = program_invocation_short_name; *name; name++)
		seed = seed * 31 + (unsigned char)*name;
	parse_error(getenv("NFS_ERROR"));
	if (path)
		report = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	root = getenv("NFS_ROOT"); /* last: from now on calls are looked at */
}

/* splitmix64 over a counter: one schedule, whoever asks. */
static uint64_t roll(void)
{
	uint64_t x = seed + __atomic_add_fetch(&rolls, 1, __ATOMIC_RELAXED) * 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static bool is_ours(const char *path)
{
	size_t length = root ? strlen(root) : 0;

	return length && strncmp(path, root, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0');
}

static void tell(const char *what, enum call call, int error, const char *path)
{
	if (report >= 0)
		dprintf(report, "%s %s %s %s\n", what, kinds[call].name, strerrorname_np(error),
			path);
	errno = error;
}

/* ---- names this process believes absent ---- */

static void set_absent(const char *path)
{
	pthread_mutex_lock(&mutex);
	free(absent[absent_next]);
	absent[absent_next] = strdup(path);
	absent_next = (absent_next + 1) % ABSENT_MAX;
	pthread_mutex_unlock(&mutex);
}

/* PATH, or a folder that it leads through. */
static bool is_absent(const char *path)
{
	bool result = false;

	if (!is_ours(path))
		return false;
	pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < ABSENT_MAX && !result; i++) {
		size_t length = absent[i] ? strlen(absent[i]) : 0;

		result = length && strncmp(path, absent[i], length) == 0 &&
			 (path[length] == '/' || path[length] == '\0');
	}
	pthread_mutex_unlock(&mutex);
	if (result)
		tell("stale", OPEN, ENOENT, path);
	return result;
}

/* The folder was listed, or PATH was made here: what was believed of it is void. */
static void forget(const char *path, bool children)
{
	size_t length = strlen(path);

	pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < ABSENT_MAX; i++) {
		const char *rest = absent[i] && strncmp(absent[i], path, length) == 0
					   ? absent[i] + length
					   : NULL;

		if (!rest || (children ? *rest != '/' || strchr(rest + 1, '/') : *rest))
			continue;
		free(absent[i]);
		absent[i] = NULL;
	}
	pthread_mutex_unlock(&mutex);
}

/* A look in vain may be remembered. Errno stays. */
static void looked(const char *path, bool found)
{
	int error = errno;

	if (!found && error == ENOENT && is_ours(path) && roll() % 1000 < stale)
		set_absent(path);
	errno = error;
}

/* ---- what becomes of a call ---- */

enum verdict { HONEST, LOSE, FAIL };

static enum verdict refuse(const char *what, enum call call, int error, const char *path)
{
	tell(what, call, error, path);
	return FAIL;
}

/* FAIL: errno says how. */
static enum verdict judge(enum call call, const char *path)
{
	static const int failures[] = {EIO, ESTALE, EDQUOT};
	unsigned long pass;
	uint64_t number_;

	if (!is_ours(path))
		return HONEST;
	if (wanted.call == (int)call && !wanted.lost) {
		pass = __atomic_add_fetch(&passes, 1, __ATOMIC_RELAXED);
		if (pass == wanted.pass || (wanted.on && pass > wanted.pass))
			return refuse("error", call, wanted.error, path);
	}
	number_ = roll();
	if (number_ % 1000 < fail)
		return refuse("fail", call, failures[number_ / 1000 % 3], path);
	return kinds[call].repeated && number_ % 1000 < fail + lost ? LOSE : HONEST;
}

static bool is_wanted_loss(enum call call, const char *path)
{
	return wanted.lost && wanted.call == (int)call && is_ours(path) &&
	       __atomic_add_fetch(&passes, 1, __ATOMIC_RELAXED) == wanted.pass;
}

/* RESULT of a call that made PATH (or NULL), as the program is to see it. */
static int answer(enum call call, enum verdict verdict, int result, const char *path,
	const char *made)
{
	const int replies[] = {kinds[call].repeated, EIO, ESTALE};

	if (result < 0)
		return result;
	if (made)
		forget(made, false);
	if (!is_wanted_loss(call, path) && verdict != LOSE)
		return result;
	if (made)
		set_absent(made);
	tell("lost", call, wanted.lost ? wanted.error : replies[roll() % 3], path);
	return -1;
}

int rename(const char *from, const char *to)
{
	enum verdict verdict = judge(RENAME, from);

	return verdict == FAIL ? -1 : answer(RENAME, verdict, REAL(rename)(from, to), from, to);
}

int link(const char *from, const char *to)
{
	enum verdict verdict = judge(LINK, from);

	return verdict == FAIL ? -1 : answer(LINK, verdict, REAL(link)(from, to), from, to);
}

int mkdir(const char *path, mode_t mode)
{
	enum verdict verdict = judge(MKDIR, path);

	return verdict == FAIL ? -1 : answer(MKDIR, verdict, REAL(mkdir)(path, mode), path, path);
}

int rmdir(const char *path)
{
	enum verdict verdict = judge(RMDIR, path);

	return verdict == FAIL ? -1 : answer(RMDIR, verdict, REAL(rmdir)(path), path, NULL);
}

int unlink(const char *path)
{
	enum verdict verdict = judge(UNLINK, path);

	return verdict == FAIL ? -1 : answer(UNLINK, verdict, REAL(unlink)(path), path, NULL);
}

/* ---- files ---- */

static int remember(int fd, const char *path)
{
	if (fd >= 0 && fd < FILES_MAX)
		ours_open[fd] = is_ours(path);
	return fd;
}

static int create(const char *path, int flags, mode_t mode)
{
	bool exclusive = flags & O_EXCL;
	enum verdict verdict = judge(CREATE, path);
	int fd, error;

	if (verdict == FAIL)
		return -1;
	fd = REAL(open)(path, flags, mode);
	if (fd < 0 || !exclusive || answer(CREATE, verdict, 0, path, path) == 0)
		return remember(fd, path);
	error = errno;
	REAL(close)(fd);
	errno = error;
	return -1;
}

static int open_existing(const char *path, int flags)
{
	int fd;

	if (is_absent(path) || judge(flags & O_DIRECTORY ? LIST : OPEN, path) == FAIL)
		return -1;
	fd = REAL(open)(path, flags);
	if (fd >= 0 && flags & O_DIRECTORY)
		forget(path, true);
	looked(path, fd >= 0);
	return remember(fd, path);
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	if (!(flags & O_CREAT))
		return open_existing(path, flags);
	va_start(arguments, flags);
	mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return create(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

FILE *fopen(const char *path, const char *mode)
{
	bool reads = mode[0] == 'r';
	FILE *file;

	if ((reads && is_absent(path)) || judge(reads ? OPEN : CREATE, path) == FAIL)
		return NULL;
	file = REAL(fopen)(path, mode);
	if (reads)
		looked(path, file);
	if (file)
		remember(fileno(file), path);
	return file;
}

FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));

static enum verdict judge_fd(enum call call, int fd)
{
	bool ours = fd >= 0 && fd < FILES_MAX && ours_open[fd];

	return ours && root ? judge(call, root) : HONEST;
}

ssize_t read(int fd, void *data, size_t size)
{
	return judge_fd(READ, fd) == FAIL ? -1 : REAL(read)(fd, data, size);
}

ssize_t write(int fd, const void *data, size_t size)
{
	return judge_fd(WRITE, fd) == FAIL ? -1 : REAL(write)(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
	return judge_fd(WRITE, fd) == FAIL ? -1 : REAL(pwrite)(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) __attribute__((alias("pwrite")));

int fsync(int fd)
{
	return judge_fd(FSYNC, fd) == FAIL ? -1 : REAL(fsync)(fd);
}

/* On NFS it is close() that tells of a full disk; the descriptor is gone all the same. */
int close(int fd)
{
	enum verdict verdict = judge_fd(CLOSE, fd);
	int error = errno, result;

	remember(fd, "");
	result = REAL(close)(fd);
	if (verdict != FAIL)
		return result;
	errno = error;
	return -1;
}

size_t fread(void *data, size_t size, size_t count, FILE *file)
{
	if (judge_fd(READ, fileno(file)) != FAIL)
		return REAL(fread)(data, size, count, file);
	file->_flags |= 0x20; /* what ferror() looks at in the GNU C library */
	return 0;
}

int fflush(FILE *file)
{
	return file && judge_fd(WRITE, fileno(file)) == FAIL ? EOF : REAL(fflush)(file);
}

int fclose(FILE *file)
{
	enum verdict verdict = judge_fd(CLOSE, fileno(file));
	int error = errno, result;

	remember(fileno(file), "");
	result = REAL(fclose)(file);
	if (verdict != FAIL)
		return result;
	errno = error;
	return EOF;
}

/* ---- looks ---- */

int stat(const char *path, struct stat *status)
{
	int result = is_absent(path) ? -1 : REAL(stat)(path, status);

	looked(path, !result);
	return result;
}

int lstat(const char *path, struct stat *status)
{
	int result = is_absent(path) ? -1 : REAL(lstat)(path, status);

	looked(path, !result);
	return result;
}

int stat64(const char *path, struct stat64 *status) __attribute__((alias("stat")));
int lstat64(const char *path, struct stat64 *status) __attribute__((alias("lstat")));

DIR *opendir(const char *path)
{
	DIR *folder;

	if (is_absent(path) || judge(LIST, path) == FAIL)
		return NULL;
	folder = REAL(opendir)(path);
	if (folder)
		forget(path, true);
	looked(path, folder);
	return folder;
}

/* ---- time ---- */

int nanosleep(const struct timespec *rest, struct timespec *left)
{
	uint64_t ns = ((uint64_t)rest->tv_sec * 1000000000 + (uint64_t)rest->tv_nsec) / HASTE;
	struct timespec hasty = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

	return REAL(nanosleep)(&hasty, left);
}
