/* preprocess_flowtab.c: many flows, few flows, a full table, and symptom counts. */
#include "tests/unit/tmp.h"

#include "preprocess/flowtab.h"

static struct flowkey key_of(uint32_t number)
{
	struct flowkey key = {.sport = (uint16_t)number, .dport = 80, .proto = 6, .version = 4};

	memcpy(key.src, &number, sizeof(number));
	return key;
}

static struct entry *find(struct flowtab *table, uint32_t number, uint64_t window_ms)
{
	struct flowkey key = key_of(number);
	uint64_t hash = flowtab_hash(table, &key, window_ms);

	flowtab_prefetch_slot(table, hash);
	flowtab_prefetch_entry(table, hash);
	return flowtab_find(table, &key, window_ms, hash);
}

static void entries_keep_their_order(void **state)
{
	struct flowtab *table = flowtab_new(100000);

	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 50000; i++) {
			struct entry *entry = find(table, i, 0);

			assert_non_null(entry);
			assert_int_equal(entry->packets, 0);
			entry->packets = i + 1;
			entry = find(table, i, 300000); /* another window, another flow */
			assert_int_equal(entry->packets, 0);
			assert_int_equal(entry->fast, FLOWTAB_NO_FAST);
			entry->packets = i + 1;
		}
		assert_int_equal(flowtab_count(table), 100000);
		for (uint32_t i = 0; i < 50000; i++) {
			assert_int_equal(find(table, i, 0)->packets, i + 1);
			assert_int_equal(flowtab_entry(table, 2 * i)->packets, i + 1);
			assert_int_equal(flowtab_entry(table, 2 * i)->window_ms, 0);
			assert_int_equal(flowtab_entry(table, 2 * i + 1)->window_ms, 300000);
		}
		flowtab_clear(table);
		assert_int_equal(flowtab_count(table), 0);
		flowtab_clear(table);
	}
	flowtab_free(table);
}

static void full_table(void **state)
{
	struct flowtab *table = flowtab_new(10);

	for (uint32_t i = 0; i < 10; i++)
		assert_non_null(find(table, i, 0));
	assert_null(find(table, 10, 0));
	assert_non_null(find(table, 9, 0));
	flowtab_clear(table);
	assert_non_null(find(table, 10, 0));
	assert_int_equal(flowtab_count(table), 1);
	flowtab_free(table);
}

static uint32_t counted[65536];

static void count(void *own, uint16_t index, uint32_t packets)
{
	counted[index] += packets;
	++*(unsigned *)own;
}

static void symptoms_are_counted(void **state)
{
	struct flowtab *table = flowtab_new(1000);
	struct entry *a = find(table, 1, 0), *b = find(table, 2, 0);
	unsigned different = 0;

	for (unsigned i = 0; i < 5; i++)
		flowtab_count_symptom(table, a, 7);
	flowtab_count_symptom(table, b, 7);
	flowtab_count_symptom(table, a, 65534);
	memset(counted, 0, sizeof(counted));
	flowtab_symptoms(table, a, count, &different);
	assert_int_equal(different, 2);
	assert_int_equal(counted[7], 5);
	assert_int_equal(counted[65534], 1);
	flowtab_clear(table);
	different = 0;
	flowtab_symptoms(table, find(table, 1, 0), count, &different);
	assert_int_equal(different, 0);
	flowtab_free(table);
}

/* The room for counts may end before the room for flows: then the table is full as well. */
static void full_of_symptoms(void **state)
{
	struct flowtab *table = flowtab_new(1000);
	struct entry *entry;
	uint16_t next = 0;

	while ((entry = find(table, 1, 0)))
		for (unsigned i = 0; i < 128; i++)
			flowtab_count_symptom(table, entry, next++);
	assert_true(next > 3000);
	flowtab_clear(table);
	assert_non_null(find(table, 1, 0));
	flowtab_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_keep_their_order),
		cmocka_unit_test(full_table),
		cmocka_unit_test(symptoms_are_counted),
		cmocka_unit_test(full_of_symptoms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
