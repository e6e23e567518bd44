/*
 * mira-audit.h: the folder that holds one audit: DIR/mira.db, index.html, report.json, and audit.json, which says what it is an
 * audit of:
 *
 *	{ "format": 1, "key": "<hash>", "inputs": [ { "file": "a.pcap", "run": "<id>" } ],
 *	  "spool": "/…", "temporary": true, "complete": false, "code": 0 }
 *
 * The key hashes what decides the answer: inputs by content, rules, segment size, period. An audit with the same key is
 * continued, one with another is left untouched (exit 2). One process works on a folder at a time: DIR is locked.
 */
#ifndef SPOOL_MIRA_AUDIT_H
#define SPOOL_MIRA_AUDIT_H

#include <jansson.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "spool/config.h"

struct audit {
	char dir[PATH_MAX];
	char spool[PATH_MAX];
	bool temporary;	/* the spool is ours to remove */
	bool complete;
	int code;	/* exit code of the complete audit: 2 when a FILE was no capture */
	json_t *inputs; /* owned */
	char key[33];
	int lock;
};

/* audit_describe(): fills inputs and key from FILES (or INTERFACE), the rules, and CUT, the options that say how packets are cut into
 * batches. 0 or an exit code: an unreadable file, a file named twice. */
int audit_describe(struct audit *audit, const struct config *config, const char *cut, char **files, int count,
	const char *interface);

/* audit_begin(): locks DIR (made when absent) and compares with what stands there. SPOOL may be NULL: a temporary one. 0 or an exit code. */
int audit_begin(struct audit *audit, const char *dir, const char *spool);
/* audit_complete(): records that the audit is whole and its exit CODE, and removes a temporary spool. 0 or an exit code. */
int audit_complete(struct audit *audit, int code);
/* audit_discard(): nothing was audited: DIR is as it was. */
void audit_discard(struct audit *audit);
void audit_end(struct audit *audit);

/* audit_open_db(): opens DIR/mira.db for reading. 0 or an exit code after a message. */
int audit_open_db(const char *dir, sqlite3 **db);

#endif
