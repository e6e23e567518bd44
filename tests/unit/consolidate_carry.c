/* What later windows know: for how long, how much of it, and through the file. */
#include "tests/unit/tmp.h"

#include "consolidate/carry.h"
#include "spool/intern.h"

#define WINDOW_MS 1000

static struct flowkey key_of(unsigned index, uint8_t version)
{
	struct flowkey key = {.proto = 17,
		.version = version,
		.sport = index & 0xffff,
		.dport = 65535};

	key.src[0] = index >> 16;
	key.dst[3] = 9;
	if (version == 6)
		key.dst[15] = 8;
	return key;
}

static struct carried *find(const struct carry *carry, const struct flowkey *key,
	uint64_t window_ms)
{
	return carry_find(carry, carry_slot(carry, key), window_ms);
}

static struct carried *put(struct carry *carry, const struct flowkey *key, uint64_t window_ms)
{
	return carry_put(carry, carry_slot(carry, key), key, window_ms);
}

static void test_valid_for_twelve_windows(void **unused)
{
	struct carry *carry = carry_new(WINDOW_MS, 10);
	struct flowkey key = key_of(1, 4);
	struct carried *carried = put(carry, &key, 0);

	carried->turned = true;
	carry_add_symptom(carry, carried, intern("tls"), 5);
	assert_non_null(find(carry, &key, CARRY_WINDOWS * WINDOW_MS));
	assert_null(find(carry, &key, (CARRY_WINDOWS + 1) * WINDOW_MS));
	carried = put(carry, &key, (CARRY_WINDOWS + 1) * WINDOW_MS);
	assert_false(carried->turned);
	assert_int_equal(carried->symptoms, 0);
	carry_free(carry);
}

static void test_oldest_windows_are_shed(void **unused)
{
	struct carry *carry = carry_new(WINDOW_MS, 10);
	struct flowkey key;

	for (unsigned i = 0; i < 8; i++) {
		key = key_of(i, 4);
		put(carry, &key, 0);
	}
	carry_end_window(carry, 0);
	for (unsigned i = 4; i < 13; i++) {
		key = key_of(i, 4);
		put(carry, &key, WINDOW_MS);
	}
	tmp_log_begin();
	carry_end_window(carry, WINDOW_MS);
	assert_says(tmp_log_end(), "carry is full: 3 biflows");
	assert_int_equal(carry_count(carry), 10);
	assert_int_equal(carry_shed(carry), 3);
	for (unsigned i = 0; i < 13; i++) { /* of the older window the last key stays */
		key = key_of(i, 4);
		assert_int_equal(find(carry, &key, WINDOW_MS) != NULL, i >= 3);
	}
	carry_free(carry);
}

/* Whether idle entries were dropped at a commit or not must not change what is shed. */
static void test_idle_entries_go_first(void **unused)
{
	struct carry *carry = carry_new(WINDOW_MS, 2);
	uint64_t later_ms = (CARRY_WINDOWS + 1) * WINDOW_MS;

	for (unsigned i = 0; i < 2; i++) {
		struct flowkey key = key_of(i, 4);

		put(carry, &key, 0);
	}
	for (unsigned i = 2; i < 4; i++) {
		struct flowkey key = key_of(i, 4);

		put(carry, &key, later_ms);
	}
	carry_end_window(carry, later_ms);
	assert_int_equal(carry_count(carry), 2);
	assert_int_equal(carry_shed(carry), 0);
	carry_free(carry);
}

static struct carry *filled(unsigned count)
{
	struct carry *carry = carry_new(WINDOW_MS, CARRY_LIMIT);

	for (unsigned i = 0; i < count; i++) {
		struct flowkey key = key_of(i, i % 2 ? 4 : 6);
		struct carried *carried = put(carry, &key, i % 5 * WINDOW_MS);

		carried->turned = i % 3 == 0;
		carried->host_name = i % 4 ? 0 : intern("www.example.org");
		if (i % 7 == 0)
			carry_add_symptom(carry, carried, intern("tls"), i + 1);
		if (i % 14 == 0)
			carry_add_symptom(carry, carried, intern("mp3"), 3);
	}
	return carry;
}

static void check_filled(const struct carry *carry, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct flowkey key = key_of(i, i % 2 ? 4 : 6);
		const struct carried *carried = find(carry, &key, 0);
		uint64_t sum = 0;

		assert_non_null(carried);
		assert_int_equal(carried->last_ms, i % 5 * WINDOW_MS);
		assert_int_equal(carried->turned, i % 3 == 0);
		assert_string_equal(intern_text(carried->host_name),
			i % 4 ? "" : "www.example.org");
		for (uint32_t at = carried->symptoms; at; at = carry_symptom(carry, at)->next)
			sum += carry_symptom(carry, at)->packets;
		assert_int_equal(sum, (i % 7 ? 0 : i + 1) + (i % 14 ? 0 : 3));
	}
}

static void test_through_the_file(void **unused)
{
	struct carry *carry = filled(70000), *other = carry_new(WINDOW_MS, CARRY_LIMIT);
	char why[256];

	mkdir(tmp_path("carry"), 0700);
	assert_int_equal(carry_write(carry, tmp_path("carry"), 0), 0);
	assert_int_equal(carry_read(other, tmp_path("carry"), why), 0);
	assert_int_equal(carry_count(other), 70000);
	check_filled(other, 70000);
	carry_free(carry);
	carry_free(other);
}

static void test_file_leaves_out_what_is_idle(void **unused)
{
	struct carry *carry = filled(10), *other = carry_new(WINDOW_MS, CARRY_LIMIT);
	char why[256];

	mkdir(tmp_path("idle"), 0700);
	assert_int_equal(carry_write(carry, tmp_path("idle"), (CARRY_WINDOWS + 4) * WINDOW_MS), 0);
	assert_int_equal(carry_read(other, tmp_path("idle"), why), 0);
	assert_int_equal(carry_count(other), 2);
	carry_free(carry);
	carry_free(other);
}

/* Cut at each length, and with each byte changed: refused or read, never a crash. */
static void test_damaged_files(void **unused)
{
	struct carry *carry = filled(20);
	char data[8192], why[256];
	FILE *file;
	size_t size;

	mkdir(tmp_path("cut"), 0700);
	assert_int_equal(carry_write(carry, tmp_path("cut"), 0), 0);
	carry_free(carry);
	file = fopen(tmp_path("cut/carry.bin"), "r");
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	assert_true(size > 400 && size < sizeof(data));
	for (size_t length = 0; length < size; length++) {
		carry = carry_new(WINDOW_MS, CARRY_LIMIT);
		tmp_write_bytes("cut/carry.bin", data, length);
		assert_int_equal(carry_read(carry, tmp_path("cut"), why), -2);
		assert_says(why, "cut short");
		carry_free(carry);
	}
	for (size_t at = 0; at < size; at++) {
		carry = carry_new(WINDOW_MS, CARRY_LIMIT);
		data[at] ^= 0xff;
		tmp_write_bytes("cut/carry.bin", data, size);
		carry_read(carry, tmp_path("cut"), why);
		data[at] ^= 0xff;
		carry_free(carry);
	}
}

/* Skipping what its own window would shed changes nothing but the time: one carry is told what comes, the other is not. */
static void test_skipping_is_shedding(void **unused)
{
	struct carry *told = carry_new(WINDOW_MS, 10), *other = carry_new(WINDOW_MS, 10);
	struct flowkey key;

	tmp_log_begin();
	for (uint64_t window = 0; window < 200; window++) {
		uint64_t at_ms = window * WINDOW_MS + (window / 50) * 20 * WINDOW_MS;
		unsigned first = (unsigned)(window * 7 % 11), step = 1 + (unsigned)(window % 4);
		size_t count = window % 13;

		carry_begin_window(told, count);
		for (unsigned i = 0; i < count; i++) {
			key = key_of(first + i * step, 4);
			put(told, &key, at_ms);
			put(other, &key, at_ms);
		}
		carry_end_window(told, at_ms);
		carry_end_window(other, at_ms);
		assert_int_equal(carry_count(told), carry_count(other));
		assert_int_equal(carry_shed(told), carry_shed(other));
		for (unsigned i = 0; i < 50; i++) {
			key = key_of(i, 4);
			assert_int_equal(!find(told, &key, at_ms + WINDOW_MS),
				!find(other, &key, at_ms + WINDOW_MS));
		}
	}
	tmp_log_end();
	assert_true(carry_shed(told) > 100);
	carry_free(told);
	carry_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid_for_twelve_windows),
		cmocka_unit_test(test_oldest_windows_are_shed),
		cmocka_unit_test(test_skipping_is_shedding),
		cmocka_unit_test(test_idle_entries_go_first),
		cmocka_unit_test(test_through_the_file),
		cmocka_unit_test(test_file_leaves_out_what_is_idle),
		cmocka_unit_test(test_damaged_files),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
