/*
 * flowtab.h: the flows of the batch at hand: one entry for each direction of a 5-tuple and
 * window.
 *
 *	hash = flowtab_hash(table, &key, window_ms);
 *	flowtab_prefetch_slot(table, hash);	… later …
 *	flowtab_prefetch_entry(table, hash);	… later …
 *	entry = flowtab_find(table, &key, window_ms, hash);
 *	if (!entry)
 *		the table is full: write out what it holds, flowtab_clear(), find again
 *
 * Open addressing over an index of 8-byte slots; entries of two cache lines stand in the order of
 * their first packets, which is also the order they are written in, so the same packets give the
 * same file. The hash has a random seed: nobody can choose addresses that collide. Symptom counts
 * stand in an array of their own, as most flows have few.
 *
 * Memory is reserved once for the largest table and touched only as it fills; nothing is
 * allocated for a packet.
 */
#ifndef PREPROCESS_FLOWTAB_H
#define PREPROCESS_FLOWTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spool/record.h"

#define FLOWTAB_NO_FAST UINT16_MAX
/* Symptoms of the packets that are found before the first of them is counted, at most 128 of each;
 * flowtab_find() keeps room for them. */
#define FLOWTAB_COUNTS_ROOM (128 * 32)

/* Times are milliseconds after the window's start, positions count packets of the batch. */
struct entry {
	struct flowkey key;
	uint64_t window_ms;
	uint64_t octets;
	uint32_t packets;
	uint32_t start_ms;
	/* 64 bytes */
	uint32_t end_ms;
	uint32_t first;			  /* position of the earliest packet */
	uint32_t syn_ms, syn;		  /* time and position of the earliest SYN without ACK */
	uint32_t next_seq;		  /* TCP: the highest sequence number seen, plus one */
	uint32_t gap_begin, gap_end;	  /* TCP: what is known to be missing below it */
	uint32_t vlan, tunnel, host_name; /* intern ids; tunnel: with its endpoints, attributes.h */
	uint32_t symptoms;		  /* index of its first count plus one */
	uint32_t first_seq;		  /* TCP: of the first byte, as the SYN told */
	uint32_t pieces; /* of its TCP stream (piece.h), the highest: index plus one */
	uint16_t tcp_flags;
	uint16_t fast;	     /* fast list that decides, or FLOWTAB_NO_FAST */
	uint16_t hello;	     /* slot of its ClientHello (hello.h) plus one, 0: none */
	uint8_t flags;	     /* enum flow_flag */
	uint8_t changes : 6; /* times that vlan, tunnel or circuit changed */
	bool sequenced : 1;  /* next_seq and the gap are set */
	bool awaited : 1;    /* the byte at first_seq has not come yet */
	uint32_t circuit;    /* intern id: "VPI/VCI" */
} __attribute__((aligned(64)));

struct flowtab;

/* flowtab_new(): a table of at most MAX_FLOWS. */
struct flowtab *flowtab_new(uint32_t max_flows);
void flowtab_free(struct flowtab *table);
/* flowtab_clear(): forgets all entries. */
void flowtab_clear(struct flowtab *table);

uint64_t flowtab_hash(const struct flowtab *table, const struct flowkey *key, uint64_t window_ms);
void flowtab_prefetch_slot(const struct flowtab *table, uint64_t hash);
void flowtab_prefetch_entry(const struct flowtab *table, uint64_t hash);
/*
 * flowtab_find(): the entry, made when there is none (packets is 0 then); NULL when the table is
 * full.
 */
struct entry *flowtab_find(struct flowtab *table, const struct flowkey *key, uint64_t window_ms,
	uint64_t hash);

/* flowtab_count_symptom(): one more packet of ENTRY, which was just found, with symptom INDEX. */
void flowtab_count_symptom(struct flowtab *table, struct entry *entry, uint16_t index);
/* flowtab_symptoms(): calls EACH for every count of ENTRY, in no order. */
void flowtab_symptoms(const struct flowtab *table, const struct entry *entry,
	void (*each)(void *own, uint16_t index, uint32_t packets), void *own);

uint32_t flowtab_count(const struct flowtab *table);
/* flowtab_entry(): the one NUMBER (0 … count-1) in order of first packets. */
const struct entry *flowtab_entry(const struct flowtab *table, uint32_t number);

#endif
