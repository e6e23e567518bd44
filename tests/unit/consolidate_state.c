/* The state through its file. */
#include "tests/unit/tmp.h"

#include "consolidate/state.h"

static const struct spool spool = {.window_s = 300, .lateness_s = 60};

static void fill(struct state *state)
{
	struct input input = {.name = "batch",
		.seq = 7,
		.bytes = 8,
		.packets = 9,
		.octets = 10,
		.floor_ms = 300000,
		.first_ms = 600000,
		.last_ms = 900000};
	struct gap gap = {.first = 3,
		.last = 5,
		.status = LEDGER_MISSING,
		.known = true,
		.after = {.seen = 12}};
	struct run *run;

	state_init(state, &spool);
	state->serial = 4;
	state->commits = 3;
	state->closed_below_ms = 300000;
	input.run = state_run(state, "north", "all", "00000000000000000000000000000001");
	state_run(state, "north", "web", "00000000000000000000000000000001");
	run = &state->runs[input.run];
	run->low = 9;
	run->mark_ms = 123456;
	run->live = run->silent = true;
	run->cumulative = (struct counts){1, 2, 3, 4, 5};
	run->gaps = malloc(sizeof(gap));
	run->gaps[0] = gap;
	run->gap_count = 1;
	state_add_input(state, &input);
	state_add_incomplete(state, 300000, 600000);
}

static void test_through_the_file(void **unused)
{
	struct state state, other;
	char why[256];

	fill(&state);
	state_init(&other, &spool);
	assert_int_equal(state_write(&state, tmp_path(".")), 0);
	assert_int_equal(state_read(&other, tmp_path("."), why), 0);
	assert_int_equal(other.serial, 4);
	assert_int_equal(other.commits, 3);
	assert_int_equal(other.closed_below_ms, 300000);
	assert_int_equal(other.run_count, 2);
	assert_string_equal(other.runs[1].stream, "web");
	assert_int_equal(other.runs[0].low, 9);
	assert_true(other.runs[0].live && other.runs[0].silent && !other.runs[0].ended);
	assert_memory_equal(&other.runs[0].cumulative, &state.runs[0].cumulative,
		sizeof(struct counts));
	assert_int_equal(other.runs[0].gap_count, 1);
	assert_int_equal(other.runs[0].gaps[0].last, 5);
	assert_int_equal(other.runs[0].gaps[0].status, LEDGER_MISSING);
	assert_int_equal(other.runs[0].gaps[0].after.seen, 12);
	assert_int_equal(other.input_count, 1);
	assert_string_equal(other.inputs[0].name, "batch");
	assert_int_equal(other.inputs[0].octets, 10);
	assert_int_equal(other.inputs[0].last_ms, 900000);
	assert_true(state_is_incomplete(&other, 300000) && state_is_incomplete(&other, 600000));
	assert_false(state_is_incomplete(&other, 0) || state_is_incomplete(&other, 900000));
	assert_false(other.changed);
	state_free(&state);
	state_free(&other);
}

static void refuse(const char *text, const char *wanted)
{
	struct state state;
	char why[256] = "";

	state_init(&state, &spool);
	tmp_write("state.json", text);
	assert_int_equal(state_read(&state, tmp_path("."), why), -2);
	assert_says(why, wanted);
	state_free(&state);
}

#define HEAD "{\"format\":1,\"serial\":1,\"commits\":1,\"window_ms\":300000,\"closed_below_ms\":0,"

static void test_damaged_files(void **unused)
{
	refuse("", "JSON");
	refuse("{\"format\":2}", "format 2");
	refuse("{\"format\":1}", "serial");
	refuse("{\"format\":1,\"serial\":1,\"commits\":1,\"window_ms\":60000,\"closed_below_ms\":"
	       "0}",
		"60000");
	refuse(HEAD "\"runs\":[{}],\"inputs\":[],\"incomplete\":[]}", "probe");
	refuse(HEAD "\"runs\":{},\"inputs\":[],\"incomplete\":[]}", "runs");
	refuse(HEAD "\"runs\":[],\"inputs\":[{\"name\":\"a\",\"run\":0,\"seq\":1,\"bytes\":1,"
		    "\"packets\":1,\"octets\":1,"
		    "\"floor_ms\":1,\"first_ms\":1,\"last_ms\":1}],\"incomplete\":[]}",
		"inputs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_through_the_file),
		cmocka_unit_test(test_damaged_files),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
