/* resolve.c: who was told which address, for how long, and what a full memory forgets. */
#include "tests/unit/tmp.h"

#include <arpa/inet.h>

#include "preprocess/resolve.h"

#define NOW 1700000000000ull

static struct resolve *memory;

static int begin(void **state)
{
	memory = resolve_new();
	return 0;
}

static int end(void **state)
{
	resolve_free(memory);
	return 0;
}

static const uint8_t *address(uint32_t number)
{
	static uint8_t bytes[4][16];
	static unsigned next;
	uint8_t *at = bytes[next++ % 4];

	memset(at, 0, 16);
	number = htonl(number);
	memcpy(at, &number, 4);
	return at;
}

static void tell(uint32_t client, uint32_t number, const char *name, uint32_t ttl_s,
	uint64_t now_ms)
{
	struct dns_answer answer = {.count = 1};

	snprintf(answer.name, sizeof(answer.name), "%s", name);
	answer.addresses[0] = (struct dns_address){.version = 4, .ttl_s = ttl_s};
	memcpy(answer.addresses[0].bytes, address(number), 16);
	resolve_learn(memory, address(client), &answer, now_ms);
}

static const char *ask(uint32_t client, uint32_t number, uint64_t now_ms)
{
	const char *name = resolve_name(memory, address(client), address(number), 4, now_ms);

	return name ? name : "";
}

static void a_name_is_its_clients(void **state)
{
	assert_string_equal(ask(1, 100, NOW), "");
	tell(1, 100, "a.example", 300, NOW);
	tell(2, 100, "b.example", 300, NOW);
	assert_string_equal(ask(1, 100, NOW), "a.example");
	assert_string_equal(ask(2, 100, NOW), "b.example");
	assert_string_equal(ask(3, 100, NOW), "");
	assert_string_equal(ask(1, 101, NOW), "");
	assert_null(resolve_name(memory, address(1), address(100), 6, NOW));
	tell(1, 100, "c.example", 300, NOW + 1);
	assert_string_equal(ask(1, 100, NOW + 1), "c.example");
}

static void it_ends_with_its_time(void **state)
{
	tell(1, 100, "short.example", 0, NOW);
	tell(1, 101, "some.example", 100, NOW);
	tell(1, 102, "long.example", UINT32_MAX, NOW);
	assert_string_equal(ask(1, 100, NOW + RESOLVE_LEAST_S * 1000 - 1), "short.example");
	assert_string_equal(ask(1, 100, NOW + RESOLVE_LEAST_S * 1000), "");
	assert_string_equal(ask(1, 101, NOW + 99999), "some.example");
	assert_string_equal(ask(1, 101, NOW + 100000), "");
	assert_string_equal(ask(1, 102, NOW + RESOLVE_MOST_S * 1000 - 1), "long.example");
	assert_string_equal(ask(1, 102, NOW + RESOLVE_MOST_S * 1000), "");
}

static void the_next_batch_knows_nothing(void **state)
{
	tell(1, 100, "a.example", 300, NOW);
	resolve_clear(memory);
	assert_string_equal(ask(1, 100, NOW), "");
}

/* Four times as many as it holds: the later half of what is remembered ends later. */
static void a_full_memory_forgets_what_ends_first(void **state)
{
	const uint32_t room = RESOLVE_SETS * RESOLVE_WAYS;
	uint32_t old = 0, young = 0;

	for (uint32_t i = 0; i < 4 * room; i++)
		tell(1, i, "a.example", 300, NOW + i);
	for (uint32_t i = 0; i < 4 * room; i++)
		*(ask(1, i, NOW + 4 * room)[0] ? (i < 2 * room ? &old : &young) : &(uint32_t){0}) +=
			1;
	assert_int_equal(old + young, room);
	assert_true(young > 9 * old);
	assert_string_equal(ask(1, 4 * room - 1, NOW + 4 * room), "a.example");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_name_is_its_clients, begin, end),
		cmocka_unit_test_setup_teardown(it_ends_with_its_time, begin, end),
		cmocka_unit_test_setup_teardown(the_next_batch_knows_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_full_memory_forgets_what_ends_first, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
