/* tls.c: ClientHellos whole and cut anywhere, in one record and in many. */
#include "tests/unit/tmp.h"

#include "preprocess/tls.h"
#include "tests/unit/initials.h"

static uint8_t message[INITIAL_HELLO_SIZE]; /* asks for example.com */
static struct client_hello hello;

static int begin(void **state)
{
	return unhex(INITIAL_HELLO, message) == sizeof(message) ? 0 : -1;
}

/* records(): the message in records of at most PIECE bytes. */
static size_t records(uint8_t *out, size_t piece)
{
	size_t used = 0;

	for (size_t at = 0; at < sizeof(message); at += piece) {
		size_t size = sizeof(message) - at < piece ? sizeof(message) - at : piece;
		memcpy(out + used, "\x16\x03\x01", 3);
		out[used + 3] = 0;
		out[used + 4] = (uint8_t)size;
		memcpy(out + used + 5, message + at, size);
		used += 5 + size;
	}
	return used;
}

static enum tls_found read_copy(enum tls_found (*read)(const uint8_t *bytes, size_t size,
					struct client_hello *hello),
	const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	enum tls_found found;

	memcpy(copy, bytes, size);
	memset(&hello, 0xee, sizeof(hello));
	found = read(copy, size, &hello);
	free(copy);
	return found;
}

/* It is short until its last byte; the name is told from the name's last byte on. */
static void cut_anywhere(void **state)
{
	for (size_t piece = 1; piece < 250; piece += 13) {
		uint8_t bytes[2048];
		size_t whole = records(bytes, piece), named = 0;
		for (size_t size = 1; size <= whole; size++) {
			enum tls_found found = read_copy(tls_records, bytes, size);
			assert_int_equal(found, size < whole ? TLS_SHORT : TLS_HELLO);
			assert_true(!hello.name[0] || !strcmp(hello.name, "example.com"));
			assert_true(hello.name[0] || !named);
			named += hello.name[0] != 0;
		}
		assert_int_equal(hello.size, sizeof(message) - 4);
		assert_memory_equal(hello.body, message + 4, hello.size);
		assert_true(named > 150);
	}
}

static void without_records(void **state)
{
	for (size_t size = 1; size <= sizeof(message); size++)
		assert_int_equal(read_copy(tls_handshake, message, size),
			size < sizeof(message) ? TLS_SHORT : TLS_HELLO);
	assert_string_equal(hello.name, "example.com");
}

static void other_bytes_are_none(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} other[] = {{"\x17\x03\x01\x00\x04\x01\x00\x00\x00", 9},
		{"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9}, {"\x16\x02\x01\x00\x04\x01", 6},
		{"\x16\x03\x05\x00\x04\x01", 6}, {"GET / HTTP/1.1", 14}};

	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
		assert_int_equal(read_copy(tls_records, (const uint8_t *)other[i].bytes,
					 other[i].size),
			TLS_NONE);
		assert_string_equal(hello.name, "");
	}
}

/* The longest ClientHello: what lies behind TLS_HELLO_MAX is not read. */
static void a_long_one_stays_short(void **state)
{
	static uint8_t bytes[5 + 16384] = {22, 3, 1, 0x40, 0, 1, 0, 0xff, 0xff, 3, 3};

	assert_int_equal(read_copy(tls_records, bytes, sizeof(bytes)), TLS_SHORT);
}

static void changed_bytes_do_no_harm(void **state)
{
	for (size_t at = 0; at < sizeof(message); at++)
		for (int value = 0; value < 256; value += 5) {
			uint8_t bytes[sizeof(message)];
			memcpy(bytes, message, sizeof(message));
			bytes[at] = (uint8_t)value;
			read_copy(tls_handshake, bytes, sizeof(bytes));
			assert_int_equal(strspn(hello.name,
						 "abcdefghijklmnopqrstuvwxyz0123456789.-_"),
				strlen(hello.name));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(without_records),
		cmocka_unit_test(other_bytes_are_none),
		cmocka_unit_test(a_long_one_stays_short),
		cmocka_unit_test(changed_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
