/*
 * retain.h: what mira.db keeps, and for how long (mira.conf(5), privacy = { keep_…_days }):
 *
 *	biflows		   removed after keep_biflows_days
 *	addresses, names   sealed after keep_addresses_days: in the sums of a day each host, name of
 *	of machines,	   a machine and tunnel is what privacy.h shows of it; an address is kept
 *	tunnels		   beside it as only the master key can open (table host, sealed)
 *	sums of them	   removed after keep_hosts_days
 *	all other sums	   removed after keep_totals_days
 *	the ledger	   stays: it names nobody
 *
 * A store may be filled meanwhile: each transaction takes a second or so, and the store's dictionaries
 * are looked up anew once another wrote (PRAGMA data_version). What a batch brings that is older than
 * the limits goes with the next run.
 *
 * What is removed is overwritten (secure_delete), in the dictionaries also what SQLite leaves of rows
 * that it moved; the file does not shrink, its pages are used again.
 *
 *	retain_open(); retain_run(); retain_close()
 */
#ifndef POSTPROC_RETAIN_H
#define POSTPROC_RETAIN_H

#include <sqlite3.h>
#include <stdint.h>

#include "postproc/privacy/privacy.h"
#include "spool/config.h"

struct retain {
	const char *path;
	sqlite3 *db;
	const struct config_privacy *settings;
	struct privacy *privacy; /* at PRIVACY_PSEUDONYM; NULL until it is needed */
	struct config config;	 /* what it was made of */
	int64_t now_ms;
	uint64_t biflows, sealed, removed; /* rows; sealed: hosts, names and tunnels of a day */
};

/* retain_open(): of the store at PATH. 0, or an exit code after a message. */
int retain_open(struct retain *retain, const char *path, const struct config *config);
/* retain_run(): 0, or an exit code after a message: MIRA_AGAIN also when readers of the store keep
 * what is removed readable in its journal. */
int retain_run(struct retain *retain);
void retain_close(struct retain *retain);

/* Of retain.c, for retain_seal.c and the tests; 0 or -1, sqlite3_errmsg(). */
int retain_exec(struct retain *retain, const char *sql, int64_t value);
/* What is noted before biflows of windows before ?1 are removed. */
extern const char retain_biflows_from_sql[];
/* retain_limit(): what is older than this is past DAYS; a border of UTC days, INT64_MIN for 0. */
int64_t retain_limit(const struct retain *retain, uint32_t days);
void retain_pause(void);

/* retain_seal(): 0; -1: the database; -2: there is no key, which was logged. */
int retain_seal(struct retain *retain);
/* retain_forget(): entries of dictionaries that lost their last row, and what is left of them. */
int retain_forget(struct retain *retain);

#endif
