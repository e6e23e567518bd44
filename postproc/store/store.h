/*
 * store.h: mira.db, where the line ends: biflows with their verdicts, the ledger, and rollups for reports. One SQLite 3
 * database on a local disk. Manual page: mira.db(5), which shows the tables; the SQL text is store_schema.c.
 *
 * What people and scripts read:
 *
 *	view  biflow_text      one row per window and biflow key, everything as text and numbers
 *	view  ledger	       one row per packets batch of which every shard told: what became of its packets
 *	view  coverage	       probe, stream: packets seen … octets_ip summed over the ledger, batches by status
 *	view  class_total      class, verdict: biflows, packets, octets
 *	view  rule_total       class, verdict, rule: the same
 *	view  window_total     window_ms, class, verdict, rule: the same; how many biflows were late, incomplete, sampled, one_way;
 *			       expanded_packets, expanded_octets: each direction's counts divided by its sampling
 *	view  hour_total       hour_ms, class, verdict, rule: biflows, packets, octets
 *	view  hour_part	       hour_ms, aggregate, direction, class, verdict, rule: the same
 *	view  aggregate_total  aggregate, class, verdict, rule: the same
 *	view  direction_total  direction, class, verdict, rule: the same
 *	view  host_total       address, class, verdict, rule: biflows, packets and octets sent and received
 *	view  host_day	       day_ms, address, inside, class, verdict, rule: the same
 *	view  name_day	       day_ms, host_name, class, verdict, rule: biflows, packets, octets
 *	view  path_day	       day_ms, probe, vlan, tunnel, tunnel_endpoint, class, verdict, rule: the same
 *	view  symptom_day      day_ms, symptom, class, verdict, rule: biflows, packets with the symptom
 *	table meta	       key, value: format, identity, created, spool, inside; `mira run` adds its own keys
 *
 * What they stand on: ledger_part (a row per packets batch and shard), biflow (numbers and ids), text, name, host, path and
 * decision (the dictionaries), rollup_window, _hour, _host, _name, _path, _symptom. Those who read much of a month read the rollups
 * by their ids and look up what they show; everything but single biflows comes from there.
 *
 * Direction: internal, outgoing, incoming, transit, by which of src (who began) and dst is inside, that is, in a prefix of an
 * aggregate of mira.conf as it was when the biflow was loaded; NULL when no aggregate has a prefix. host.inside follows
 * mira.conf when it changes.
 *
 * Exactly once: the rows of a batch and its name in table batch are in one transaction; a batch whose name stands there is
 * skipped. The numbers of a shard have no gap: a number that is neither loaded
 * nor on its way stops the store.
 *
 * One writer at a time: store_open() holds a lock on the file until store_close() or the end of the process. Readers are not
 * hindered (WAL).
 *
 * Calling sequence of the writer:
 *
 *	store_open(); store_join(); store_inside(); for each batch:
 *		store_begin(), store_add_ledger()…, store_add_biflow()…, store_keep()
 *		now and then store_commit(), or store_rollback()
 *	store_close()
 */
#ifndef POSTPROC_STORE_H
#define POSTPROC_STORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include "spool/config.h"
#include "spool/record.h"
#include "spool/spool.h"

#define STORE_FORMAT   5	  /* PRAGMA user_version, and meta key "format" */
#define STORE_APP_ID   0x4d495241 /* PRAGMA application_id: "MIRA" */
#define STORE_IDENTITY 32	  /* hex digits of meta key "identity" */
#define STORE_HOUR_MS  3600000ll  /* rollup_hour.hour_ms: start of the UTC hour of window_ms */
#define STORE_DAY_MS   86400000ll /* day_ms of the other rollups: start of the UTC day of window_ms */

/* SQL of a direction as text; NULL when it is not known. */
#define STORE_DIRECTION(number)                                                                    \
	"CASE " number " WHEN 0 THEN 'internal' WHEN 1 THEN 'outgoing' WHEN 2 THEN 'incoming'"     \
	" WHEN 3 THEN 'transit' END AS direction"

/* The SQL text that makes an empty database. */
extern const char store_schema[];

struct store;

/*
 * store_open(): opens the database at PATH for writing and makes it (mode 0600) when absent. DURABLE: each commit
 * is on the disk when it returns. Returns NULL after having logged what, where and what to do, with *CODE an exit code: MIRA_AGAIN
 * when another instance holds it or the disk fails, MIRA_PERSON when the file is no database of this format.
 */
struct store *store_open(const char *path, bool durable, int *code);
/* store_join(): store and spool know each other from now on; 0, or an exit code after a message when either knows another. */
int store_join(struct store *store, struct spool *spool);
/* store_inside(): the aggregates of CONFIG tell what is inside from now on; no transaction may be open. 0 or an exit code. */
int store_inside(struct store *store, const struct config *config);
void store_close(struct store *store);

const char *store_identity(const struct store *store);

/* What store_begin() says of a batch. */
enum store_turn {
	STORE_LOAD,  /* a transaction is open */
	STORE_KNOWN, /* loaded before: skip it */
	STORE_GAP, /* a number before this one was never loaded and stands nowhere; store_error() says which */
	STORE_CLASH,  /* another batch was loaded under this number; store_error() says which */
	STORE_FAILED, /* the database failed; store_error() */
};
/* Is the batch NUMBER of SHARD still on its way (store_upstream.h)? 1, 0, or -1 with errno. */
typedef int (*store_elsewhere)(void *own, const char *shard, uint64_t number);
/*
 * store_begin(): NAME is the NUMBERth (from 1) batch of SHARD. Two processes that classify may finish in any order, so batches may be
 * loaded in any order, as long as what is missing stands ELSEWHERE. A number whose batch held nothing or was rejected may be
 * loaded again (requeued, under another name).
 */
enum store_turn store_begin(struct store *store, const char *name, const char *shard,
	uint64_t number, store_elsewhere elsewhere, void *own);

/* store_add_ledger(): replaces what an earlier commit of the same shard said of the batch; never the other way. */
int store_add_ledger(struct store *store, const struct ledger *row);
/* store_add_biflow(), and store_keep() and store_commit() of what was added: 0; -1 database error; -2 when window and key stand
 * there already (store_error()). */
int store_add_biflow(struct store *store, const struct biflow *biflow);
/* store_keep(): the batch is complete; others may follow in the same transaction, for which rollups are written once. 0 or -1. */
int store_keep(struct store *store);
/* store_kept(): how many batches and biflows are kept that way, until store_commit(); store_sums(): how many sums in memory. */
uint64_t store_kept(const struct store *store);
size_t store_sums(const struct store *store);
/* store_commit(): the batch at hand, if there is one, and all that were kept are in the database. -1: store_rollback() is due. */
int store_commit(struct store *store);
/* store_rollback(): nothing of the batch at hand and of those that were kept is in the database. */
void store_rollback(struct store *store);

/* store_reject(): after store_begin() said STORE_LOAD: the number is used up without a row; table batch says why. Commits. 0 or -1. */
int store_reject(struct store *store, const char *why);

/* store_error(): text of the last failure. */
const char *store_error(const struct store *store);
/* store_errno(): the machine's error behind it (ENOSPC, EIO, EAGAIN: others hold the database), so that trying again may help; 0: none. */
int store_errno(const struct store *store);

/* store_open_read(): for readers of any stage's output; 0, or an exit code after a message. */
int store_open_read(const char *path, sqlite3 **db);
/* store_exit(): the exit code for an error that SQLite reports: trying again may help, or a person is needed. */
int store_exit(int error);

#endif
