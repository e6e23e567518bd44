/*
 * hello.h: the first bytes of handshakes that came in several packets, until their ClientHello is
 * complete.
 *
 *	hello = hello_find(pool, entry);
 *	if (!hello)
 *		hello = hello_begin(pool, entry);
 *	hello_put(hello, offset, bytes, size);		in any order, also twice
 *	hello->ready bytes of hello->bytes are there without a gap
 *	hello_end(pool, entry);
 *
 * HELLO_SLOTS handshakes are kept, of HELLO_BYTES each; what lies behind is dropped. When all slots
 * are taken, the one that was begun first is taken from its flow, which then tells no name. The
 * rest of a ClientHello follows its beginning at once, so only ones that never end grow old here.
 * The flow's entry holds the number of its slot, so a flow without one costs nothing.
 */
#ifndef PREPROCESS_HELLO_H
#define PREPROCESS_HELLO_H

#include "preprocess/flowtab.h"
#include "preprocess/quic.h"
#include "preprocess/tls.h"

#define HELLO_SLOTS 256
#define HELLO_BYTES (TLS_HELLO_MAX + 64) /* the ClientHello and the heads of its records */

struct hello {
	const struct entry *flow; /* NULL: free */
	uint32_t begin;		  /* TCP: sequence number of bytes[0] */
	struct quic_cid cid;	  /* QUIC: what the keys are made of */
	bool named;		  /* its name has been told */
	size_t ready;
	uint8_t bytes[HELLO_BYTES];
	uint64_t there[(HELLO_BYTES + 63) / 64]; /* a bit for each byte */
};

struct hello_pool;

struct hello_pool *hello_new(void);
void hello_free(struct hello_pool *pool);
/* hello_clear(): forgets all; due when the flow table was cleared, for slots are bound to entries. */
void hello_clear(struct hello_pool *pool);

/* hello_find(): ENTRY's, or NULL. */
struct hello *hello_find(struct hello_pool *pool, const struct entry *entry);
struct hello *hello_begin(struct hello_pool *pool, struct entry *entry);
void hello_put(struct hello *hello, uint64_t offset, const uint8_t *bytes, size_t size);
void hello_end(struct hello_pool *pool, struct entry *entry);

#endif
