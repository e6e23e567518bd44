/*
 * store_hosts.h: addresses and their ids in table host. What has none yet gets one together with all others of its kind, in the order
 * of their addresses: one statement in place of two a host, and SQLite goes through its index once, not at random.
 *
 *	row[ROW_SRC] = store_hosts_id(hosts, 4, address, &inside);	an id, or a promise of one
 *	…
 *	store_hosts_settle(hosts, rows);				promises are kept: ids in all of the rows
 */
#ifndef POSTPROC_STORE_HOSTS_H
#define POSTPROC_STORE_HOSTS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "postproc/store/store_feed.h"
#include "postproc/store/store_inside.h"

struct store_hosts;

/* store_hosts_new(): NULL when DB lacks the table. */
struct store_hosts *store_hosts_new(sqlite3 *db);
void store_hosts_free(struct store_hosts *hosts);
void store_hosts_forget(struct store_hosts *hosts);
/* store_hosts_inside(): which are inside from now on; INSIDE is the caller's, NULL: nobody knows. */
void store_hosts_inside(struct store_hosts *hosts, const struct store_inside *inside);

uint64_t store_hosts_id(struct store_hosts *hosts, uint8_t version, const uint8_t address[16],
	bool *inside);
/* store_hosts_settle(): of ROWS as store_row.h has them. 0, or -1 (sqlite3_errmsg()). */
int store_hosts_settle(struct store_hosts *hosts, struct store_feed *rows);

#endif
