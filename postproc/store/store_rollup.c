/*
 * store_rollup.c: sums by window, hour and day, so that a report over a month reads thousands of rows and not billions.
 */
#include "postproc/store/store_rollup.h"

#include <stdio.h>
#include <stdlib.h>

#include "postproc/store/store.h"
#include "postproc/store/store_feed.h"
#include "postproc/store/store_map.h"
#include "postproc/store/store_row.h"
#include "spool/log.h"

#define SUMS  9
#define AHEAD 8 /* rows */

enum table { WINDOW, HOUR, HOST, NAME, PATH, SYMPTOM, TABLES };

/* A table has the columns of its key, then the sums, the last of them REAL: as in store_schema.c. */
static const struct kind {
	const char *name;
	unsigned keys, count, reals;
	const char *sums[SUMS];
} kinds[TABLES] = {
	[WINDOW] = {"rollup_window", 2, 9, 2,
		{"biflows", "packets", "octets", "late", "incomplete", "sampled", "one_way",
			"expanded_packets", "expanded_octets"}},
	[HOUR] = {"rollup_hour", 4, 3, 0, {"biflows", "packets", "octets"}},
	[HOST] = {"rollup_host", 3, 5, 0,
		{"biflows", "sent_packets", "sent_octets", "received_packets", "received_octets"}},
	[NAME] = {"rollup_name", 3, 3, 0, {"biflows", "packets", "octets"}},
	[PATH] = {"rollup_path", 3, 3, 0, {"biflows", "packets", "octets"}},
	[SYMPTOM] = {"rollup_symptom", 3, 2, 0, {"biflows", "packets"}},
};

struct store_rollup {
	sqlite3_stmt *upserts[TABLES];
	struct store_feed *feeds[TABLES];
	struct store_map sums[TABLES];
};

/* ---- in memory ---- */

/* A value of a map is a word; those of the REAL columns hold a double. */
static void add_real(uint64_t *word, double value)
{
	*word = feed_real(feed_real_of(*word) + value);
}

static void add(struct store_map *map, const uint64_t *key, const uint64_t *sums, unsigned count)
{
	uint64_t *values = map_at(map, key);

	for (unsigned i = 0; i < count; i++)
		values[i] += sums[i];
}

/* What the directions would have carried, had all of them been analysed. */
static double expanded(const uint64_t *row, enum store_row there, enum store_row back)
{
	double value = (double)row[there] / feed_real_of(row[ROW_SAMPLING]);

	return row[back] ? value + (double)row[back] / feed_real_of(row[ROW_BACK_SAMPLING]) : value;
}

static bool is_sampled(const uint64_t *row)
{
	return feed_real_of(row[ROW_SAMPLING]) < 1 ||
	       (row[ROW_BACK_PACKETS] && feed_real_of(row[ROW_BACK_SAMPLING]) < 1);
}

static void add_window(struct store_rollup *rollup, const uint64_t *row, const uint64_t *sums)
{
	uint64_t *values =
		map_at(&rollup->sums[WINDOW], (uint64_t[]){row[ROW_WINDOW], row[ROW_DECISION]});

	for (int i = 0; i < 3; i++)
		values[i] += sums[i];
	values[3] += (row[ROW_FLAGS] & ROW_LATE) != 0;
	values[4] += (row[ROW_FLAGS] & ROW_INCOMPLETE) != 0;
	values[5] += is_sampled(row);
	values[6] += !row[ROW_BACK_PACKETS];
	add_real(&values[7], expanded(row, ROW_PACKETS, ROW_BACK_PACKETS));
	add_real(&values[8], expanded(row, ROW_OCTETS, ROW_BACK_OCTETS));
}

static void add_hosts(struct store_map *hosts, const uint64_t *row, uint64_t day)
{
	add(hosts, (uint64_t[]){day, row[ROW_SRC], row[ROW_DECISION]},
		(uint64_t[]){1, row[ROW_PACKETS], row[ROW_OCTETS], row[ROW_BACK_PACKETS],
			row[ROW_BACK_OCTETS]},
		5);
	/* A host that talks to itself stands in one biflow, though it sent and received all of it. */
	add(hosts, (uint64_t[]){day, row[ROW_DST], row[ROW_DECISION]},
		(uint64_t[]){row[ROW_SRC] != row[ROW_DST], row[ROW_BACK_PACKETS],
			row[ROW_BACK_OCTETS], row[ROW_PACKETS], row[ROW_OCTETS]},
		5);
}

static uint64_t day_of(const uint64_t *row)
{
	return row[ROW_WINDOW] - row[ROW_WINDOW] % STORE_DAY_MS;
}

static void add_row(struct store_rollup *rollup, const uint64_t *row)
{
	uint64_t hour = row[ROW_WINDOW] - row[ROW_WINDOW] % STORE_HOUR_MS, day = day_of(row);
	uint64_t decision = row[ROW_DECISION];
	const uint64_t sums[] = {1, row[ROW_PACKETS] + row[ROW_BACK_PACKETS],
		row[ROW_OCTETS] + row[ROW_BACK_OCTETS]};

	add_window(rollup, row, sums);
	add(&rollup->sums[HOUR],
		(uint64_t[]){hour, decision, row[ROW_AGGREGATE], ROW_DIRECTION(row)}, sums, 3);
	add_hosts(&rollup->sums[HOST], row, day);
	if (row[ROW_NAME])
		add(&rollup->sums[NAME], (uint64_t[]){day, row[ROW_NAME], decision}, sums, 3);
	add(&rollup->sums[PATH], (uint64_t[]){day, row[ROW_PATH], decision}, sums, 3);
}

/* The sums of hosts and of names are too many for the processor's caches. Measured: a seventh of the time of loading less. */
static void expect(const struct store_rollup *rollup, const uint64_t *row,
	void (*expected)(const struct store_map *map, const uint64_t *key))
{
	uint64_t day = day_of(row), decision = row[ROW_DECISION];

	expected(&rollup->sums[HOST], (uint64_t[]){day, row[ROW_SRC], decision});
	expected(&rollup->sums[HOST], (uint64_t[]){day, row[ROW_DST], decision});
	if (row[ROW_NAME])
		expected(&rollup->sums[NAME], (uint64_t[]){day, row[ROW_NAME], decision});
}

void store_rollup_add(struct store_rollup *rollup, const struct store_feed *rows)
{
	size_t count = store_feed_count(rows);

	for (size_t i = 0; i < count; i++) {
		store_feed_expect(rows, i + 3 * AHEAD);
		if (i + 2 * AHEAD < count)
			expect(rollup, store_feed_at(rows, i + 2 * AHEAD), map_expect_slot);
		if (i + AHEAD < count)
			expect(rollup, store_feed_at(rows, i + AHEAD), map_expect);
		add_row(rollup, store_feed_at(rows, i));
	}
}

void store_rollup_symptom(struct store_rollup *rollup, const uint64_t *row, uint64_t symptom,
	uint64_t packets)
{
	add(&rollup->sums[SYMPTOM], (uint64_t[]){day_of(row), row[ROW_DECISION], symptom},
		(uint64_t[]){1, packets}, 2);
}

/* ---- into the database ---- */

static int flush(struct store_rollup *rollup, enum table table)
{
	struct store_map *map = &rollup->sums[table];
	int code;

	store_feed_borrow(rollup->feeds[table], map->words, map->count);
	code = sqlite3_step(rollup->upserts[table]);
	sqlite3_reset(rollup->upserts[table]);
	store_feed_clear(rollup->feeds[table]);
	map_clear(map);
	return code == SQLITE_DONE ? 0 : -1;
}

int store_rollup_flush(struct store_rollup *rollup)
{
	int error = 0;

	for (enum table table = 0; table < TABLES && !error; table++)
		error = flush(rollup, table);
	return error;
}

size_t store_rollup_count(const struct store_rollup *rollup)
{
	size_t count = 0;

	for (enum table table = 0; table < TABLES; table++)
		count += rollup->sums[table].count;
	return count;
}

void store_rollup_clear(struct store_rollup *rollup)
{
	for (enum table table = 0; table < TABLES; table++)
		map_clear(&rollup->sums[table]);
}

static char *upsert_sql(const struct kind *kind, const char *from)
{
	char *sql;
	size_t size;
	FILE *out = open_memstream(&sql, &size);

	if (!out)
		die(MIRA_AGAIN, "out of memory");
	/* WHERE tells ON CONFLICT from the ON of a join. OR FAIL: as in store_open.c. */
	fprintf(out, "INSERT OR FAIL INTO %s SELECT * FROM %s WHERE true ON CONFLICT DO UPDATE SET",
		kind->name, from);
	for (unsigned i = 0; i < kind->count; i++)
		fprintf(out, "%s %s = %s + excluded.%s", i ? "," : "", kind->sums[i], kind->sums[i],
			kind->sums[i]);
	fclose(out);
	return sql;
}

static struct store_feed *new_feed(sqlite3 *db, const char *name, const struct kind *kind)
{
	struct feed_column columns[MAP_KEYS + SUMS];
	unsigned width = kind->keys + kind->count;

	for (unsigned i = 0; i < width; i++)
		columns[i] = (struct feed_column){i < width - kind->reals ? FEED_NUMBER : FEED_REAL,
			FEED_ALWAYS};
	return store_feed_new(db, name, columns, width, kind->keys);
}

static bool prepare(struct store_rollup *rollup, sqlite3 *db, enum table table)
{
	const struct kind *kind = &kinds[table];
	char *from = x_sprintf("new_%s", kind->name), *sql = upsert_sql(kind, from);
	bool ready;

	map_init(&rollup->sums[table], kind->keys, kind->count);
	rollup->feeds[table] = new_feed(db, from, kind);
	ready = rollup->feeds[table] && sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT,
						&rollup->upserts[table], NULL) == SQLITE_OK;
	free(from);
	free(sql);
	return ready;
}

struct store_rollup *store_rollup_new(sqlite3 *db)
{
	struct store_rollup *rollup = x_calloc(1, sizeof(*rollup));
	bool ready = true;

	for (enum table table = 0; table < TABLES && ready; table++)
		ready = prepare(rollup, db, table);
	if (ready)
		return rollup;
	store_rollup_free(rollup);
	return NULL;
}

void store_rollup_free(struct store_rollup *rollup)
{
	if (!rollup)
		return;
	for (enum table table = 0; table < TABLES; table++) {
		sqlite3_finalize(rollup->upserts[table]);
		store_feed_free(rollup->feeds[table]);
		map_free(&rollup->sums[table]);
	}
	free(rollup);
}
