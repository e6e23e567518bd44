/*
 * names.h: the names of batches, and sorted lists of directory entries.
 *
 * A packets batch is called <UTC start>-<probe>-<stream>-<run>-<seq>:
 *
 *   20261121T104300.123456Z-probe1-all-5e1f0c9a7b3d2e4f5a6b7c8d9e0f1a2b-0000000042
 *
 * UTC start is the time of the first packet (trace) or of the wall clock (live), microseconds;
 * probe and stream match [A-Za-z0-9_.]{1,48} and do not begin with '.'; run is 32 hex digits; seq
 * counts from 0 without gaps. Outputs derived from a batch keep its name; a requeued batch has
 * "+N" appended. So names sort by time and never hold '~', which separates the attempt in done/.
 */
#ifndef SPOOL_NAMES_H
#define SPOOL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_PART_MAX 48
#define RUN_HEX	      32

struct batchname {
	uint64_t start_us; /* microseconds since 1970-01-01 UTC */
	char probe[NAME_PART_MAX + 1];
	char stream[NAME_PART_MAX + 1];
	char run[RUN_HEX + 1];
	uint64_t seq;
	unsigned requeued; /* 0, or N of the trailing "+N" */
};

/* batchname_format(): writes the name into OUT of SIZE bytes (256 is enough). */
void batchname_format(const struct batchname *name, char *out, size_t size);
/* batchname_parse(): false when TEXT is not such a name. */
bool batchname_parse(const char *text, struct batchname *name);

/* name_part_ok(): may TEXT be a probe or stream? */
bool name_part_ok(const char *text);
/* name_part_from(): makes a legal part out of any text (a file name): foreign bytes become '_',
 * what is too long is cut; never empty. OUT holds NAME_PART_MAX + 1 bytes. */
void name_part_from(const char *text, char *out);

/* The folders of shard NUMBER of consolidation are called shard-NUMBER. */
#define SHARDS_MAX 64
#define SHARD_NAME 16
char *shard_name(unsigned number, char out[SHARD_NAME]); /* returns OUT */

/* A list of names; entries are owned by the list. */
struct namelist {
	char **names;
	size_t count, room;
};
void namelist_add(struct namelist *list, const char *name);
void namelist_sort(struct namelist *list);
bool namelist_has(const struct namelist *list, const char *name); /* linear; any order */
void namelist_free(struct namelist *list);

#endif
