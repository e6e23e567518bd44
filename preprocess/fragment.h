/*
 * fragment.h: which flow a fragment of an IP packet belongs to. Only the first one has the ports.
 *
 *	table = fragments_new(sizeof(record), count, own);
 *	fragments_clear(table);		before a batch
 *	for each packet, in order:
 *		for each of its fragments that is a first one: fragments_first(table, fragment, time)
 *		if the last is a later one: fragments_later(table, fragment, time, &record)
 *	fragments_flush(table);		at the end of the batch
 *
 * The rule, a function of the batch's packets in their order alone:
 * - A datagram is known by source, destination, identification and (IPv4) protocol.
 * - A later fragment counts with the protocol and ports of the latest first fragment of its
 *   datagram, when that came at most FRAGMENT_S seconds of packet time apart.
 * - One that comes before it waits. When the first never comes within the batch and that time, or
 *   FRAGMENT_WAITING others began to wait since, or FRAGMENT_DATAGRAMS other datagrams began, it
 *   counts with ports 0.
 * So each fragment is counted exactly once: by fragments_later() or by count(). Payload of later
 * fragments is not looked into, and nothing is put together.
 *
 * Memory is that of two rings of fixed size, in which the oldest gives way; the hash has a random
 * seed, which changes no result.
 */
#ifndef PREPROCESS_FRAGMENT_H
#define PREPROCESS_FRAGMENT_H

#include "preprocess/decode.h"

#define FRAGMENT_DATAGRAMS 8192
#define FRAGMENT_WAITING   4096
#define FRAGMENT_S	   30 /* as long as Linux waits for the rest of a datagram */

/*
 * What counts a record that waited: FIRST has its protocol and ports, NULL when it never came. 0, or
 * -1 with errno, which the caller of this module gets.
 */
typedef int (*fragment_count)(void *own, void *record, const struct fragment *first);

struct fragments;

struct fragments *fragments_new(size_t record_size, fragment_count count, void *own);
void fragments_free(struct fragments *table);
/* fragments_clear(): forgets all, and counts nothing. */
void fragments_clear(struct fragments *table);
/* fragments_first(): FRAGMENT begins a datagram; counts what waited for it. */
int fragments_first(struct fragments *table, const struct fragment *fragment, uint64_t time_ms);
/*
 * fragments_later(): 1 the first one has come, FRAGMENT has its protocol and ports now; 0 RECORD was
 * copied and waits; -1 with errno.
 */
int fragments_later(struct fragments *table, struct fragment *fragment, uint64_t time_ms,
	const void *record);
/* fragments_flush(): counts all that wait, and forgets all datagrams. */
int fragments_flush(struct fragments *table);

#endif
