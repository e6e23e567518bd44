/* Longest prefix match: against a look at every prefix, around every border. */
#include "tests/unit/tmp.h"

#include "postproc/lpm.h"

#define PREFIXES 400

struct owned {
	struct prefix prefix;
	uint32_t value;
};

/* What lpm.h promises, word for word: the longest, of equals the last. */
static uint32_t by_looking(const struct owned *owned, size_t count, const uint8_t *address,
	uint8_t version)
{
	const struct owned *best = NULL;

	for (size_t i = 0; i < count; i++)
		if (prefix_holds(&owned[i].prefix, address, version) &&
			(!best || owned[i].prefix.bits >= best->prefix.bits))
			best = &owned[i];
	return best ? best->value : 0;
}

/* Few distinct bytes, so that prefixes nest, touch and repeat; also the first and the last. */
static struct prefix some_prefix(uint8_t version)
{
	static const uint8_t bytes[] = {0x00, 0x01, 0x80, 0xff};
	unsigned most = version == 4 ? 32 : 128;
	struct prefix prefix = {.version = version,
		.bits = (uint8_t)((unsigned)rand() % (most + 1))};

	for (unsigned i = 0; i < most / 8; i++)
		prefix.address[i] = bytes[rand() % 4];
	for (unsigned bit = prefix.bits; bit < most; bit++)
		prefix.address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return prefix;
}

/* The first and the last address of PREFIX, and their neighbours. */
static void look_around(const struct lpm *map, const struct owned *owned,
	const struct prefix *prefix)
{
	int most = prefix->version == 4 ? 32 : 128;
	uint8_t at[16];

	for (int side = 0; side < 4; side++) {
		memcpy(at, prefix->address, sizeof(at));
		for (int bit = prefix->bits; side >= 2 && bit < most; bit++)
			at[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		for (int i = most / 8; side == 1 && i-- && at[i]-- == 0;)
			;
		for (int i = most / 8; side == 3 && i-- && ++at[i] == 0;)
			;
		assert_int_equal(lpm_find(map, at, prefix->version),
			by_looking(owned, PREFIXES, at, prefix->version));
	}
}

static void finds_the_longest(void **state)
{
	static struct owned owned[PREFIXES];
	struct lpm *map = lpm_new();

	srand(1);
	for (uint32_t i = 0; i < PREFIXES; i++) {
		owned[i] = (struct owned){some_prefix(rand() % 2 ? 4 : 6), i + 1};
		lpm_add(map, &owned[i].prefix, owned[i].value);
	}
	lpm_build(map);
	for (size_t i = 0; i < PREFIXES; i++)
		look_around(map, owned, &owned[i].prefix);
	lpm_free(map);
}

static void an_empty_map_finds_nothing(void **state)
{
	struct lpm *map = lpm_new();

	lpm_build(map);
	assert_int_equal(lpm_find(map, (const uint8_t[16]){10}, 4), 0);
	lpm_free(map);
}

static void add_up(uint32_t value, void *own)
{
	*(uint32_t *)own |= value;
}

/* Of all values of one prefix, however many, only the last one is anybody's. */
static void each_value(void **state)
{
	struct lpm *map = lpm_new();
	uint32_t values = 0;

	for (int i = 0; i < 100000; i++)
		lpm_add(map, &(struct prefix){{10}, 4, 8}, 1);
	lpm_add(map, &(struct prefix){{10}, 4, 8}, 2);
	lpm_add(map, &(struct prefix){{10, 1}, 4, 16}, 4);
	lpm_add(map, &(struct prefix){{0x20}, 6, 3}, 8);
	lpm_build(map);
	lpm_each(map, add_up, &values);
	assert_int_equal(values, 2 + 4 + 8);
	lpm_free(map);
}

/* A chain of all lengths is as deep as it gets; a value of 0 is a hole. */
static void a_prefix_of_each_length(void **state)
{
	struct lpm *map = lpm_new();
	uint8_t at[16];

	for (int bits = 0; bits <= 128; bits++)
		lpm_add(map, &(struct prefix){.version = 6, .bits = (uint8_t)bits},
			bits == 64 ? 0 : (uint32_t)bits + 1);
	lpm_build(map);
	assert_int_equal(lpm_find(map, (const uint8_t[16]){0}, 6), 129);
	assert_int_equal(lpm_find(map, (const uint8_t[16]){0x80}, 6), 1);
	assert_int_equal(lpm_find(map, (const uint8_t[16]){[8] = 0x80}, 6), 0);
	memset(at, 0xff, sizeof(at));
	assert_int_equal(lpm_find(map, at, 6), 1);
	lpm_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_longest),
		cmocka_unit_test(an_empty_map_finds_nothing),
		cmocka_unit_test(a_prefix_of_each_length),
		cmocka_unit_test(each_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
