/*
 * mira-audit.h: the folder that holds one audit: DIR/mira.db, index.html, report.json, and
 * audit.json, which says what it is an audit of:
 *
 *	{ "format": 1, "key": "<hash>", "inputs": [ … ],	as in mira-inputs.h
 *	  "spool": "/…", "temporary": true, "complete": false,
 *	  "once": false, "code": 0 }
 *
 * The key hashes what decides the answer: inputs by content, rules, segment size, period. An audit
 * with the same key is continued, one with another is left untouched (exit 2). One process works on
 * a folder at a time: DIR is locked. A spool that was named is locked too, and holds the packets of
 * one audit: its key stands in SPOOL/state/audit.
 */
#ifndef SPOOL_MIRA_AUDIT_H
#define SPOOL_MIRA_AUDIT_H

#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "spool/config.h"
#include "spool/mira-inputs.h"
#include "spool/mira-options.h"
#include "spool/spool.h"

struct audit {
	char dir[PATH_MAX];
	char spool[PATH_MAX]; /* absolute */
	bool temporary;	      /* the spool is ours to remove */
	bool made;	      /* DIR was made by this process */
	bool fresh;	      /* the audit was begun by it */
	bool complete;
	int code; /* exit code of the complete audit: 2 when a FILE was no capture */
	struct inputs inputs;
	char key[33];
	int lock, spool_lock;
};

/* audit_describe(): AUDIT is zero but for the locks, which are -1; fills inputs and key from the command line and the rules. 0 or an exit code
 * after a message. */
int audit_describe(struct audit *audit, const struct config *config,
	const struct run_options *options);

/* audit_begin(): locks DIR (made when absent) and compares with what stands there. SPOOL may be
 * NULL: a temporary one. 0 or an exit code. */
int audit_begin(struct audit *audit, const char *dir, const char *spool);
/* audit_take_spool(): once the spool is open: locks it, unless it is temporary, and compares. 0 or
 * an exit code. */
int audit_take_spool(struct audit *audit, const struct spool *spool);
/* audit_complete(): records that the audit is whole and its exit CODE, and removes a temporary
 * spool. 0 or an exit code. */
int audit_complete(struct audit *audit, int code);
/* audit_discard(): nothing was audited: DIR is as it was. */
void audit_discard(struct audit *audit);
void audit_end(struct audit *audit);

/* audit_open_db(): opens DIR/mira.db for reading. 0 or an exit code after a message. */
int audit_open_db(const char *dir, sqlite3 **db);

#endif
