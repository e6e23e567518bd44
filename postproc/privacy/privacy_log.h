/*
 * privacy_log.h: the log of disclosures: who asked which pseudonyms to be turned back, when and why.
 * One line of JSON a request, in mira.disclosures beside the store, only ever added to:
 *
 *	{"time": "2026-11-21T10:43:00Z", "user": "root", "login": "alice", "terminal": "/dev/pts/1",
 *	 "reason": "case 17", "asked": ["h-7k2m9qx4tp"]}
 *
 * user: who the process ran as; login: who logged in, as sudo or the kernel's audit knows, "" when
 * neither does; terminal: "" for none. Addresses are not in it: reports show it.
 */
#ifndef POSTPROC_PRIVACY_LOG_H
#define POSTPROC_PRIVACY_LOG_H

#include <jansson.h>

/*
 * privacy_log_add(): the request is on the disk, and told to syslog, when it returns 0. Otherwise an
 * exit code after a message, and nothing may be disclosed.
 */
int privacy_log_add(const char *db, const char *reason, char *const *asked, int count);

/* privacy_log_read(): all requests of the store DB, oldest first; [] when there is no log. */
json_t *privacy_log_read(const char *db);

#endif
