/*
 * store_rollup.c: sums by hour and by host, so that a report over a month reads thousands of rows and not billions.
 */
#include "postproc/store_rollup.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "postproc/store.h"
#include "spool/log.h"

#define KEYS 3
#define SUMS 5

struct sum {
	sqlite3_int64 key[KEYS];
	uint64_t sums[SUMS]; /* the first counts biflows: 0 is a free slot */
};

/* Open addressing, at most half full. */
struct table {
	sqlite3_stmt *upsert;
	int sums; /* of SUMS, in use */
	struct sum *slots;
	uint32_t count, mask;
};

struct store_rollup {
	struct table hours, hosts;
};

static const char hour_sql[] =
	"INSERT INTO rollup_hour(hour_ms, aggregate, decision, biflows, packets, octets) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
	" ON CONFLICT DO UPDATE SET biflows = biflows + excluded.biflows, packets = packets + excluded.packets,"
	" octets = octets + excluded.octets";

static const char host_sql[] =
	"INSERT INTO rollup_host(day_ms, host, decision, biflows, sent_packets, sent_octets, received_packets,"
	" received_octets) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
	" ON CONFLICT DO UPDATE SET biflows = biflows + excluded.biflows,"
	" sent_packets = sent_packets + excluded.sent_packets, sent_octets = sent_octets + excluded.sent_octets,"
	" received_packets = received_packets + excluded.received_packets,"
	" received_octets = received_octets + excluded.received_octets";

static int table_init(struct table *table, sqlite3 *db, const char *sql, int sums)
{
	table->sums = sums;
	table->mask = 1023;
	table->slots = x_calloc(table->mask + 1, sizeof(*table->slots));
	return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &table->upsert, NULL);
}

static struct sum *slot_of(struct table *table, const sqlite3_int64 *key)
{
	uint32_t at = (uint32_t)XXH3_64bits(key, sizeof(table->slots->key)) & table->mask;

	while (table->slots[at].sums[0] &&
		memcmp(table->slots[at].key, key, sizeof(table->slots->key)) != 0)
		at = (at + 1) & table->mask;
	return &table->slots[at];
}

static void grow(struct table *table)
{
	struct sum *old = table->slots;
	uint32_t old_mask = table->mask;

	table->mask = old_mask * 2 + 1;
	table->slots = x_calloc((size_t)table->mask + 1, sizeof(*table->slots));
	for (uint32_t i = 0; i <= old_mask; i++)
		if (old[i].sums[0])
			*slot_of(table, old[i].key) = old[i];
	free(old);
}

static void add(struct table *table, const sqlite3_int64 *key, const uint64_t *sums)
{
	struct sum *sum;

	if (table->count * 2 > table->mask)
		grow(table);
	sum = slot_of(table, key);
	if (!sum->sums[0]) {
		memcpy(sum->key, key, sizeof(sum->key));
		table->count++;
	}
	for (int i = 0; i < table->sums; i++)
		sum->sums[i] += sums[i];
}

static int compare(const void *left, const void *right)
{
	const struct sum *a = left, *b = right;

	for (int i = 0; i < KEYS; i++)
		if (a->key[i] != b->key[i])
			return a->key[i] < b->key[i] ? -1 : 1;
	return 0;
}

static void table_clear(struct table *table)
{
	memset(table->slots, 0, ((size_t)table->mask + 1) * sizeof(*table->slots));
	table->count = 0;
}

static int put(struct table *table, const struct sum *sum)
{
	int code;

	for (int i = 0; i < KEYS; i++)
		sqlite3_bind_int64(table->upsert, i + 1, sum->key[i]);
	for (int i = 0; i < table->sums; i++)
		sqlite3_bind_int64(table->upsert, KEYS + 1 + i, (sqlite3_int64)sum->sums[i]);
	code = sqlite3_step(table->upsert);
	sqlite3_reset(table->upsert);
	return code == SQLITE_DONE ? 0 : -1;
}

/* In the order of the key: neighbours of a B-tree together, and the same file for the same batch. */
static int table_flush(struct table *table)
{
	uint32_t used = 0;
	int error = 0;

	for (uint32_t i = 0; i <= table->mask; i++)
		if (table->slots[i].sums[0])
			table->slots[used++] = table->slots[i];
	qsort(table->slots, used, sizeof(*table->slots), compare);
	for (uint32_t i = 0; i < used && !error; i++)
		error = put(table, &table->slots[i]);
	table_clear(table);
	return error;
}

struct store_rollup *store_rollup_new(sqlite3 *db)
{
	struct store_rollup *rollup = x_calloc(1, sizeof(*rollup));

	if (table_init(&rollup->hours, db, hour_sql, 3) == SQLITE_OK &&
		table_init(&rollup->hosts, db, host_sql, 5) == SQLITE_OK)
		return rollup;
	store_rollup_free(rollup);
	return NULL;
}

void store_rollup_free(struct store_rollup *rollup)
{
	if (!rollup)
		return;
	sqlite3_finalize(rollup->hours.upsert);
	sqlite3_finalize(rollup->hosts.upsert);
	free(rollup->hours.slots);
	free(rollup->hosts.slots);
	free(rollup);
}

void store_rollup_add(struct store_rollup *rollup, const struct biflow *biflow,
	const struct store_ids *ids)
{
	const struct direction *to = &biflow->forward, *back = &biflow->reverse;
	sqlite3_int64 window = (sqlite3_int64)biflow->window_ms;
	sqlite3_int64 hour = window - window % STORE_HOUR_MS, day = window - window % STORE_DAY_MS;

	add(&rollup->hours, (sqlite3_int64[]){hour, ids->aggregate, ids->decision},
		(uint64_t[]){1, to->packets + back->packets, to->octets + back->octets});
	add(&rollup->hosts, (sqlite3_int64[]){day, ids->src, ids->decision},
		(uint64_t[]){1, to->packets, to->octets, back->packets, back->octets});
	/* A host that talks to itself stands in one biflow, though it sent and received all of it. */
	add(&rollup->hosts, (sqlite3_int64[]){day, ids->dst, ids->decision},
		(uint64_t[]){ids->src != ids->dst, back->packets, back->octets, to->packets,
			to->octets});
}

int store_rollup_flush(struct store_rollup *rollup)
{
	return table_flush(&rollup->hours) || table_flush(&rollup->hosts) ? -1 : 0;
}

void store_rollup_clear(struct store_rollup *rollup)
{
	table_clear(&rollup->hours);
	table_clear(&rollup->hosts);
}
