/* preprocess_sequence.c: what is new in a TCP stream, and what was sent before. */
#include "tests/unit/tmp.h"

#include "preprocess/sequence.h"

static struct entry entry;

static bool segment(uint32_t seq, uint32_t length, uint16_t flags)
{
	struct packet packet = {.tcp_seq = seq, .tcp_length = length, .tcp_flags = flags};

	struct sequence_fresh fresh;

	sequence_take(&entry, &packet, NULL, &fresh);
	return fresh.count > 0;
}

static void in_order(void **state)
{
	memset(&entry, 0, sizeof(entry));
	assert_false(segment(100, 0, TCP_SYN));
	assert_true(segment(101, 50, 0));
	assert_true(segment(151, 50, 0));
	assert_false(segment(101, 50, 0));
	assert_false(segment(151, 50, 0));
	assert_false(segment(200, 1, 0)); /* keep-alive */
	assert_true(segment(151, 60, 0)); /* some of it is new */
	assert_false(segment(211, 0, 0));
}

static void around_zero(void **state)
{
	memset(&entry, 0, sizeof(entry));
	assert_true(segment(0xfffffff0, 32, 0));
	assert_true(segment(0x10, 32, 0));
	assert_false(segment(0xfffffff0, 32, 0));
	assert_false(segment(0, 16, 0));
}

static void out_of_order(void **state)
{
	memset(&entry, 0, sizeof(entry));
	assert_true(segment(0, 100, 0));
	assert_true(segment(200, 100, 0)); /* 100 … 199 is missing */
	assert_false(segment(0, 100, 0));
	assert_false(segment(250, 50, 0));
	assert_true(segment(100, 50, 0));
	assert_false(segment(100, 50, 0));
	assert_true(segment(150, 50, 0));
	assert_false(segment(150, 50, 0));
	assert_false(segment(100, 100, 0));
	assert_true(segment(300, 10, 0));
}

/*
 * Of several gaps one is remembered, from the first missing byte to the last: nothing missing is
 * taken for sent again.
 */
static void several_gaps(void **state)
{
	memset(&entry, 0, sizeof(entry));
	assert_true(segment(0, 100, 0));
	assert_true(segment(200, 100, 0));
	assert_true(segment(400, 100, 0));
	assert_true(segment(300, 100, 0));
	assert_true(segment(100, 100, 0));
	assert_false(segment(0, 100, 0));
	assert_false(segment(400, 100, 0));
}

static void another_connection(void **state)
{
	memset(&entry, 0, sizeof(entry));
	assert_true(segment(2000000000, 100, 0));
	assert_false(segment(2000000000, 100, 0));
	assert_false(segment(999, 0, TCP_SYN));
	assert_true(segment(1000, 100, 0));
	assert_true(segment(100000000, 100, 0));
	assert_true(segment(1000, 100, 0));	  /* far back, without a SYN */
	assert_true(segment(5000, 100, TCP_SYN)); /* data with the SYN (RFC 7413) */
	assert_false(segment(5001, 100, 0));
	assert_true(segment(5101, 1, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(around_zero),
		cmocka_unit_test(out_of_order),
		cmocka_unit_test(several_gaps),
		cmocka_unit_test(another_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
