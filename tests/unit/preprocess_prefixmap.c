/*
 * preprocess_prefixmap.c: prefixes that overlap, touch and end at the border of the address
 * space.
 */
#include "tests/unit/tmp.h"

#include <arpa/inet.h>

#include "preprocess/prefixmap.h"

static uint32_t either(uint32_t a, uint32_t b)
{
	return a | b;
}

static void add(struct prefixmap *map, const char *text, uint32_t value)
{
	struct prefix prefix;

	assert_true(prefix_parse(text, &prefix));
	prefixmap_add(map, &prefix, value);
}

static uint32_t find(const struct prefixmap *map, const char *text)
{
	bool six = strchr(text, ':');
	uint8_t address[16] = {0};

	assert_int_equal(inet_pton(six ? AF_INET6 : AF_INET, text, address), 1);
	return prefixmap_find(map, address, six ? 6 : 4);
}

static void known_addresses(void **state)
{
	struct prefixmap *map = prefixmap_new(either);

	assert_non_null(map);
	add(map, "10.0.0.0/8", 1);
	add(map, "10.1.0.0/16", 2);
	add(map, "10.1.0.0/16", 2);
	add(map, "10.1.2.3", 4);
	add(map, "255.255.255.0/24", 8);
	add(map, "2001:db8::/32", 16);
	add(map, "ff00::/8", 32);
	add(map, "::/0", 64);
	prefixmap_build(map);
	assert_int_equal(find(map, "9.255.255.255"), 0);
	assert_int_equal(find(map, "10.0.0.0"), 1);
	assert_int_equal(find(map, "10.0.255.255"), 1);
	assert_int_equal(find(map, "10.1.2.2"), 3);
	assert_int_equal(find(map, "10.1.2.3"), 7);
	assert_int_equal(find(map, "10.1.2.4"), 3);
	assert_int_equal(find(map, "10.2.0.0"), 1);
	assert_int_equal(find(map, "11.0.0.0"), 0);
	assert_int_equal(find(map, "255.255.255.255"), 8);
	assert_int_equal(find(map, "0.0.0.0"), 0);
	assert_int_equal(find(map, "2001:db8:ffff::1"), 80);
	assert_int_equal(find(map, "2001:db9::"), 64);
	assert_int_equal(find(map, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 96);
	assert_int_equal(find(map, "::"), 64);
	prefixmap_free(map);
}

static void empty_map(void **state)
{
	struct prefixmap *map = prefixmap_new(either);

	prefixmap_build(map);
	assert_int_equal(find(map, "10.0.0.1"), 0);
	assert_int_equal(find(map, "::1"), 0);
	prefixmap_free(map);
}

/* Against the definition: the prefixes that hold an address, one by one. */
static void random_prefixes(void **state)
{
	struct prefix prefixes[31];
	struct prefixmap *map = prefixmap_new(either);

	srandom(1);
	for (unsigned i = 0; i < 31; i++) {
		struct prefix *prefix = &prefixes[i];

		memset(prefix, 0, sizeof(*prefix));
		prefix->version = random() & 1 ? 4 : 6;
		prefix->bits = (uint8_t)(random() % 20);
		for (unsigned bit = 0; bit < prefix->bits; bit++)
			prefix->address[bit / 8] |= (uint8_t)((random() & 1 ? 0x80 : 0) >> bit % 8);
		prefixmap_add(map, prefix, 1u << i);
	}
	prefixmap_build(map);
	for (unsigned round = 0; round < 200000; round++) {
		uint8_t version = random() & 1 ? 4 : 6, address[16] = {0};
		uint32_t wanted = 0;

		for (unsigned i = 0; i < (version == 4 ? 4 : 16); i++)
			address[i] = (uint8_t)random();
		for (unsigned i = 0; i < 31; i++)
			if (prefix_holds(&prefixes[i], address, version))
				wanted |= 1u << i;
		assert_int_equal(prefixmap_find(map, address, version), wanted);
	}
	prefixmap_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_addresses),
		cmocka_unit_test(empty_map),
		cmocka_unit_test(random_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
