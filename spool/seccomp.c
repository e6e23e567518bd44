/*
 * seccomp.c: the part of the sandbox (sandbox.h) that says which system calls.
 *
 * Three kinds: what a stage needs; what nobody asks for but an intruder (SIGSYS: the process ends, with a line that
 * names the call); and all others, which answer ENOSYS as an older kernel would, so that the C library takes the way it
 * has for that.
 */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "spool/sandbox.h"

static const char *const needed[] = {
	/* files; which ones, Landlock says */
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2",
	"pwritev2", "lseek", "_llseek", "open", "openat", "openat2", "creat", "close",
	"close_range", "dup", "dup2", "dup3", "fcntl", "fcntl64", "flock", "fsync", "fdatasync",
	"sync_file_range", "syncfs", "sync", "truncate", "truncate64", "ftruncate", "ftruncate64",
	"fallocate", "fadvise64", "fadvise64_64", "readahead", "copy_file_range", "sendfile",
	"sendfile64", "splice", "stat", "stat64", "lstat", "lstat64", "fstat", "fstat64",
	"fstatat64", "newfstatat", "statx", "statfs", "statfs64", "fstatfs", "fstatfs64", "access",
	"faccessat", "faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "getcwd",
	"chdir", "fchdir", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat",
	"renameat2", "link", "linkat", "chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat",
	"lchown", "utime", "utimes", "utimensat", "futimesat", "umask", "memfd_create",
	/* memory */
	"brk", "mmap", "mmap2", "munmap", "mremap", "mprotect", "madvise", "msync", "mincore",
	"mlock", "munlock", "membarrier",
	/* waits */
	"poll", "ppoll", "select", "_newselect", "pselect6", "epoll_create", "epoll_create1",
	"epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd", "eventfd2", "pipe", "pipe2",
	"inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch", "nanosleep",
	"clock_nanosleep", "pause", "restart_syscall", "wait4", "waitpid", "waitid",
	/* threads and signals; clone, kill and prlimit64 stand below */
	"futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "set_tid_address",
	"set_thread_area", "get_thread_area", "arch_prctl", "sched_yield", "sched_getaffinity",
	"sched_setaffinity", "getcpu", "exit", "exit_group", "rt_sigaction", "rt_sigprocmask",
	"rt_sigreturn", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait", "sigreturn",
	"sigaltstack", "gettid", "getpid", "getppid", "prctl", "tkill",
	/* time */
	"time", "gettimeofday", "clock_gettime", "clock_getres", "times", "alarm", "getitimer",
	"setitimer", "timer_create", "timer_settime", "timer_gettime", "timer_delete",
	"timer_getoverrun",
	/* who and where we are */
	"getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "getpgrp",
	"getpgid", "getsid", "getpriority", "getrusage", "getrlimit", "ugetrlimit", "sysinfo",
	"uname", "getrandom", "capget",
	/* sd_notify; which sockets, stands below */
	"connect", "send", "sendto", "sendmsg", "recv", "recvfrom", "recvmsg", "getsockopt",
	"setsockopt", "getsockname", "getpeername", "shutdown", NULL};

static const char *const forbidden[] = {"execve", "execveat", "fork", "vfork", "ptrace",
	"process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd", "pidfd_send_signal",
	"bind", "listen", "accept", "accept4", "socketpair", "bpf", "perf_event_open",
	"userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl", "add_key",
	"request_key", "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "move_mount",
	"open_tree", "fsopen", "fsconfig", "fsmount", "init_module", "finit_module",
	"delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "setuid",
	"setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "mknod", "mknodat",
	"symlink", "symlinkat", "open_by_handle_at", "personality", "quotactl", "acct",
	"settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "sethostname",
	"setdomainname", "iopl", "ioperm", "modify_ldt", NULL};

/* A name that this architecture or this libseccomp does not know needs no rule. */
static int add_all(scmp_filter_ctx filter, uint32_t action, const char *const *names)
{
	int result = 0;

	for (; *names && result == 0; names++) {
		int number = seccomp_syscall_resolve_name(*names);

		if (number != __NR_SCMP_ERROR)
			result = seccomp_rule_add(filter, action, number, 0);
	}
	return result;
}

const char *seccomp_name(int number)
{
	static const char *const partly[] = {"socket", "clone", "kill", "tgkill", NULL};
	const char *const *lists[] = {partly, forbidden};

	for (size_t i = 0; i < 2; i++)
		for (const char *const *name = lists[i]; *name; name++)
			if (seccomp_syscall_resolve_name(*name) == number)
				return *name;
	return "of another kind";
}

/* What depends on an argument: only the rest of the calls is forbidden. */
static int add_arguments(scmp_filter_ctx filter, bool network)
{
	static const unsigned long terminal[] = {TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX};
	const struct scmp_arg_cmp local = SCMP_A0(SCMP_CMP_EQ, AF_UNIX),
				  other = network ? SCMP_A0(SCMP_CMP_GT, AF_INET6)
						  : SCMP_A0(SCMP_CMP_NE, AF_UNIX),
				  ip4 = SCMP_A0(SCMP_CMP_EQ, network ? AF_INET : AF_UNIX),
				  ip6 = SCMP_A0(SCMP_CMP_EQ, network ? AF_INET6 : AF_UNIX),
				  thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD),
				  process = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0),
				  self = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()),
				  others = SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()),
				  no_new_limit = SCMP_A2(SCMP_CMP_EQ, 0);
	const struct {
		uint32_t action;
		int number;
		const struct scmp_arg_cmp *argument;
	} rules[] = {
		{SCMP_ACT_ALLOW, SCMP_SYS(socket), &local},
		{SCMP_ACT_ALLOW, SCMP_SYS(socket), &ip4},
		{SCMP_ACT_ALLOW, SCMP_SYS(socket), &ip6},
		{SCMP_ACT_TRAP, SCMP_SYS(socket), &other},
		{SCMP_ACT_ALLOW, SCMP_SYS(clone), &thread},
		{SCMP_ACT_TRAP, SCMP_SYS(clone), &process},
		{SCMP_ACT_ALLOW, SCMP_SYS(kill), &self},
		{SCMP_ACT_TRAP, SCMP_SYS(kill), &others},
		{SCMP_ACT_ALLOW, SCMP_SYS(tgkill), &self},
		{SCMP_ACT_TRAP, SCMP_SYS(tgkill), &others},
		{SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), &no_new_limit},
	};
	int result = 0;

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules) && result == 0; i++)
		result = seccomp_rule_add_array(filter, rules[i].action, rules[i].number, 1,
			rules[i].argument);
	/* TIOCSTI would type into the terminal that started us */
	for (size_t i = 0; i < sizeof(terminal) / sizeof(*terminal) && result == 0; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, terminal[i]));
	return result;
}

/* All threads at once; and without the kernel's guard against speculation, which is for those who run foreign programs
 * and costs speed. */
int seccomp_enter(bool network)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int result;

	if (!filter) {
		errno = EOPNOTSUPP;
		return -1;
	}
	seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (result == 0)
		result = add_all(filter, SCMP_ACT_ALLOW, needed);
	if (result == 0)
		result = add_all(filter, SCMP_ACT_TRAP, forbidden);
	if (result == 0)
		result = add_arguments(filter, network);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	errno = result < 0 ? -result : 0;
	return result < 0 ? -1 : 0;
}
