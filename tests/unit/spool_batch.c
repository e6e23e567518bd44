/* batch.c and captured.c: what is made below a batch, and batches that nobody handed over. */
#include "tests/unit/queues.h"

static struct queue queue;
static struct worker *me;

static int setup(void **state)
{
	if (queues_setup(state))
		return -1;
	me = worker_start(&queues_spool, "preprocess");
	return queue_open(&queue, &queues_spool, "packets", "preprocess");
}

static int teardown(void **state)
{
	queue_close(&queue);
	worker_stop(me);
	return queues_teardown(state);
}

static void take(struct batch *batch, const char *name)
{
	put_batch(at("packets/preprocess/ready"), name, "input");
	assert_int_equal(queue_claim_named(&queue, me, name), 1);
	assert_int_equal(batch_open(batch, &queue, me, name), 0);
}

static void output_is_a_whole_batch(void **state)
{
	struct manifest manifest;
	struct batch batch;
	char folder[PATH_MAX], file[PATH_MAX], why[256];

	take(&batch, "a");
	assert_int_equal(batch_begin_output(&batch, "flows", NULL, "y", folder), 0);
	assert_says(folder, batch.attempt);
	assert_says(folder, "/out/flows.shard-0/y");
	nfs_join(file, folder, "000000.ipfix");
	put_file(file, "abc");
	manifest_init(&manifest, "flows", "y");
	assert_int_equal(batch_end_output(&batch, "flows", NULL, &manifest, folder), 0);
	manifest_free(&manifest);
	assert_int_equal(manifest_read(&manifest, folder, why), 0);
	assert_int_equal(manifest.segment_count, 1);
	assert_int_equal(manifest.segments[0].bytes, 3);
	assert_int_equal(manifest_check(&manifest, folder, why), 0);
	manifest_free(&manifest);
}

/* A name of one reader goes to that one alone. */
static void one_reader_alone(void **state)
{
	struct batch batch;

	nfs_mkdir(at("flows/extra/ready"));
	take(&batch, "a");
	put_output(&batch, "flows", "shard-0", "y");
	assert_true(stands(at("packets/preprocess/work/%s/a/%s/out/flows.shard-0/y/data",
		worker_name(me), batch.attempt)));
	assert_false(stands(at("packets/preprocess/work/%s/a/%s/out/flows.extra", worker_name(me),
		batch.attempt)));
}

/* Rule 1: who was fenced must not make the lost batch's folder anew, or it would commit a second
 * one. */
static void nothing_is_made_where_the_batch_was(void **state)
{
	struct manifest manifest;
	struct batch batch;
	char folder[PATH_MAX], other[PATH_MAX], name[NAME_MAX + 1];
	struct namelist names = {0};

	namelist_add(&names, "f");
	take(&batch, "a");
	assert_int_equal(batch_begin_output(&batch, "flows", NULL, "y", folder), 0);
	steal("packets", "preprocess", worker_name(me));
	manifest_init(&manifest, "flows", "y");
	assert_int_equal(batch_begin_output(&batch, "flows", NULL, "z", other), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(batch_end_output(&batch, "flows", NULL, &manifest, folder), -1);
	assert_int_equal(batch_retire(&batch, "flows", "shard-0", &names), -1);
	assert_int_equal(batch_again(&batch, me), -1);
	assert_int_equal(batch_open(&batch, &queue, me, "a"), -1);
	assert_int_equal(errno, ENOENT);
	assert_false(stands(at("packets/preprocess/work/%s", worker_name(me))));
	assert_int_equal(queue_claim(&queue, me, name), -1);
	assert_int_equal(errno, ESTALE);
	manifest_free(&manifest);
	namelist_free(&names);
}

static const char *const run = "0123456789abcdef0123456789abcdef";

static const char *captured_name(const char *stream, uint64_t seq)
{
	static char names[4][256];
	static unsigned next;
	struct batchname parts = {.start_us = 1795257780123456, .seq = seq};
	char *name = names[next++ % 4];

	strcpy(parts.probe, "p");
	strcpy(parts.stream, stream);
	strcpy(parts.run, run);
	batchname_format(&parts, name, 256);
	return name;
}

static void captured_is_published(void **state)
{
	struct worker *capture = worker_start(&queues_spool, "capture");
	struct batch batch;
	const char *name = captured_name("all", 0);

	assert_int_equal(batch_create(&batch, &queues_spool, capture, name), 0);
	put_output(&batch, "packets", NULL, name);
	assert_int_equal(count_in(at("packets/preprocess/ready")), 0);
	assert_int_equal(batch_publish(&batch, capture), 1);
	assert_true(stands(at("packets/preprocess/ready/%s/data", name)));
	assert_int_equal(count_in(at("capture/done")), 0);
	assert_int_equal(batch_leave(&queues_spool, capture), 0);
	assert_int_equal(count_in(at("capture/tmp")), 0);
	worker_stop(capture);
}

/* A capture died: with one batch complete, one begun, one of another stream, and one committed. */
static void recovers_what_a_dead_capture_left(void **state)
{
	struct worker *dead = worker_start(&queues_spool, "capture"),
		      *new = worker_start(&queues_spool, "capture");
	struct batch whole, begun, other, committed;

	assert_int_equal(batch_create(&committed, &queues_spool, dead, captured_name("all", 0)), 0);
	put_output(&committed, "packets", NULL, captured_name("all", 0));
	assert_int_equal(nfs_move(at("capture/tmp/%s", worker_name(dead)), committed.name,
				 at("capture/done"),
				 at("%s~%s", committed.name, committed.attempt) + strlen(at(""))),
		1);
	assert_int_equal(batch_create(&whole, &queues_spool, dead, captured_name("all", 1)), 0);
	put_output(&whole, "packets", NULL, captured_name("all", 1));
	assert_int_equal(batch_create(&begun, &queues_spool, dead, captured_name("all", 2)), 0);
	put_output(&begun, "packets", NULL, captured_name("all", 2));
	assert_int_equal(batch_create(&other, &queues_spool, dead, captured_name("web", 1)), 0);

	assert_int_equal(batch_recover(&queues_spool, new, "p", "all", captured_name("all", 1)), 1);
	assert_true(stands(at("packets/preprocess/ready/%s", captured_name("all", 0))));
	assert_true(stands(at("packets/preprocess/ready/%s", captured_name("all", 1))));
	assert_false(stands(at("packets/preprocess/ready/%s", captured_name("all", 2))));
	assert_true(stands(at("capture/tmp/%s/%s", worker_name(dead), captured_name("web", 1))));
	assert_int_equal(count_in(at("capture/tmp/%s", worker_name(dead))), 1);
	assert_int_equal(batch_recover(&queues_spool, new, "p", "all", captured_name("all", 1)), 0);
	assert_int_equal(batch_recover(&queues_spool, new, "p", "web", ""), 0);
	assert_int_equal(count_in(at("capture/tmp")), 0);
	assert_int_equal(count_in(at("capture/done")), 0);
	assert_int_equal(count_in(at("packets/preprocess/ready")), 2);

	/* it was not dead after all: it commits nothing, and begins nothing */
	assert_int_equal(batch_publish(&whole, dead), 0);
	assert_int_equal(batch_publish(&begun, dead), 0);
	assert_int_equal(batch_create(&begun, &queues_spool, dead, captured_name("all", 3)), -1);
	assert_int_equal(errno, ESTALE);
	worker_stop(dead);
	worker_stop(new);
}

static void leaves_living_captures_alone(void **state)
{
	struct worker *living = worker_start(&queues_spool, "capture"),
		      *new = worker_start(&queues_spool, "capture");
	struct batch batch;

	assert_int_equal(batch_create(&batch, &queues_spool, living, captured_name("web", 0)), 0);
	assert_int_equal(batch_recover(&queues_spool, new, "p", "all", ""), 0);
	put_output(&batch, "packets", NULL, captured_name("web", 0));
	assert_int_equal(batch_publish(&batch, living), 1);
	assert_int_equal(batch_recover(&queues_spool, new, "p", "all", ""), 0);
	assert_true(stands(at("capture/tmp/%s", worker_name(living))));
	worker_stop(living);
	worker_stop(new);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(output_is_a_whole_batch),
		TEST(one_reader_alone),
		TEST(nothing_is_made_where_the_batch_was),
		TEST(captured_is_published),
		TEST(recovers_what_a_dead_capture_left),
		TEST(leaves_living_captures_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
