/*
 * state.c: the state of consolidation in memory. state-file.c reads and writes it.
 */
#include <stdlib.h>
#include <string.h>

#include "consolidate/state.h"
#include "spool/log.h"

void state_init(struct state *state, const struct spool *spool)
{
	memset(state, 0, sizeof(*state));
	state->window_ms = spool->window_s * 1000ull;
	state->lateness_ms = spool->lateness_s * 1000ull;
}

void state_free(struct state *state)
{
	for (size_t i = 0; i < state->run_count; i++)
		free(state->runs[i].gaps);
	for (size_t i = 0; i < state->input_count; i++)
		free(state->inputs[i].name);
	free(state->runs);
	free(state->inputs);
	free(state->incomplete);
	free(state->rows);
	namelist_free(&state->retire);
	memset(state, 0, sizeof(*state));
}

static void copy(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

size_t state_run(struct state *state, const char *probe, const char *stream, const char *run)
{
	struct run *new;

	/* From the newest backwards: a batch belongs to one of the last runs. */
	for (size_t i = state->run_count; i-- > 0;)
		if (!strcmp(state->runs[i].run, run) && !strcmp(state->runs[i].stream, stream) &&
			!strcmp(state->runs[i].probe, probe))
			return i;
	state->runs = x_realloc(state->runs, (state->run_count + 1) * sizeof(*state->runs));
	new = &state->runs[state->run_count];
	memset(new, 0, sizeof(*new));
	copy(new->probe, sizeof(new->probe), probe);
	copy(new->stream, sizeof(new->stream), stream);
	copy(new->run, sizeof(new->run), run);
	return state->run_count++;
}

void state_add_input(struct state *state, const struct input *input)
{
	if (state->input_count == state->input_room) {
		state->input_room = state->input_room ? 2 * state->input_room : 64;
		state->inputs =
			x_realloc(state->inputs, state->input_room * sizeof(*state->inputs));
	}
	state->inputs[state->input_count] = *input;
	state->inputs[state->input_count++].name = x_strdup(input->name);
	state->changed = true;
}

void state_drop_input(struct state *state, struct input *input)
{
	free(input->name);
	state->input_count--;
	memmove(input, input + 1, (state->inputs + state->input_count - input) * sizeof(*input));
	state->changed = true;
}

bool state_taken(const struct state *state, const struct input *input)
{
	return input->first_ms < state->closed_below_ms;
}

void state_add_incomplete(struct state *state, uint64_t from_ms, uint64_t to_ms)
{
	size_t room = state->incomplete_count + 1;

	state->incomplete = x_realloc(state->incomplete, room * sizeof(*state->incomplete));
	state->incomplete[state->incomplete_count++] = (struct span){from_ms, to_ms};
	state->changed = true;
}

void state_add_row(struct state *state, const struct ledger *row)
{
	if (state->row_count == state->row_room) {
		state->row_room = state->row_room ? 2 * state->row_room : 64;
		state->rows = x_realloc(state->rows, state->row_room * sizeof(*state->rows));
	}
	state->rows[state->row_count++] = *row;
	state->changed = true;
}

void state_close(struct state *state, uint64_t below_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < state->input_count; i++) {
		struct input *input = &state->inputs[i];

		if (input->last_ms >= below_ms) {
			state->inputs[kept++] = *input;
			continue;
		}
		namelist_add(&state->retire, input->name);
		free(input->name);
	}
	state->input_count = kept;
	kept = 0;
	for (size_t i = 0; i < state->incomplete_count; i++)
		if (state->incomplete[i].to_ms >= below_ms)
			state->incomplete[kept++] = state->incomplete[i];
	state->incomplete_count = kept;
	state->closed_below_ms = below_ms;
	state->changed = true;
}

bool state_is_incomplete(const struct state *state, uint64_t window_ms)
{
	for (size_t i = 0; i < state->incomplete_count; i++)
		if (window_ms >= state->incomplete[i].from_ms &&
			window_ms <= state->incomplete[i].to_ms)
			return true;
	return false;
}

void state_committed(struct state *state)
{
	state->row_count = 0;
	namelist_free(&state->retire);
	memset(&state->retire, 0, sizeof(state->retire));
	state->changed = false;
}
