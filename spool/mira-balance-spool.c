/*
 * mira-balance-spool.c: `mira balance --spool S`: the balance of what is on its way.
 *
 * A packets batch is one row of the books, found at one or more places of the line: as a batch that waits, as a ledger row in
 * the IPFIX files, or in the store. The rows are gathered by (probe, stream, run, seq), the furthest place wins, and their
 * sum must be what each capture says it has committed. Each shard of consolidation keeps books of all batches, and its books are
 * held against the captures by themselves: behind preprocessing the rows of a shard move on without the others.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/capstate.h"
#include "spool/log.h"
#include "spool/mira-audit.h"
#include "spool/mira.h"
#include "spool/nfs.h"
#include "spool/record.h"
#include "spool/spool.h"

static const char schema[] =
	"CREATE TABLE row(shard, probe, stream, run, seq, place, seen, captured, filtered, dropped, shed,"
	" PRIMARY KEY(shard, probe, stream, run, seq));"
	"CREATE TABLE capture(probe, stream, run, seen, captured, filtered, dropped, shed, next_seq)";

/* The line from its end: what is found first is not replaced. */
static const struct place {
	const char *queue, *file;
	bool named; /* the batch's name says whose it is: <number>-shard-K; else the reader's */
} places[] = {
	{"verdicts", "verdicts.ipfix", true},
	{"biflows", "biflows.ipfix", true},
	{"flows", "flows.ipfix", false},
	{"packets", NULL, false},
};

struct books {
	const struct spool *spool;
	sqlite3 *db;
	sqlite3_stmt *add_row;
	const struct place *place;
	unsigned shard; /* whose row is added */
};

static int add_row(struct books *books, const char *probe, const char *stream, const char *run,
	uint64_t seq, const struct counts *counts)
{
	const uint64_t numbers[] = {counts->seen, counts->captured, counts->filtered,
		counts->dropped, counts->shed};
	const char *const texts[] = {probe, stream, run};
	sqlite3_stmt *add = books->add_row;
	int code;

	sqlite3_bind_int64(add, 1, books->shard);
	for (int i = 0; i < 3; i++)
		sqlite3_bind_text(add, i + 2, texts[i], -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(add, 5, (sqlite3_int64)seq);
	sqlite3_bind_text(add, 6, books->place->queue, -1, SQLITE_STATIC);
	for (int i = 0; i < 5; i++)
		sqlite3_bind_int64(add, 7 + i, (sqlite3_int64)numbers[i]);
	code = sqlite3_step(add);
	sqlite3_reset(add);
	return code == SQLITE_DONE ? 0 : -1;
}

static int add_records(struct books *books, const char *path)
{
	struct record_reader *reader = record_open(path);
	union record record;
	int type = reader ? 0 : -1;

	while (reader && (type = record_next(reader, &record)) > RECORD_END)
		if (type == RECORD_LEDGER &&
			add_row(books, record.ledger.probe, record.ledger.stream, record.ledger.run,
				record.ledger.seq, &record.ledger.counts))
			type = -1;
	if (reader)
		record_close(reader);
	return type;
}

/* Packets wait for all shards. */
static int add_manifest(struct books *books, const char *folder)
{
	struct manifest manifest;
	char why[256];
	int result = manifest_read(&manifest, folder, why);

	if (result)
		return result;
	for (books->shard = 0; books->shard < books->spool->shards && !result; books->shard++)
		result = add_row(books, manifest.probe, manifest.stream, manifest.run, manifest.seq,
			&manifest.counts);
	manifest_free(&manifest);
	return result;
}

static unsigned shard_of(const char *name)
{
	const char *shard = strstr(name, "shard-");

	return shard ? (unsigned)strtoul(shard + strlen("shard-"), NULL, 10) : 0;
}

/* A batch may be taken onward while we read it; it is then found at its next place, or this look is repeated. */
static void add_batch(struct books *books, const char *folder)
{
	const char *file = books->place->file;
	char path[PATH_MAX];

	if (books->place->named)
		books->shard = shard_of(strrchr(folder, '/'));
	snprintf(path, sizeof(path), "%.*s/%s", PATH_MAX - 32, folder, file ? file : "");
	if (file ? add_records(books, path) < 0 : add_manifest(books, folder) < 0)
		log_warn("cannot read %s now; it may have moved on", folder);
}

static void add_folder(struct books *books, const char *folder, int depth)
{
	struct namelist names = {0};
	char path[PATH_MAX];

	nfs_list(folder, &names);
	for (size_t i = 0; i < names.count; i++) {
		size_t length = strlen(names.names[i]);

		if (length > 7 && !strcmp(names.names[i] + length - 7, ".reason"))
			continue;
		snprintf(path, sizeof(path), "%.*s/%s", PATH_MAX - NAME_MAX - 2, folder,
			names.names[i]);
		if (depth > 0)
			add_folder(books, path, depth - 1);
		else
			add_batch(books, path);
	}
	namelist_free(&names);
}

static int add_place(struct books *books)
{
	const char *queue = books->place->queue;
	struct namelist readers = {0};
	char path[PATH_MAX];

	if (spool_readers(books->spool, queue, &readers))
		return -1;
	/* One reader's view is enough: each gets the same batches. Only shards have their own. */
	for (size_t i = 0; i < readers.count; i++) {
		books->shard = shard_of(readers.names[i]);
		add_folder(books,
			spool_path(books->spool, path, "%s/%s/done", queue, readers.names[i]), 0);
		add_folder(books,
			spool_path(books->spool, path, "%s/%s/work", queue, readers.names[i]), 1);
		add_folder(books,
			spool_path(books->spool, path, "%s/%s/ready", queue, readers.names[i]), 0);
	}
	namelist_free(&readers);
	return 0;
}

static int add_store(struct books *books)
{
	char path[PATH_MAX],
		*db = nfs_read_file(spool_path(books->spool, path, "state/store.path"), NULL), *sql;
	int code;

	if (!db)
		return 0;
	sql = sqlite3_mprintf(
		"ATTACH %Q AS store; INSERT INTO row SELECT CAST(substr(shard, 7) AS INTEGER), probe, stream, run,"
		" seq, 'store', packets_seen, packets_captured, packets_filtered, packets_dropped, packets_shed"
		" FROM store.ledger_part"
		" WHERE (probe, stream, run) IN (SELECT probe, stream, run FROM capture)",
		db);
	code = sqlite3_exec(books->db, sql, NULL, NULL, NULL);
	if (code != SQLITE_OK)
		log_warn("the store %s cannot be read here: %s", db, sqlite3_errmsg(books->db));
	sqlite3_free(sql);
	free(db);
	return 0;
}

static int add_captures(struct books *books)
{
	struct capstate *states;
	ssize_t count = capstate_list(books->spool, &states);
	sqlite3_stmt *add;

	if (count < 0)
		return -1;
	sqlite3_prepare_v2(books->db, "INSERT INTO capture VALUES(?,?,?,?,?,?,?,?,?)", -1, &add,
		NULL);
	for (ssize_t i = 0; i < count; i++) {
		const struct counts *sum = &states[i].cumulative;
		const uint64_t numbers[] = {sum->seen, sum->captured, sum->filtered, sum->dropped,
			sum->shed, states[i].next_seq};

		sqlite3_bind_text(add, 1, states[i].probe, -1, SQLITE_STATIC);
		sqlite3_bind_text(add, 2, states[i].stream, -1, SQLITE_STATIC);
		sqlite3_bind_text(add, 3, states[i].run, -1, SQLITE_STATIC);
		for (int n = 0; n < 6; n++)
			sqlite3_bind_int64(add, 4 + n, (sqlite3_int64)numbers[n]);
		sqlite3_step(add);
		sqlite3_reset(add);
	}
	sqlite3_finalize(add);
	free(states);
	return 0;
}

static int gather(struct books *books)
{
	if (sqlite3_open(":memory:", &books->db) != SQLITE_OK ||
		sqlite3_exec(books->db, schema, NULL, NULL, NULL) != SQLITE_OK ||
		sqlite3_prepare_v2(books->db,
			"INSERT OR IGNORE INTO row VALUES(?,?,?,?,?,?,?,?,?,?,?)", -1,
			&books->add_row, NULL) != SQLITE_OK ||
		add_captures(books) || add_store(books))
		return -1;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		books->place = &places[i];
		if (add_place(books))
			return -1;
	}
	return 0;
}

/* ?1: the shard. */
static const char terms_sql[] =
	"SELECT place, count(*), sum(seen), sum(captured), sum(filtered), sum(dropped), sum(shed) FROM row WHERE shard = ?1"
	" GROUP BY place UNION ALL SELECT 'sum', count(*), sum(seen), sum(captured), sum(filtered), sum(dropped), sum(shed)"
	" FROM row WHERE shard = ?1 UNION ALL SELECT 'capture', coalesce(sum(next_seq), 0), sum(seen), sum(captured),"
	" sum(filtered), sum(dropped), sum(shed) FROM capture";

/* A run that an earlier capture began is not in its state any more, so each run of the states is held against its own rows. */
static const char check_sql[] =
	"SELECT c.probe || '-' || c.stream, c.next_seq, count(r.seq), c.seen, coalesce(sum(r.seen), 0), c.captured,"
	" coalesce(sum(r.captured), 0) FROM capture c LEFT JOIN (SELECT * FROM row WHERE shard = ?1) r"
	" USING (probe, stream, run) GROUP BY c.probe, c.stream, c.run";

static sqlite3_stmt *ask(const struct books *books, const char *sql)
{
	sqlite3_stmt *rows;

	sqlite3_prepare_v2(books->db, sql, -1, &rows, NULL);
	sqlite3_bind_int64(rows, 1, books->shard);
	return rows;
}

static void print_terms(const struct books *books)
{
	sqlite3_stmt *rows = ask(books, terms_sql);

	printf("%-10s %9s %15s %15s %12s %12s %12s\n", "place", "batches", "seen", "captured",
		"filtered", "dropped", "shed");
	while (sqlite3_step(rows) == SQLITE_ROW)
		printf("%-10s %9lld %15lld %15lld %12lld %12lld %12lld\n",
			sqlite3_column_text(rows, 0), sqlite3_column_int64(rows, 1),
			sqlite3_column_int64(rows, 2), sqlite3_column_int64(rows, 3),
			sqlite3_column_int64(rows, 4), sqlite3_column_int64(rows, 5),
			sqlite3_column_int64(rows, 6));
	sqlite3_finalize(rows);
	putchar('\n');
}

static int print_checks(const struct books *books)
{
	sqlite3_stmt *rows = ask(books, check_sql);
	int failed = 0;

	while (sqlite3_step(rows) == SQLITE_ROW) {
		sqlite3_int64 figures[6];
		bool holds;

		for (int i = 0; i < 6; i++)
			figures[i] = sqlite3_column_int64(rows, i + 1);
		holds = figures[0] == figures[1] && figures[2] == figures[3] &&
			figures[4] == figures[5];
		failed += !holds;
		printf("%-7s %s: %lld of %lld batches, %lld of %lld packets seen, %lld of %lld captured\n",
			holds ? "ok" : "FAILED", sqlite3_column_text(rows, 0), figures[1],
			figures[0], figures[3], figures[2], figures[5], figures[4]);
	}
	sqlite3_finalize(rows);
	return failed;
}

/* Returns how many checks failed. */
static int print_books(struct books *books)
{
	char name[SHARD_NAME];
	int failed = 0;

	for (books->shard = 0; books->shard < books->spool->shards; books->shard++) {
		if (books->spool->shards > 1)
			printf("%s%s\n", books->shard ? "\n" : "", shard_name(books->shard, name));
		print_terms(books);
		failed += print_checks(books);
	}
	return failed;
}

int mira_balance_spool(const char *root)
{
	struct spool spool;
	struct books books = {.spool = &spool};
	int code = spool_attach(&spool, root), failed;

	if (code)
		return code;
	if (gather(&books)) {
		log_err("cannot gather the books of %s: %m", root);
		return MIRA_AGAIN;
	}
	failed = print_books(&books);
	printf("\n%s\n", failed ? "The balance does not close." : "The balance closes.");
	sqlite3_finalize(books.add_row);
	sqlite3_close(books.db);
	return failed ? MIRA_PERSON : MIRA_OK;
}
