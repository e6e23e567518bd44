/* The books: what is admitted when, which windows may close, and that the counts of lost batches come out right. */
#include "tests/unit/tmp.h"

#include "consolidate/ledger.h"

#define WINDOW_MS   300000
#define LATENESS_MS 60000
#define RUN	    "00000000000000000000000000000001"
#define OTHER	    "00000000000000000000000000000002"

static struct state state;

static int begin(void **unused)
{
	struct spool spool = {.window_s = WINDOW_MS / 1000, .lateness_s = LATENESS_MS / 1000};

	state_init(&state, &spool);
	return 0;
}

static int end(void **unused)
{
	state_free(&state);
	return 0;
}

static uint64_t run(const char *name)
{
	return state_run(&state, "probe", "all", name);
}

static struct run *run_at(uint64_t index)
{
	return &state.runs[index];
}

static struct ledger row_of(uint64_t seq, uint64_t first_ms, uint64_t last_ms)
{
	struct ledger row = {.probe = "probe", .stream = "all", .run = RUN, .seq = seq};

	row.first_ms = first_ms;
	row.last_ms = last_ms;
	row.counts.seen = row.counts.captured = row.ip = last_ms ? 10 : 0;
	row.cumulative.seen = row.cumulative.captured = 10 * (seq + 1);
	row.octets_ip = 1000;
	return row;
}

static void admit(uint64_t index, uint64_t seq, uint64_t first_ms, uint64_t last_ms, bool ends)
{
	struct ledger row = row_of(seq, first_ms, last_ms);
	char name[32];

	row.end = ends;
	snprintf(name, sizeof(name), "batch%lu", seq);
	ledger_admit(&state, index, name, 100, &row);
}

/* The last row of batch SEQ. */
static const struct ledger *last_row(uint64_t seq)
{
	const struct ledger *found = NULL;

	for (size_t i = 0; i < state.row_count; i++)
		if (state.rows[i].seq == seq)
			found = &state.rows[i];
	assert_non_null(found);
	return found;
}

static void check_row(uint64_t seq, enum ledger_status status, uint64_t seen)
{
	assert_int_equal(last_row(seq)->status, status);
	assert_int_equal(last_row(seq)->counts.seen, seen);
}

/* All packets of a batch went to other shards: its windows close here, too, as there. */
static void test_no_packets_of_ours(void **unused)
{
	uint64_t index = run(RUN);
	struct ledger row = row_of(0, 1000, WINDOW_MS + 1000), late = row_of(1, 1000, 2000);

	row.ip = row.octets_ip = late.ip = late.octets_ip = 0;
	ledger_admit(&state, index, "first", 100, &row);
	assert_int_equal(state.input_count, 1);
	assert_int_equal(state.inputs[0].last_ms, WINDOW_MS);
	assert_int_equal(state.retire.count, 0);
	state_close(&state, 2 * WINDOW_MS);
	assert_int_equal(state.retire.count, 1);
	ledger_admit(&state, index, "late", 100, &late);
	assert_int_equal(state.inputs[0].first_ms, 2 * WINDOW_MS);
	assert_false(last_row(1)->late); /* that is for those to say who have its packets */
}

static void test_order_and_duplicates(void **unused)
{
	uint64_t index = run(RUN);

	assert_int_equal(ledger_judge(run_at(index), 0, 0, false), PLACE_NEXT);
	assert_int_equal(ledger_judge(run_at(index), 2, 0, false), PLACE_WAIT);
	admit(index, 0, 1000, 2000, false);
	assert_int_equal(ledger_judge(run_at(index), 0, 0, false), PLACE_DUPLICATE);
	assert_int_equal(ledger_judge(run_at(index), 0, 1, false), PLACE_DUPLICATE);
	assert_int_equal(ledger_judge(run_at(index), 1, 0, false), PLACE_NEXT);
}

static void test_window_closes_at_lateness(void **unused)
{
	uint64_t index = run(RUN);

	assert_int_equal(ledger_limit(&state), 0);
	admit(index, 0, 1000, WINDOW_MS + LATENESS_MS - 1, false);
	assert_int_equal(ledger_limit(&state), 0);
	admit(index, 1, 1000, WINDOW_MS + LATENESS_MS, false);
	assert_int_equal(ledger_limit(&state), WINDOW_MS);
	admit(index, 2, 1000, 7 * WINDOW_MS + LATENESS_MS + 5, false);
	assert_int_equal(ledger_limit(&state), 7 * WINDOW_MS);
	admit(index, 3, 7 * WINDOW_MS, 7 * WINDOW_MS, true);
	assert_int_equal(ledger_limit(&state), LEDGER_OPEN_END);
}

static void test_every_run_must_pass(void **unused)
{
	uint64_t first = run(RUN), second = run(OTHER);

	admit(first, 0, 1, 10 * WINDOW_MS, false);
	assert_int_equal(ledger_limit(&state), 0);
	admit(second, 0, 1, 2 * WINDOW_MS + LATENESS_MS, false);
	assert_int_equal(ledger_limit(&state), 2 * WINDOW_MS);
	run_at(second)->silent = true;
	assert_int_equal(ledger_limit(&state), 9 * WINDOW_MS);
	admit(second, 1, 1, 3 * WINDOW_MS + LATENESS_MS, false); /* speaks again */
	assert_int_equal(ledger_limit(&state), 3 * WINDOW_MS);
}

/* Late is measured against the batches before, of the same run, never against the batch itself or other runs. */
static void test_late_by_its_own_run(void **unused)
{
	uint64_t first = run(RUN), second = run(OTHER);

	admit(first, 0, 1, 10 * WINDOW_MS, false);
	assert_false(last_row(0)->late);
	admit(second, 0, 5, 6, false);
	assert_false(last_row(0)->late);
	admit(first, 1, 2 * WINDOW_MS, 11 * WINDOW_MS, false);
	assert_true(last_row(1)->late);
	assert_int_equal(state.inputs[2].floor_ms, 9 * WINDOW_MS);
	assert_int_equal(state.inputs[2].first_ms, 9 * WINDOW_MS);
	assert_int_equal(state.inputs[2].last_ms, 11 * WINDOW_MS);
}

static void test_new_run_on_an_old_spool(void **unused)
{
	uint64_t first = run(RUN), second;

	admit(first, 0, 1, 4 * WINDOW_MS, true);
	state_close(&state, 5 * WINDOW_MS);
	second = run(OTHER);
	admit(second, 0, 1, 2 * WINDOW_MS, false);
	assert_true(last_row(0)->late);
	assert_int_equal(state.inputs[0].first_ms, 5 * WINDOW_MS);
	assert_int_equal(state.inputs[0].last_ms, 5 * WINDOW_MS);
}

static void test_inputs_retire_with_their_last_window(void **unused)
{
	uint64_t index = run(RUN);

	admit(index, 0, 1, 2, false);
	admit(index, 1, 0, 0, false); /* no packets: at once */
	admit(index, 2, 3, WINDOW_MS, false);
	assert_int_equal(state.retire.count, 1);
	assert_string_equal(state.retire.names[0], "batch1");
	state_close(&state, WINDOW_MS);
	assert_int_equal(state.retire.count, 2);
	assert_int_equal(state.input_count, 1);
	assert_string_equal(state.inputs[0].name, "batch2");
	assert_true(state_taken(&state, &state.inputs[0]));
	state_close(&state, 2 * WINDOW_MS);
	assert_int_equal(state.input_count, 0);
}

/* 1 … 3 are lost: their counts stand with the first, and the windows they may have held are incomplete. */
static void test_missing(void **unused)
{
	uint64_t index = run(RUN);

	admit(index, 0, 1, WINDOW_MS + LATENESS_MS, false);
	ledger_miss(&state, index, 4, 3 * WINDOW_MS + 7);
	assert_int_equal(run_at(index)->low, 4);
	assert_false(state_is_incomplete(&state, 0));
	assert_true(state_is_incomplete(&state, WINDOW_MS));
	assert_true(state_is_incomplete(&state, 3 * WINDOW_MS));
	assert_false(state_is_incomplete(&state, 4 * WINDOW_MS));
	admit(index, 4, 3 * WINDOW_MS + 7, 5 * WINDOW_MS, false);
	check_row(1, LEDGER_MISSING, 30);
	check_row(2, LEDGER_MISSING, 0);
	check_row(3, LEDGER_MISSING, 0);
	check_row(4, LEDGER_ANALYSED, 10);
}

static uint64_t seen_in_rows(uint64_t batches)
{
	uint64_t sum = 0;

	for (uint64_t seq = 0; seq < batches; seq++)
		sum += last_row(seq)->counts.seen;
	return sum;
}

static void test_missing_comes_after_all(void **unused)
{
	uint64_t index = run(RUN);

	admit(index, 0, 1, WINDOW_MS, false);
	ledger_miss(&state, index, 6, 0);
	admit(index, 6, 1, 9 * WINDOW_MS, false);
	assert_int_equal(seen_in_rows(7), 70);
	assert_int_equal(ledger_judge(run_at(index), 3, 0, false), PLACE_FILL);
	admit(index, 3, 2, 3, false);
	assert_true(last_row(3)->late);
	assert_int_equal(ledger_judge(run_at(index), 3, 0, false), PLACE_DUPLICATE);
	assert_int_equal(run_at(index)->gap_count, 2);
	assert_int_equal(seen_in_rows(7), 70);
	check_row(1, LEDGER_MISSING, 20);
	check_row(3, LEDGER_ANALYSED, 10);
	check_row(4, LEDGER_MISSING, 20);
	for (uint64_t seq = 1; seq < 6; seq++)
		if (seq != 3)
			admit(index, seq, 2, 3, false);
	assert_int_equal(run_at(index)->gap_count, 0);
	assert_int_equal(seen_in_rows(7), 70);
}

static void test_quarantined_is_replaced_once(void **unused)
{
	uint64_t index = run(RUN);
	struct ledger row = row_of(0, 1, 2);

	row.status = LEDGER_QUARANTINED;
	row.ip = row.octets_ip = 0;
	ledger_admit(&state, index, "batch0", 100, &row);
	check_row(0, LEDGER_QUARANTINED, 10);
	assert_int_equal(state.retire.count, 1);
	assert_int_equal(state.input_count, 0);
	assert_int_equal(ledger_judge(run_at(index), 0, 0, false), PLACE_DUPLICATE);
	assert_int_equal(ledger_judge(run_at(index), 0, 1, false), PLACE_FILL);
	admit(index, 0, 1, 2, false);
	check_row(0, LEDGER_ANALYSED, 10);
	assert_int_equal(ledger_judge(run_at(index), 0, 2, false), PLACE_DUPLICATE);
}

/* Nothing could be read of 1 and 2; batch 3 says what was before it. */
static void test_lost_batches_are_counted_by_their_neighbours(void **unused)
{
	uint64_t index = run(RUN);

	admit(index, 0, 1, 2, false);
	ledger_lost(&state, index, 1, false, false);
	ledger_lost(&state, index, 2, false, false);
	check_row(1, LEDGER_QUARANTINED, 0);
	admit(index, 3, 3, 4, false);
	check_row(1, LEDGER_QUARANTINED, 20);
	check_row(2, LEDGER_QUARANTINED, 0);
	assert_int_equal(seen_in_rows(4), 40);
	admit(index, 2, 3, 4, false); /* requeued */
	check_row(1, LEDGER_QUARANTINED, 10);
	check_row(2, LEDGER_ANALYSED, 10);
}

static void test_lost_at_the_end_is_counted_by_the_capture(void **unused)
{
	uint64_t index = run(RUN);
	struct counts cumulative = {.seen = 25, .captured = 25};

	admit(index, 0, 1, 2, false);
	ledger_lost(&state, index, 1, false, false);
	ledger_anchor(&state, index, &cumulative);
	check_row(1, LEDGER_QUARANTINED, 15);
	assert_int_equal(last_row(1)->counts.captured, 15);
}

/* Requeued before its neighbours told: batch 1 is read after all, 2 is still unknown. */
static void test_requeued_before_its_counts_were_known(void **unused)
{
	uint64_t index = run(RUN);

	admit(index, 0, 1, 2, false);
	ledger_lost(&state, index, 1, false, false);
	ledger_lost(&state, index, 2, false, false);
	admit(index, 1, 1, 2, false);
	check_row(1, LEDGER_ANALYSED, 10);
	admit(index, 3, 3, 4, false);
	check_row(2, LEDGER_QUARANTINED, 10);
	assert_int_equal(seen_in_rows(4), 40);
}

static void test_missing_comes_but_cannot_be_read(void **unused)
{
	uint64_t index = run(RUN);

	admit(index, 0, 1, 2, false);
	ledger_miss(&state, index, 4, 0);
	admit(index, 4, 3, 4, false);
	assert_int_equal(ledger_judge(run_at(index), 2, 0, true), PLACE_FILL);
	ledger_lost(&state, index, 2, false, false);
	assert_int_equal(ledger_judge(run_at(index), 2, 0, true), PLACE_DUPLICATE);
	check_row(1, LEDGER_MISSING, 30);
	check_row(2, LEDGER_QUARANTINED, 0);
	check_row(3, LEDGER_MISSING, 0);
	admit(index, 2, 3, 4, false);
	check_row(1, LEDGER_MISSING, 10);
	check_row(3, LEDGER_MISSING, 10);
	assert_int_equal(seen_in_rows(5), 50);
}

static void test_input_turns_out_bad(void **unused)
{
	uint64_t index = run(RUN);
	struct ledger row = row_of(0, 1, 2);

	admit(index, 0, 1, 2, false);
	row.status = LEDGER_QUARANTINED;
	ledger_withdraw(&state, &state.inputs[0], &row);
	assert_int_equal(state.input_count, 0);
	assert_int_equal(state.retire.count, 0);
	check_row(0, LEDGER_QUARANTINED, 10);
	assert_int_equal(ledger_judge(run_at(index), 0, 1, false), PLACE_FILL);
}

static void test_rows_are_sorted_and_the_last_stays(void **unused)
{
	uint64_t index = run(RUN);

	ledger_lost(&state, index, 0, false, false);
	ledger_lost(&state, index, 1, false, false);
	admit(index, 2, 3, 4, false);
	assert_int_equal(state.row_count, 5);
	ledger_sort(&state);
	assert_int_equal(state.row_count, 3);
	for (uint64_t seq = 0; seq < 3; seq++)
		assert_int_equal(state.rows[seq].seq, seq);
	check_row(0, LEDGER_QUARANTINED, 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order_and_duplicates),
		TEST(test_no_packets_of_ours),
		TEST(test_window_closes_at_lateness),
		TEST(test_every_run_must_pass),
		TEST(test_late_by_its_own_run),
		TEST(test_new_run_on_an_old_spool),
		TEST(test_inputs_retire_with_their_last_window),
		TEST(test_missing),
		TEST(test_missing_comes_after_all),
		TEST(test_quarantined_is_replaced_once),
		TEST(test_lost_batches_are_counted_by_their_neighbours),
		TEST(test_lost_at_the_end_is_counted_by_the_capture),
		TEST(test_requeued_before_its_counts_were_known),
		TEST(test_missing_comes_but_cannot_be_read),
		TEST(test_input_turns_out_bad),
		TEST(test_rows_are_sorted_and_the_last_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
