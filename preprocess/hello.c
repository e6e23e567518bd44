/*
 * hello.c: keeps what a ClientHello is put together from. Between host.c and the parsers.
 */
#include "preprocess/hello.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "spool/log.h"

struct hello_pool {
	struct hello slots[HELLO_SLOTS];
	unsigned next; /* the one that was begun first */
	unsigned used; /* slots from here on were not begun since all was forgotten */
};

struct hello_pool *hello_new(void)
{
	return x_calloc(1, sizeof(struct hello_pool));
}

void hello_free(struct hello_pool *pool)
{
	free(pool);
}

void hello_clear(struct hello_pool *pool)
{
	for (unsigned i = 0; i < pool->used; i++)
		pool->slots[i].flow = NULL;
	pool->next = pool->used = 0;
}

struct hello *hello_find(struct hello_pool *pool, const struct entry *entry)
{
	struct hello *hello;

	if (!entry->hello)
		return NULL;
	hello = &pool->slots[entry->hello - 1];
	return hello->flow == entry ? hello : NULL;
}

struct hello *hello_begin(struct hello_pool *pool, struct entry *entry)
{
	struct hello *hello = &pool->slots[pool->next];

	static_assert(HELLO_SLOTS <= UINT16_MAX, "an entry holds the number in 16 bits");
	entry->hello = (uint16_t)(pool->next + 1);
	if (pool->used < HELLO_SLOTS)
		pool->used++;
	pool->next = (pool->next + 1) % HELLO_SLOTS;
	hello->flow = entry;
	hello->begin = 0;
	hello->cid.size = 0;
	hello->named = false;
	hello->ready = 0;
	memset(hello->there, 0, sizeof(hello->there));
	return hello;
}

void hello_end(struct hello_pool *pool, struct entry *entry)
{
	struct hello *hello = hello_find(pool, entry);

	if (hello)
		hello->flow = NULL;
	entry->hello = 0;
}

static bool is_there(const struct hello *hello, size_t at)
{
	return hello->there[at / 64] >> (at % 64) & 1;
}

void hello_put(struct hello *hello, uint64_t offset, const uint8_t *bytes, size_t size)
{
	if (offset >= HELLO_BYTES)
		return;
	if (size > HELLO_BYTES - offset)
		size = HELLO_BYTES - (size_t)offset;
	memcpy(hello->bytes + offset, bytes, size);
	for (size_t at = (size_t)offset; at < offset + size; at++)
		hello->there[at / 64] |= 1ull << (at % 64);
	while (hello->ready < HELLO_BYTES && is_there(hello, hello->ready))
		hello->ready++;
}
