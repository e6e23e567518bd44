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
	byteset_unite(&border->first, &bytes->first);
	if (reach > border->reach)
		border->reach = reach;
}

/* Where before END, behind which another byte stands, a match may begin with OPENER; END: nowhere. */
static const uint8_t *find_opener(const struct symptom_border *border, uint8_t opener,
	const uint8_t *at, const uint8_t *end)
{
	for (; (at = memchr(at, opener, (size_t)(end - at))); at++)
		if (byteset_has(&border->openings[opener], at[1]))
			return at;
	return end;
}

/* The first place where a match of a wide pattern may begin. */
static const uint8_t *find_wide(const struct symptom_border *border, const uint8_t *from,
	const uint8_t *end)
{
	for (unsigned i = 0; i < border->opener_count; i++)
		end = find_opener(border, border->openers[i], from, end);
	return end;
}

/*
 * The same of the others, of whose matches all pairs of bytes are known: back from the last byte as far as the pairs are
 * theirs. With the last byte a wide one may begin, too.
 */
static const uint8_t *find_narrow(const struct symptom_border *border, const uint8_t *from,
	const uint8_t *end)
{
	const uint8_t *first = end;

	for (const uint8_t *at = end - 1;; at--) {
		if (byteset_has(&border->first, *at))
			first = at;
		if (at == from || !byteset_has(&border->pairs[at[-1]], *at))
			return first;
	}
}

/* The last byte with which no match begins, before AT; if there is none, TAIL. */
static const uint8_t *step_back(const struct symptom_border *border, const uint8_t *tail,
	const uint8_t *at)
{
	while (at > tail && byteset_has(&border->first, *--at))
		;
	return at;
}

struct symptom_opening border_opening(const struct symptom_border *border, const uint8_t *tail,
	uint32_t size)
{
	const uint8_t *end = tail + size, *from = tail, *wide, *first;
	bool sure;

	if (border->always)
		return (struct symptom_opening){size, true};
	if (!size || !border->reach)
		return (struct symptom_opening){0, false};
	if (size > border->reach)
		from = end - border->reach;
	first = find_narrow(border, from, end);
	wide = find_wide(border, from, end - 1);
	sure = wide < end - 1;
	if (sure && wide < first)
		first = wide;
	if (first < end)
		first = step_back(border, tail, first);
	return (struct symptom_opening){(uint32_t)(end - first), sure};
}

bool border_crossed(const struct symptom_border *border, uint8_t last, uint8_t next)
{
	return byteset_has(&border->pairs[last], next) ||
	       byteset_has(&border->openings[last], next);
}
