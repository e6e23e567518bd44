/* metrics.c: counters that Prometheus reads. */
#include "tests/unit/queues.h"

#include <time.h>

#include "spool/metrics.h"

static void writes_counters(void **state)
{
	struct progress progress = {.batches = 3, .packets = 1ull << 60, .bytes = 7, .records = 5};
	struct worker *worker = worker_start(&queues_spool, "store");
	char *text, expected[512];

	assert_int_equal(metrics_write(&queues_spool, worker, "store", &progress), 0);
	text = nfs_read_file(at("metrics/%s.prom", worker_name(worker)), NULL);
	assert_non_null(text);
	assert_says(text, "# TYPE mira_batches_total counter\n");
	snprintf(expected, sizeof(expected),
		"\nmira_packets_total{stage=\"store\",worker=\"%s\"} %llu\n", worker_name(worker),
		1ull << 60);
	assert_says(text, expected);
	free(text);
	worker_stop(worker);
}

static void old_ones_are_removed(void **state)
{
	struct timespec old[2] = {{.tv_sec = time(NULL) - 90000}, {.tv_sec = time(NULL) - 90000}};
	struct worker *worker = worker_start(&queues_spool, "store");
	struct progress progress = {0};

	put_file(at("metrics/store.h.1.prom"), "x");
	put_file(at("metrics/store.h.2.prom"), "x");
	put_file(at("metrics/capture.h.1.prom"), "x");
	assert_int_equal(utimensat(AT_FDCWD, at("metrics/store.h.1.prom"), old, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, at("metrics/capture.h.1.prom"), old, 0), 0);
	assert_int_equal(metrics_write(&queues_spool, worker, "store", &progress), 0);
	metrics_expire(&queues_spool, worker, "store");
	assert_false(stands(at("metrics/store.h.1.prom")));
	assert_true(stands(at("metrics/store.h.2.prom")));
	assert_true(stands(at("metrics/capture.h.1.prom")));
	assert_true(stands(at("metrics/%s.prom", worker_name(worker))));
	worker_stop(worker);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, queues_setup, queues_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(writes_counters),
		TEST(old_ones_are_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
