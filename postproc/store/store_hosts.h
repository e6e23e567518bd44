/*
 * store_hosts.h: addresses and their ids in table host, for many rows at once: memory has time to bring what is known of an address,
 * and what has no id yet gets one together with all others of its kind, in the order of their texts: one statement in place of two a
 * host, and SQLite goes through its index once, or appends to it, where it would search for each.
 *
 *	store_hosts_add(hosts, &biflow->key);	the ends of the next row
 *	…
 *	store_hosts_settle(hosts, rows);	src, dst and direction of all rows
 */
#ifndef POSTPROC_STORE_HOSTS_H
#define POSTPROC_STORE_HOSTS_H

#include <sqlite3.h>

#include "postproc/store/store_feed.h"
#include "postproc/store/store_inside.h"
#include "spool/flowkey.h"

/* Between which sides of the network a biflow ran, seen from who began it; the number in mira.db. */
enum store_direction {
	STORE_INTERNAL,
	STORE_OUTGOING,
	STORE_INCOMING,
	STORE_TRANSIT,
	STORE_UNKNOWN
};

struct store_hosts;

/* store_hosts_new(): NULL when DB lacks the table. */
struct store_hosts *store_hosts_new(sqlite3 *db);
void store_hosts_free(struct store_hosts *hosts);
void store_hosts_forget(struct store_hosts *hosts);
/* store_hosts_inside(): which are inside from now on; INSIDE is the caller's, NULL: nobody knows. */
void store_hosts_inside(struct store_hosts *hosts, const struct store_inside *inside);

void store_hosts_add(struct store_hosts *hosts, const struct flowkey *key);
/* store_hosts_settle(): of ROWS as store_row.h has them, one for each that was added. 0, or -1 (sqlite3_errmsg()). */
int store_hosts_settle(struct store_hosts *hosts, struct store_feed *rows);

#endif
