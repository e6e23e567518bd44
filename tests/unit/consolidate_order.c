/* Entries by window and key: what is equal in the first bytes, and what differs in the last one only. */
#include "tests/unit/tmp.h"

#include "consolidate/entry.h"
#include "consolidate/order.h"

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
	memset(entry, 0, ENTRY6_BYTES);
	entry->common = below(3);
	entry->marks = below(4) ? 0 : IP6;
	for (unsigned at = 0; at < (entry->marks & IP6 ? 32 : 8); at += 1 + below(4))
		entry->addresses[at] = (uint8_t)below(values);
	entry->ports[0] = (uint16_t)below(values);
	entry->ports[1] = (uint16_t)below(60000);
}

static int entry_order(const struct entry *a, const struct entry *b)
{
	struct flowkey x = entry_key(a), y = entry_key(b);

	return a->common != b->common ? (a->common > b->common ? 1 : -1) : flowkey_order(&x, &y);
}

static void check(unsigned count, unsigned values)
{
	char *entries = calloc(count, ENTRY6_BYTES);
	struct place *places = calloc(count, sizeof(*places));
	bool *seen = calloc(count, sizeof(*seen));
	size_t number;

	for (unsigned i = 0; i < count; i++) {
		struct entry *entry = (struct entry *)(entries + (size_t)i * ENTRY6_BYTES);

		random_entry(entry, values);
		places[i] = order_place(entry->common * 300000, entry);
	}
	order_sort(places, count);
	for (unsigned i = 0; i < count; i++) {
		if (i)
			assert_true(entry_order(places[i - 1].entry, places[i].entry) <= 0);
		number = (size_t)((const char *)places[i].entry - entries) / ENTRY6_BYTES;
		assert_false(seen[number]);
		seen[number] = true;
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
