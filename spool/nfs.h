/*
 * nfs.h: the one file that knows how a network file system differs from a local one.
 *
 * - The result of rename, mkdir, unlink and link may be lost and the call retransmitted, so an
 *   error proves nothing: each function here decides by a fresh listing of the parent folder.
 * - stat or open of one name may be answered from a stale cache: existence is decided by a
 *   listing, nfs_list() or nfs_has().
 * - ".nfsXXXX" is a removed file somebody still reads; it is skipped by listings.
 * - What another host removed gives ESTALE when it is read (a mapped file: SIGBUS). Whoever works on
 *   a batch then asks one question, queue_holds(): is it still ours?
 *
 * Durability: nfs_set_durable(false) (a temporary spool) turns every fsync into nothing.
 * All functions return -1 with errno on an error of the machine.
 */
#ifndef SPOOL_NFS_H
#define SPOOL_NFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "spool/names.h"

#define NFS_TEMPORARY	".tmp-" /* names of what is being written begin so; no listing shows them */
#define NFS_STALE_TRIES 5

void nfs_set_durable(bool durable);

/* nfs_list(): the entries of folder PATH by a fresh opendir, unsorted, without dot files. A folder
 * that is absent, as the folder above it says, gives an empty list and -1 with ENOENT; anything else
 * that stands there, -1 with ENOTDIR. A symbolic link is such a thing, wherever it leads: what is
 * listed here is moved and removed, and nothing outside of the spool may be. */
int nfs_list(const char *path, struct namelist *list);
/* nfs_list_linked(): the same for a folder that the administrator named, which may be a link. */
int nfs_list_linked(const char *path, struct namelist *list);
/* nfs_none(): does this errno of a list mean that no folder stands there? (ENOENT, ENOTDIR) */
bool nfs_none(int error);
/* nfs_each(): the same, given to EACH one by one, for folders too large to be kept; after -1 with
 * ESTALE some may have been given. */
int nfs_each(const char *path, void (*each)(const char *name, void *own), void *own);
/* nfs_has(): 1 when folder PATH lists NAME (which may be a dot file), 0 when it does not, -1 on
 * error (ENOENT folder: 0). */
int nfs_has(const char *folder, const char *name);
/* nfs_listed(): the same for PATH in its folder. */
int nfs_listed(const char *path);

/* nfs_move(): renames FROM_FOLDER/FROM to TO_FOLDER/TO. 1: it stands at TO; 0: it does not and FROM
 * is gone too (somebody else moved it; errno is rename's); -1: error, it still stands at FROM
 * (EEXIST: and something stands at TO). Only for names that one party alone moves to this
 * destination, as every rename in the contract is. */
int nfs_move(const char *from_folder, const char *from, const char *to_folder, const char *to);

/* nfs_take(): the same for a name that many compete for in a folder that may be very large: when the
 * server says that FROM is not there and it does not stand at TO either, that is believed (0, errno
 * ENOENT) without listing FROM_FOLDER. The caller's next listing of it will tell if it was wrong. */
int nfs_take(const char *from_folder, const char *from, const char *to_folder, const char *to);

/* nfs_mkdir(): also with parents; an existing folder is success. Others than owner and group have
 * no access: packets are private. */
int nfs_mkdir(const char *path);
/* nfs_mkdir_in(): FOLDER/NAME without parents: -1 with ENOENT when FOLDER is gone. Below a claimed
 * batch nothing else may be used, or a worker that was fenced would make the folder of the lost
 * batch anew and commit it. */
int nfs_mkdir_in(const char *folder, const char *name);
/* nfs_link(): hard link; a target that is already the same file is success. */
int nfs_link(const char *from, const char *to);
/* nfs_unlink(), nfs_rmdir(): an absent name is success. nfs_rmdir: -1 with ENOTEMPTY when it is not
 * empty; what a killed nfs_write_file() left in the folder (".tmp-…", no listing shows it) is
 * removed first. */
int nfs_unlink(const char *path);
int nfs_rmdir(const char *path);

/* nfs_remove(): a file, or a folder with what stands in it up to DEPTH levels down; an absent name is
 * success. What another still writes or reads (".nfsXXXX") keeps its folder: success too. */
int nfs_remove(const char *path, int depth);
/* nfs_expire(): removes from FOLDER what killed writers left in it (".tmp-…") and that was not
 * touched since BEFORE_S, by the file server's clock (nfs_mtime()). */
void nfs_expire(const char *folder, int64_t before_s);

/* nfs_write_file(): PATH appears whole or not at all: written beside it, fsynced, renamed over. */
int nfs_write_file(const char *path, const void *data, size_t size);
/* nfs_sweep(): removes what killed writers left in folder PATH (".tmp-…"). Only where nobody else
 * writes now. */
void nfs_sweep(const char *path);
/* nfs_create_file(): the same, but fails with EEXIST when PATH exists (made with link). */
int nfs_create_file(const char *path, const void *data, size_t size);
/* nfs_open_file(): for reading, -1 with errno; EISDIR or ENOTSUP for what is no regular file: a
 * folder, a FIFO, on which open() would wait for ever, a device, a link that leads nowhere. */
int nfs_open_file(const char *path);
/* nfs_no_file(): is this errno one of those two? */
bool nfs_no_file(int error);
/* nfs_read_file(): whole content, NUL-terminated, malloc'ed; NULL with errno (ENOENT only when its
 * folder does not list it). *SIZE may be NULL. */
char *nfs_read_file(const char *path, size_t *size);

/* nfs_confirm_absence(): of a PATH that is said to be absent, with errno: asks the folder above.
 * ENOENT when it is, which is then true; ESTALE when it stands there, and may be asked for again,
 * for now its name is fresh. */
void nfs_confirm_absence(const char *path);

/* nfs_join(): FOLDER/NAME in OUT (PATH_MAX); -1 with ENAMETOOLONG. nfs_split(): the reverse. */
int nfs_join(char *out, const char *folder, const char *name);
int nfs_split(const char *path, char *folder, const char **name);

/* nfs_sync_file(fd), nfs_sync_folder(path): fsync unless not durable. */
int nfs_sync_file(int fd);
/* nfs_sync_soon(): what was written to FD from OFFSET on, SIZE bytes, goes to the disk from now on, so that a later
 * nfs_sync_file() has little to wait for. It promises nothing. */
void nfs_sync_soon(int fd, uint64_t offset, size_t size);
int nfs_sync_folder(const char *path);

/* nfs_remedy(): what helps against errno ERROR of a file system, half a sentence; *CODE (may be NULL)
 * is the exit code that says whether it needs a person. */
const char *nfs_remedy(int error, int *code);

/* nfs_free_bytes(): bytes a user may still write on the file system of PATH; -1 on error. */
int64_t nfs_free_bytes(const char *path);

/* nfs_free_share(): the same as a share of what users have in all, 0 … 1; -1 on error. */
double nfs_free_share(const char *path);

/* nfs_is_folder(): 1 it is one, 0 something else stands there; -1 with errno. Says nothing of
 * existence (see above). */
int nfs_is_folder(const char *path);
/* nfs_mtime(): seconds, by the file server's clock: to be compared with another file's only. -1
 * with errno. */
int64_t nfs_mtime(const char *path);

/* nfs_check_mount(): writes into WHY what is wrong with the mount PATH stands on: returns -1 for
 * "soft" and "softerr" (refuse: a lost reply would look like an error, a lost write like a
 * success), 1 for doubts ("nocto", a network file system other than NFS: warn), 0 for nothing to
 * say. PATH need not exist yet. */
int nfs_check_mount(const char *path, char *why, size_t size);
/* nfs_judge_mount(): the same from a text like /proc/self/mountinfo; PATH is absolute. */
int nfs_judge_mount(const char *mountinfo, const char *path, char *why, size_t size);

#endif
