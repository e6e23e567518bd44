/* Entries by window and key: what is equal in the first bytes, and what differs in the last one only. */
#include "tests/unit/tmp.h"

#include "consolidate/order.h"
#include "consolidate/window.h"

#define MANY 20000

static uint64_t seed = 1;

static uint64_t below(uint64_t limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (seed >> 33) % limit;
}

/* Few values of each byte, so that many entries share what they are sorted by. */
static void random_entry(struct entry *entry, unsigned values)
{
	uint8_t *const bytes[] = {entry->key.src, entry->key.dst};

	memset(entry, 0, sizeof(*entry));
	entry->window_ms = below(3) * 300000;
	entry->key.version = below(4) ? 4 : 6;
	for (int i = 0; i < 2; i++)
		for (unsigned at = 0; at < (entry->key.version == 4 ? 4 : 16); at += 1 + below(4))
			bytes[i][at] = (uint8_t)below(values);
	entry->key.sport = (uint16_t)below(values);
	entry->key.dport = (uint16_t)below(60000);
}

static int entry_order(const struct entry *a, const struct entry *b)
{
	int order = (a->window_ms > b->window_ms) - (a->window_ms < b->window_ms);

	return order ? order : flowkey_order(&a->key, &b->key);
}

static void check(unsigned count, unsigned values)
{
	struct entry *entries = aligned_alloc(128, count * sizeof(*entries));
	struct place *places = calloc(count, sizeof(*places));
	bool *seen = calloc(count, sizeof(*seen));

	for (unsigned i = 0; i < count; i++) {
		random_entry(&entries[i], values);
		places[i] = order_place(&entries[i]);
	}
	order_sort(places, count);
	for (unsigned i = 0; i < count; i++) {
		if (i)
			assert_true(entry_order(places[i - 1].entry, places[i].entry) <= 0);
		assert_false(seen[places[i].entry - entries]);
		seen[places[i].entry - entries] = true;
	}
	free(entries);
	free(places);
	free(seen);
}

static void test_any_number(void **unused)
{
	for (unsigned count = 1; count < 600; count += 1 + count / 8)
		check(count, 256);
	order_sort(NULL, 0);
}

static void test_what_is_equal_in_many_bytes(void **unused)
{
	for (unsigned values = 1; values <= 256; values *= 4)
		check(MANY, values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_number),
		cmocka_unit_test(test_what_is_equal_in_many_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
