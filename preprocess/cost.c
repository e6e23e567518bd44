/*
 * cost.c: the symptoms one by one over a sample, with a clock; no packet of a batch comes near here.
 */
#include "preprocess/cost.h"

#include <hs.h>
#include <stdlib.h>
#include <time.h>
#include "preprocess/symptom_chain.h"
#include "spool/log.h"

#define RUNS 5

struct cost {
	const struct symptom_rule *rule;
	double ns_per_kib;
};

/* One symptom's patterns stand side by side in the source. */
struct trial {
	const struct symptom_pattern *patterns;
	size_t count;
	hs_database_t *database;
	hs_scratch_t *scratch;
	const uint8_t *payload;
	size_t size;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
	void *context)
{
	const struct trial *trial = context;

	if (trial->patterns[id].chain)
		chain_found(trial->patterns[id].chain, trial->payload, trial->size);
	return 0;
}

/* prepare(): false when Hyperscan or PCRE2 refuse it, of which the check has told. */
static bool prepare(struct trial *trial)
{
	const char **expressions = x_calloc(trial->count, sizeof(*expressions));
	unsigned *flags = x_calloc(trial->count * 2, sizeof(*flags)), *ids = flags + trial->count;
	hs_compile_error_t *error = NULL;
	char why[256];
	bool good = true;

	for (size_t i = 0; i < trial->count; i++) {
		expressions[i] = trial->patterns[i].expression;
		flags[i] = trial->patterns[i].flags | HS_FLAG_SINGLEMATCH;
		ids[i] = (unsigned)i;
		good &= !trial->patterns[i].chain ||
			!chain_compile(trial->patterns[i].chain, why, sizeof(why));
	}
	good = good && !hs_compile_multi(expressions, flags, ids, (unsigned)trial->count,
			       HS_MODE_BLOCK, NULL, &trial->database, &error);
	hs_free_compile_error(error);
	free(expressions);
	free(flags);
	return good && !hs_alloc_scratch(trial->database, &trial->scratch);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t run(struct trial *trial, const struct sample *sample)
{
	uint64_t start = now_ns();

	for (size_t i = 0, at = 0; i < sample->count; at = sample->ends[i++]) {
		trial->payload = sample->bytes + at;
		trial->size = sample->ends[i] - at;
		hs_scan(trial->database, (const char *)trial->payload, (unsigned)trial->size, 0,
			trial->scratch, on_match, trial);
	}
	return now_ns() - start;
}

static double measure(const struct symptom_source *source, size_t first, size_t count,
	const struct sample *sample)
{
	struct trial trial = {.patterns = source->patterns + first, .count = count};
	uint64_t least = UINT64_MAX;

	if (count && prepare(&trial))
		for (int i = 0; i < RUNS; i++) {
			uint64_t took = run(&trial, sample);
			if (took < least)
				least = took;
		}
	hs_free_scratch(trial.scratch);
	hs_free_database(trial.database);
	return least == UINT64_MAX ? 0 : (double)least * 1024 / (double)sample->size;
}

static int dearer(const void *a, const void *b)
{
	const struct cost *left = a, *right = b;

	return (left->ns_per_kib < right->ns_per_kib) - (left->ns_per_kib > right->ns_per_kib);
}

void cost_report(const struct symptom_source *source, const struct sample *sample, size_t count,
	FILE *out)
{
	struct cost *costs = x_calloc(source->rule_count + 1, sizeof(*costs));
	size_t measured = 0;

	for (size_t i = 0, pattern = 0; i < source->rule_count; i++) {
		const struct symptom_rule *rule = &source->rules[i];
		if (rule->patterns) /* host names alone are looked up, not looked for */
			costs[measured++] = (struct cost){rule,
				measure(source, pattern, rule->patterns, sample)};
		pattern += rule->patterns;
	}
	qsort(costs, measured, sizeof(*costs), dearer);
	if (count > measured)
		count = measured;
	fprintf(out,
		"what each symptom costs alone, ns per KiB of %s (%zu payloads, %zu KiB), the %zu "
		"most expensive first:\n",
		sample->name, sample->count, sample->size / 1024, count);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%10.1f  %-24s %s:%d\n", costs[i].ns_per_kib, costs[i].rule->name,
			source->files[costs[i].rule->place.file], costs[i].rule->place.line);
	free(costs);
}
