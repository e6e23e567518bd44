/*
 * symptom_border.c: between the streams (stitch.c) and the scan of a border, which this spares for most.
 */
#include "preprocess/symptom_border.h"

#include <string.h>

#include "preprocess/symptom_first.h"

#define NARROW 4096 /* pairs of a pattern: one of sixteen */

static bool has(const uint64_t *set, uint8_t first, uint8_t second)
{
	unsigned pair = first << 8 | second;

	return set[pair / 64] >> pair % 64 & 1;
}

/* All pairs that BYTES lists, or those that can begin a match. Most rows are empty. */
static void put(uint64_t *set, const struct symptom_bytes *bytes, bool openings)
{
	for (unsigned first = 0; first < 256; first++) {
		const bool *row = bytes->follow[first];

		if ((openings && !bytes->first[first]) || !memchr(row, true, 256))
			continue;
		for (unsigned second = 0; second < 256; second++)
			set[first << 2 | second >> 6] |= (uint64_t)row[second] << (second & 63);
	}
}

static unsigned count_pairs(const struct symptom_bytes *bytes)
{
	unsigned count = 0;

	for (unsigned pair = 0; pair < 65536; pair++)
		count += bytes->follow[pair >> 8][pair & 255];
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

void border_add(struct symptom_border *border, const struct symptom_pattern *pattern)
{
	struct symptom_bytes bytes;
	bool wide;

	symptom_bytes(pattern, &bytes);
	wide = count_pairs(&bytes) > NARROW;
	put(wide ? border->openings : border->pairs, &bytes, wide);
	for (int byte = 0; wide && byte < 256; byte++)
		if (bytes.first[byte])
			add_opener(border, (uint8_t)byte);
	if (pattern->crossing.reach > border->reach)
		border->reach = pattern->crossing.reach;
}

static bool opens(const struct symptom_border *border, uint8_t opener, const uint8_t *at,
	const uint8_t *end, uint8_t next)
{
	for (; (at = memchr(at, opener, (size_t)(end - at))); at++)
		if (has(border->openings, opener, at + 1 < end ? at[1] : next))
			return true;
	return false;
}

bool border_crossed(const struct symptom_border *border, const uint8_t *tail, uint32_t size,
	uint8_t next)
{
	const uint8_t *end = tail + size;

	if (border->always || has(border->pairs, end[-1], next))
		return true;
	if (size > border->reach)
		tail = end - border->reach;
	for (unsigned i = 0; i < border->opener_count; i++)
		if (opens(border, border->openers[i], tail, end, next))
			return true;
	return false;
}
