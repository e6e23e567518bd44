/*
 * publish.c: one commit of a shard: the merge of the windows that close, as a batch of biflows for the readers of biflows, the
 * next token, and the list of inputs to retire, all made below the token's attempt and committed by the rename of the token.
 *
 * A commit closes as many windows as hold about batch_biflows biflows, or one. Where commits are cut changes nothing in what is
 * published over all: windows close in their order, and what they leave for later ones depends on them alone.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consolidate/biflow.h"
#include "consolidate/input.h"
#include "consolidate/ledger.h"
#include "consolidate/shard.h"
#include "spool/fault.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/notify.h"
#include "spool/rules.h"

#define AHEAD 8 /* entries on their way from memory while biflows are made */
#define RECORD_BYTES                                                                               \
	60 /* of a flow record in a file, at least: a first guess of what fits a commit */

/* What a commit does. */
struct plan {
	uint64_t from_ms, below_ms; /* windows that close: start in [from_ms, below_ms) */
	struct batch batch;
	uint64_t biflows, rows, retired;
};

static int by_first_window(const void *a, const void *b)
{
	const struct input *x = *(struct input *const *)a, *y = *(struct input *const *)b;

	return (x->first_ms > y->first_ms) - (x->first_ms < y->first_ms);
}

/* Has INPUT an open window before LIMIT_MS? */
static bool closes(const struct state *state, const struct input *input, uint64_t limit_ms)
{
	return input->first_ms < limit_ms && state->closed_below_ms < limit_ms;
}

/* The inputs that have, malloc'ed, by first window. */
static struct input **closing_inputs(const struct state *state, uint64_t limit_ms, size_t *count)
{
	struct input **closing = x_calloc(state->input_count + 1, sizeof(struct input *));

	*count = 0;
	for (size_t i = 0; i < state->input_count; i++)
		if (closes(state, &state->inputs[i], limit_ms))
			closing[(*count)++] = &state->inputs[i];
	qsort(closing, *count, sizeof(struct input *), by_first_window);
	return closing;
}

bool publish_due(const struct shard *shard, uint64_t limit_ms)
{
	for (size_t i = 0; i < shard->state.input_count; i++)
		if (closes(&shard->state, &shard->state.inputs[i], limit_ms))
			return true;
	return false;
}

/* The windows from the first one with records on, until inputs of enough bytes are together. */
static void plan_windows(const struct shard *shard, uint64_t limit_ms, struct plan *plan)
{
	const struct state *state = &shard->state;
	size_t count;
	struct input **closing = closing_inputs(state, limit_ms, &count);
	uint64_t bytes = 0, last_ms = 0;

	plan->from_ms = plan->below_ms = state->closed_below_ms;
	if (count && closing[0]->first_ms > plan->from_ms)
		plan->from_ms = closing[0]->first_ms;
	for (size_t i = 0; i < count; i++) {
		bytes += closing[i]->bytes;
		if (bytes > shard->batch_biflows * RECORD_BYTES &&
			closing[i]->first_ms > plan->from_ms) {
			limit_ms = closing[i]->first_ms;
			break;
		}
		if (closing[i]->last_ms > last_ms)
			last_ms = closing[i]->last_ms;
	}
	if (count)
		plan->below_ms = last_ms + state->window_ms < limit_ms ? last_ms + state->window_ms
								       : limit_ms;
	free(closing);
}

static bool takes_part(const struct input *input, const struct plan *plan)
{
	return input->first_ms < plan->below_ms && input->last_ms >= plan->from_ms;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t window_start(const struct window_table *table, size_t index)
{
	return window_common(table, window_entry(table, index))->window_ms;
}

/* A border with about half of the entries before it. */
static uint64_t middle_window(const struct window_table *table, const struct plan *plan,
	uint64_t window_ms)
{
	size_t count = window_count(table);
	uint64_t *starts = x_calloc(count, sizeof(*starts)), middle_ms;

	for (size_t i = 0; i < count; i++)
		starts[i] = window_start(table, i);
	qsort(starts, count, sizeof(*starts), by_number);
	middle_ms = starts[count / 2];
	free(starts);
	return middle_ms > plan->from_ms ? middle_ms : plan->from_ms + window_ms;
}

/* Reads every input that has records in the windows. 0; 1: too many biflows, the plan has a nearer end now; -1; -2: BAD is
 * the input. */
static int merge_inputs(struct shard *shard, struct plan *plan, struct input **bad, char *why)
{
	struct state *state = &shard->state;
	bool one = plan->below_ms - plan->from_ms <= state->window_ms;
	struct take take = {
		.from_ms = plan->from_ms,
		.below_ms = plan->below_ms,
		.stop_at = one ? SIZE_MAX : shard->batch_biflows,
		.shard = shard->number,
		.shards = shard->run->spool.shards,
	};
	int result = 0;

	window_reset(shard->table);
	for (size_t i = 0; i < state->input_count && !result && !take.stopped; i++) {
		*bad = &state->inputs[i];
		if (takes_part(*bad, plan))
			result = input_merge(shard->ready, state, *bad, &take, shard->table, why);
		shard->run->progress.records += take.records;
		take.records = 0;
		worker_progress(shard->run->worker, &shard->run->progress);
		notify_progress(&shard->run->progress, NULL);
	}
	if (take.stopped)
		plan->below_ms = middle_window(shard->table, plan, state->window_ms);
	return result ? result : take.stopped;
}

static int put_rows(const struct state *state, struct record_writer *writer)
{
	int result = 0;

	for (size_t i = 0; i < state->row_count && !result; i++)
		result = record_add_ledger(writer, &state->rows[i]);
	return result;
}

/* Sorted entries stand anywhere in memory: the entry is fetched first, and when it is there what it leads to. */
static void fetch(const struct shard *shard, size_t i, size_t count)
{
	const struct entry *entry;
	struct flowkey key;

	if (i + 2 * AHEAD < count)
		window_fetch(shard->table, i + 2 * AHEAD);
	if (i + AHEAD >= count)
		return;
	entry = window_entry(shard->table, i + AHEAD);
	window_fetch_rest(shard->table, entry);
	key = entry_key(entry);
	carry_fetch(shard->carry, &key);
	__builtin_prefetch(intern_text(entry->host_name));
}

/* Where do the entries end that are of the window of entry BEGIN? */
static size_t window_end(const struct window_table *table, size_t begin)
{
	uint64_t start_ms = window_start(table, begin);
	size_t low = begin + 1, high = window_count(table);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (window_start(table, middle) == start_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int put_biflows(struct shard *shard, struct record_writer *writer)
{
	size_t count = window_count(shard->table), end = 0; /* of the window */
	struct symptom_list symptoms = {0};
	struct biflow biflow;
	int result = 0;

	window_sort(shard->table);
	for (size_t i = 0; i < count && !result; i++) {
		if (i == end) {
			end = window_end(shard->table, i);
			carry_begin_window(shard->carry, end - i);
		}
		fetch(shard, i, count);
		biflow_make(shard->table, window_entry(shard->table, i), shard->carry, &symptoms,
			&biflow);
		result = record_add_biflow(writer, &biflow);
		if (i + 1 == end)
			carry_end_window(shard->carry, biflow.window_ms);
	}
	free(symptoms.list);
	return result;
}

static int write_biflows(struct shard *shard, const char *folder)
{
	char path[PATH_MAX + 16];
	struct record_writer *writer;
	int result;

	snprintf(path, sizeof(path), "%s/biflows.ipfix", folder);
	writer = record_create(path, RECORD_BIFLOWS);
	if (!writer)
		return -1;
	result = put_rows(&shard->state, writer);
	if (!result)
		result = put_biflows(shard, writer);
	if (!result)
		return record_finish(writer);
	record_abandon(writer);
	return result;
}

static int output_biflows(struct shard *shard, struct plan *plan)
{
	char folder[PATH_MAX], name[NAME_MAX + 1];
	struct manifest manifest;
	int result;

	plan->biflows = window_count(shard->table);
	plan->rows = shard->state.row_count;
	if (!plan->biflows && !plan->rows)
		return 0;
	shard->state.commits++;
	snprintf(name, sizeof(name), "%010" PRIu64 "-%s", shard->state.commits, shard->name);
	manifest_init(&manifest, "biflows", name);
	manifest.number = shard->state.commits;
	result = rules_in_force(&shard->run->spool, manifest.rules);
	if (!result)
		result = batch_begin_output(&plan->batch, "biflows", NULL, name, folder);
	if (!result)
		result = write_biflows(shard, folder);
	if (!result)
		result = batch_end_output(&plan->batch, "biflows", NULL, &manifest, folder);
	manifest_free(&manifest);
	return result;
}

static int output_state(struct shard *shard, struct plan *plan)
{
	struct state *state = &shard->state;
	char folder[PATH_MAX], name[NAME_MAX + 1];
	struct manifest manifest;
	int result;

	state_close(state, plan->below_ms);
	plan->retired = state->retire.count;
	token_name(++state->serial, name);
	manifest_init(&manifest, "state", name);
	manifest.number = state->serial;
	result = batch_begin_output(&plan->batch, "state", shard->name, name, folder);
	if (!result)
		result = state_write(state, folder);
	if (!result)
		result = carry_write(shard->carry, folder, state->closed_below_ms);
	if (!result)
		result = batch_end_output(&plan->batch, "state", shard->name, &manifest, folder);
	manifest_free(&manifest);
	return result;
}

static int write_outputs(struct shard *shard, struct plan *plan)
{
	int result;

	ledger_sort(&shard->state);
	if (batch_open(&plan->batch, &shard->tokens, shard->run->worker, shard->token) < 0)
		return -1;
	FAULT("working");
	result = output_biflows(shard, plan);
	FAULT("state");
	if (!result)
		result = output_state(shard, plan);
	if (!result)
		result = batch_retire(&plan->batch, "flows", shard->name, &shard->state.retire);
	return result;
}

static enum publish_result machine(struct shard *shard, const char *what)
{
	int reason = errno;

	if (queue_holds(&shard->tokens, shard->run->worker, shard->token) == 0)
		return PUBLISH_LOST;
	if (!shard->run->failures) /* once, not at each try */
		log_err("cannot %s for commit %" PRIu64 " of %s: %s", what, shard->state.commits,
			shard->name, strerror(reason));
	errno = reason;
	return PUBLISH_ERROR;
}

static enum publish_result bad_input(struct shard *shard, const struct input *bad, const char *why)
{
	if (!state_taken(&shard->state, bad))
		return shard_reject(shard, bad->name, why) < 0 ? machine(shard, "move a bad input")
							       : PUBLISH_AGAIN;
	log_err("flows batch %s/%s changed after a part of it was published: %s; bring the "
		"original back, then start again",
		shard->ready, bad->name, why);
	return PUBLISH_PERSON;
}

static void say(const struct shard *shard, const struct plan *plan)
{
	log_info("%s, commit %" PRIu64 ": %" PRIu64 " biflows, %" PRIu64 " ledger rows, %" PRIu64
		 " inputs retired, windows closed "
		 "below %" PRIu64 " ms",
		shard->name, shard->state.commits, plan->biflows, plan->rows, plan->retired,
		shard->state.closed_below_ms);
}

static enum publish_result commit(struct shard *shard, struct plan *plan)
{
	char entry[2 * NAME_MAX + 2];
	int result =
		queue_commit(&shard->tokens, shard->run->worker, shard->token, plan->batch.attempt);

	if (result <= 0)
		return result < 0 ? machine(shard, "commit") : PUBLISH_LOST;
	say(shard, plan);
	state_committed(&shard->state);
	snprintf(entry, sizeof(entry), "%s~%s", shard->token, plan->batch.attempt);
	token_name(shard->state.serial, shard->token);
	if (queue_finish(&shard->tokens, entry) < 0) {
		log_err("cannot finish %s: %s", entry, strerror(errno));
		return PUBLISH_ERROR;
	}
	result = queue_claim_named(&shard->tokens, shard->run->worker, shard->token);
	return result < 0 ? PUBLISH_ERROR : result ? PUBLISH_DONE : PUBLISH_LOST;
}

enum publish_result publish(struct shard *shard, uint64_t limit_ms)
{
	struct plan plan = {0};
	struct input *bad = NULL;
	char why[256];
	int result;

	plan_windows(shard, limit_ms, &plan);
	assert(plan.below_ms > plan.from_ms || shard->state.changed); /* each commit gets on */
	do
		result = merge_inputs(shard, &plan, &bad, why);
	while (result == 1);
	if (result == -2)
		return bad_input(shard, bad, why);
	if (result == -1)
		return machine(shard, "read the inputs");
	if (write_outputs(shard, &plan) < 0)
		return machine(shard, "write the outputs");
	window_reset(shard->table);
	return commit(shard, &plan);
}
