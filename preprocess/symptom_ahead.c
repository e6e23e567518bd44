/*
 * symptom_ahead.c: between the segment reader and the scan of a payload, which this spares for most packets.
 */
#include "preprocess/symptom_ahead.h"

#include <string.h>

#include "preprocess/symptom_across.h"

#define NARROW	     1024 /* pairs of bytes that a pattern can begin with: one of 64 */
#define OPENINGS_MAX 8192 /* those of all patterns: one of eight */
#define SHORT	     16 /* bytes: Hyperscan is quick with what is short, or begins with few bytes */
#define PAYS	     (8 * 64) /* bytes for each line that is marked: some half of the packets */

static unsigned count_openings(const struct symptom_bytes *bytes)
{
	unsigned pairs = 0;

	for (int byte = 0; byte < 256; byte++)
		if (byteset_has(&bytes->first, (uint8_t)byte))
			pairs += byteset_count(&bytes->follow[byte]);
	return pairs;
}

static void add_openings(struct symptom_ahead *ahead, const struct symptom_bytes *bytes)
{
	for (int byte = 0; byte < 256; byte++)
		if (byteset_has(&bytes->first, (uint8_t)byte))
			byteset_unite(&ahead->openings[byte], &bytes->follow[byte]);
}

static bool is_quick(const struct symptom_bytes *bytes)
{
	return byteset_count(&bytes->first) <= SHORT || (bytes->measured && bytes->most <= SHORT);
}

void ahead_add(struct symptom_ahead *ahead, struct symptom_pattern *pattern,
	const struct symptom_bytes *bytes)
{
	bool starts = symptom_starts(pattern);

	if (starts && bytes->measured && bytes->least >= 2 && count_openings(bytes) <= NARROW) {
		add_openings(ahead, bytes);
		return;
	}
	pattern->bare = symptom_bare(pattern);
	ahead->off |= !pattern->bare || (starts && !is_quick(bytes));
}

bool ahead_pays(const struct symptom_ahead *ahead)
{
	unsigned openings = 0;

	for (int byte = 0; byte < 256; byte++)
		openings += byteset_count(&ahead->openings[byte]);
	return !ahead->off && openings <= OPENINGS_MAX;
}

static int mark(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
	void *own)
{
	struct symptom_ahead *ahead = own;
	size_t line = (size_t)(to - 1) / AHEAD_LINE;
	uint64_t bit = 1ull << line % 64;

	ahead->marked += !(ahead->lines[line / 64] & bit);
	ahead->lines[line / 64] |= bit;
	return ahead->marked > ahead->most;
}

void ahead_look(struct symptom_ahead *ahead, const hs_database_t *database, hs_scratch_t *scratch,
	const uint8_t *bytes, size_t size)
{
	ahead->bytes = NULL;
	if (ahead->off || size > AHEAD_MAX || (ahead->rest && ahead->rest--))
		return;
	memset(ahead->lines, 0, sizeof(ahead->lines));
	ahead->marked = 0;
	ahead->most = (uint32_t)size / PAYS;
	if (database &&
		hs_scan(database, (const char *)bytes, (unsigned)size, 0, scratch, mark, ahead)) {
		ahead->rest = AHEAD_REST;
		return;
	}
	ahead->bytes = bytes;
	ahead->size = size;
}

static bool is_marked(const struct symptom_ahead *ahead, size_t first, size_t last)
{
	for (size_t line = first; line <= last; line++)
		if (ahead->lines[line / 64] >> line % 64 & 1)
			return true;
	return false;
}

bool ahead_shows(const struct symptom_ahead *ahead, const uint8_t *payload, size_t size)
{
	size_t at = (size_t)((uintptr_t)payload - (uintptr_t)ahead->bytes);

	if (!ahead->bytes || size < 2 || at > ahead->size || size > ahead->size - at)
		return true;
	return byteset_has(&ahead->openings[payload[0]], payload[1]) ||
	       is_marked(ahead, at / AHEAD_LINE, (at + size - 1) / AHEAD_LINE);
}
