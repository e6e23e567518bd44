/*
 * traffic.c: reading the biflows of the store as numbers. Between mira.db and post-processors that
 * ask who sent how much to whom.
 */
#include "postproc/account/traffic.h"

#include <stdlib.h>

#include "postproc/account/job.h"
#include "spool/log.h"

static const char last_sql[] = "SELECT coalesce(max(id), 0) FROM host";
static const char hosts_sql[] = "SELECT id, address FROM host";
static const char biflows_sql[] =
	"SELECT window_ms, src, dst, decision, coalesce(aggregate, 0), packets, octets, sampling,"
	" coalesce(reverse_packets, 0), coalesce(reverse_octets, 0), coalesce(reverse_sampling, 1)"
	" FROM biflow WHERE window_ms >= ?1 AND window_ms < ?2";
static const char loaded_sql[] = "SELECT coalesce(sum(biflows), 0) FROM rollup_window"
				 " WHERE window_ms >= ?1 AND window_ms < ?2";

/* EACH for every row of SQL; 0, or an exit code after a message. */
static int rows(const struct traffic *traffic, const char *sql, const struct period *period,
	void (*each)(sqlite3_stmt *row, void *own), void *own)
{
	sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(traffic->db, sql, -1, &row, NULL);

	if (code == SQLITE_OK && period) {
		sqlite3_bind_int64(row, 1, period->from_ms);
		sqlite3_bind_int64(row, 2, period->to_ms);
	}
	while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
		each(row, own);
		code = SQLITE_OK;
	}
	code = code == SQLITE_DONE ? MIRA_OK : job_failed(traffic->db);
	sqlite3_finalize(row);
	return code;
}

static void make_room(sqlite3_stmt *row, void *own)
{
	struct traffic *traffic = own;

	traffic->host_count = (uint32_t)sqlite3_column_int64(row, 0) + 1;
	traffic->names = x_calloc(traffic->host_count, sizeof(*traffic->names));
}

static void name_host(sqlite3_stmt *row, void *own)
{
	struct traffic *traffic = own;
	const char *address = (const char *)sqlite3_column_text(row, 1);

	traffic->names[sqlite3_column_int64(row, 0)] =
		traffic->name(address ? address : "", traffic->own);
}

int traffic_hosts(struct traffic *traffic)
{
	int code = rows(traffic, last_sql, NULL, make_room, traffic);

	return code ? code : rows(traffic, hosts_sql, NULL, name_host, traffic);
}

struct walk {
	const struct traffic *traffic;
	void (*each)(const struct traffic_biflow *biflow, void *own);
	sqlite3_int64 biflows, loaded; /* seen, and that were there when the store was filled */
};

/* Columns of packets, octets and sampling from COLUMN on. */
static void read_side(sqlite3_stmt *row, int column, struct traffic_side *side)
{
	side->packets = (uint64_t)sqlite3_column_int64(row, column);
	side->octets = (uint64_t)sqlite3_column_int64(row, column + 1);
	side->sampling = sqlite3_column_double(row, column + 2);
	if (!(side->sampling > 0 && side->sampling < 1))
		side->sampling = 1;
}

static void read_biflow(sqlite3_stmt *row, void *own)
{
	struct walk *walk = own;
	struct traffic_biflow biflow = {
		.window_ms = sqlite3_column_int64(row, 0),
		.src = (uint32_t)sqlite3_column_int64(row, 1),
		.dst = (uint32_t)sqlite3_column_int64(row, 2),
		.decision = (uint32_t)sqlite3_column_int64(row, 3),
		.aggregate = (uint32_t)sqlite3_column_int64(row, 4),
	};

	/* a store that somebody damaged: ids that lead nowhere are those of no host */
	if (biflow.src >= walk->traffic->host_count)
		biflow.src = 0;
	if (biflow.dst >= walk->traffic->host_count)
		biflow.dst = 0;
	read_side(row, 5, &biflow.there);
	read_side(row, 8, &biflow.back);
	walk->each(&biflow, walk->traffic->own);
	walk->biflows++;
}

static void read_loaded(sqlite3_stmt *row, void *own)
{
	((struct walk *)own)->loaded = sqlite3_column_int64(row, 0);
}

/* Sums are kept longer than biflows: what is left of a period is not to be taken for the whole. */
static int check_whole(struct walk *walk, const struct period *period)
{
	int code = rows(walk->traffic, loaded_sql, period, read_loaded, walk);

	if (code || walk->biflows >= walk->loaded)
		return code;
	log_err("of %lld biflows of the period the store has %lld left, the others were removed when"
		" their time was over: choose a later period",
		(long long)walk->loaded, (long long)walk->biflows);
	return MIRA_PERSON;
}

int traffic_each(const struct traffic *traffic, const struct period *period,
	void (*each)(const struct traffic_biflow *biflow, void *own))
{
	struct walk walk = {.traffic = traffic, .each = each};
	int code = rows(traffic, biflows_sql, period, read_biflow, &walk);

	return code ? code : check_whole(&walk, period);
}

void traffic_free(struct traffic *traffic)
{
	free(traffic->names);
	traffic->names = NULL;
}
