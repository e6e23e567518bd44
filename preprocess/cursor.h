/*
 * cursor.h: bytes from the wire, taken from the front with every length checked.
 *
 *	const uint8_t *header = cursor_take(&cursor, 20);
 *	if (!header)
 *		return …;			(the packet ends before)
 *	length = get16(header + 2);
 *
 * What cursor_take() returns may be read for the length asked and stays valid as long as the
 * packet. `missing` is how many bytes the packet had on the wire behind `end` that were not
 * captured, so lengths that the sender claims can be told from lengths that were there.
 */
#ifndef PREPROCESS_CURSOR_H
#define PREPROCESS_CURSOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *at, *end;
	uint32_t missing;
};

static inline size_t cursor_left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* cursor_peek(): the next SIZE bytes, or NULL when fewer are left. */
static inline const uint8_t *cursor_peek(const struct cursor *cursor, size_t size)
{
	return size <= cursor_left(cursor) ? cursor->at : NULL;
}

/* cursor_take(): the same, and steps behind them. */
static inline const uint8_t *cursor_take(struct cursor *cursor, size_t size)
{
	const uint8_t *at = cursor_peek(cursor, size);

	if (at)
		cursor->at += size;
	return at;
}

/* cursor_limit(): a header says that SIZE bytes follow it; what stands behind them is padding. */
static inline void cursor_limit(struct cursor *cursor, size_t size)
{
	size_t left = cursor_left(cursor);

	if (size <= left) {
		cursor->end = cursor->at + size;
		cursor->missing = 0;
	} else if (size - left < cursor->missing) {
		cursor->missing = (uint32_t)(size - left);
	}
}

/* Network byte order. */
static inline uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* Little endian, as radiotap and PPI write. */
static inline uint16_t get16le(const uint8_t *at)
{
	return (uint16_t)(at[1] << 8 | at[0]);
}

static inline uint32_t get32le(const uint8_t *at)
{
	return (uint32_t)get16le(at + 2) << 16 | get16le(at);
}

#endif
