/*
 * symptom_compile.h: patterns as Hyperscan databases, kept in a cache; and what an administrator
 * should know of each.
 *
 * A cache file is symptoms-<32 hex digits>.hsdb: the XXH3-128 of all expressions, flags and
 * ids, of Hyperscan's version and of this processor's features, for a serialised database runs
 * nowhere else. Content: hs_serialize_database(), whose checksum Hyperscan verifies. A file
 * that does not load is compiled again and replaced.
 */
#ifndef PREPROCESS_SYMPTOM_COMPILE_H
#define PREPROCESS_SYMPTOM_COMPILE_H

#include <hs.h>
#include <stdio.h>
#include "preprocess/symptom_parse.h"

enum symptom_set {
	SYMPTOM_SET_TCP,	 /* what a payload of TCP can show on any port */
	SYMPTOM_SET_TCP_PORTS,	 /* and on the ports that are asked for */
	SYMPTOM_SET_OTHER,	 /* what one of another transport can show on any port */
	SYMPTOM_SET_OTHER_PORTS, /* and on the ports that are asked for */
	SYMPTOM_SET_ACROSS, /* what several payloads of TCP can show together (symptom_across.h) */
	SYMPTOM_SET_AHEAD,  /* what is looked for in many payloads at once (symptom_ahead.h) */
	SYMPTOM_SETS
};

/* symptom_compile(): the DATABASE of the patterns of SET, from CACHE (a folder, or NULL) or
 * compiled; NULL where there are none; the id of a match is the index of the pattern. 0, or -1
 * after having logged file, line and Hyperscan's reason. */
int symptom_compile(const struct symptom_source *source, enum symptom_set set, const char *cache,
	hs_database_t **database);

/* symptom_cache_name(): the cache file's name; OUT holds 64 bytes. 0, or -1 when the processor
 * is not supported. */
int symptom_cache_name(const struct symptom_source *source, enum symptom_set set, char *out);

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
