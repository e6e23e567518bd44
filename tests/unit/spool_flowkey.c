/* flowkey.c: both directions of a biflow go to one shard, the same one for ever, and the shards share evenly. */
#include "tests/unit/tmp.h"

#include <arpa/inet.h>

#include "spool/flowkey.h"

static struct flowkey key_of(const char *src, const char *dst, uint8_t proto, uint16_t sport,
	uint16_t dport)
{
	struct flowkey key = {.proto = proto, .sport = sport, .dport = dport};
	int family = strchr(src, ':') ? AF_INET6 : AF_INET;

	key.version = family == AF_INET6 ? 6 : 4;
	assert_int_equal(inet_pton(family, src, key.src), 1);
	assert_int_equal(inet_pton(family, dst, key.dst), 1);
	return key;
}

/* As computed from the bytes of flowkey.h by another program: a spool outlives versions. */
static void known_shards(void **state)
{
	const struct {
		struct flowkey key;
		unsigned of_2, of_5, of_64;
	} known[] = {
		{key_of("10.0.0.1", "192.0.2.7", 6, 40000, 443), 1, 1, 35},
		{key_of("10.0.0.1", "192.0.2.7", 1, 0, 0), 1, 4, 13},
		{key_of("2001:db8::1", "2001:db8::2", 17, 53, 5353), 0, 0, 2},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct flowkey turned = flowkey_turn(&known[i].key);

		assert_int_equal(flowkey_shard(&known[i].key, 1), 0);
		assert_int_equal(flowkey_shard(&known[i].key, 2), known[i].of_2);
		assert_int_equal(flowkey_shard(&known[i].key, 5), known[i].of_5);
		assert_int_equal(flowkey_shard(&known[i].key, 64), known[i].of_64);
		assert_int_equal(flowkey_shard(&turned, 64), known[i].of_64);
	}
}

/* One client that opens a port after the other to one server: neither address nor port alone decides. */
static void shards_share_evenly(void **state)
{
	unsigned count[5] = {0};

	for (unsigned port = 1024; port < 11024; port++) {
		struct flowkey key = key_of("10.0.0.1", "10.0.0.2", 6, (uint16_t)port, 80);

		count[flowkey_shard(&key, 5)]++;
	}
	for (size_t i = 0; i < 5; i++)
		assert_in_range(count[i], 1800, 2200);
}

/* An end is address and port: equal addresses are told apart by their ports. */
static void the_same_address_twice(void **state)
{
	for (unsigned port = 1; port < 1000; port++) {
		struct flowkey key = key_of("10.0.0.1", "10.0.0.1", 17, (uint16_t)port, 500),
			       turned = flowkey_turn(&key);

		assert_int_equal(flowkey_shard(&key, 7), flowkey_shard(&turned, 7));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_shards),
		cmocka_unit_test(shards_share_evenly),
		cmocka_unit_test(the_same_address_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
