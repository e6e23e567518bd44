/*
 * traceid.h: what makes a trace file the same trace again.
 *
 * The id of a file is SHA-256 over its size (8 bytes, big endian), its first MiB and its last MiB; the first 32 hex digits
 * name the run. So a capture that is started again on the same file goes on where it stopped, whatever the file is called.
 */
#ifndef SPOOL_TRACEID_H
#define SPOOL_TRACEID_H

#include "spool/names.h"

/* trace_id(): of the regular file FD; reads with pread, the offset stays. HEX gets RUN_HEX digits. -1 with errno. */
int trace_id(int fd, char hex[RUN_HEX + 1]);
/* trace_id_member(): of the member NAME of an archive whose id is ARCHIVE. */
void trace_id_member(const char *archive, const char *name, char hex[RUN_HEX + 1]);
/* trace_id_random(): for a live run and for standard input. */
void trace_id_random(char hex[RUN_HEX + 1]);

#endif
