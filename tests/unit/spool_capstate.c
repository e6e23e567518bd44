/* capstate.c: what a capture remembers comes back, and damage is no fresh start. */
#include "tests/unit/tmp.h"

#include <errno.h>

#include "spool/capstate.h"
#include "spool/nfs.h"

static struct spool spool;

static struct capstate example(const char *probe, const char *stream)
{
	struct capstate state = {.run = "5e1f0c9a7b3d2e4f5a6b7c8d9e0f1a2b",
		.worker = "capture.host.00",
		.batch = "a batch",
		.next_seq = 43,
		.packet_index = 1000,
		.records = 1001,
		.cumulative = {10, 4, 3, 2, 1},
		.live = true};

	strcpy(state.probe, probe);
	strcpy(state.stream, stream);
	assert_int_equal(capstate_claim(&spool, state.worker, probe, stream), 0);
	return state;
}

static void what_is_written_is_read(void **state)
{
	struct capstate out = example("p", "s"), in;

	assert_int_equal(capstate_read(&spool, "p", "s", &in), 0);
	assert_int_equal(capstate_write(&spool, &out), 0);
	assert_int_equal(capstate_read(&spool, "p", "s", &in), 1);
	assert_string_equal(in.run, out.run);
	assert_string_equal(in.worker, out.worker);
	assert_string_equal(in.batch, out.batch);
	assert_int_equal(in.next_seq, 43);
	assert_int_equal(in.packet_index, 1000);
	assert_int_equal(in.records, 1001);
	assert_memory_equal(&in.cumulative, &out.cumulative, sizeof(in.cumulative));
	assert_true(in.live);
	assert_false(in.ended);
	out.next_seq = 44;
	out.ended = true;
	assert_int_equal(capstate_write(&spool, &out), 0);
	assert_int_equal(capstate_read(&spool, "p", "s", &in), 1);
	assert_int_equal(in.next_seq, 44);
	assert_true(in.ended);
}

static void who_holds_no_claim_writes_nothing(void **state)
{
	struct capstate first = example("p", "s"), second = first, now;
	struct namelist rivals;

	assert_int_equal(capstate_write(&spool, &first), 0);
	strcpy(second.worker, "capture.other.00");
	second.next_seq = 50;
	errno = 0;
	assert_int_equal(capstate_write(&spool, &second), -1);
	assert_int_equal(errno, ESTALE);
	assert_int_equal(capstate_claim(&spool, second.worker, "p", "s"), 0);
	assert_int_equal(capstate_rivals(&spool, second.worker, "p", "s", &rivals), 0);
	assert_int_equal(rivals.count, 1);
	assert_string_equal(rivals.names[0], first.worker);
	namelist_free(&rivals);
	assert_int_equal(capstate_rivals(&spool, second.worker, "p", "t", &rivals), 0);
	assert_int_equal(rivals.count, 0);
	tmp_write("capture/writer/p-s~capture.host.00/state", "what it was about to rename");
	tmp_write("capture/writer/p-s~capture.host.00/.tmp-1", "what it was writing");
	assert_int_equal(capstate_fence(&spool, first.worker, "p", "s"), 0);
	assert_int_equal(capstate_fence(&spool, first.worker, "p", "s"), 0);
	assert_int_equal(capstate_write(&spool, &second), 0);
	first.next_seq = 44;
	assert_int_equal(capstate_write(&spool, &first), -1);
	assert_int_equal(errno, ESTALE);
	assert_int_equal(capstate_read(&spool, "p", "s", &now), 1);
	assert_int_equal(now.next_seq, 50);
	assert_int_equal(capstate_fence_all(&spool, first.worker), 0);
	assert_int_equal(capstate_write(&spool, &second), 0);
	assert_int_equal(capstate_fence_all(&spool, second.worker), 0);
	assert_int_equal(capstate_write(&spool, &second), -1);
}

static void a_released_state_is_nobodys(void **state)
{
	struct capstate out = example("p", "s"), now;

	assert_int_equal(capstate_write(&spool, &out), 0);
	assert_int_equal(capstate_release(&spool, "capture.host.00", "p", "s"), 0);
	assert_int_equal(capstate_read(&spool, "p", "s", &now), 1);
	assert_string_equal(now.worker, "");
	assert_int_equal(now.next_seq, 43);
	assert_int_equal(capstate_write(&spool, &out), -1);
	assert_int_equal(errno, ESTALE);
}

static void all_are_listed(void **state)
{
	struct capstate one = example("p", "s"), two = example("p", "t"), *all;

	assert_int_equal(capstate_list(&spool, &all), 0);
	free(all);
	assert_int_equal(capstate_write(&spool, &two), 0);
	assert_int_equal(capstate_write(&spool, &one), 0);
	assert_int_equal(capstate_list(&spool, &all), 2);
	assert_string_equal(all[0].stream, "s");
	assert_string_equal(all[1].stream, "t");
	free(all);
}

static void damage_is_an_error_and_named(void **state)
{
	static const char *const damaged[] = {"", "{", "{}", "{\"format\": 9}",
		"{\"format\": 1, \"probe\": \"p\"}"};
	struct capstate in, *all;

	for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
		tmp_write("state/capture/p-s", damaged[i]);
		tmp_log_begin();
		assert_int_equal(capstate_read(&spool, "p", "s", &in), -1);
		assert_int_equal(errno, EINVAL);
		assert_says(tmp_log_end(), "state/capture/p-s: ");
		tmp_log_begin();
		assert_int_equal(capstate_list(&spool, &all), -1);
		assert_null(all);
		tmp_log_end();
	}
}

static int setup(void **state)
{
	nfs_set_durable(false);
	if (tmp_setup(state))
		return -1;
	strcpy(spool.root, tmp_folder);
	return 0;
}

static int clear(void **state)
{
	tmp_remove(tmp_path("state"));
	tmp_remove(tmp_path("capture"));
	return nfs_mkdir(tmp_path("capture/writer")) || nfs_mkdir(tmp_path("state/capture"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_written_is_read, clear),
		cmocka_unit_test_setup(who_holds_no_claim_writes_nothing, clear),
		cmocka_unit_test_setup(a_released_state_is_nobodys, clear),
		cmocka_unit_test_setup(all_are_listed, clear),
		cmocka_unit_test_setup(damage_is_an_error_and_named, clear),
	};

	return cmocka_run_group_tests(tests, setup, tmp_teardown);
}
