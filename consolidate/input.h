/*
 * input.h: one flows batch, read where it stands in flows/shard-K/ready.
 *
 * Returns: 0; -1 with errno (machine); -2 with WHY (256 bytes): the batch is bad.
 */
#ifndef CONSOLIDATE_INPUT_H
#define CONSOLIDATE_INPUT_H

#include "consolidate/state.h"
#include "consolidate/window.h"

/* input_examine(): checks FOLDER's manifest and checksums, and reads its ledger row, which must be that of NAME. */
int input_examine(const char *folder, const struct batchname *name, struct ledger *row,
	uint64_t *bytes, char *why);

/* What to take from an input: records whose window starts in [from_ms, below_ms). */
struct take {
	uint64_t from_ms, below_ms;
	uint64_t stop_at; /* stop early when the table holds more entries; then *STOPPED */
	bool stopped;
	uint64_t records;	/* read so far, for the progress */
	unsigned shard, shards; /* whose records they must be */
};

/* input_merge(): reads all of INPUT below READY and merges what TAKE wants. A record outside of the input's windows or
 * of another shard, or counts that do not add up to its ledger row make it bad. */
int input_merge(const char *ready, const struct state *state, const struct input *input,
	struct take *take, struct window_table *table, char *why);

/* input_row(): the ledger row of NAME in FOLDER, whose checksums may not be right any more: to be
 * compared with what the books say of it. 0, -1, -2 with WHY. */
int input_row(const char *folder, const struct batchname *name, struct ledger *row, char *why);

#endif
