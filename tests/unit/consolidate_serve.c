/* serve.c: who gets which token: a free one is left to others by who has some, and a second holder is refused. */
#include "tests/unit/tmp.h"

#include "consolidate/shard.h"
#include "spool/nfs.h"

#define LONG 3600 /* tokens held: the others have LEAVE_S */

static struct stage_run run, other;
static struct window_table *table;

static int begin(void **unused)
{
	if (tmp_setup(unused) || config_load(&run.config, ""))
		return -1;
	run.config.shards = 2;
	run.follow = true;
	if (spool_open(&run.spool, tmp_path("s"), &run.config, false))
		return -1;
	other = run;
	run.worker = worker_start(&run.spool, "consolidate");
	other.worker = worker_start(&other.spool, "consolidate");
	table = window_new();
	return run.worker && other.worker ? 0 : -1;
}

static int end(void **unused)
{
	window_free(table);
	worker_stop(run.worker);
	worker_stop(other.worker);
	config_free(&run.config);
	return tmp_teardown(unused);
}

static void open_shard(struct shard *shard, struct stage_run *of, unsigned number)
{
	*shard = (struct shard){.batch_biflows = 1000, .table = table};
	assert_int_equal(shard_open(shard, of, number), 0);
}

static void close_shard(struct shard *shard)
{
	token_release(shard);
	shard_close(shard);
}

static void a_free_token_is_left_to_others(void **unused)
{
	struct shard first, second;

	open_shard(&first, &run, 0);
	open_shard(&second, &run, 1);
	assert_int_equal(serve(&first, 0), VISIT_IDLE); /* taken, and nothing to do */
	assert_string_equal(first.token, "token-0000000000");
	assert_int_equal(serve(&second, LONG), VISIT_IDLE);
	assert_string_equal(second.token, "");
	second.look_s = 0; /* the next look is due */
	assert_int_equal(serve(&second, 0), VISIT_IDLE);
	assert_string_equal(second.token, "token-0000000000");
	close_shard(&first);
	close_shard(&second);
}

/* In a drain nobody waits for company. */
static void a_drain_takes_what_is_free(void **unused)
{
	struct shard shard;

	run.follow = false;
	open_shard(&shard, &run, 0);
	assert_int_equal(serve(&shard, LONG), VISIT_DONE);
	assert_string_equal(shard.token, ""); /* given back */
	close_shard(&shard);
	run.follow = true;
}

static void a_second_holder_is_refused(void **unused)
{
	struct shard first, second;
	enum visit visit = VISIT_SOON;
	char holder[NAME_MAX + 1];

	other.follow = false;
	open_shard(&first, &run, 1);
	open_shard(&second, &other, 1);
	assert_int_equal(serve(&first, 0), VISIT_IDLE);
	assert_string_equal(token_holder(&second, holder), worker_name(run.worker));
	tmp_log_begin();
	for (int i = 0; i < 100 && visit == VISIT_SOON; i++)
		visit = serve(&second, 0);
	assert_says(tmp_log_end(), "shard-1 is consolidated by consolidate.");
	assert_int_equal(visit, VISIT_DONE);
	assert_string_equal(second.token, "");
	close_shard(&second);
	close_shard(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_free_token_is_left_to_others),
		cmocka_unit_test(a_drain_takes_what_is_free),
		cmocka_unit_test(a_second_holder_is_refused),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
