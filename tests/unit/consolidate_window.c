/* The merge: the order of records changes nothing, not a byte of the biflows. */
#include "tests/unit/tmp.h"

#include <math.h>

#include "consolidate/biflow.h"
#include "spool/intern.h"

#define FLOWS	  5000
#define WINDOW_MS 300000

static uint64_t seed = 1;

static uint64_t below(uint64_t limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (seed >> 33) % limit;
}

struct sample {
	struct flow flow;
	struct symptom_count symptoms[3];
	uint32_t probe;
};

static struct flow flow_of(unsigned key, bool turn)
{
	struct flow flow = {.key = {.proto = 6, .version = 4},
		.packets = 1,
		.octets = 40,
		.sampling = 1};

	flow.key.src[0] = flow.key.dst[0] = 10;
	flow.key.src[3] = 1;
	flow.key.dst[3] = 2;
	flow.key.sport = 1000 + key;
	flow.key.dport = 80;
	if (turn)
		flow.key = flowkey_turn(&flow.key);
	return flow;
}

static void random_sample(struct sample *sample, unsigned keys)
{
	static const char *const vlans[] = {"", "7", "100", "7,100"};
	static const char *const names[] = {"a", "bb", "ccc"};
	static const char *const hosts[] = {"", "", "www.example.org", "b.example", "a.example"};
	struct flow *flow = &sample->flow;
	unsigned key = below(keys);
	char endpoint[32];

	*flow = flow_of(key, below(2));
	if (key % 3 == 0) {
		flow->key.version = 6;
		flow->key.src[15] = flow->key.dst[15] = 7;
	}
	flow->start_ms = below(20); /* ties are frequent */
	flow->first_index = below(3);
	flow->end_ms = flow->start_ms + below(1000);
	flow->packets = 1 + below(1000);
	flow->octets = flow->packets * 100;
	flow->sampling = 1.0 / (1 + below(7));
	flow->flags = below(10) ? 0 : FLOW_SYN;
	flow->syn_ms = flow->start_ms + below(3);
	flow->syn_index = below(3);
	flow->tcp_flags = below(64);
	flow->vlan = intern(vlans[below(4)]);
	flow->tunnel = intern(below(2) ? "gre" : "ipip+gre");
	snprintf(endpoint, sizeof(endpoint), "10.0.0.%lu-10.0.1.1", below(30));
	flow->endpoint = below(3) ? intern(endpoint) : 0;
	flow->aggregate = intern(below(2) ? "campus" : "city");
	flow->host_name = intern(hosts[below(5)]);
	flow->flags |= flow->host_name && below(2) ? FLOW_RESOLVED : 0;
	flow->symptom_count = below(4);
	for (size_t i = 0; i < flow->symptom_count; i++)
		sample->symptoms[i] =
			(struct symptom_count){.name = intern(names[i]), .packets = 1 + below(9)};
	flow->symptoms = sample->symptoms;
	sample->probe = intern(below(2) ? "north" : "south");
}

static void shuffle(struct sample **order, size_t count)
{
	while (count > 1) {
		size_t other = below(count--);
		struct sample *kept = order[count];

		order[count] = order[other];
		order[other] = kept;
	}
}

/* Everything a biflow says, as text. */
static void describe(FILE *out, const struct biflow *biflow)
{
	const struct direction *sides[] = {&biflow->forward, &biflow->reverse};

	fwrite(&biflow->key, sizeof(biflow->key), 1, out);
	fprintf(out, "%lu %lu %lu %u %s %s %s %s %s %s", biflow->window_ms, biflow->start_ms,
		biflow->end_ms, biflow->flags, intern_text(biflow->vlan),
		intern_text(biflow->tunnel), intern_text(biflow->endpoint),
		intern_text(biflow->aggregate), intern_text(biflow->host_name),
		intern_text(biflow->probe));
	for (int i = 0; i < 2; i++)
		fprintf(out, " %lu %lu %u %a", sides[i]->packets, sides[i]->octets,
			sides[i]->tcp_flags, sides[i]->sampling);
	for (size_t i = 0; i < biflow->symptom_count; i++)
		fprintf(out, " %s %lu %lu %lu", intern_text(biflow->symptoms[i].name),
			biflow->symptoms[i].packets, biflow->symptoms[i].reverse_packets,
			biflow->symptoms[i].carried_packets);
	fputc('\n', out);
}

static char *merge_all(struct sample **order, size_t count, size_t *size)
{
	struct window_table *table = window_new();
	struct carry *carry = carry_new(WINDOW_MS, CARRY_LIMIT);
	struct symptom_list symptoms = {0};
	struct biflow biflow;
	char *text;
	FILE *out = open_memstream(&text, size);

	for (size_t i = 0; i < count; i++)
		window_add(table, &order[i]->flow, order[i]->flow.first_index % 2 * WINDOW_MS, 0,
			order[i]->probe);
	window_settle(table);
	window_sort(table);
	for (size_t i = 0; i < window_count(table); i++) {
		biflow_make(table, window_entry(table, i), carry, &symptoms, &biflow);
		describe(out, &biflow);
	}
	fclose(out);
	free(symptoms.list);
	carry_free(carry);
	window_free(table);
	return text;
}

static void test_order_changes_nothing(void **unused)
{
	static struct sample samples[FLOWS];
	static struct sample *order[FLOWS];
	size_t size, other_size;
	char *text, *other;

	for (unsigned keys = 1; keys <= 1000; keys *= 10) {
		for (size_t i = 0; i < FLOWS; i++) {
			random_sample(&samples[i], keys);
			order[i] = &samples[i];
		}
		text = merge_all(order, FLOWS, &size);
		assert_true(size > 100);
		for (int round = 0; round < 10; round++) {
			shuffle(order, FLOWS);
			other = merge_all(order, FLOWS, &other_size);
			assert_int_equal(size, other_size);
			assert_memory_equal(text, other, size);
			free(other);
		}
		free(text);
	}
}

static void test_many_keys_and_windows(void **unused)
{
	struct window_table *table = window_new();
	uint64_t packets = 0, last_ms = 0;
	struct flowkey last;

	for (int round = 0; round < 3; round++)
		for (unsigned i = 0; i < 50000; i++) {
			struct flow flow = flow_of(i, i % 2);

			flow.key.version = i % 7 ? 4 : 6;
			flow.key.src[1] = i >> 16;
			flow.key.dst[15] = i % 7 ? 0 : i % 200;
			flow.packets = 1 + i % 5;
			packets += flow.packets;
			window_add(table, &flow, i % 3 * WINDOW_MS, 0, 0);
		}
	window_settle(table);
	assert_int_equal(window_count(table), 50000);
	window_sort(table);
	for (size_t i = 0; i < window_count(table); i++) {
		const struct entry *entry = window_entry(table, i);

		uint64_t window_ms = window_common(table, entry)->window_ms;
		struct flowkey key = entry_key(entry);

		packets -= entry->side[0].packets + entry->side[1].packets;
		if (i)
			assert_true(last_ms < window_ms ||
				    (last_ms == window_ms && flowkey_order(&last, &key) < 0));
		last_ms = window_ms;
		last = key;
	}
	assert_int_equal(packets, 0);
	window_reset(table);
	assert_int_equal(window_count(table), 0);
	window_free(table);
}

static void test_window_is_part_of_the_key(void **unused)
{
	struct window_table *table = window_new();
	struct flow flow = flow_of(1, false);

	window_add(table, &flow, 0, 0, 0);
	window_add(table, &flow, WINDOW_MS, FLOW_LATE, 0);
	flow.key.proto = 17;
	window_add(table, &flow, 0, 0, 0);
	flow.key.version = 6;
	window_add(table, &flow, 0, 0, 0);
	window_settle(table);
	assert_int_equal(window_count(table), 4);
	assert_int_equal(window_entry(table, 0)->flags, 0);
	assert_int_equal(window_entry(table, 1)->flags, FLOW_LATE);
	window_free(table);
}

/* What a forger makes of a biflow's tunnels stays so small that its record fits a message. */
static void test_few_tunnels_are_kept(void **unused)
{
	struct window_table *table = window_new();
	struct flow flow = flow_of(1, false);
	const struct common *common;
	char text[64];

	for (int i = 999; i >= 0; i--) {
		snprintf(text, sizeof(text), "10.0.0.1-10.0.1.%03d", i);
		flow.endpoint = intern(text);
		snprintf(text, sizeof(text), "gre+%03d", i);
		flow.tunnel = intern(text);
		window_add(table, &flow, 0, 0, 0);
	}
	window_settle(table);
	common = window_common(table, window_entry(table, 0));
	assert_int_equal(strncmp(intern_text(common->endpoint),
				 "10.0.0.1-10.0.1.000,10.0.0.1-10.0.1.001,", 40),
		0);
	assert_non_null(strstr(intern_text(common->endpoint), "10.0.0.1-10.0.1.015," INTERN_MORE));
	assert_int_equal(strncmp(intern_text(common->tunnel), "gre+000,gre+001,", 16), 0);
	assert_non_null(strstr(intern_text(common->tunnel), "gre+015," INTERN_MORE));
	window_free(table);
}

/* An end is address and port: the same address with another port is the other end. */
static void test_directions_meet(void **unused)
{
	struct flow flow = flow_of(1, false), turned = flow_of(1, true);
	struct flowkey low, high;

	assert_false(flowkey_canonical(&flow.key, &low));
	assert_true(flowkey_canonical(&turned.key, &high));
	assert_memory_equal(&low, &high, sizeof(low));
	memcpy(flow.key.dst, flow.key.src, sizeof(flow.key.dst));
	assert_true(flowkey_canonical(&flow.key, &low));
	assert_int_equal(low.sport, 80);
	flow.key.dport = flow.key.sport;
	assert_false(flowkey_canonical(&flow.key, &low));
	assert_memory_equal(&low, &flow.key, sizeof(low));
}

static void test_sampling_is_weighed(void **unused)
{
	struct window_table *table = window_new();
	struct carry *carry = carry_new(WINDOW_MS, CARRY_LIMIT);
	struct symptom_list symptoms = {0};
	struct flow flow = flow_of(1, false);
	struct biflow biflow;

	flow.packets = 100; /* stands for 100 */
	window_add(table, &flow, 0, 0, 0);
	flow.packets = 100; /* stands for 1000 */
	flow.sampling = 0.1;
	window_add(table, &flow, 0, 0, 0);
	window_settle(table);
	biflow_make(table, window_entry(table, 0), carry, &symptoms, &biflow);
	assert_true(fabs(biflow.forward.sampling - 200.0 / 1100.0) < 1e-6);
	assert_true(biflow.reverse.sampling == 1.0);
	assert_int_equal(biflow.reverse.packets, 0);
	carry_free(carry);
	window_free(table);
}

/* Unsampled packets are reported as exactly that, however many there are. */
static void test_no_sampling_is_exactly_one(void **unused)
{
	struct window_table *table = window_new();
	struct carry *carry = carry_new(WINDOW_MS, CARRY_LIMIT);
	struct symptom_list symptoms = {0};
	struct flow flow = flow_of(1, false);
	struct biflow biflow;

	flow.packets = 123456789012;
	for (int i = 0; i < 77; i++)
		window_add(table, &flow, 0, 0, 0);
	window_settle(table);
	biflow_make(table, window_entry(table, 0), carry, &symptoms, &biflow);
	assert_true(biflow.forward.sampling == 1.0);
	assert_int_equal(biflow.forward.packets, 77 * 123456789012);
	carry_free(carry);
	window_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_changes_nothing),
		cmocka_unit_test(test_many_keys_and_windows),
		cmocka_unit_test(test_window_is_part_of_the_key),
		cmocka_unit_test(test_few_tunnels_are_kept),
		cmocka_unit_test(test_directions_meet),
		cmocka_unit_test(test_sampling_is_weighed),
		cmocka_unit_test(test_no_sampling_is_exactly_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
