/*
 * scan.c: what stands in flows/shard-K comes into the books: between the folders, where batches appear in any order, and the
 * ledger, which takes each run in the order of seq.
 *
 * bad/ is scanned too. A batch that turned out to be bad is moved there first, and its quarantined row is
 * published by the next commit: should we die in between, the batch in bad/ whose seq is in no book tells.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consolidate/input.h"
#include "consolidate/ledger.h"
#include "consolidate/shard.h"
#include "spool/capstate.h"
#include "spool/log.h"
#include "spool/nfs.h"

/* A gap this long is no lost batch but a wrong name: at one batch a second it would be 11 days. */
#define SEQ_AHEAD_MAX 1000000

struct candidate {
	struct batchname name;
	const char *text;
	uint64_t run;
	bool bad;
};

struct found {
	struct candidate *list;
	size_t count;
};

static int machine(const char *what, const char *path)
{
	log_err("cannot %s %s: %s", what, path, strerror(errno));
	return -1;
}

/* Captures write the state of all their streams before the first batch of any, so this comes after the listing of ready/. */
static int expect_runs(struct shard *shard, struct capstate **captures, ssize_t *count)
{
	struct state *state = &shard->state;

	*count = capstate_list(&shard->run->spool, captures);
	if (*count < 0)
		return machine("read", "state/capture");
	for (ssize_t i = 0; i < *count; i++) {
		const struct capstate *capture = &(*captures)[i];
		size_t index;

		if (!capture->run[0])
			continue;
		index = state_run(state, capture->probe, capture->stream, capture->run);
		state->runs[index].live |= capture->live;
		for (size_t run = 0; run < state->run_count; run++)
			if (run != index && !strcmp(state->runs[run].probe, capture->probe) &&
				!strcmp(state->runs[run].stream, capture->stream))
				state->runs[run].superseded = true;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names that need no look: inputs, and what the next commit retires. Pointers only. */
static const char **known_names(const struct state *state, size_t *count)
{
	const char **known = x_calloc(state->input_count + state->retire.count + 1, sizeof(*known));

	*count = 0;
	for (size_t i = 0; i < state->input_count; i++)
		known[(*count)++] = state->inputs[i].name;
	for (size_t i = 0; i < state->retire.count; i++)
		known[(*count)++] = state->retire.names[i];
	qsort(known, *count, sizeof(*known), by_name);
	return known;
}

static int reject_foreign(struct shard *shard, const char *name, bool bad)
{
	if (bad)
		return 0;
	return shard_reject(shard, name,
		"its name is not that of a batch, so no run can account for it");
}

static int add_candidates(struct shard *shard, const struct namelist *names, bool bad,
	struct found *found)
{
	struct state *state = &shard->state;
	size_t known_count;
	const char **known = known_names(state, &known_count);
	int result = 0;

	for (size_t i = 0; i < names->count && !result; i++) {
		struct candidate candidate = {.text = names->names[i], .bad = bad};

		if (bsearch(&candidate.text, known, known_count, sizeof(*known), by_name))
			continue;
		if (!batchname_parse(candidate.text, &candidate.name)) {
			result = reject_foreign(shard, candidate.text, bad);
			continue;
		}
		candidate.run = state_run(state, candidate.name.probe, candidate.name.stream,
			candidate.name.run);
		found->list[found->count++] = candidate;
	}
	free(known);
	return result;
}

/* By run and seq; a readable batch before a bad one, the oldest name first. */
static int candidate_order(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->run != y->run)
		return x->run < y->run ? -1 : 1;
	if (x->name.seq != y->name.seq)
		return x->name.seq < y->name.seq ? -1 : 1;
	return x->bad != y->bad ? x->bad - y->bad : strcmp(x->text, y->text);
}

static int path_of(const struct shard *shard, const struct candidate *candidate, char *path)
{
	return nfs_join(path, candidate->bad ? shard->bad : shard->ready, candidate->text);
}

static void quarantine_row(struct ledger *row)
{
	row->status = LEDGER_QUARANTINED;
	row->late = false;
	row->ip = row->not_ip = row->malformed = row->octets_ip = 0;
}

/* The quarantined row of a bad batch, where its ledger row can be trusted. */
static bool bad_row(const struct shard *shard, const struct candidate *candidate,
	struct ledger *row)
{
	char path[PATH_MAX], why[256];
	uint64_t bytes;

	if (path_of(shard, candidate, path) < 0 ||
		input_examine(path, &candidate->name, row, &bytes, why))
		return false;
	quarantine_row(row);
	return true;
}

/* The row of an input that changed since it came into the books, where it still says what they say. */
static bool known_row(const struct shard *shard, const struct candidate *candidate,
	const struct input *input, struct ledger *row)
{
	char path[PATH_MAX], why[256];

	if (path_of(shard, candidate, path) < 0 || input_row(path, &candidate->name, row, why) ||
		row->ip != input->packets || row->octets_ip != input->octets)
		return false;
	quarantine_row(row);
	return true;
}

/* Its counts are taken from its ledger row where that can be trusted, otherwise its neighbours will tell them. */
static void account_bad(struct shard *shard, const struct candidate *candidate)
{
	struct ledger row;

	if (bad_row(shard, candidate, &row))
		ledger_admit(&shard->state, candidate->run, NULL, 0, &row);
	else
		ledger_lost(&shard->state, candidate->run, candidate->name.seq, false, false);
}

static int quarantine(struct shard *shard, struct candidate *candidate, const char *why)
{
	if (shard_reject(shard, candidate->text, why) < 0)
		return machine("move to bad/", candidate->text);
	candidate->bad = true;
	account_bad(shard, candidate);
	return 0;
}

static int admit(struct shard *shard, struct candidate *candidate)
{
	char path[PATH_MAX], why[256];
	struct ledger row;
	uint64_t bytes = 0;
	int result = path_of(shard, candidate, path);

	if (!result)
		result = input_examine(path, &candidate->name, &row, &bytes, why);
	if (result == -1 && errno == ENOENT && nfs_has(shard->ready, candidate->text) == 1) {
		snprintf(why, sizeof(why), "a file that it must have is not there");
		result = -2;
	}
	if (result == -1)
		return machine("read", path);
	if (result == -2)
		return quarantine(shard, candidate, why);
	ledger_admit(&shard->state, candidate->run, candidate->text, bytes, &row);
	return 0;
}

static void duplicate(struct shard *shard, const struct candidate *candidate)
{
	if (candidate->bad)
		return;
	log_warn("flows batch %s is in the books already: not counted again", candidate->text);
	namelist_add(&shard->state.retire, candidate->text);
	shard->state.changed = true;
}

static void wait_for_turn(struct shard *shard, const struct candidate *candidate)
{
	size_t last = shard->waiting_count;

	shard->unread += !candidate->bad;
	if (last && shard->waiting[last - 1].run == candidate->run)
		return;
	shard->waiting = x_realloc(shard->waiting, (last + 1) * sizeof(*shard->waiting));
	shard->waiting[shard->waiting_count++] = (struct waiting){candidate->run,
		candidate->name.seq, candidate->name.start_us / 1000};
}

static int place(struct shard *shard, struct candidate *candidate)
{
	const struct run *run = &shard->state.runs[candidate->run];

	if (candidate->name.seq > run->low + SEQ_AHEAD_MAX)
		return candidate->bad ? 0
				      : shard_reject(shard, candidate->text,
						"its seq is far beyond its run's");
	switch (ledger_judge(run, candidate->name.seq, candidate->name.requeued, candidate->bad)) {
	case PLACE_NEXT:
	case PLACE_FILL:
		if (!candidate->bad)
			return admit(shard, candidate);
		account_bad(shard, candidate);
		return 0;
	case PLACE_WAIT: wait_for_turn(shard, candidate); return 0;
	case PLACE_DUPLICATE: duplicate(shard, candidate);
	}
	return 0;
}

/* What follows the last batch of a run is told by its capture: the counts of unreadable ones at the end, and the end. */
static void ask_captures(struct state *state, const struct capstate *captures, ssize_t count)
{
	for (ssize_t i = 0; i < count; i++) {
		size_t index =
			state_run(state, captures[i].probe, captures[i].stream, captures[i].run);
		struct run *run = &state->runs[index];
		const struct gap *last = run->gap_count ? &run->gaps[run->gap_count - 1] : NULL;

		if (captures[i].next_seq != run->low || !last || last->last + 1 != run->low)
			continue;
		if (!last->known)
			ledger_anchor(state, index, &captures[i].cumulative);
		if (captures[i].ended && !run->ended)
			run->ended = state->changed = true;
	}
}

static int place_all(struct shard *shard, struct found *found)
{
	int result = 0;

	qsort(found->list, found->count, sizeof(*found->list), candidate_order);
	for (size_t i = 0; i < found->count && !result; i++)
		result = place(shard, &found->list[i]);
	return result;
}

static bool listed(const struct namelist *sorted, const char *name)
{
	return sorted->count &&
	       bsearch(&name, sorted->names, sorted->count, sizeof(*sorted->names), by_name);
}

/* An input that is not in ready/ any more: moved to bad/ by us (before its row was published), or removed by somebody. */
static int lost_input(struct shard *shard, const struct namelist *bad, struct input *input)
{
	struct candidate candidate = {.text = input->name, .run = input->run, .bad = true};
	struct ledger row;

	if (namelist_has(bad, input->name) && !state_taken(&shard->state, input) &&
		batchname_parse(input->name, &candidate.name) &&
		(bad_row(shard, &candidate, &row) || known_row(shard, &candidate, input, &row))) {
		ledger_withdraw(&shard->state, input, &row);
		return 0;
	}
	log_err("%s/%s is in the books but does not stand there any more: bring it back (from "
		"%s?), then start again",
		shard->ready, input->name, shard->bad);
	return -2;
}

static int check_inputs(struct shard *shard, const struct namelist *ready,
	const struct namelist *bad)
{
	struct state *state = &shard->state;
	int result = 0;

	for (size_t i = state->input_count; i-- > 0 && !result;)
		if (!listed(ready, state->inputs[i].name))
			result = lost_input(shard, bad, &state->inputs[i]);
	return result;
}

int scan(struct shard *shard)
{
	struct namelist ready = {0}, bad = {0};
	struct capstate *captures = NULL;
	struct found found = {0};
	ssize_t capture_count = 0;
	int result = -1;

	shard->waiting_count = 0;
	shard->unread = 0;
	if (queue_ready(&shard->flows, &ready) < 0 || nfs_list(shard->bad, &bad) < 0) {
		machine("list", shard->ready);
		goto out;
	}
	if (expect_runs(shard, &captures, &capture_count) < 0)
		goto out;
	found.list = x_calloc(ready.count + bad.count + 1, sizeof(*found.list));
	result = check_inputs(shard, &ready, &bad);
	if (!result)
		result = add_candidates(shard, &ready, false, &found);
	if (!result)
		result = add_candidates(shard, &bad, true, &found);
	if (!result)
		result = place_all(shard, &found);
	if (!result)
		ask_captures(&shard->state, captures, capture_count);
out:
	free(found.list);
	free(captures);
	namelist_free(&ready);
	namelist_free(&bad);
	return result;
}
