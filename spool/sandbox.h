/*
 * sandbox.h: a process that reads bytes from strangers can do little else.
 *
 * Landlock lets it read only what it needs and write only in the spool and in folders it names; seccomp lets it make
 * no process, run no program, trace nobody and open no socket but a local one (for sd_notify). What it tries all the
 * same ends it with SIGSYS, which is a strike against the batch at hand (strike.h), or gives EACCES. Its memory is
 * bounded (memory_limit in mira.conf); its time for a segment is strike_limit()'s.
 *
 *	sandbox_config(&sandbox, &config)           may be read, a reload included
 *	sandbox_write(&sandbox, spool.root)         may be written, too
 *	sandbox_enter(&sandbox, &config)            before the first thread: Landlock holds for the caller's thread
 *
 * `sandbox` in mira.conf: best-effort (default) goes on with a warning where the kernel lacks a part; required ends
 * with exit code 2 there; off does nothing. Landlock serves from ABI 2 on: before, no batch could be moved from folder
 * to folder. A path is a folder with all below it, or a file; one that does not exist now is not opened later.
 */
#ifndef SPOOL_SANDBOX_H
#define SPOOL_SANDBOX_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include "spool/config.h"

struct sandbox_path {
	char *path;
	bool write;
};

/* Begins as { 0 }. */
struct sandbox {
	struct sandbox_path *paths;
	size_t count;
	bool network; /* it may open sockets of IPv4 and IPv6, too, to send what it made; never set by what reads packets */
};

void sandbox_read(struct sandbox *sandbox, const char *path);
void sandbox_write(struct sandbox *sandbox, const char *path);
/* sandbox_folder_of(): the folder in which the file PATH stands, and, when it is a link, that of its target. */
void sandbox_folder_of(struct sandbox *sandbox, const char *path, bool write);
void sandbox_config(struct sandbox *sandbox, const struct config *config);

/* sandbox_enter(): for good; SANDBOX is used up. 0, or an exit code after a message. */
int sandbox_enter(struct sandbox *sandbox, const struct config *config);

/* sandbox_state(): for the beat: "full", "no-landlock", "no-seccomp", "none", "off"; "" before sandbox_enter(). */
const char *sandbox_state(void);

/* sandbox_hint(): for a message about a file that could not be read: what may be behind it, or "". */
const char *sandbox_hint(void);
/* sandbox_moved(): is the folder that stands at PATH now another one than at sandbox_enter(), so that nothing in it can
 * be opened any more? */
bool sandbox_moved(const char *path);

/* The two parts; each 0, or -1 with errno (ENOSYS, EOPNOTSUPP: the kernel lacks it). */
#define LANDLOCK_ABI 2
int landlock_enter(const struct sandbox *sandbox);
int seccomp_enter(bool network);
/* seccomp_name(): which call it was that is forbidden; may be asked in a signal handler. */
const char *seccomp_name(int number);
/* landlock_abi(): of this kernel; 0: it has none. */
int landlock_abi(void);

#endif
