/* program.c: runs another program; for what mira-report leaves to others. */
#include "postproc/report/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Where sendmail is, and cron's $PATH is not. */
static const char *const folders[] = {"", "/usr/sbin/", "/usr/lib/"};

static void set_files(posix_spawn_file_actions_t *files, int input, bool quiet)
{
	if (input >= 0)
		posix_spawn_file_actions_adddup2(files, input, STDIN_FILENO);
	else
		posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (quiet)
		posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
}

static int start(const char *const *argv, posix_spawn_file_actions_t *files, pid_t *child)
{
	char path[PATH_MAX];
	int error = ENOENT;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && error == ENOENT; i++) {
		snprintf(path, sizeof(path), "%s%s", folders[i], argv[0]);
		error = posix_spawnp(child, path, files, NULL, (char *const *)argv, environ);
	}
	return error;
}

int program_run(const char *const *argv, int input, bool quiet)
{
	posix_spawn_file_actions_t files;
	pid_t child;
	int status = -1;

	posix_spawn_file_actions_init(&files);
	set_files(&files, input, quiet);
	errno = start(argv, &files, &child);
	posix_spawn_file_actions_destroy(&files);
	if (errno)
		return -1;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	errno = EIO;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
}
