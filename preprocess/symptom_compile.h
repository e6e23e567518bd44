/*
 * symptom_compile.h: patterns as one Hyperscan database, kept in a cache; and what an
 * administrator should know of each.
 *
 * The cache file is symptoms-<32 hex digits>.hsdb: the XXH3-128 of all expressions, flags and
 * ids, of Hyperscan's version and of this processor's features, for a serialised database runs
 * nowhere else. Content: hs_serialize_database(), whose checksum Hyperscan verifies. A file
 * that does not load is compiled again and replaced.
 */
#ifndef PREPROCESS_SYMPTOM_COMPILE_H
#define PREPROCESS_SYMPTOM_COMPILE_H

#include <hs.h>
#include <stdio.h>
#include "preprocess/symptom_parse.h"

/* symptom_compile(): the database of all patterns of SOURCE (at least one), from CACHE (a
 * folder, or NULL) or compiled; the id of a match is the index of the pattern. NULL after
 * having logged file, line and Hyperscan's reason. */
hs_database_t *symptom_compile(const struct symptom_source *source, const char *cache);

/* symptom_cache_name(): the cache file's name; OUT holds 64 bytes. 0, or -1 when the processor
 * is not supported. */
int symptom_cache_name(const struct symptom_source *source, char *out);

/* symptom_compile_chains(): the parts that PCRE2 decides. 0, or -1 after a message. */
int symptom_compile_chains(const struct symptom_source *source);

/*
 * symptom_judge(): compiles each pattern alone and writes a line to OUT for each one that is
 * refused or slow, and counts them. Slow: may begin anywhere, has no upper limit to its length,
 * and needs more than SYMPTOM_SLOW_STATE bytes of state while scanning, so that each byte of
 * each packet costs the upkeep of many possible beginnings.
 */
#define SYMPTOM_SLOW_STATE 32
struct symptom_verdict {
	size_t refused, slow;
};
struct symptom_verdict symptom_judge(const struct symptom_source *source, FILE *out);

#endif
