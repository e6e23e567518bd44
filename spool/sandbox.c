/*
 * sandbox.c: what every stage that parses gives up before its first packet or record: see sandbox.h. The two parts
 * stand in landlock.c and seccomp.c.
 */
#include "spool/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/strike.h"

/* Read by the libraries: who we are and who lives, time zones, character sets, random numbers. What Landlock keeps from
 * us below /proc is the memory of others. */
static const char *const of_the_system[] = {"/proc", "/etc/machine-id", "/etc/localtime",
	"/etc/ld.so.cache", "/usr/share/zoneinfo", "/usr/lib", "/lib", "/lib64", "/dev/null",
	"/dev/urandom"};

#define RESERVED_BYTES (4ull << 30)
#define MALLOC_MAX     (4 << 20) /* what malloc asks for beyond its caller */

static const char *state = "";
static char said[160]; /* made before, because the handler may only write */
static struct sigaction before;
static struct {
	char path[PATH_MAX];
	dev_t device;
	ino_t inode;
} root;

/* ---- which files ---- */

static void add(struct sandbox *sandbox, const char *path, bool write)
{
	sandbox->paths = x_realloc(sandbox->paths, (sandbox->count + 1) * sizeof(*sandbox->paths));
	sandbox->paths[sandbox->count++] = (struct sandbox_path){x_strdup(path), write};
}

void sandbox_read(struct sandbox *sandbox, const char *path)
{
	add(sandbox, path, false);
}

void sandbox_write(struct sandbox *sandbox, const char *path)
{
	add(sandbox, path, true);
}

/* The root folder itself is never given: the file then stands alone, and may not be replaced. */
static void add_folder(struct sandbox *sandbox, const char *path, bool write)
{
	char copy[PATH_MAX];
	const char *folder;

	snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	add(sandbox, strcmp(folder, "/") == 0 ? path : folder, write);
}

void sandbox_folder_of(struct sandbox *sandbox, const char *path, bool write)
{
	char real[PATH_MAX];

	add_folder(sandbox, path, write);
	if (realpath(path, real))
		add_folder(sandbox, real, write);
}

/* Files of a folder may be links, such as to a checkout of one's own. */
static void add_links(struct sandbox *sandbox, const char *folder)
{
	DIR *open = opendir(folder);
	char path[2 * PATH_MAX], real[PATH_MAX];

	for (struct dirent *entry; open && (entry = readdir(open));) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if ((entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN) &&
			realpath(path, real))
			add_folder(sandbox, real, false);
	}
	if (open)
		closedir(open);
}

/* With the folders, because whoever edits a file puts a new one in its place. */
void sandbox_config(struct sandbox *sandbox, const struct config *config)
{
	if (config->file[0])
		sandbox_folder_of(sandbox, config->file, false);
	sandbox_folder_of(sandbox, config->policy, false);
	sandbox_folder_of(sandbox, config->symptoms, false);
	sandbox_read(sandbox, config->symptoms);
	add_links(sandbox, config->symptoms);
}

static void free_paths(struct sandbox *sandbox)
{
	for (size_t i = 0; i < sandbox->count; i++)
		free(sandbox->paths[i].path);
	free(sandbox->paths);
	*sandbox = (struct sandbox){0};
}

/* The first folder that may be written is the spool. */
static void remember_root(const struct sandbox *sandbox)
{
	struct stat status;

	for (size_t i = 0; i < sandbox->count; i++) {
		if (!sandbox->paths[i].write || stat(sandbox->paths[i].path, &status))
			continue;
		snprintf(root.path, sizeof(root.path), "%s", sandbox->paths[i].path);
		root.device = status.st_dev;
		root.inode = status.st_ino;
		return;
	}
}

bool sandbox_moved(const char *path)
{
	struct stat status;

	return strcmp(path, root.path) == 0 && stat(path, &status) == 0 &&
	       (status.st_dev != root.device || status.st_ino != root.inode);
}

const char *sandbox_hint(void)
{
	return strcmp(state, "full") == 0 || strcmp(state, "no-seccomp") == 0
		       ? ". A file in a folder that the configuration did not name before can be "
			 "read after a restart only"
		       : "";
}

/* ---- what it says when it is left ---- */

/* In a handler: no printf. Then the strike, and death, as if nobody had looked. */
static void tell(int number, siginfo_t *info, void *context)
{
	char line[256] = "";

	strcat(strcat(strcat(line, said), seccomp_name(info->si_syscall)), "\"\n");
	if (write(STDERR_FILENO, line, strlen(line)) < 0) {
		/* nobody is there to be told */
	}
	sigaction(number, &before, NULL);
	raise(number);
}

static void catch_violations(void)
{
	struct sigaction action = {.sa_sigaction = tell, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	snprintf(said, sizeof(said),
		"level=err prog=%s msg=\"ended by its sandbox, which forbids this system call: ",
		log_program());
	sigemptyset(&action.sa_mask);
	sigaction(SIGSYS, &action, &before);
}

/* ---- memory ---- */

/* What of it is in use; proc(5): field 6 of statm, in pages. */
static uint64_t memory_used(void)
{
	unsigned long pages = 0;
	char text[256];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	return sscanf(text, "%*u %*u %*u %*u %*u %lu", &pages) == 1
		       ? pages * (uint64_t)sysconf(_SC_PAGESIZE)
		       : 0;
}

/* Our own limit is a matter of the batch, and so a strike; want of memory on the host is not. */
static void no_memory(size_t size)
{
	struct rlimit limit;

	if (!strike_armed() || getrlimit(RLIMIT_DATA, &limit) ||
		memory_used() + size + MALLOC_MAX < limit.rlim_cur)
		return;
	log_err("more memory is needed than memory_limit allows, %llu bytes; raise it, or the batch "
		"is rejected at the third time",
		(unsigned long long)limit.rlim_cur);
	abort();
}

/* RLIMIT_DATA counts what may be written to: not the files that are mapped, but all of a table that is reserved whole and
 * touched as it fills. So without a setting there is room for such tables beyond the memory of the host. */
static void bound_memory(uint64_t bytes)
{
#if !defined(__SANITIZE_ADDRESS__)
	struct rlimit limit;

	log_no_memory = no_memory;
	if (!bytes)
		bytes = RESERVED_BYTES +
			2 * (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_max > bytes) {
		limit.rlim_cur = limit.rlim_max = bytes;
		if (setrlimit(RLIMIT_DATA, &limit))
			log_debug("its memory is not bounded: %m");
	}
#endif
}

/* ---- going in ---- */

static int refuse(const struct config *config, const char *part, const char *what)
{
	const char *why =
		errno == ENOSYS || errno == EOPNOTSUPP ? "this kernel lacks it" : strerror(errno);

	if (config->sandbox_mode != SANDBOX_REQUIRED) {
		log_warn("no %s (%s): %s; see \"sandbox\" in mira.conf(5)", part, why, what);
		return MIRA_OK;
	}
	log_err("no %s (%s), but mira.conf says sandbox = \"required\": use a kernel that has it (Landlock: 5.19), or "
		"set \"best-effort\"",
		part, why);
	return MIRA_PERSON;
}

int sandbox_enter(struct sandbox *sandbox, const struct config *config)
{
	static const char *const states[] = {"full", "no-landlock", "no-seccomp", "none"};
	int missing = 0, code = MIRA_OK;

	state = "off";
	if (config->sandbox_mode != SANDBOX_OFF) {
		for (size_t i = 0; i < sizeof(of_the_system) / sizeof(*of_the_system); i++)
			sandbox_read(sandbox, of_the_system[i]);
		remember_root(sandbox);
		bound_memory(config->memory_limit);
		catch_violations();
		if (landlock_enter(sandbox) && ++missing)
			code = refuse(config, "Landlock",
				"it may read and write wherever its user may");
		if (!code && seccomp_enter(sandbox->network) && (missing += 2))
			code = refuse(config, "seccomp", "it may make processes and sockets");
		state = states[missing];
	}
	free_paths(sandbox);
	return code;
}

const char *sandbox_state(void)
{
	return state;
}
