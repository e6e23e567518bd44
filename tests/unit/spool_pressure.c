/* pressure.c: who waits for whom, and whose batches are dropped. */
#include "tests/unit/queues.h"

#include "spool/pressure.h"

static char why[PATH_MAX + 256];

static bool high(const char *stage, const char *output, const char *next)
{
	return pressure_look(&queues_spool, &queues_config, stage, output, next, why, sizeof(why));
}

static void fill(const char *queue, const char *reader, int first, int count)
{
	char name[16];

	for (int i = first; i < first + count; i++) {
		snprintf(name, sizeof(name), "b%03d", i);
		put_batch(at("%s/%s/ready", queue, reader), name, "x");
	}
}

static void counts_what_waits_and_what_is_worked_on(void **state)
{
	queues_config.max_batches = 4;
	queues_config.min_free = 0;
	fill("flows", "shard-0", 0, 4);
	assert_false(high("preprocess", "flows", "b900"));
	put_batch(at("flows/shard-0/work/w"), "b004", "x");
	assert_true(high("preprocess", "flows", "b900"));
	assert_says(why, "flows/shard-0 holds 5 batches, over max_batches = 4");
	assert_false(high("store", NULL, "b900"));
}

/* Nor does what a reader holds back until others come. */
static void held_batches_do_not_count(void **state)
{
	queues_config.max_batches = 4;
	queues_config.min_free = 0;
	fill("flows", "shard-0", 0, 6);
	assert_true(high("preprocess", "flows", "b900"));
	nfs_write_file(at("flows/shard-0/held"), "2\n", 2);
	assert_false(high("preprocess", "flows", "b900"));
	nfs_write_file(at("flows/shard-0/held"), "1\n", 2);
	assert_true(high("preprocess", "flows", "b900"));
	assert_says(why, "holds 5 batches");
	nfs_write_file(at("flows/shard-0/held"), "999\n", 4);
	assert_false(high("preprocess", "flows", "b900"));
}

/* Or a window could never close: the batch that all wait for would be the one that waits. */
static void the_oldest_passes(void **state)
{
	queues_config.max_batches = 4;
	queues_config.min_free = 0;
	fill("flows", "shard-0", 100, 6);
	assert_true(high("preprocess", "flows", "b900"));
	assert_true(high("preprocess", "flows", NULL));
	assert_false(high("preprocess", "flows", "b104"));
	queues_config.min_free = 1e9;
	assert_false(high("preprocess", "flows", "b104"));
	assert_true(high("preprocess", "flows", "b900"));
}

static void free_space_marks_fall_along_the_line(void **state)
{
	static const char *const line[][2] = {{"capture", "packets"}, {"preprocess", "flows"},
		{"consolidate", "biflows"}, {"classify", "verdicts"}};
	double share = nfs_free_share(queues_spool.root);

	fill("packets", "preprocess", 0, 1);
	fill("flows", "shard-0", 0, 1);
	fill("biflows", "classify", 0, 1);
	fill("verdicts", "store", 0, 1);
	assert_true(share > 0 && share <= 1);
	for (int stops = 0; stops <= 4; stops++) {
		/* under the mark of the first STOPS stages, over that of the next */
		queues_config.min_free = stops ? share * (1 << (stops - 1)) * 1.4 : share * 0.7;
		for (int stage = 0; stage < 4; stage++)
			assert_int_equal(high(line[stage][0], line[stage][1], "b900"),
				stage < stops);
		assert_false(high("store", NULL, "b900"));
	}
	queues_config.min_free = share * 1.4;
	assert_true(high("capture", "packets", "b900"));
	assert_says(why, "free space");
}

/* On a disk that others have filled, whose readers have done all they can. */
static void nobody_waits_for_readers_that_hold_nothing(void **state)
{
	queues_config.min_free = 1e9;
	assert_false(high("capture", "packets", "b900"));
	assert_true(high("capture", "packets", NULL));
	assert_false(high("preprocess", "flows", "b900"));
	assert_false(high("consolidate", "biflows", NULL));
	fill("packets", "preprocess", 0, 1);
	assert_true(high("capture", "packets", "b900"));
	fill("flows", "shard-0", 0, 1);
	assert_true(high("preprocess", "flows", "b900"));
	nfs_write_file(at("flows/shard-0/held"), "1\n", 2);
	assert_false(high("preprocess", "flows", "b900"));
}

static void optional_readers_do_not_count(void **state)
{
	queues_config.max_batches = 4;
	queues_config.min_free = 0;
	nfs_mkdir(at("biflows/billing/ready"));
	fill("biflows", "billing", 0, 9);
	assert_false(high("consolidate", "biflows", "b900"));
}

static void optional_readers_lose_their_oldest(void **state)
{
	struct worker *worker = worker_start(&queues_spool, "consolidate");

	queues_config.max_batches = 4;
	nfs_mkdir(at("biflows/billing/ready"));
	fill("biflows", "billing", 0, 9);
	fill("biflows", "classify", 0, 9);
	tmp_log_begin();
	assert_int_equal(pressure_trim(&queues_spool, &queues_config, worker, "biflows"), 5);
	assert_says(tmp_log_end(), "its 5 oldest batches were dropped");
	assert_int_equal(count_in(at("biflows/billing/ready")), 4);
	assert_false(stands(at("biflows/billing/ready/b004")));
	assert_true(stands(at("biflows/billing/ready/b005/data")));
	assert_int_equal(count_in(at("biflows/billing/done")), 0);
	assert_int_equal(count_in(at("biflows/classify/ready")), 9);
	assert_int_equal(pressure_trim(&queues_spool, &queues_config, worker, "biflows"), 0);
	assert_int_equal(pressure_trim(&queues_spool, &queues_config, worker, NULL), 0);
	worker_stop(worker);
}

/* Looks are a second apart, and the log says it once. */
static void says_once_what_it_waits_for(void **state)
{
	const char *log;

	queues_config.max_batches = 4;
	queues_config.min_free = 0;
	fill("flows", "shard-0", 0, 5);
	tmp_log_begin();
	for (int i = 0; i < 3; i++)
		assert_true(pressure_high(&queues_spool, &queues_config, "preprocess", "flows",
			"b900"));
	tmp_remove(at("flows/shard-0/ready"));
	assert_true(pressure_high(&queues_spool, &queues_config, "preprocess", "flows", "b900"));
	usleep(1100000);
	assert_false(pressure_high(&queues_spool, &queues_config, "preprocess", "flows", "b900"));
	log = tmp_log_end();
	assert_says(log, "waiting: flows/shard-0 holds 5");
	assert_null(strstr(strstr(log, "waiting") + 1, "waiting"));
	assert_says(log, "going on");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, queues_setup, queues_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(counts_what_waits_and_what_is_worked_on),
		TEST(held_batches_do_not_count),
		TEST(the_oldest_passes),
		TEST(free_space_marks_fall_along_the_line),
		TEST(nobody_waits_for_readers_that_hold_nothing),
		TEST(optional_readers_do_not_count),
		TEST(optional_readers_lose_their_oldest),
		TEST(says_once_what_it_waits_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
