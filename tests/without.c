/*
 * without.c: a tool of t8-sandbox.t: runs a command on a kernel that seems to lack a system call.
 *
 *	without landlock_create_ruleset mira-preprocess …
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int number = argc > 2 ? seccomp_syscall_resolve_name(argv[1]) : __NR_SCMP_ERROR;

	if (number == __NR_SCMP_ERROR || !filter ||
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0) ||
		seccomp_load(filter)) {
		fputs("usage: without SYSTEM-CALL COMMAND…\n", stderr);
		return 2;
	}
	seccomp_release(filter);
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 2;
}
