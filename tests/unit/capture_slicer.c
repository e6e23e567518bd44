/* slicer.c, segment.c, publish.c, sink.c: where batches end, what their books say, what stands
 * in the spool. */
#include "tests/unit/tmp.h"

#include "capture/slicer.h"
#include "spool/capstate.h"
#include "spool/nfs.h"
#include "spool/worker.h"

#define SECOND 1000000000ull
#define START  (1700000000 * SECOND)

static struct capture capture;
static struct config_stream stream = {.name = "all", .filter = "", .snaplen = 262144};
static struct slicer slicer;
static struct namelist batches;
static struct manifest manifest;
static uint8_t payload[300000];

/* ---- a spool of its own for each test ---- */

static int set_up(void **state)
{
	static unsigned number;
	char name[32], policy[PATH_MAX];

	tmp_setup(state);
	memset(&capture, 0, sizeof(capture));
	assert_int_equal(config_load(&capture.config, ""), 0);
	capture.config.min_free = 0;
	snprintf(name, sizeof(name), "spool-%u", number++);
	assert_int_equal(spool_open(&capture.spool, tmp_path(name), &capture.config, false), 0);
	snprintf(policy, sizeof(policy), "%s", "0123456789abcdef0123456789abcdef");
	memcpy(capture.rules, policy, sizeof(capture.rules));
	capture.worker = worker_start(&capture.spool, "capture");
	capture.publisher =
		publisher_start(&capture.spool, &capture.config, capture.worker, false, 8);
	stream.snaplen = 262144;
	return 0;
}

static int tear_down(void **state)
{
	worker_stop(capture.worker);
	config_free(&capture.config);
	namelist_free(&batches);
	manifest_free(&manifest);
	return tmp_teardown(state);
}

static void open_stream(bool live)
{
	struct capstate start = {.probe = "p",
		.stream = "s",
		.run = "5e1f0c9a7b3d2e4f5a6b7c8d9e0f1a2b"};

	start.live = live;
	snprintf(start.worker, sizeof(start.worker), "%s", worker_name(capture.worker));
	assert_int_equal(capstate_claim(&capture.spool, start.worker, "p", "s"), 0);
	assert_int_equal(capstate_write(&capture.spool, &start), 0);
	slicer_open(&slicer, &capture, &stream, &start, "test");
}

static uint64_t records;

static bool add_sized(double seconds, uint32_t size)
{
	struct packet packet = {.caplen = size, .origlen = size, .linktype = 1, .data = payload};

	packet.time_ns = START + (uint64_t)(int64_t)(seconds * (double)SECOND);
	return slicer_add(&slicer, &packet, records++);
}

static void add(double seconds)
{
	assert_true(add_sized(seconds, 60));
}

/* Publishes all; *BATCHES are then the names in ready/. */
static void finish(size_t wanted)
{
	char path[PATH_MAX];

	assert_int_equal(publisher_end(capture.publisher), 0);
	namelist_free(&batches);
	assert_int_equal(nfs_list(spool_path(&capture.spool, path, "packets/preprocess/ready"),
				 &batches),
		0);
	namelist_sort(&batches);
	assert_int_equal(batches.count, wanted);
}

static void end(size_t wanted)
{
	slicer_end(&slicer, records, NULL, START / 1000);
	finish(wanted);
}

static const struct manifest *batch(size_t index)
{
	char path[PATH_MAX], why[256] = "";

	manifest_free(&manifest);
	spool_path(&capture.spool, path, "packets/preprocess/ready/%s", batches.names[index]);
	assert_int_equal(manifest_read(&manifest, path, why), 0);
	assert_int_equal(manifest_check(&manifest, path, why), 0);
	assert_int_equal(manifest.counts.seen, manifest.counts.captured + manifest.counts.filtered +
						       manifest.counts.dropped +
						       manifest.counts.shed);
	return &manifest;
}

static void expect(size_t index, uint64_t captured, uint64_t packet_index, bool is_end)
{
	const struct manifest *now = batch(index);

	assert_int_equal(now->seq, index);
	assert_int_equal(now->counts.captured, captured);
	assert_int_equal(now->packet_index, packet_index);
	assert_int_equal(now->end, is_end);
	assert_string_equal(now->rules, capture.rules);
}

/* ---- periods ---- */

static void a_period_begins_with_the_first_packet(void **state)
{
	records = 0;
	open_stream(false);
	add(0);
	add(4.999);
	add(5);
	add(9.9);
	add(100000); /* a gap publishes nothing */
	end(3);
	expect(0, 2, 0, false);
	expect(1, 2, 2, false);
	expect(2, 1, 4, true);
	assert_non_null(strstr(batches.names[1], "20231114T221325.000000Z-p-s-"));
	assert_int_equal(manifest.cumulative.captured, 5);
	assert_int_equal(manifest.first_ms, 1700100000000);
}

static void time_that_runs_backwards_stays_in_the_batch(void **state)
{
	records = 0;
	open_stream(false);
	add(100);
	add(3);
	add(101);
	add(98);
	end(1);
	expect(0, 4, 0, true);
	assert_int_equal(manifest.first_ms, 1700000003000);
	assert_int_equal(manifest.last_ms, 1700000101000);
}

/* What is filtered between two batches belongs to the first: only a packet of the stream closes
 * it. */
static void filtered_packets_close_nothing(void **state)
{
	records = 0;
	open_stream(false);
	slicer_filtered(&slicer, 1);
	add(0);
	slicer_filtered(&slicer, 1);
	slicer_filtered(&slicer, 1);
	add(10);
	slicer_filtered(&slicer, 1);
	end(2);
	assert_int_equal(batch(0)->counts.filtered, 3);
	assert_int_equal(batch(1)->counts.filtered, 1);
	assert_int_equal(manifest.cumulative.seen, 6);
}

static void an_empty_run_is_one_batch(void **state)
{
	records = 0;
	open_stream(false);
	slicer_end(&slicer, 0, "cut at byte 24", 0);
	finish(1);
	expect(0, 0, 0, true);
	assert_string_equal(manifest.damaged, "cut at byte 24");
	assert_int_equal(manifest.segment_count, 1);
	assert_int_equal(manifest.first_ms, 0);
	assert_true(strncmp(batches.names[0], "19700101T000000", 15) == 0);
}

/* ---- sizes ---- */

static void segments_keep_to_their_size(void **state)
{
	records = 0;
	capture.config.segment_bytes = 100000;
	capture.config.batch_segments = 3;
	open_stream(false);
	for (int i = 0; i < 1000; i++)
		assert_true(add_sized(0.001 * i, 1400));
	end(5);
	for (size_t i = 0; i < batches.count; i++) {
		const struct manifest *now = batch(i);

		assert_true(now->segment_count <= 3);
		for (size_t s = 0; s < now->segment_count; s++) {
			assert_true(now->segments[s].bytes <= 100000);
			if (i + 1 < batches.count)
				assert_true(now->segments[s].bytes > 98000);
		}
	}
	assert_true(manifest.end);
	assert_int_equal(manifest.cumulative.captured, 1000);
}

/* A packet that is larger than a segment makes one of its own; one larger than what is written
 * at once goes in pieces. */
static void a_segment_takes_at_least_one_packet(void **state)
{
	records = 0;
	capture.config.segment_bytes = 1000;
	open_stream(false);
	for (int i = 0; i < 10; i++)
		assert_true(add_sized(0, 262144));
	end(2);
	expect(0, 8, 0, false);
	assert_int_equal(manifest.segment_count, 8);
	expect(1, 2, 8, true);
}

static void packets_are_cut_at_the_streams_snap_length(void **state)
{
	records = 0;
	stream.snaplen = 96;
	open_stream(false);
	assert_true(add_sized(0, 1400));
	end(1);
	assert_true(batch(0)->segments[0].bytes < 500);
}

static void a_segment_describes_a_bounded_number_of_interfaces(void **state)
{
	struct packet packet = {.caplen = 4,
		.origlen = 4,
		.linktype = 1,
		.data = payload,
		.time_ns = START};

	records = 0;
	open_stream(false);
	for (uint32_t i = 0; i < 1000; i++) {
		packet.snaplen = 100 + i;
		assert_true(slicer_add(&slicer, &packet, records++));
	}
	end(2);
	assert_int_equal(batch(0)->counts.captured, 8 * SEGMENT_INTERFACES);
	assert_int_equal(batch(1)->cumulative.captured, 1000);
}

/* ---- going on ---- */

static void a_stopped_stream_goes_on_at_the_next_batch(void **state)
{
	struct capstate now;

	records = 0;
	open_stream(false);
	add(0);
	add(1);
	add(6);
	slicer_stop(&slicer);
	finish(1);
	assert_int_equal(capstate_read(&capture.spool, "p", "s", &now), 1);
	assert_string_equal(now.worker, "");
	assert_string_equal(now.batch, batches.names[0]);
	assert_int_equal(now.records, 2);
	assert_int_equal(now.next_seq, 1);
	assert_false(now.ended);

	capture.publisher =
		publisher_start(&capture.spool, &capture.config, capture.worker, false, 8);
	snprintf(now.worker, sizeof(now.worker), "%s", worker_name(capture.worker));
	assert_int_equal(capstate_claim(&capture.spool, now.worker, "p", "s"), 0);
	assert_int_equal(capstate_write(&capture.spool, &now), 0);
	slicer_open(&slicer, &capture, &stream, &now, "test");
	records = now.records;
	add(6);
	end(2);
	expect(1, 1, 2, true);
	assert_int_equal(manifest.cumulative.captured, 3);
}

/* Whoever thought us dead has taken our claim away. */
static void a_stream_that_was_taken_over_is_given_up(void **state)
{
	struct capstate now;
	const char *log;

	records = 0;
	open_stream(false);
	add(0);
	assert_int_equal(capstate_read(&capture.spool, "p", "s", &now), 1);
	assert_int_equal(capstate_fence(&capture.spool, now.worker, "p", "s"), 0);
	strcpy(now.worker, "capture.other.0");
	assert_int_equal(capstate_claim(&capture.spool, now.worker, "p", "s"), 0);
	assert_int_equal(capstate_write(&capture.spool, &now), 0);
	tmp_log_begin();
	slicer_end(&slicer, records, NULL, 0);
	assert_int_equal(publisher_end(capture.publisher), MIRA_AGAIN);
	log = tmp_log_end();
	assert_says(log, "capture.other.0");
	assert_int_equal(capstate_read(&capture.spool, "p", "s", &now), 1);
	assert_string_equal(now.worker, "capture.other.0");
	assert_int_equal(now.next_seq, 0);
}

/* ---- readers that are behind ---- */

static size_t waiting(void)
{
	char path[PATH_MAX];
	struct namelist names;
	size_t count;

	assert_int_equal(nfs_list(spool_path(&capture.spool, path, "packets/preprocess/ready"),
				 &names),
		0);
	count = names.count;
	namelist_free(&names);
	return count;
}

static void add_batches(double from, int count)
{
	for (int i = 0; i < count; i++)
		add(from + 10 * i);
}

/* Nobody reads: the stages are started one after the other, and waiting would be for ever. */
static void a_trace_does_not_wait_for_nobody(void **state)
{
	records = 0;
	capture.config.max_batches = 2;
	open_stream(false);
	add_batches(0, 6);
	publisher_settle(capture.publisher);
	capture_pause(1100);
	add_batches(60, 6);
	end(12);
}

static void a_trace_waits_for_a_reader_that_lives(void **state)
{
	struct worker *reader;

	records = 0;
	capture.config.max_batches = 2;
	open_stream(false);
	add_batches(0, 6);
	publisher_settle(capture.publisher);
	assert_int_equal(waiting(), 5);
	reader = worker_start(&capture.spool, "preprocess");
	capture_pause(1100); /* looked at once a second */
	add_batches(60, 3);
	capture_pause(1100);
	assert_int_equal(waiting(), 5);
	worker_stop(reader);
	end(9);
}

/* ---- live ---- */

static void live_batches_turn_with_and_without_packets(void **state)
{
	assert_int_equal(publisher_end(capture.publisher), 0);
	capture.publisher =
		publisher_start(&capture.spool, &capture.config, capture.worker, true, 8);
	records = 0;
	open_stream(true);
	assert_true(slicer_turn(&slicer, 5000000));
	assert_true(slicer_turn(&slicer, 10000000));
	add(0);
	add(1000); /* the wall clock turns, not the packets' */
	slicer_shed(&slicer);
	slicer_filtered(&slicer, 1);
	slicer_dropped(&slicer, 3, 4);
	assert_true(slicer_turn(&slicer, 15000000));
	slicer_end(&slicer, 0, NULL, 15000000);
	finish(3);
	expect(0, 0, 0, false);
	expect(1, 2, 0, false);
	assert_int_equal(manifest.counts.seen, 11);
	assert_int_equal(manifest.counts.dropped, 7);
	assert_true(manifest.live);
	expect(2, 0, 2, true);
	assert_true(strncmp(batches.names[1], "19700101T000010.000000Z", 23) == 0);
}

/* Live never waits: what finds no buffer is refused, and the batch stays whole. */
static void live_refuses_packets_when_the_spool_is_slow(void **state)
{
	unsigned taken = 0;

	assert_int_equal(publisher_end(capture.publisher), 0);
	capture.publisher =
		publisher_start(&capture.spool, &capture.config, capture.worker, true, 1);
	records = 0;
	open_stream(true);
	assert_true(slicer_turn(&slicer, 5000000));
	for (int i = 0; i < 100; i++) {
		if (add_sized(0, 60000))
			taken++;
		else
			slicer_shed(&slicer);
	}
	assert_true(taken > 10 && taken < 20);
	assert_false(slicer_turn(&slicer, 10000000));
	slicer_end(&slicer, 0, NULL, 0);
	finish(1);
	expect(0, taken, 0, true);
	assert_int_equal(manifest.counts.shed, 100 - taken);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_period_begins_with_the_first_packet),
		TEST(time_that_runs_backwards_stays_in_the_batch),
		TEST(filtered_packets_close_nothing),
		TEST(an_empty_run_is_one_batch),
		TEST(segments_keep_to_their_size),
		TEST(a_segment_takes_at_least_one_packet),
		TEST(packets_are_cut_at_the_streams_snap_length),
		TEST(a_segment_describes_a_bounded_number_of_interfaces),
		TEST(a_stopped_stream_goes_on_at_the_next_batch),
		TEST(a_stream_that_was_taken_over_is_given_up),
		TEST(a_trace_does_not_wait_for_nobody),
		TEST(a_trace_waits_for_a_reader_that_lives),
		TEST(live_batches_turn_with_and_without_packets),
		TEST(live_refuses_packets_when_the_spool_is_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
