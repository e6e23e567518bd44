/*
 * manifest.h: manifest.json, which makes a folder a batch.
 *
 * { "format": 1, "kind": "packets", "name": "...", "probe": "...", "stream": "...",
 *   "run": "...", "seq": 42, "end": false, "live": false, "rules": "<hash>",
 *   "first_ms": ..., "last_ms": ..., "packet_index": ..., "sampling": 1.0,
 *   "counts":     { "seen": ..., "captured": ..., "filtered": ..., "dropped": ..., "shed": ... },
 *   "cumulative": { the same, since the run began, this batch included },
 *   "files": [ { "name": "000000.pcapng", "bytes": 1234, "xxh128": "..." } ],
 *   "damaged": "text or absent" }
 *
 * The kinds flows, biflows, verdicts and state carry format, kind, name, files, and "number" (the
 * commit of the shard) where it applies; the ledger is inside their IPFIX files.
 */
#ifndef SPOOL_MANIFEST_H
#define SPOOL_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spool/names.h"

/* What happened to the packets of a stream. seen = captured + filtered + dropped + shed. */
struct counts {
	uint64_t seen, captured, filtered, dropped, shed;
};

struct segment {
	char name[64];
	uint64_t bytes;
	char xxh128[33];
};

struct manifest {
	char kind[16]; /* packets, flows, biflows, verdicts, state */
	char name[256];
	char probe[NAME_PART_MAX + 1], stream[NAME_PART_MAX + 1], run[RUN_HEX + 1];
	uint64_t seq;
	uint64_t number;	    /* biflows, verdicts, state: commit of the shard, from 1 */
	bool end;		    /* the run ends with this batch */
	bool live;		    /* from an interface: max_delay applies */
	char rules[33];		    /* hash of the rules to use */
	uint64_t first_ms, last_ms; /* earliest and latest packet time; 0, 0 without packets */
	uint64_t packet_index;	    /* index in the run of the batch's first captured packet */
	double sampling;	    /* probability that a packet was taken, before shedding */
	struct counts counts, cumulative;
	char *damaged;		  /* what ended the input early, or NULL; owned */
	struct segment *segments; /* owned */
	size_t segment_count;
};

void manifest_init(struct manifest *manifest, const char *kind, const char *name);
void manifest_free(struct manifest *manifest);

/* manifest_add_file(): measures FOLDER/NAME (length, checksum) and lists it. */
int manifest_add_file(struct manifest *manifest, const char *folder, const char *name);
/* manifest_add_segment(): lists a file whose length and checksum the writer knows. */
void manifest_add_segment(struct manifest *manifest, const char *name, uint64_t bytes,
	const char *xxh128);
/* manifest_write(): FOLDER/manifest.json, fsynced. */
int manifest_write(const struct manifest *manifest, const char *folder);
/* manifest_read(): 0; -1 with errno for the machine's errors; -2 with WHY (256 bytes) for a bad
 * manifest. */
int manifest_read(struct manifest *manifest, const char *folder, char *why);
/* manifest_agrees(): is it of KIND (a queue's name) and of the batch NAME, a requeued one's "+N"
 * aside? False: WHY. */
bool manifest_agrees(const struct manifest *manifest, const char *kind, const char *name,
	char *why);
/* manifest_stand(): do the files stand there? 0, -1 errno, -2 with WHY (256 bytes). */
int manifest_stand(const struct manifest *manifest, const char *folder, char *why);
/* manifest_check(): also with their lengths and checksums? The same. */
int manifest_check(const struct manifest *manifest, const char *folder, char *why);

#endif
