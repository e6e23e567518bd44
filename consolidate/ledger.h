/*
 * ledger.h: which batches of a run are in the books, and which windows that closes. Rules of the data alone: the order in
 * which batches arrive changes nothing.
 *
 * A run's batches come into the books in the order of seq; what arrives early waits. So what the books say of batch k, its floor
 * above all, depends on batches 0 … k-1 of the same run only:
 *
 *   mark     latest packet time among the batches in the books
 *   passed   window W is passed by a run when mark ≥ end of W + lateness, or when the run ended
 *   floor    the first window not passed when the batch came: earlier records are counted there, and are late
 *   closed   a window closes when every run has passed it that is listed and not silent
 *
 * Batches that will not come are a gap (state.h): missing, declared after max_delay; or quarantined. One that comes after all
 * replaces the gap's row. Calling sequence: ledger_judge(), then by its answer ledger_admit() or ledger_lost().
 */
#ifndef CONSOLIDATE_LEDGER_H
#define CONSOLIDATE_LEDGER_H

#include "consolidate/state.h"

#define LEDGER_OPEN_END UINT64_MAX

enum ledger_place {
	PLACE_NEXT,	 /* the run's next batch */
	PLACE_FILL,	 /* comes after all: fills a gap */
	PLACE_WAIT,	 /* earlier ones are not there yet */
	PLACE_DUPLICATE, /* in the books already */
};

/* ledger_judge(): where batch SEQ stands, REQUEUED times requeued; LOST: it cannot be read. */
enum ledger_place ledger_judge(const struct run *run, uint64_t seq, unsigned requeued, bool lost);

/* ledger_admit(): batch NAME of BYTES with its ledger ROW comes into the books: as an input when it has packets, else it is
 * retired. NAME is NULL for a batch that stands in bad/ and stays there. */
void ledger_admit(struct state *state, size_t run, const char *name, uint64_t bytes,
	const struct ledger *row);
/* ledger_withdraw(): INPUT, of which nothing was published yet, turned out to be bad: its quarantined ROW replaces the other. */
void ledger_withdraw(struct state *state, struct input *input, const struct ledger *row);
/* ledger_lost(): batch SEQ cannot be read: quarantined, with counts that its neighbours will tell. */
void ledger_lost(struct state *state, size_t run, uint64_t seq, bool live, bool end);
/* ledger_miss(): low … NEXT-1 are missing; the batch NEXT, which waits, has its first packet at NEXT_MS (0: none). */
void ledger_miss(struct state *state, size_t run, uint64_t next, uint64_t next_ms);
/* ledger_anchor(): the run's cumulative counts before its next batch: gives a gap at the end its counts. */
void ledger_anchor(struct state *state, size_t run, const struct counts *cumulative);

/* ledger_floor(): start of the first window RUN has not passed (or that is not closed). */
uint64_t ledger_floor(const struct state *state, const struct run *run);
/* ledger_limit(): windows that start before it may close; LEDGER_OPEN_END when no run holds any. */
uint64_t ledger_limit(const struct state *state);
/* ledger_sort(): the rows by probe, stream, run, seq; of rows of one batch only the last stays. */
void ledger_sort(struct state *state);

#endif
