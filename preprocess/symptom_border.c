/*
 * symptom_border.c: between the streams (stitch.c) and the scan of a border, which this spares for most.
 */
#include "preprocess/symptom_border.h"

#include <string.h>

#define NARROW 4096 /* pairs of a pattern: one of sixteen */

/* All pairs that BYTES lists, or those that can begin a match. */
static void put(struct byteset *set, const struct symptom_bytes *bytes, bool openings)
{
	for (int byte = 0; byte < 256; byte++)
		if (!openings || byteset_has(&bytes->first, (uint8_t)byte))
			byteset_unite(&set[byte], &bytes->follow[byte]);
}

static unsigned count_pairs(const struct symptom_bytes *bytes)
{
	unsigned count = 0;

	for (int byte = 0; byte < 256; byte++)
		count += byteset_count(&bytes->follow[byte]);
	return count;
}

static void add_opener(struct symptom_border *border, uint8_t byte)
{
	if (memchr(border->openers, byte, border->opener_count))
		return;
	if (border->opener_count == BORDER_OPENERS)
		border->always = true;
	else
		border->openers[border->opener_count++] = byte;
}

void border_add(struct symptom_border *border, const struct symptom_bytes *bytes, uint32_t reach)
{
	bool wide = count_pairs(bytes) > NARROW;

	put(wide ? border->openings : border->pairs, bytes, wide);
	for (int byte = 0; wide && byte < 256; byte++)
		if (byteset_has(&bytes->first, (uint8_t)byte))
			add_opener(border, (uint8_t)byte);
	if (reach > border->reach)
		border->reach = reach;
}

static bool opens(const struct symptom_border *border, uint8_t opener, const uint8_t *at,
	const uint8_t *end, uint8_t next)
{
	for (; (at = memchr(at, opener, (size_t)(end - at))); at++)
		if (byteset_has(&border->openings[opener], at + 1 < end ? at[1] : next))
			return true;
	return false;
}

bool border_crossed(const struct symptom_border *border, const uint8_t *tail, uint32_t size,
	uint8_t next)
{
	const uint8_t *end = tail + size;

	if (border->always || byteset_has(&border->pairs[end[-1]], next))
		return true;
	if (size > border->reach)
		tail = end - border->reach;
	for (unsigned i = 0; i < border->opener_count; i++)
		if (opens(border, border->openers[i], tail, end, next))
			return true;
	return false;
}
