/*
 * state-file.c: state.json, as state.h draws it. Only the holder of the token writes it, but what is read is checked all
 * the same: a wrong type or a missing member is a bad file, not a zero.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consolidate/state.h"
#include "spool/fields.h"

#define STATE_FORMAT 1

static const struct field state_fields[] = {
	FIELD(struct state, serial, FIELD_U64),
	FIELD(struct state, commits, FIELD_U64),
	FIELD(struct state, window_ms, FIELD_U64),
	FIELD(struct state, closed_below_ms, FIELD_U64),
	{0},
};

static const struct field run_fields[] = {
	FIELD(struct run, probe, FIELD_TEXT),
	FIELD(struct run, stream, FIELD_TEXT),
	FIELD(struct run, run, FIELD_TEXT),
	FIELD(struct run, low, FIELD_U64),
	FIELD(struct run, mark_ms, FIELD_U64),
	FIELD(struct run, live, FIELD_BOOL),
	FIELD(struct run, ended, FIELD_BOOL),
	FIELD(struct run, silent, FIELD_BOOL),
	FIELD(struct run, cumulative, FIELD_COUNTS),
	{0},
};

static const struct field gap_fields[] = {
	FIELD(struct gap, first, FIELD_U64),
	FIELD(struct gap, last, FIELD_U64),
	FIELD(struct gap, known, FIELD_BOOL),
	FIELD(struct gap, before, FIELD_COUNTS),
	FIELD(struct gap, after, FIELD_COUNTS),
	{0},
};

static const struct field input_fields[] = {
	FIELD(struct input, run, FIELD_U64),
	FIELD(struct input, seq, FIELD_U64),
	FIELD(struct input, bytes, FIELD_U64),
	FIELD(struct input, packets, FIELD_U64),
	FIELD(struct input, octets, FIELD_U64),
	FIELD(struct input, floor_ms, FIELD_U64),
	FIELD(struct input, first_ms, FIELD_U64),
	FIELD(struct input, last_ms, FIELD_U64),
	{0},
};

static const struct field span_fields[] = {
	FIELD(struct span, from_ms, FIELD_U64),
	FIELD(struct span, to_ms, FIELD_U64),
	{0},
};

static json_t *object_of(const struct field *fields, const void *structure)
{
	json_t *object = json_object();

	fields_put(object, fields, structure);
	return object;
}

static json_t *run_out(const struct run *run)
{
	json_t *object = object_of(run_fields, run), *gaps = json_array();

	for (size_t i = 0; i < run->gap_count; i++) {
		json_t *gap = object_of(gap_fields, &run->gaps[i]);

		json_object_set_new(gap, "status",
			json_text(ledger_status_text(run->gaps[i].status)));
		json_array_append_new(gaps, gap);
	}
	json_object_set_new(object, "gaps", gaps);
	return object;
}

static json_t *input_out(const struct input *input)
{
	json_t *object = object_of(input_fields, input);

	json_object_set_new(object, "name", json_text(input->name));
	return object;
}

int state_write(const struct state *state, const char *folder)
{
	char path[PATH_MAX];
	json_t *root = object_of(state_fields, state);
	json_t *runs = json_array(), *inputs = json_array(), *incomplete = json_array();

	for (size_t i = 0; i < state->run_count; i++)
		json_array_append_new(runs, run_out(&state->runs[i]));
	for (size_t i = 0; i < state->input_count; i++)
		json_array_append_new(inputs, input_out(&state->inputs[i]));
	for (size_t i = 0; i < state->incomplete_count; i++)
		json_array_append_new(incomplete, object_of(span_fields, &state->incomplete[i]));
	json_object_set_new(root, "format", json_integer(STATE_FORMAT));
	json_object_set_new(root, "runs", runs);
	json_object_set_new(root, "inputs", inputs);
	json_object_set_new(root, "incomplete", incomplete);
	if (snprintf(path, sizeof(path), "%s/state.json", folder) < (int)sizeof(path))
		return json_write_file(root, path);
	json_decref(root);
	errno = ENAMETOOLONG;
	return -1;
}

static bool gap_in(const json_t *value, struct gap *gap, char *why)
{
	const char *status = json_string_value(json_object_get(value, "status"));

	if (!status || !fields_get(value, gap_fields, gap, why) || gap->last < gap->first)
		return false;
	gap->status = strcmp(status, ledger_status_text(LEDGER_MISSING)) ? LEDGER_QUARANTINED
									 : LEDGER_MISSING;
	return true;
}

static bool run_in(const json_t *value, struct state *state, char *why)
{
	const json_t *gaps = json_object_get(value, "gaps");
	struct run in = {0}, *run;
	size_t count = json_array_size(gaps), index;

	if (!fields_get(value, run_fields, &in, why) || !json_is_array(gaps))
		return false;
	index = state_run(state, in.probe, in.stream, in.run); /* may move the runs */
	run = &state->runs[index];
	free(run->gaps); /* of a run listed twice */
	*run = in;
	run->gaps = calloc(count + 1, sizeof(*run->gaps));
	if (!run->gaps)
		return false;
	for (; run->gap_count < count; run->gap_count++)
		if (!gap_in(json_array_get(gaps, run->gap_count), &run->gaps[run->gap_count], why))
			return false;
	return true;
}

static bool input_in(const json_t *value, struct state *state, char *why)
{
	struct input input = {0};

	input.name = (char *)json_string_value(json_object_get(value, "name"));
	if (!input.name || !fields_get(value, input_fields, &input, why) ||
		input.run >= state->run_count)
		return false;
	state_add_input(state, &input);
	return true;
}

static bool incomplete_in(const json_t *value, struct state *state, char *why)
{
	struct span span;

	if (!fields_get(value, span_fields, &span, why))
		return false;
	state_add_incomplete(state, span.from_ms, span.to_ms);
	return true;
}

static bool each(const json_t *root, const char *name,
	bool (*in)(const json_t *, struct state *, char *), struct state *state, char *why)
{
	const json_t *array = json_object_get(root, name);

	snprintf(why, FIELD_WHY, "\"%s\" is not what it must be", name);
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!in(json_array_get(array, i), state, why))
			return false;
	return json_is_array(array);
}

static bool state_in(const json_t *root, struct state *state, char *why)
{
	long long format = json_integer_value(json_object_get(root, "format"));
	uint64_t window_ms = state->window_ms;

	if (format != STATE_FORMAT) {
		snprintf(why, FIELD_WHY, "format %lld, this program reads %d", format,
			STATE_FORMAT);
		return false;
	}
	if (!fields_get(root, state_fields, state, why))
		return false;
	if (state->window_ms != window_ms) {
		snprintf(why, FIELD_WHY, "windows of %llu ms, the spool has %llu",
			(unsigned long long)state->window_ms, (unsigned long long)window_ms);
		return false;
	}
	return each(root, "runs", run_in, state, why) &&
	       each(root, "inputs", input_in, state, why) &&
	       each(root, "incomplete", incomplete_in, state, why);
}

int state_read(struct state *state, const char *folder, char *why)
{
	char path[PATH_MAX];
	json_t *root;
	bool good;

	if (snprintf(path, sizeof(path), "%s/state.json", folder) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	root = json_read_file(path, why);
	if (!root)
		return errno == EBADMSG ? -2 : -1;
	good = state_in(root, state, why);
	json_decref(root);
	state_committed(state);
	return good ? 0 : -2;
}
