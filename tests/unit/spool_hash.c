/* hash.c: checksums as xxhsum -H2 prints them. */
#include "tests/unit/tmp.h"

#include <errno.h>

#include "spool/hash.h"

static void known_sums(void **state)
{
	char hex[HASH_HEX + 1];

	hash_bytes("", 0, hex);
	assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
	hash_bytes("MIRA\n", 5, hex);
	assert_string_equal(hex, "2221b318538d5bb161abf2e7608cd74f");
}

static void a_file_and_its_bytes_agree(void **state)
{
	static char data[3000000];
	char of_file[HASH_HEX + 1], of_bytes[HASH_HEX + 1];
	uint64_t bytes;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 2654435761u >> 13);
	tmp_write_bytes("f", data, sizeof(data));
	assert_int_equal(hash_file(tmp_path("f"), UINT64_MAX, &bytes, of_file), 0);
	hash_bytes(data, sizeof(data), of_bytes);
	assert_int_equal(bytes, sizeof(data));
	assert_string_equal(of_file, of_bytes);
	assert_int_equal(hash_file(tmp_path("f"), 1234567, &bytes, of_file), 0);
	hash_bytes(data, 1234567, of_bytes);
	assert_int_equal(bytes, 1234567);
	assert_string_equal(of_file, of_bytes);
}

static void what_cannot_be_read_is_an_error(void **state)
{
	char hex[HASH_HEX + 1];
	uint64_t bytes;

	assert_int_equal(hash_file(tmp_path("none"), UINT64_MAX, &bytes, hex), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(hash_file(tmp_folder, UINT64_MAX, &bytes, hex), -1);
	assert_int_equal(errno, EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_sums),
		cmocka_unit_test(a_file_and_its_bytes_agree),
		cmocka_unit_test(what_cannot_be_read_is_an_error),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
