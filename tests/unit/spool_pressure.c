/* pressure.c: who waits for whom, and whose batches are dropped. */
#include "tests/unit/queues.h"

#include "spool/pressure.h"

static char why[PATH_MAX + 256];

static bool high(const char *stage, const char *output, const char *next)
{
	return pressure_look(&queues_spool, &queues_config, stage, output, next, NULL, why,
		sizeof(why));
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

#define RUN(digit)	     #digit "e1f0c9a7b3d2e4f5a6b7c8d9e0f1a2b"
#define BATCH(day, run, seq) "202611" #day "T104300.000000Z-p-all-" RUN(run) "-000000000" #seq

/* A whole trace may be older than another one; were it to pass, the mark would be none. */
static void older_than_another_run_does_not_pass(void **state)
{
	queues_config.max_batches = 2;
	queues_config.min_free = 0;
	put_batch(at("flows/shard-0/ready"), BATCH(21, 5, 1), "x");
	put_batch(at("flows/shard-0/ready"), BATCH(21, 5, 3), "x");
	put_batch(at("flows/shard-0/ready"), BATCH(21, 5, 4), "x");
	assert_false(high("preprocess", "flows", BATCH(21, 5, 2)));
	assert_true(high("preprocess", "flows", BATCH(21, 5, 5)));
	assert_true(high("preprocess", "flows", BATCH(20, 6, 1)));
	fill("biflows", "classify", 0, 1);
	put_batch(at("biflows/classify/ready"), "0000000007-shard-1", "x");
	put_batch(at("biflows/classify/ready"), "0000000009-shard-0", "x");
	assert_true(high("consolidate", "biflows", "0000000008-shard-1"));
	assert_false(high("consolidate", "biflows", "0000000008-shard-0"));
}

/* A file that somebody left there would otherwise count for ever. */
static void what_is_no_batch_does_not_count(void **state)
{
	queues_config.max_batches = 2;
	queues_config.min_free = 0;
	fill("flows", "shard-0", 0, 2);
	put_file(at("flows/shard-0/ready/a note"), "x");
	put_file(at("flows/shard-0/work/note"), "x");
	assert_false(high("preprocess", "flows", "b900"));
	fill("flows", "shard-0", 2, 1);
	assert_true(high("preprocess", "flows", "b900"));
}

/* Within a second a stage makes hundreds of small batches. */
static void looks_again_before_the_room_is_used_up(void **state)
{
	int made = 0;

	queues_config.max_batches = 40;
	queues_config.min_free = 0;
	while (made < 200 &&
		!pressure_high(&queues_spool, &queues_config, "preprocess", "flows", "b900"))
		fill("flows", "shard-0", made++, 1);
	assert_int_equal(made, 41);
	usleep(1100000); /* for who comes next in this process */
	tmp_remove(at("flows/shard-0/ready"));
	assert_false(pressure_high(&queues_spool, &queues_config, "preprocess", "flows", "b900"));
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
		TEST(older_than_another_run_does_not_pass),
		TEST(what_is_no_batch_does_not_count),
		TEST(free_space_marks_fall_along_the_line),
		TEST(nobody_waits_for_readers_that_hold_nothing),
		TEST(optional_readers_do_not_count),
		TEST(optional_readers_lose_their_oldest),
		TEST(says_once_what_it_waits_for),
		TEST(looks_again_before_the_room_is_used_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
