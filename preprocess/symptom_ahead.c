/*
 * symptom_ahead.c: between the segment reader and the scan of a payload, which this spares for most packets.
 */
#include "preprocess/symptom_ahead.h"

#include <string.h>

#include "preprocess/symptom_across.h"

/* Of payloads of chance so many begin as a pattern may whose start tells, and as any such pattern may. */
#define NARROW	  (1.0 / 64)
#define SHARE_MAX (1.0 / 32)
#define QUICK	  16	   /* bytes: what is so short Hyperscan finds quickly wherever it begins */
#define PAYS	  (8 * 64) /* bytes for each line that is marked: some half of the packets */

/* Of payloads of chance, how many have in each place a byte of its set? */
static double share_of(const struct byteset sets[SYMPTOM_LEAD])
{
	double share = 1;

	for (int i = 0; i < SYMPTOM_LEAD; i++)
		share *= byteset_count(&sets[i]) / 256.0;
	return share;
}

static void unite(struct byteset sets[SYMPTOM_LEAD], const struct byteset more[SYMPTOM_LEAD])
{
	for (int i = 0; i < SYMPTOM_LEAD; i++)
		byteset_unite(&sets[i], &more[i]);
}

/* The group that lets in the fewest more. */
static unsigned group_for(const struct symptom_ahead *ahead,
	const struct byteset lead[SYMPTOM_LEAD])
{
	double least = 2;
	unsigned best = 0;

	for (unsigned i = 0; i < AHEAD_GROUPS; i++) {
		struct byteset united[SYMPTOM_LEAD];
		double more;

		memcpy(united, ahead->groups[i], sizeof(united));
		unite(united, lead);
		more = share_of(united) - share_of(ahead->groups[i]);
		if (more < least) {
			least = more;
			best = i;
		}
	}
	return best;
}

static void add_lead(struct symptom_ahead *ahead, const struct byteset lead[SYMPTOM_LEAD])
{
	unsigned group = group_for(ahead, lead);

	unite(ahead->groups[group], lead);
	for (int i = 0; i < SYMPTOM_LEAD; i++)
		for (int byte = 0; byte < 256; byte++)
			if (byteset_has(&lead[i], (uint8_t)byte))
				ahead->leads[i][byte] |= 1u << group;
}

static bool is_quick(const struct symptom_bytes *bytes)
{
	return bytes->measured && bytes->most <= QUICK;
}

void ahead_add(struct symptom_ahead *ahead, struct symptom_pattern *pattern,
	const struct symptom_bytes *bytes)
{
	bool starts = symptom_starts(pattern);

	if (starts && share_of(bytes->lead) <= NARROW) {
		add_lead(ahead, bytes->lead);
		return;
	}
	if (!starts)
		pattern->ahead = symptom_prefix(pattern, bytes);
	if (!pattern->ahead && (!starts || is_quick(bytes)))
		pattern->ahead = symptom_bare(pattern);
	ahead->off |= !pattern->ahead;
}

bool ahead_pays(const struct symptom_ahead *ahead)
{
	double share = 0;

	for (unsigned i = 0; i < AHEAD_GROUPS; i++)
		share += share_of(ahead->groups[i]);
	return !ahead->off && share <= SHARE_MAX;
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

/* Begins to look at SIZE bytes at BYTES. */
static void begin(struct symptom_ahead *ahead, const uint8_t *bytes, size_t size)
{
	memset(ahead->lines, 0, sizeof(ahead->lines));
	ahead->bytes = bytes;
	ahead->size = size;
	ahead->asked = ahead->shown = ahead->marked = 0;
	ahead->most = (uint32_t)size / PAYS;
}

/* Each time in a row that it does not pay the rest is longer. */
static void give_up(struct symptom_ahead *ahead)
{
	ahead->bytes = NULL;
	if (ahead->rest < AHEAD_REST)
		ahead->rest = 2 * ahead->rest + 1;
	ahead->resting = ahead->rest;
}

/* Did the look before pay? */
static void judge(struct symptom_ahead *ahead)
{
	if (2 * ahead->shown > ahead->asked)
		give_up(ahead);
	else
		ahead->rest = 0;
}

void ahead_look(struct symptom_ahead *ahead, const hs_database_t *database, hs_scratch_t *scratch,
	const uint8_t *bytes, size_t size)
{
	if (ahead->bytes)
		judge(ahead);
	ahead->bytes = NULL;
	if (ahead->off || size > AHEAD_MAX || (ahead->resting && ahead->resting--))
		return;
	begin(ahead, bytes, size);
	if (database &&
		hs_scan(database, (const char *)bytes, (unsigned)size, 0, scratch, mark, ahead))
		give_up(ahead);
}

/* Is one of the lines FIRST to LAST marked? A word has 64 of them. */
static bool is_marked(const struct symptom_ahead *ahead, size_t first, size_t last)
{
	const uint64_t *word = &ahead->lines[first / 64], *end = &ahead->lines[last / 64];
	uint64_t marked = *word & UINT64_MAX << first % 64;

	while (word < end && !marked)
		marked = *++word;
	return word < end ? marked : marked & UINT64_MAX >> (63 - last % 64);
}

/* Can a pattern that asks for a start begin with PAYLOAD? */
static bool may_begin(const struct symptom_ahead *ahead, const uint8_t *payload, size_t size)
{
	uint32_t groups = UINT32_MAX;

	for (size_t i = 0; i < SYMPTOM_LEAD && i < size && groups; i++)
		groups &= ahead->leads[i][payload[i]];
	return groups;
}

bool ahead_shows(struct symptom_ahead *ahead, const uint8_t *payload, size_t size)
{
	size_t at = (size_t)((uintptr_t)payload - (uintptr_t)ahead->bytes);
	bool shows;

	if (!ahead->bytes || size == 0 || at > ahead->size || size > ahead->size - at)
		return true;
	shows = may_begin(ahead, payload, size) ||
		is_marked(ahead, at / AHEAD_LINE, (at + size - 1) / AHEAD_LINE);
	ahead->asked++;
	ahead->shown += shows;
	return shows;
}
