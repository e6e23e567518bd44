/*
 * store_hosts.c: from addresses to ids of the database. A flood brings a new address with nearly every biflow, so this decides how
 * fast the store loads one; a campus has more addresses than the processor's caches.
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
#define AHEAD	       8	  /* addresses */

/* What an address is known by, and what is known of it: an id, 0 while it is new; is it inside? */
enum { BYTES, VERSION = 2, KNOWN_BY, HOST_ID = 0, IS_INSIDE, KNOWN_OF };

/* Words of a new host's row: the order of the addresses' texts first, which is that of SQLite's index. */
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

/* An end of a row, two of each in their order. */
struct end {
	uint64_t address[KNOWN_BY];
	uint32_t entry; /* of ids */
};

static const char *const sql_of[STATEMENTS] = {
	[LAST] = "SELECT coalesce(max(id), 0) FROM host",
	/* SQLite itself chooses the ids, the next ones, and so need not look whether they are taken. */
	[ADD] = "INSERT OR FAIL INTO host(address, inside) SELECT column4, column5 FROM new_host"
		" WHERE true ON CONFLICT(address) DO NOTHING",
	/* Those that got other ids, since there were some before: which they are, and their ids. */
	[KNOWN] =
		"SELECT n.column2, h.id FROM new_host n CROSS JOIN host h ON h.address = n.column4"
		" WHERE h.id <> n.column3",
};

struct store_hosts {
	sqlite3 *db;
	const struct store_inside *inside;
	sqlite3_stmt *statements[STATEMENTS];
	struct store_map ids;
	struct end *ends;
	size_t count, room;
	struct store_feed *feed; /* of those without an id */
	uint32_t *entries;	 /* where they stand in ids */
	size_t entries_room;
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
	map_init(&hosts->ids, KNOWN_BY, KNOWN_OF);
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
	free(hosts->ends);
	free(hosts->entries);
	free(hosts);
}

void store_hosts_forget(struct store_hosts *hosts)
{
	map_clear(&hosts->ids);
	store_feed_clear(hosts->feed);
	hosts->count = 0;
}

void store_hosts_inside(struct store_hosts *hosts, const struct store_inside *inside)
{
	hosts->inside = inside;
	store_hosts_forget(hosts);
}

/* ---- what is asked for ---- */

static struct end end_of(const struct flowkey *key, const uint8_t address[16])
{
	struct end end = {.address[VERSION] = key->version};

	memcpy(&end.address[BYTES], address, 16);
	return end;
}

void store_hosts_add(struct store_hosts *hosts, const struct flowkey *key)
{
	if (hosts->count == hosts->room) {
		hosts->room = hosts->room ? hosts->room * 2 : 1024;
		hosts->ends = x_realloc(hosts->ends, hosts->room * sizeof(*hosts->ends));
	}
	hosts->ends[hosts->count++] = end_of(key, key->src);
	hosts->ends[hosts->count++] = end_of(key, key->dst);
}

/* ---- what is not known yet ---- */

static void note_entry(struct store_hosts *hosts, size_t number, uint32_t entry)
{
	if (number == hosts->entries_room) {
		hosts->entries_room = number ? number * 2 : 1024;
		hosts->entries =
			x_realloc(hosts->entries, hosts->entries_room * sizeof(*hosts->entries));
	}
	hosts->entries[number] = entry;
}

/* The same order as strcmp(). IPv4 stands in two words; where they are the same for IPv6, order matters little. */
static uint64_t word_at(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return be64toh(word);
}

/* The row of a new host. */
static void announce(struct store_hosts *hosts, const struct end *end, bool inside)
{
	uint8_t version = (uint8_t)end->address[VERSION];
	const uint8_t *address = (const uint8_t *)&end->address[BYTES];
	size_t number = store_feed_count(hosts->feed);
	uint64_t *row = feed_row(hosts->feed);
	char text[TEXT_ADDRESS] = "";

	note_entry(hosts, number, end->entry);
	text_address(version, address, text);
	row[HIGH] = word_at(text);
	row[LOW] = word_at(text + sizeof(uint64_t));
	row[NUMBER] = number;
	row[ADDRESS] = feed_text(hosts->feed, text);
	row[INSIDE] = inside;
	row[TOLD] = hosts->inside != NULL;
}

static void look_up(struct store_hosts *hosts, struct end *end)
{
	uint32_t count = hosts->ids.count;
	uint64_t *known = map_at(&hosts->ids, end->address);

	end->entry = hosts->ids.last;
	if (hosts->ids.count == count)
		return;
	known[IS_INSIDE] =
		hosts->inside && store_inside_holds(hosts->inside, (uint8_t)end->address[VERSION],
					 (const uint8_t *)&end->address[BYTES]);
	announce(hosts, end, known[IS_INSIDE]);
}

static void look_up_all(struct store_hosts *hosts)
{
	for (size_t i = 0; i < hosts->count; i++) {
		if (i + 2 * AHEAD < hosts->count)
			map_expect_slot(&hosts->ids, hosts->ends[i + 2 * AHEAD].address);
		if (i + AHEAD < hosts->count)
			map_expect(&hosts->ids, hosts->ends[i + AHEAD].address);
		look_up(hosts, &hosts->ends[i]);
	}
}

/* ---- and how it gets into the database ---- */

static int step(struct store_hosts *hosts, enum statement which)
{
	int code = sqlite3_step(hosts->statements[which]);

	return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : -1;
}

static void set_id(struct store_hosts *hosts, uint64_t number, uint64_t id)
{
	map_values(&hosts->ids, hosts->entries[number])[HOST_ID] = id;
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

		row[ID] = last + 1 + i;
		set_id(hosts, row[NUMBER], row[ID]);
	}
	return got == 1 ? 0 : -1;
}

static int find_known(struct store_hosts *hosts)
{
	sqlite3_stmt *known = hosts->statements[KNOWN];
	int got;

	while ((got = step(hosts, KNOWN)) == 1)
		set_id(hosts, (uint64_t)sqlite3_column_int64(known, 0),
			(uint64_t)sqlite3_column_int64(known, 1));
	sqlite3_reset(known);
	return got;
}

static int bring_in(struct store_hosts *hosts)
{
	size_t count = store_feed_count(hosts->feed);
	int error;

	if (!count)
		return 0;
	store_feed_sort(hosts->feed);
	if (number(hosts))
		return -1;
	error = step(hosts, ADD);
	sqlite3_reset(hosts->statements[ADD]);
	if (!error && (size_t)sqlite3_changes64(hosts->db) < count)
		error = find_known(hosts);
	return error;
}

static enum store_direction direction(const struct store_hosts *hosts, bool from_inside,
	bool to_inside)
{
	if (!hosts->inside)
		return STORE_UNKNOWN;
	if (from_inside)
		return to_inside ? STORE_INTERNAL : STORE_OUTGOING;
	return to_inside ? STORE_INCOMING : STORE_TRANSIT;
}

static void complete(struct store_hosts *hosts, uint64_t *row, const struct end ends[2])
{
	const uint64_t *src = map_values(&hosts->ids, ends[0].entry);
	const uint64_t *dst = map_values(&hosts->ids, ends[1].entry);

	row[ROW_SRC] = src[HOST_ID];
	row[ROW_DST] = dst[HOST_ID];
	row[ROW_FLAGS] |= (uint64_t)direction(hosts, src[IS_INSIDE], dst[IS_INSIDE])
			  << ROW_DIRECTION_AT;
}

int store_hosts_settle(struct store_hosts *hosts, struct store_feed *rows)
{
	look_up_all(hosts);
	if (bring_in(hosts))
		return -1;
	for (size_t i = 0; i < hosts->count / 2; i++)
		complete(hosts, store_feed_at(rows, i), &hosts->ends[2 * i]);
	hosts->count = 0;
	store_feed_clear(hosts->feed);
	if (hosts->ids.count >= REMEMBERED_MAX)
		map_clear(&hosts->ids);
	return 0;
}
