/*
 * landlock.c: the part of the sandbox (sandbox.h) that says which files. By raw system calls: the C library has no
 * wrappers, and Debian 12's header ends at ABI 2.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spool/sandbox.h"

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule	     445
#define __NR_landlock_restrict_self  446
#endif

#define VERSION	     1 /* LANDLOCK_CREATE_RULESET_VERSION */
#define PATH_BENEATH 1 /* LANDLOCK_RULE_PATH_BENEATH */

/* LANDLOCK_ACCESS_FS_… */
enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_DIR = 1 << 4,
	REMOVE_FILE = 1 << 5,
	MAKE_DIR = 1 << 7,
	MAKE_REG = 1 << 8,
	MAKE_ODD =
		1 << 9 | 1 << 10 |
		1 << 12, /* sockets, pipes, links: to move what somebody left; seccomp lets nobody make one */
	REFER = 1 << 13,    /* ABI 2 */
	TRUNCATE = 1 << 14, /* ABI 3 */
	READ = READ_FILE | READ_DIR,
	WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_ODD |
		REFER | TRUNCATE,
	OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE,
};

#define BIND_TCP 1

/* struct landlock_ruleset_attr as it is today; a kernel is told how much of it it knows. */
struct ruleset {
	uint64_t fs;
	uint64_t net;	/* ABI 4: BIND_TCP, and connect */
	uint64_t scope; /* ABI 6: abstract sockets (sd_notify may need one), signals */
};

struct beneath {
	uint64_t access;
	int32_t folder;
} __attribute__((packed));

/* All that a kernel of that ABI can refuse. */
static size_t ruleset_of(int abi, struct ruleset *ruleset)
{
	static const uint64_t fs[] = {0, (1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1, (1 << 15) - 1,
		(1 << 16) - 1};
	int newest = sizeof(fs) / sizeof(*fs) - 1;

	*ruleset = (struct ruleset){fs[abi < newest ? abi : newest], abi >= 4 ? 3 : 0,
		abi >= 6 ? 2 : 0};
	return abi >= 6 ? sizeof(*ruleset) : abi >= 4 ? 16 : 8;
}

int landlock_abi(void)
{
	long abi = syscall(__NR_landlock_create_ruleset, NULL, (size_t)0, VERSION);

	return abi < 0 ? 0 : (int)abi;
}

/* What does not exist cannot be opened either. */
static int add(int rules, uint64_t handled, const struct sandbox_path *path)
{
	struct beneath rule = {path->write ? WRITE : READ, open(path->path, O_PATH | O_CLOEXEC)};
	struct stat status;
	int result = 0, error;

	if (rule.folder < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -1;
	if (fstat(rule.folder, &status) < 0 || !S_ISDIR(status.st_mode))
		rule.access &= OF_FILES;
	rule.access &= handled;
	/* EBADFD: a pipe, which it leaves alone */
	if (syscall(__NR_landlock_add_rule, rules, PATH_BENEATH, &rule, 0) && errno != EBADFD)
		result = -1;
	error = errno;
	close(rule.folder);
	errno = error;
	return result;
}

int landlock_enter(const struct sandbox *sandbox)
{
	struct ruleset ruleset;
	int abi = landlock_abi(), rules, result = 0, error;
	size_t size = ruleset_of(abi, &ruleset);

	if (abi < LANDLOCK_ABI) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (sandbox->network)
		ruleset.net &= BIND_TCP;
	rules = (int)syscall(__NR_landlock_create_ruleset, &ruleset, size, 0);
	if (rules < 0)
		return -1;
	for (size_t i = 0; i < sandbox->count && result == 0; i++)
		result = add(rules, ruleset.fs, &sandbox->paths[i]);
	if (result == 0)
		result = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (result == 0 && syscall(__NR_landlock_restrict_self, rules, 0))
		result = -1;
	error = errno;
	close(rules);
	errno = error;
	return result;
}
