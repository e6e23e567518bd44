/*
 * ledger.c: the books of consolidation: between the flows batches as they arrive, in any order, and the windows that
 * close. See ledger.h for the rules and state.h for what is kept.
 */
#include <stdlib.h>
#include <string.h>

#include "consolidate/ledger.h"
#include "spool/log.h"

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static struct counts difference(const struct counts *a, const struct counts *b)
{
	return (struct counts){
		less(a->seen, b->seen),
		less(a->captured, b->captured),
		less(a->filtered, b->filtered),
		less(a->dropped, b->dropped),
		less(a->shed, b->shed),
	};
}

static struct gap *gap_of(const struct run *run, uint64_t seq)
{
	for (size_t i = 0; i < run->gap_count; i++)
		if (seq >= run->gaps[i].first && seq <= run->gaps[i].last)
			return &run->gaps[i];
	return NULL;
}

enum ledger_place ledger_judge(const struct run *run, uint64_t seq, unsigned requeued, bool lost)
{
	const struct gap *gap;

	if (seq >= run->low)
		return seq == run->low ? PLACE_NEXT : PLACE_WAIT;
	gap = gap_of(run, seq);
	if (!gap)
		return PLACE_DUPLICATE;
	if (gap->status == LEDGER_QUARANTINED)
		return requeued && !lost ? PLACE_FILL : PLACE_DUPLICATE;
	return PLACE_FILL;
}

/* The rows of a gap. Its counts stand in the row of its first batch: nothing says how they were spread. */
static void gap_rows(struct state *state, const struct run *run, const struct gap *gap)
{
	struct ledger row = {.status = gap->status, .live = run->live};

	memcpy(row.probe, run->probe, sizeof(row.probe));
	memcpy(row.stream, run->stream, sizeof(row.stream));
	memcpy(row.run, run->run, sizeof(row.run));
	if (gap->known) {
		row.counts = difference(&gap->after, &gap->before);
		row.cumulative = gap->after;
	}
	for (row.seq = gap->first; row.seq <= gap->last; row.seq++) {
		state_add_row(state, &row);
		memset(&row.counts, 0, sizeof(row.counts));
	}
}

static void gap_insert(struct run *run, const struct gap *gap)
{
	size_t at = run->gap_count;

	run->gaps = x_realloc(run->gaps, (run->gap_count + 1) * sizeof(*run->gaps));
	while (at > 0 && run->gaps[at - 1].first > gap->first)
		at--;
	memmove(run->gaps + at + 1, run->gaps + at, (run->gap_count - at) * sizeof(*run->gaps));
	run->gaps[at] = *gap;
	run->gap_count++;
}

static void gap_remove(struct run *run, struct gap *gap)
{
	size_t at = gap - run->gaps;

	run->gap_count--;
	memmove(gap, gap + 1, (run->gap_count - at) * sizeof(*gap));
}

/* What stays of a gap: batches FIRST … LAST. The rows are due again, for their counts changed. */
static void gap_keep(struct state *state, struct run *run, const struct gap *whole, uint64_t first,
	uint64_t last, const struct counts *before, const struct counts *after)
{
	struct gap part = *whole;

	if (first > last || last == UINT64_MAX)
		return;
	part.first = first;
	part.last = last;
	part.before = *before;
	part.after = *after;
	gap_insert(run, &part);
	gap_rows(state, run, &part);
}

/* Gives the gaps before SEQ that have no counts yet what lies between the last known counts and ANCHOR. */
static void anchor_below(struct state *state, struct run *run, uint64_t seq,
	const struct counts *anchor)
{
	for (size_t i = 0; i < run->gap_count; i++) {
		struct gap *gap = &run->gaps[i];

		if (gap->known || gap->first >= seq)
			continue;
		gap->known = true;
		gap->before = run->cumulative;
		gap->after = *anchor;
		run->cumulative = *anchor;
		gap_rows(state, run, gap);
	}
}

void ledger_anchor(struct state *state, size_t index, const struct counts *cumulative)
{
	anchor_below(state, &state->runs[index], UINT64_MAX, cumulative);
	state->runs[index].cumulative = *cumulative;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct counts lower(const struct counts *a, const struct counts *b)
{
	return (struct counts){
		least(a->seen, b->seen),
		least(a->captured, b->captured),
		least(a->filtered, b->filtered),
		least(a->dropped, b->dropped),
		least(a->shed, b->shed),
	};
}

/* Gaps side by side share their counts, and the first has them all. What is known of a batch among them now, BEFORE and
 * AFTER it, parts them: nothing of what lies before SEQ was counted later, and the other way round. */
static void part_gaps(struct state *state, struct run *run, uint64_t seq,
	const struct counts *before, const struct counts *after)
{
	for (size_t i = 0; i < run->gap_count; i++) {
		struct gap *gap = &run->gaps[i];
		struct counts old_before = gap->before, old_after = gap->after;

		if (!gap->known)
			continue;
		if (gap->last < seq) {
			gap->before = lower(&gap->before, before);
			gap->after = lower(&gap->after, before);
		}
		if (gap->first == seq + 1)
			gap->before = *after;
		if (memcmp(&gap->before, &old_before, sizeof(old_before)) ||
			memcmp(&gap->after, &old_after, sizeof(old_after)))
			gap_rows(state, run, gap);
	}
}

/* A batch came after all: the gap falls into what lies before and behind it. */
static void gap_fill(struct state *state, struct run *run, const struct ledger *row)
{
	struct gap whole = *gap_of(run, row->seq);
	struct counts before = difference(&row->cumulative, &row->counts);

	gap_remove(run, gap_of(run, row->seq));
	gap_keep(state, run, &whole, whole.first, row->seq - 1, &whole.before, &before);
	if (!whole.known) {
		anchor_below(state, run, row->seq, &before);
		run->cumulative = row->cumulative;
	}
	gap_keep(state, run, &whole, row->seq + 1, whole.last, &row->cumulative, &whole.after);
	part_gaps(state, run, row->seq, &before, &row->cumulative);
}

/* A missing batch came, but cannot be read: one gap becomes up to three, of which the first keeps the counts. */
static void gap_lose(struct state *state, struct run *run, uint64_t seq)
{
	struct gap whole = *gap_of(run, seq), lost = whole;
	const struct counts *before = seq > whole.first ? &whole.after : &whole.before;

	gap_remove(run, gap_of(run, seq));
	gap_keep(state, run, &whole, whole.first, seq - 1, &whole.before, &whole.after);
	lost.status = LEDGER_QUARANTINED;
	gap_keep(state, run, &lost, seq, seq, before, &whole.after);
	gap_keep(state, run, &whole, seq + 1, whole.last, &whole.after, &whole.after);
}

uint64_t ledger_floor(const struct state *state, const struct run *run)
{
	uint64_t reach_ms = state->window_ms + state->lateness_ms;
	uint64_t passed_ms, floor_ms = 0;

	if (run->mark_ms >= reach_ms) {
		passed_ms = run->mark_ms - reach_ms;
		floor_ms = passed_ms - passed_ms % state->window_ms + state->window_ms;
	}
	return floor_ms > state->closed_below_ms ? floor_ms : state->closed_below_ms;
}

/* A batch with packets is an input of the windows its records lie in, or are counted in when those are closed; also when none of
 * them is this shard's. */
static bool as_input(struct state *state, size_t index, const char *name, uint64_t bytes,
	const struct ledger *row)
{
	uint64_t floor_ms = ledger_floor(state, &state->runs[index]);
	uint64_t first_ms = row->first_ms - row->first_ms % state->window_ms;
	uint64_t last_ms = row->last_ms - row->last_ms % state->window_ms;
	struct input input = {
		.name = (char *)name,
		.run = index,
		.seq = row->seq,
		.bytes = bytes,
		.packets = row->ip,
		.octets = row->octets_ip,
		.floor_ms = floor_ms,
		.first_ms = first_ms > floor_ms ? first_ms : floor_ms,
		.last_ms = last_ms > floor_ms ? last_ms : floor_ms,
	};

	state_add_input(state, &input);
	return first_ms < floor_ms;
}

/* Zeros in both: whoever wrote the row could not read the counts. (Or nothing was counted so far; then the neighbours
 * say zero as well.) */
static bool counts_known(const struct ledger *row)
{
	return row->status == LEDGER_ANALYSED || row->counts.seen || row->cumulative.seen;
}

static void quarantined_gap(struct run *run, const struct ledger *row)
{
	struct gap gap = {
		.first = row->seq,
		.last = row->seq,
		.status = LEDGER_QUARANTINED,
		.known = true,
		.before = difference(&row->cumulative, &row->counts),
		.after = row->cumulative,
	};

	gap_insert(run, &gap);
}

/* The run's next batch is in the books. */
static void advance(struct run *run, uint64_t seq, bool live, bool end)
{
	if (run->silent)
		log_info("stream %s of probe %s speaks again", run->stream, run->probe);
	run->silent = false;
	run->low = seq + 1;
	run->live |= live;
	run->ended |= end;
}

/* Of the batch, not of this shard's part of it: so that all shards close the same windows, and find the same rows late. */
static bool has_packets(const struct ledger *row)
{
	return row->status == LEDGER_ANALYSED && (row->ip || row->last_ms);
}

void ledger_admit(struct state *state, size_t index, const char *name, uint64_t bytes,
	const struct ledger *given)
{
	struct run *run = &state->runs[index];
	struct ledger row = *given;
	struct counts before = difference(&row.cumulative, &row.counts);

	if (name && !has_packets(&row))
		namelist_add(&state->retire, name);
	if (!counts_known(&row)) {
		ledger_lost(state, index, row.seq, row.live, row.end);
		return;
	}
	row.late = false;
	if (has_packets(&row))
		row.late = as_input(state, index, name, bytes, &row) && row.ip;
	if (row.seq < run->low) {
		gap_fill(state, run, &row);
	} else {
		ledger_anchor(state, index, &before);
		run->cumulative = row.cumulative;
		advance(run, row.seq, row.live, row.end);
	}
	if (row.status == LEDGER_QUARANTINED)
		quarantined_gap(run, &row);
	if (row.last_ms > run->mark_ms)
		run->mark_ms = row.last_ms;
	state_add_row(state, &row);
}

void ledger_withdraw(struct state *state, struct input *input, const struct ledger *row)
{
	quarantined_gap(&state->runs[input->run], row);
	state_add_row(state, row);
	state_drop_input(state, input);
}

void ledger_lost(struct state *state, size_t index, uint64_t seq, bool live, bool end)
{
	struct run *run = &state->runs[index];
	struct gap gap = {.first = seq, .last = seq, .status = LEDGER_QUARANTINED};

	if (seq < run->low) {
		gap_lose(state, run, seq);
		return;
	}
	advance(run, seq, live, end);
	gap_insert(run, &gap);
	gap_rows(state, run, &gap);
}

void ledger_miss(struct state *state, size_t index, uint64_t next, uint64_t next_ms)
{
	struct run *run = &state->runs[index];
	struct gap gap = {.first = run->low, .last = next - 1, .status = LEDGER_MISSING};
	uint64_t from_ms = ledger_floor(state, run);
	uint64_t last_ms = next_ms > run->mark_ms ? next_ms : run->mark_ms;
	uint64_t to_ms = last_ms - last_ms % state->window_ms;

	state_add_incomplete(state, from_ms, to_ms > from_ms ? to_ms : from_ms);
	gap_insert(run, &gap);
	run->low = next;
	gap_rows(state, run, &gap);
}

uint64_t ledger_limit(const struct state *state)
{
	uint64_t limit_ms = LEDGER_OPEN_END;

	for (size_t i = 0; i < state->run_count; i++) {
		const struct run *run = &state->runs[i];
		uint64_t floor_ms = ledger_floor(state, run);

		if (!run->ended && !run->silent && floor_ms < limit_ms)
			limit_ms = floor_ms;
	}
	return limit_ms;
}

struct placed {
	struct ledger row;
	size_t at;
};

static int row_order(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	int order = strcmp(x->row.probe, y->row.probe);

	if (!order)
		order = strcmp(x->row.stream, y->row.stream);
	if (!order)
		order = strcmp(x->row.run, y->row.run);
	if (!order)
		order = (x->row.seq > y->row.seq) - (x->row.seq < y->row.seq);
	return order;
}

static int row_place_order(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	int order = row_order(a, b);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

void ledger_sort(struct state *state)
{
	size_t count = state->row_count, kept = 0;
	struct placed *placed = x_calloc(count + 1, sizeof(*placed));

	for (size_t i = 0; i < count; i++)
		placed[i] = (struct placed){state->rows[i], i};
	qsort(placed, count, sizeof(*placed), row_place_order);
	for (size_t i = 0; i < count; i++)
		if (i + 1 == count || row_order(&placed[i], &placed[i + 1]))
			state->rows[kept++] = placed[i].row;
	state->row_count = kept;
	free(placed);
}
