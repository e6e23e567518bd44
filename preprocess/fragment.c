/*
 * fragment.c: between the decoder, which sees that a packet is a fragment, and the meter, which
 * counts it: two rings, of datagrams and of packets that wait for the first fragment of theirs.
 */
#include "preprocess/fragment.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "spool/log.h"

#define BUCKETS 16384u

/* Compared as bytes: what an address leaves free is zero. */
struct key {
	uint8_t addresses[32];
	uint32_t id;
	uint8_t version, protocol, zero[2];
};

/* Places in the rings are numbers plus one; 0 is none. */
struct datagram {
	struct key key;
	uint64_t time_ms; /* of its first fragment, until that comes of the one it was met by */
	uint32_t bucket;
	uint16_t next;			  /* in its bucket */
	uint16_t first_waits, last_waits; /* packets, oldest first */
	bool used, known;		  /* its first fragment has come: */
	uint8_t protocol;
	uint16_t sport, dport;
};

struct waits {
	uint16_t next, datagram; /* the packet after it; whose it is, 0: the place is free */
};

struct fragments {
	fragment_count count;
	void *own;
	size_t record_size;
	uint64_t seed;
	uint32_t next_datagram, next_waits; /* places that are taken next */
	uint32_t datagrams;		    /* in use */
	uint16_t buckets[BUCKETS];
	struct datagram ring[FRAGMENT_DATAGRAMS];
	struct waits waits[FRAGMENT_WAITING];
	uint8_t *records; /* of the packets that wait */
};

struct fragments *fragments_new(size_t record_size, fragment_count count, void *own)
{
	struct fragments *table = x_calloc(1, sizeof(*table));

	table->record_size = record_size;
	table->count = count;
	table->own = own;
	table->records = x_calloc(FRAGMENT_WAITING, record_size);
	if (getrandom(&table->seed, sizeof(table->seed), 0) != sizeof(table->seed))
		die(MIRA_AGAIN, "no random numbers for the table of fragments");
	return table;
}

void fragments_free(struct fragments *table)
{
	if (!table)
		return;
	free(table->records);
	free(table);
}

static struct key key_of(const struct fragment *fragment)
{
	struct key key = {.id = fragment->id, .version = fragment->version};

	static_assert(sizeof(key) == 40, "the key is hashed and compared as bytes");
	memcpy(key.addresses, fragment->addresses, fragment->version == 4 ? 8 : 32);
	key.protocol = fragment->version == 4 ? fragment->protocol : 0; /* RFC 8200, 4.5 */
	return key;
}

static uint32_t bucket_of(const struct fragments *table, const struct key *key)
{
	return (uint32_t)XXH64(key, sizeof(*key), table->seed) % BUCKETS;
}

/* Counts the packet that has waited longest for DATAGRAM. */
static int release(struct fragments *table, struct datagram *datagram)
{
	struct fragment first = {.transport = datagram->protocol,
		.sport = datagram->sport,
		.dport = datagram->dport};
	uint32_t place = datagram->first_waits - 1u;

	datagram->first_waits = table->waits[place].next;
	if (!datagram->first_waits)
		datagram->last_waits = 0;
	table->waits[place].datagram = 0;
	return table->count(table->own, table->records + place * table->record_size,
		datagram->known ? &first : NULL);
}

static int release_all(struct fragments *table, struct datagram *datagram)
{
	int result = 0;

	while (datagram->first_waits && result == 0)
		result = release(table, datagram);
	return result;
}

static int forget(struct fragments *table, struct datagram *datagram)
{
	uint16_t place = (uint16_t)(datagram - table->ring + 1);
	uint16_t *link = &table->buckets[datagram->bucket];

	if (release_all(table, datagram) < 0)
		return -1;
	while (*link != place)
		link = &table->ring[*link - 1].next;
	*link = datagram->next;
	datagram->used = false;
	table->datagrams--;
	return 0;
}

/* FOUND: the datagram of KEY, NULL for none; one that is too old for TIME_MS is forgotten. */
static int find(struct fragments *table, const struct key *key, uint64_t time_ms,
	struct datagram **found)
{
	uint16_t place = table->buckets[bucket_of(table, key)];
	struct datagram *datagram;
	uint64_t apart;

	*found = NULL;
	while (place && memcmp(&table->ring[place - 1].key, key, sizeof(*key)) != 0)
		place = table->ring[place - 1].next;
	if (!place)
		return 0;
	datagram = &table->ring[place - 1];
	apart = time_ms > datagram->time_ms ? time_ms - datagram->time_ms
					    : datagram->time_ms - time_ms;
	if (apart > FRAGMENT_S * 1000)
		return forget(table, datagram);
	*found = datagram;
	return 0;
}

/* A new one, in the place of the oldest; NULL with errno. */
static struct datagram *add(struct fragments *table, const struct key *key, uint64_t time_ms)
{
	uint32_t place = table->next_datagram, bucket = bucket_of(table, key);
	struct datagram *datagram = &table->ring[place];

	if (datagram->used && forget(table, datagram) < 0)
		return NULL;
	*datagram = (struct datagram){.key = *key,
		.time_ms = time_ms,
		.used = true,
		.bucket = bucket,
		.next = table->buckets[bucket]};
	table->buckets[bucket] = (uint16_t)(place + 1);
	table->next_datagram = (place + 1) % FRAGMENT_DATAGRAMS;
	table->datagrams++;
	return datagram;
}

/* A datagram that begins anew under the same key is young again: it takes a new place. */
int fragments_first(struct fragments *table, const struct fragment *fragment, uint64_t time_ms)
{
	struct key key = key_of(fragment);
	struct datagram *datagram;

	if (find(table, &key, time_ms, &datagram) < 0)
		return -1;
	if (datagram && datagram->known && forget(table, datagram) < 0)
		return -1;
	if (!datagram || !datagram->used)
		datagram = add(table, &key, time_ms);
	if (!datagram)
		return -1;
	datagram->known = true;
	datagram->time_ms = time_ms;
	datagram->protocol = fragment->transport;
	datagram->sport = fragment->sport;
	datagram->dport = fragment->dport;
	return release_all(table, datagram);
}

static int enqueue(struct fragments *table, struct datagram *datagram, const void *record)
{
	uint32_t place = table->next_waits;
	struct waits *waits = &table->waits[place];
	uint16_t number = (uint16_t)(place + 1);

	/* Who waits longest of all also waits longest for its own datagram. */
	if (waits->datagram && release(table, &table->ring[waits->datagram - 1]) < 0)
		return -1;
	table->next_waits = (place + 1) % FRAGMENT_WAITING;
	memcpy(table->records + place * table->record_size, record, table->record_size);
	*waits = (struct waits){.datagram = (uint16_t)(datagram - table->ring + 1)};
	if (datagram->last_waits)
		table->waits[datagram->last_waits - 1].next = number;
	else
		datagram->first_waits = number;
	datagram->last_waits = number;
	return 0;
}

int fragments_later(struct fragments *table, struct fragment *fragment, uint64_t time_ms,
	const void *record)
{
	struct key key = key_of(fragment);
	struct datagram *datagram;

	if (find(table, &key, time_ms, &datagram) < 0)
		return -1;
	if (!datagram)
		datagram = add(table, &key, time_ms);
	if (!datagram)
		return -1;
	if (!datagram->known)
		return enqueue(table, datagram, record);
	fragment->transport = datagram->protocol;
	fragment->sport = datagram->sport;
	fragment->dport = datagram->dport;
	return 1;
}

void fragments_clear(struct fragments *table)
{
	if (!table->datagrams)
		return;
	memset(table->buckets, 0, sizeof(table->buckets));
	memset(table->ring, 0, sizeof(table->ring));
	memset(table->waits, 0, sizeof(table->waits));
	table->datagrams = 0;
}

/* From the oldest on, so that flows come in the order of their packets. */
int fragments_flush(struct fragments *table)
{
	int result = 0;

	for (uint32_t i = 0; i < FRAGMENT_DATAGRAMS && table->datagrams && result == 0; i++) {
		uint32_t place = (table->next_datagram + i) % FRAGMENT_DATAGRAMS;

		if (table->ring[place].used)
			result = forget(table, &table->ring[place]);
	}
	return result;
}
