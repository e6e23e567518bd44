/*
 * store_hosts.c: from addresses to ids of the database. A flood brings a new address with nearly every biflow, so this decides how
 * fast the store loads one.
 */
#include "postproc/store/store_hosts.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/store/store_map.h"
#include "postproc/store/store_row.h"
#include "spool/log.h"
#include "spool/text.h"

#define REMEMBERED_MAX (1u << 21) /* hosts, 130 MB; then begun anew */
#define PROMISE	       (UINT64_C(1) << 63)

/* Words of a new host's row: the order of addresses first. */
enum { HIGH, LOW, KEYS, NUMBER = KEYS, ID, ADDRESS, INSIDE, TOLD, COLUMNS };

static const struct feed_column columns[COLUMNS] = {
	[HIGH] = {FEED_NUMBER, FEED_ALWAYS},
	[LOW] = {FEED_NUMBER, FEED_ALWAYS},
	[NUMBER] = {FEED_NUMBER, FEED_ALWAYS},
	[ID] = {FEED_NUMBER, FEED_ALWAYS},
	[ADDRESS] = {FEED_TEXT, ADDRESS},
	[INSIDE] = {FEED_NUMBER, TOLD},
	[TOLD] = {FEED_NUMBER, FEED_ALWAYS},
};

enum statement { LAST, ADD, KNOWN, STATEMENTS };

static const char *const sql_of[STATEMENTS] = {
	[LAST] = "SELECT coalesce(max(id), 0) FROM host",
	[ADD] = "INSERT OR FAIL INTO host(id, address, inside) SELECT column3, column4, column5 FROM new_host"
		" WHERE true ON CONFLICT(address) DO NOTHING",
	/* Those that were there: which they are, and their ids. */
	[KNOWN] =
		"SELECT n.column2, h.id FROM new_host n CROSS JOIN host h ON h.address = n.column4"
		" WHERE h.id <> n.column3",
};

struct store_hosts {
	sqlite3 *db;
	const struct store_inside *inside;
	sqlite3_stmt *statements[STATEMENTS];
	struct store_map ids;	 /* address, version: id or promise, inside */
	struct store_feed *feed; /* of those without an id */
	uint64_t *found;	 /* their ids */
	uint32_t *entries;	 /* where they stand in the map */
	size_t room;
};

static bool prepare(struct store_hosts *hosts)
{
	hosts->feed = store_feed_new(hosts->db, "new_host", columns, COLUMNS, KEYS);
	for (int i = 0; i < STATEMENTS; i++)
		if (!hosts->feed ||
			sqlite3_prepare_v3(hosts->db, sql_of[i], -1, SQLITE_PREPARE_PERSISTENT,
				&hosts->statements[i], NULL) != SQLITE_OK)
			return false;
	return true;
}

struct store_hosts *store_hosts_new(sqlite3 *db)
{
	struct store_hosts *hosts = x_calloc(1, sizeof(*hosts));

	hosts->db = db;
	map_init(&hosts->ids, 3, 2);
	if (prepare(hosts))
		return hosts;
	store_hosts_free(hosts);
	return NULL;
}

void store_hosts_free(struct store_hosts *hosts)
{
	if (!hosts)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(hosts->statements[i]);
	store_feed_free(hosts->feed);
	map_free(&hosts->ids);
	free(hosts->found);
	free(hosts->entries);
	free(hosts);
}

void store_hosts_forget(struct store_hosts *hosts)
{
	map_clear(&hosts->ids);
	store_feed_clear(hosts->feed);
}

void store_hosts_inside(struct store_hosts *hosts, const struct store_inside *inside)
{
	hosts->inside = inside;
	store_hosts_forget(hosts);
}

/* ---- promises ---- */

static void make_room(struct store_hosts *hosts, size_t count)
{
	if (count <= hosts->room)
		return;
	hosts->room = count * 2;
	hosts->found = x_realloc(hosts->found, hosts->room * sizeof(*hosts->found));
	hosts->entries = x_realloc(hosts->entries, hosts->room * sizeof(*hosts->entries));
}

static uint64_t promise(struct store_hosts *hosts, uint8_t version, const uint8_t address[16],
	bool inside)
{
	size_t number = store_feed_count(hosts->feed);
	uint64_t *row = feed_row(hosts->feed);
	char text[TEXT_ADDRESS];

	make_room(hosts, number + 1);
	hosts->entries[number] = hosts->ids.last;
	text_address(version, address, text);
	memcpy(row, address, 16);
	row[HIGH] = be64toh(row[HIGH]);
	row[LOW] = be64toh(row[LOW]);
	row[NUMBER] = number;
	row[ADDRESS] = feed_text(hosts->feed, text);
	row[INSIDE] = inside;
	row[TOLD] = hosts->inside != NULL;
	return PROMISE | number;
}

uint64_t store_hosts_id(struct store_hosts *hosts, uint8_t version, const uint8_t address[16],
	bool *inside)
{
	uint64_t words[3] = {0, 0, version}, *known;

	memcpy(words, address, 16);
	known = map_at(&hosts->ids, words);
	if (!known[0]) {
		known[1] = hosts->inside && store_inside_holds(hosts->inside, version, address);
		known[0] = promise(hosts, version, address, known[1]);
	}
	*inside = known[1];
	return known[0];
}

/* ---- and how they are kept ---- */

static int step(struct store_hosts *hosts, enum statement which)
{
	int code = sqlite3_step(hosts->statements[which]);

	return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : -1;
}

/* Ids behind the last one that is taken. */
static int number(struct store_hosts *hosts)
{
	size_t count = store_feed_count(hosts->feed);
	uint64_t last;
	int got = step(hosts, LAST);

	last = got == 1 ? (uint64_t)sqlite3_column_int64(hosts->statements[LAST], 0) : 0;
	sqlite3_reset(hosts->statements[LAST]);
	for (size_t i = 0; i < count; i++) {
		uint64_t *row = store_feed_at(hosts->feed, i);

		row[ID] = hosts->found[row[NUMBER]] = last + 1 + i;
	}
	return got == 1 ? 0 : -1;
}

static int find_known(struct store_hosts *hosts)
{
	sqlite3_stmt *known = hosts->statements[KNOWN];
	int got;

	while ((got = step(hosts, KNOWN)) == 1)
		hosts->found[sqlite3_column_int64(known, 0)] =
			(uint64_t)sqlite3_column_int64(known, 1);
	sqlite3_reset(known);
	return got;
}

static int bring_in(struct store_hosts *hosts)
{
	size_t count = store_feed_count(hosts->feed);
	int error;

	store_feed_sort(hosts->feed);
	if (number(hosts))
		return -1;
	error = step(hosts, ADD);
	sqlite3_reset(hosts->statements[ADD]);
	if (!error && (size_t)sqlite3_changes64(hosts->db) < count)
		error = find_known(hosts);
	return error;
}

static void keep(const struct store_hosts *hosts, uint64_t *id)
{
	if (*id & PROMISE)
		*id = hosts->found[*id & ~PROMISE];
}

int store_hosts_settle(struct store_hosts *hosts, struct store_feed *rows)
{
	size_t count = store_feed_count(hosts->feed);

	if (!count)
		return 0;
	if (bring_in(hosts))
		return -1;
	for (size_t i = 0; i < count; i++)
		map_values(&hosts->ids, hosts->entries[i])[0] = hosts->found[i];
	for (size_t i = 0; i < store_feed_count(rows); i++) {
		uint64_t *row = store_feed_at(rows, i);

		keep(hosts, &row[ROW_SRC]);
		keep(hosts, &row[ROW_DST]);
	}
	store_feed_clear(hosts->feed);
	if (hosts->ids.count >= REMEMBERED_MAX)
		map_clear(&hosts->ids);
	return 0;
}
