/*
 * preprocess_fragment.c: fragments find the ports of their first one, whatever the order; each is
 * counted exactly once, however many there are.
 */
#include "tests/unit/tmp.h"

#include "preprocess/fragment.h"

static struct fragments *table;
static uint32_t known[70000],
	alone[70000]; /* times that a record was counted, with and without ports */
static uint32_t order[70000], counted;
static uint16_t last_port;

static int count(void *own, void *record, const struct fragment *first)
{
	uint32_t number = *(uint32_t *)record;

	order[counted++] = number;
	if (first)
		known[number]++;
	else
		alone[number]++;
	last_port = first ? first->sport : 0;
	return 0;
}

static int setup(void **state)
{
	table = fragments_new(sizeof(uint32_t), count, NULL);
	memset(known, 0, sizeof(known));
	memset(alone, 0, sizeof(alone));
	counted = 0;
	return 0;
}

static int teardown(void **state)
{
	fragments_free(table);
	return 0;
}

static struct fragment fragment(uint32_t id, uint16_t sport)
{
	static const uint8_t addresses[8] = {10, 0, 0, 1, 10, 0, 0, 2};

	return (struct fragment){.addresses = addresses,
		.id = id,
		.version = 4,
		.protocol = 17,
		.transport = 17,
		.sport = sport,
		.dport = 53};
}

static void first(uint32_t id, uint16_t sport, uint64_t time_ms)
{
	struct fragment piece = fragment(id, sport);

	assert_int_equal(fragments_first(table, &piece, time_ms), 0);
}

/* Counts it at once where it may: the port, 0 when it waits. */
static uint16_t later(uint32_t id, uint32_t number, uint64_t time_ms)
{
	struct fragment piece = fragment(id, 0);
	int result;

	piece.later = true;
	piece.transport = 0;
	result = fragments_later(table, &piece, time_ms, &number);
	assert_in_range(result, 0, 1);
	if (result == 0)
		return 0;
	assert_int_equal(piece.transport, 17);
	assert_int_equal(piece.dport, 53);
	known[number]++;
	return piece.sport;
}

static void in_order(void **state)
{
	first(7, 1000, 0);
	assert_int_equal(later(7, 1, 1), 1000);
	assert_int_equal(later(7, 2, 1), 1000);
	assert_int_equal(later(8, 3, 1), 0);
	first(7, 2000, 2);
	assert_int_equal(later(7, 4, 3), 2000);
	assert_int_equal(counted, 0);
}

static void before_the_first(void **state)
{
	assert_int_equal(later(7, 1, 0), 0);
	assert_int_equal(later(7, 2, 0), 0);
	assert_int_equal(later(8, 3, 0), 0);
	first(7, 1000, 1);
	assert_int_equal(counted, 2);
	assert_int_equal(order[0], 1);
	assert_int_equal(last_port, 1000);
	assert_int_equal(later(7, 4, 2), 1000);
	assert_int_equal(fragments_flush(table), 0);
	assert_int_equal(counted, 3);
	assert_int_equal(known[1] + known[2] + known[4], 3);
	assert_int_equal(alone[3], 1);
	assert_int_equal(fragments_flush(table), 0);
	assert_int_equal(counted, 3);
	assert_int_equal(later(7, 5, 2), 0);
}

static void too_far_apart(void **state)
{
	first(7, 1000, 100000);
	assert_int_equal(later(7, 1, 100000 + FRAGMENT_S * 1000), 1000);
	assert_int_equal(later(7, 2, 100001 + FRAGMENT_S * 1000), 0);
	assert_int_equal(later(8, 3, 100000), 0);
	first(8, 1000, 100001 + FRAGMENT_S * 1000);
	assert_int_equal(alone[3], 1);
	first(9, 1000, 100000);
	assert_int_equal(later(9, 4, 99999), 1000); /* time may run backwards */
	assert_int_equal(later(9, 5, 0), 0);
}

static void too_many_wait(void **state)
{
	for (uint32_t i = 0; i <= FRAGMENT_WAITING; i++)
		assert_int_equal(later(i % 7, i, 0), 0);
	assert_int_equal(counted, 1);
	assert_int_equal(alone[0], 1);
	first(3, 1000, 0); /* frees places in between */
	for (uint32_t i = FRAGMENT_WAITING + 1; i < 3 * FRAGMENT_WAITING; i++)
		later(i % 7, i, 0);
	assert_int_equal(fragments_flush(table), 0);
	for (uint32_t i = 0; i < 3 * FRAGMENT_WAITING; i++)
		assert_int_equal(known[i] + alone[i], 1);
}

static void too_many_datagrams(void **state)
{
	for (uint32_t i = 0; i < FRAGMENT_DATAGRAMS; i++)
		first(i, (uint16_t)(i + 1), 0);
	assert_int_equal(later(0, 1, 0), 1);
	first(FRAGMENT_DATAGRAMS, 9, 0);
	assert_int_equal(later(1, 2, 0), 2);
	assert_int_equal(later(0, 3, 0), 0); /* forgotten */
	assert_int_equal(later(FRAGMENT_DATAGRAMS, 4, 0), 9);
}

/* What comes in any order is counted exactly once, and gets ports when its first is near. */
static void nothing_lost_nothing_twice(void **state)
{
	uint32_t seed = 1, fed = 0;

	for (uint32_t i = 0; i < 60000; i++) {
		seed = seed * 1664525 + 1013904223;
		if (seed >> 28 == 0)
			first(seed >> 8 & 0x3fff, 5, i / 10);
		else
			later(seed >> 8 & 0x3fff, fed++, i / 10);
	}
	assert_int_equal(fragments_flush(table), 0);
	for (uint32_t i = 0; i < fed; i++)
		assert_int_equal(known[i] + alone[i], 1);
}

static void other_protocols_and_addresses(void **state)
{
	static const uint8_t other[8] = {10, 0, 0, 2, 10, 0, 0, 1};
	struct fragment piece = fragment(7, 0);
	uint32_t number = 1;

	first(7, 1000, 0);
	piece.protocol = 6;
	assert_int_equal(fragments_later(table, &piece, 0, &number), 0);
	piece = fragment(7, 0);
	piece.addresses = other;
	assert_int_equal(fragments_later(table, &piece, 0, &number), 0);
}

static void cleared(void **state)
{
	first(7, 1000, 0);
	later(8, 1, 0);
	fragments_clear(table);
	assert_int_equal(later(7, 2, 0), 0);
	assert_int_equal(fragments_flush(table), 0);
	assert_int_equal(alone[1], 0);
	assert_int_equal(alone[2], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(before_the_first, setup, teardown),
		cmocka_unit_test_setup_teardown(too_far_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_datagrams, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_lost_nothing_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(other_protocols_and_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(cleared, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
