/*
 * record_template.h: what record_read.c knows of a template of a file: which of its elements go to which member of which
 * record. Private to the reader, as is the cursor through which all bytes of a file are read.
 */
#ifndef SPOOL_RECORD_TEMPLATE_H
#define SPOOL_RECORD_TEMPLATE_H

#include <endian.h>
#include <string.h>
#include "spool/record_schema.h"

#define VARIABLE 65535 /* length of an element in a template */

/* Bytes not yet read; every getter checks that they are there. */
struct cursor {
	const uint8_t *at, *end;
};

static inline size_t left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* take(): cuts the next SIZE bytes off CURSOR into PART. */
static inline bool take(struct cursor *cursor, size_t size, struct cursor *part)
{
	if (left(cursor) < size)
		return false;
	*part = (struct cursor){cursor->at, cursor->at + size};
	cursor->at += size;
	return true;
}

static inline uint64_t number_of(const struct cursor *part)
{
	uint64_t value = 0;

	if (left(part) == sizeof(value)) { /* most counts and times: twice as fast as the loop */
		memcpy(&value, part->at, sizeof(value));
		return be64toh(value);
	}
	for (const uint8_t *at = part->at; at < part->end; at++)
		value = value << 8 | *at;
	return value;
}

static inline bool get(struct cursor *cursor, size_t size, uint32_t *value)
{
	struct cursor part;

	if (!take(cursor, size, &part))
		return false;
	*value = (uint32_t)number_of(&part);
	return true;
}

/* RFC 7011, 7: one octet of length, or 255 and two. */
static inline bool take_variable(struct cursor *cursor, struct cursor *part)
{
	uint32_t length;

	if (cursor->at == cursor->end)
		return false;
	length = *cursor->at++;
	if (length == 255 && !get(cursor, 2, &length))
		return false;
	return take(cursor, length, part);
}

/* How an element becomes a member. The first six need no look at what it is: its octets are as many as the member's. */
enum how { TURN_8, TURN_4, TURN_2, COPY_1, COPY_4, COPY_16, SKIP, LOOK };

/* What to do with one element of a record; the last text of a label is remembered, for labels repeat. */
struct step {
	const struct field *field; /* NULL: skip it */
	uint8_t how;		   /* enum how */
	uint16_t length;
	uint16_t offset; /* of the member */
	uint32_t run; /* octets of this element and those after it, up to the next one to LOOK at */
	uint32_t label;
	const char *label_text;
	size_t label_size;
};

struct template
{
	const struct schema *schema; /* NULL: an options template of no concern here */
	uint32_t minimum;	     /* octets of the shortest record, at least 1 */
	unsigned count;
	struct step steps[];
};

/*
 * template_read(): cuts one template record off SET, of a set of options templates or not. Returns the template, to be
 * freed, and its ID; or NULL with the reason in WHY of SIZE bytes.
 */
struct template *template_read(struct cursor *set, bool options, uint32_t *id, char *why,
	size_t size);

#endif
