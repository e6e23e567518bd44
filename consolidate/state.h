/*
 * state.h: what consolidation remembers from one commit to the next; it stands inside the token.
 *
 *   SPOOL/state/shard-K/.../token-<serial, 10 digits>/
 *       manifest.json    kind "state", number = serial; lengths and checksums of the other two
 *       state.json       this header
 *       carry.bin        biflows that may live on (carry.h)
 *
 * state.json, version 1 (times are milliseconds since 1970 UTC; counts are objects as in manifest.json):
 *
 *   { "format": 1, "serial": 12, "commits": 7,       tokens and biflows batches so far (the latter without gaps)
 *     "window_ms": 300000, "closed_below_ms": …,     every window that starts earlier is closed
 *     "runs":   [ { "probe", "stream", "run",
 *                   "low": 42,                       every seq below is in the books, except as "gaps" say
 *                   "mark_ms": …,                    latest packet time of the batches below low
 *                   "live", "ended", "silent": true or false,
 *                   "cumulative": counts,            of the run, at the last batch whose counts are known
 *                   "gaps": [ { "first": 7, "last": 9, "status": "missing" or "quarantined",
 *                               "known": true, "before": counts, "after": counts } ] } ],
 *     "inputs": [ { "name", "run": index, "seq", "bytes", "packets", "octets", "floor_ms", "first_ms",
 *                   "last_ms" } ],
 *     "incomplete": [ { "from_ms", "to_ms" } ] }     windows that close without all their batches
 *
 * An input is a flows batch that is in the books and whose windows are not all closed yet: it stands in
 * flows/shard-K/ready and is read again for each of them. Its windows first_ms … last_ms are those its records are counted in,
 * which is never one before floor_ms (late).
 *
 * Beside what stands in the file, the state in memory collects what the next commit has to publish: ledger rows and names
 * to retire. A commit that did not come about is undone by reading the token again.
 */
#ifndef CONSOLIDATE_STATE_H
#define CONSOLIDATE_STATE_H

#include "spool/record.h"
#include "spool/spool.h"

/* Batches of a run that gave no flows; one range of seq. The counts of all of them together are after − before,
 * once KNOWN. A quarantined gap is one seq long. */
struct gap {
	uint64_t first, last;
	enum ledger_status status;
	bool known;
	struct counts before, after;
};

/* One run of one stream of one probe. */
struct run {
	char probe[NAME_PART_MAX + 1], stream[NAME_PART_MAX + 1], run[RUN_HEX + 1];
	bool live, ended, silent;
	uint64_t low, mark_ms;
	struct counts cumulative;
	struct gap *gaps; /* by seq */
	size_t gap_count;
	bool superseded; /* not in the file: its stream captures another run now */
};

struct input {
	char *name;
	uint64_t run; /* index */
	uint64_t seq, bytes;
	uint64_t packets, octets; /* of all its records, by its ledger row */
	uint64_t floor_ms, first_ms, last_ms;
};

struct span {
	uint64_t from_ms, to_ms; /* window starts, both included */
};

struct state {
	uint64_t serial, commits;
	uint64_t window_ms, lateness_ms, closed_below_ms;
	struct run *runs;
	size_t run_count;
	struct input *inputs;
	size_t input_count, input_room;
	struct span *incomplete;
	size_t incomplete_count;
	/* For the next commit: */
	struct ledger *rows;
	size_t row_count, row_room;
	struct namelist retire; /* duplicates and batches without packets */
	bool changed;		/* is there anything to commit? */
};

/* state_init(): the state before the first commit; windows as SPOOL has them. */
void state_init(struct state *state, const struct spool *spool);
void state_free(struct state *state);

/* state_read(): FOLDER/state.json into an initialized STATE. 0, -1 with errno, -2 with WHY (256 bytes). */
int state_read(struct state *state, const char *folder, char *why);
int state_write(const struct state *state, const char *folder);

/* state_run(): the run's index; it is added when absent. Pointers into runs are valid until then. */
size_t state_run(struct state *state, const char *probe, const char *stream, const char *run);
void state_add_input(struct state *state, const struct input *input); /* copies the name */
void state_add_incomplete(struct state *state, uint64_t from_ms, uint64_t to_ms);
void state_add_row(struct state *state, const struct ledger *row);
/* state_drop_input(): forgets it, without retiring it. */
void state_drop_input(struct state *state, struct input *input);
/* state_taken(): was a part of INPUT published already? */
bool state_taken(const struct state *state, const struct input *input);
/* state_close(): windows before BELOW_MS are closed: inputs that are used up move to the retire list. */
void state_close(struct state *state, uint64_t below_ms);
bool state_is_incomplete(const struct state *state, uint64_t window_ms);
/* state_committed(): forgets what was published. */
void state_committed(struct state *state);

#endif
