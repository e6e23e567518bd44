/* Who began, and what later windows know of it. */
#include "tests/unit/tmp.h"

#include "consolidate/biflow.h"
#include "spool/intern.h"

#define WINDOW_MS 300000

struct fixture {
	struct window_table *table;
	struct carry *carry;
	struct symptom_list symptoms;
	struct biflow biflow;
};

static int open_fixture(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->table = window_new();
	fixture->carry = carry_new(WINDOW_MS, CARRY_LIMIT);
	*state = fixture;
	return 0;
}

static int close_fixture(void **state)
{
	struct fixture *fixture = *state;

	window_free(fixture->table);
	carry_free(fixture->carry);
	free(fixture->symptoms.list);
	free(fixture);
	return 0;
}

/* From client (higher address, port 40000) to server, or back. */
static struct flow flow_at(uint64_t start_ms, uint64_t index, bool from_server)
{
	struct flow flow = {.key = {.proto = 6, .version = 4, .sport = 40000, .dport = 443}};

	flow.key.src[0] = 20;
	flow.key.dst[0] = 10;
	if (from_server)
		flow.key = flowkey_turn(&flow.key);
	flow.start_ms = flow.end_ms = start_ms;
	flow.first_index = index;
	flow.packets = 1;
	flow.octets = 60;
	flow.sampling = 1;
	return flow;
}

static void add(struct fixture *fixture, const struct flow *flow, uint64_t window_ms)
{
	window_add(fixture->table, flow, window_ms, 0, intern("north"));
}

static const struct biflow *make(struct fixture *fixture, uint64_t window_ms)
{
	window_settle(fixture->table);
	assert_int_equal(window_count(fixture->table), 1);
	assert_int_equal(window_common(fixture->table, window_entry(fixture->table, 0))->window_ms,
		window_ms);
	biflow_make(fixture->table, window_entry(fixture->table, 0), fixture->carry,
		&fixture->symptoms, &fixture->biflow);
	carry_end_window(fixture->carry, window_ms);
	window_reset(fixture->table);
	return &fixture->biflow;
}

static void test_earliest_packet_began(void **state)
{
	struct flow server = flow_at(10, 5, true), client = flow_at(11, 4, false);

	add(*state, &client, 0);
	add(*state, &server, 0);
	assert_int_equal(make(*state, 0)->key.sport, 443);
}

static void test_index_breaks_a_tie(void **state)
{
	struct flow server = flow_at(10, 5, true), client = flow_at(10, 4, false);

	add(*state, &server, 0);
	add(*state, &client, 0);
	assert_int_equal(make(*state, 0)->key.sport, 40000);
}

static void test_lower_end_breaks_the_last_tie(void **state)
{
	struct flow server = flow_at(10, 4, true), client = flow_at(10, 4, false);

	add(*state, &server, 0);
	add(*state, &client, 0);
	assert_int_equal(make(*state, 0)->key.src[0], 10);
}

/* The SYN counts, not the first packet: the reverse of an older connection may come before it. */
static void test_syn_comes_first(void **state)
{
	struct flow server = flow_at(10, 1, true), client = flow_at(20, 2, false);

	client.flags = FLOW_SYN;
	client.syn_ms = 20;
	client.syn_index = 2;
	add(*state, &server, 0);
	add(*state, &client, 0);
	assert_int_equal(make(*state, 0)->key.sport, 40000);
}

static void test_earlier_of_two_syns(void **state)
{
	struct flow server = flow_at(10, 1, true), client = flow_at(5, 0, false);

	server.flags = client.flags = FLOW_SYN;
	server.syn_ms = 30;
	client.syn_ms = 40;
	add(*state, &server, 0);
	add(*state, &client, 0);
	assert_int_equal(make(*state, 0)->key.sport, 443);
}

static void test_reverse_not_observed(void **state)
{
	struct flow server = flow_at(10, 1, true);
	const struct biflow *biflow;

	add(*state, &server, 0);
	biflow = make(*state, 0);
	assert_int_equal(biflow->key.sport, 443);
	assert_int_equal(biflow->forward.packets, 1);
	assert_int_equal(biflow->reverse.packets, 0);
	assert_int_equal(biflow->reverse.octets, 0);
}

static void test_same_ends(void **state)
{
	struct flow loop = flow_at(10, 1, false);

	memcpy(loop.key.dst, loop.key.src, sizeof(loop.key.dst));
	loop.key.dport = loop.key.sport = 0;
	add(*state, &loop, 0);
	add(*state, &loop, 0);
	assert_int_equal(make(*state, 0)->forward.packets, 2);
}

static void test_orientation_is_kept(void **state)
{
	struct flow client = flow_at(10, 1, false), server = flow_at(WINDOW_MS + 1, 2, true);
	const struct biflow *biflow;

	add(*state, &client, 0);
	assert_int_equal(make(*state, 0)->flags & FLOW_REVERSED, 0);
	add(*state, &server, WINDOW_MS);
	biflow = make(*state, WINDOW_MS);
	assert_int_equal(biflow->key.sport, 40000);
	assert_int_equal(biflow->forward.packets, 0);
	assert_int_equal(biflow->reverse.packets, 1);
	assert_int_equal(biflow->flags & FLOW_REVERSED, FLOW_REVERSED);
}

static void test_orientation_is_forgotten_when_idle(void **state)
{
	uint64_t last_ms = CARRY_WINDOWS * WINDOW_MS,
		 idle_ms = last_ms + (CARRY_WINDOWS + 1) * WINDOW_MS;
	struct flow client = flow_at(10, 1, false), server = flow_at(20, 2, true);

	add(*state, &client, 0);
	make(*state, 0);
	add(*state, &server, last_ms);
	assert_int_equal(make(*state, last_ms)->key.sport, 40000);
	add(*state, &server, idle_ms);
	assert_int_equal(make(*state, idle_ms)->key.sport, 443);
}

static void add_symptom(struct fixture *fixture, const char *name, uint64_t packets,
	bool from_server, uint64_t window_ms)
{
	struct flow flow = flow_at(window_ms, from_server ? 2 : 1, from_server);
	struct symptom_count count = {.name = intern(name), .packets = packets};

	flow.symptoms = &count;
	flow.symptom_count = 1;
	add(fixture, &flow, window_ms);
}

static void check(const struct biflow *biflow, size_t at, const char *name, uint64_t packets,
	uint64_t reverse, uint64_t carried)
{
	assert_true(at < biflow->symptom_count);
	assert_string_equal(intern_text(biflow->symptoms[at].name), name);
	assert_int_equal(biflow->symptoms[at].packets, packets);
	assert_int_equal(biflow->symptoms[at].reverse_packets, reverse);
	assert_int_equal(biflow->symptoms[at].carried_packets, carried);
}

static void test_symptoms_are_carried_once(void **state)
{
	const struct biflow *biflow;

	add_symptom(*state, "tls", 2, false, 0);
	add_symptom(*state, "tls", 3, true, 0);
	add_symptom(*state, "mp3", 1, false, 0);
	biflow = make(*state, 0);
	assert_int_equal(biflow->symptom_count, 2);
	check(biflow, 0, "mp3", 1, 0, 0);
	check(biflow, 1, "tls", 2, 3, 0);
	add_symptom(*state, "tls", 10, true, WINDOW_MS);
	biflow = make(*state, WINDOW_MS);
	check(biflow, 0, "mp3", 0, 0, 1);
	check(biflow, 1, "tls", 0, 10, 5);
	add_symptom(*state, "http", 4, false, 2 * WINDOW_MS);
	biflow = make(*state, 2 * WINDOW_MS);
	assert_int_equal(biflow->symptom_count, 3);
	check(biflow, 0, "http", 4, 0, 0);
	check(biflow, 1, "mp3", 0, 0, 1);
	check(biflow, 2, "tls", 0, 0, 15);
}

static void test_host_name_is_carried(void **state)
{
	struct flow flow = flow_at(0, 1, false);

	flow.host_name = intern("www.example.org");
	add(*state, &flow, 0);
	assert_string_equal(intern_text(make(*state, 0)->host_name), "www.example.org");
	flow.host_name = 0;
	add(*state, &flow, WINDOW_MS);
	assert_string_equal(intern_text(make(*state, WINDOW_MS)->host_name), "www.example.org");
	flow.host_name = intern("other.example.org");
	add(*state, &flow, 2 * WINDOW_MS);
	assert_string_equal(intern_text(make(*state, 2 * WINDOW_MS)->host_name),
		"other.example.org");
}

static void test_earliest_host_name(void **state)
{
	struct flow flow = flow_at(50, 1, false);

	flow.host_name = intern("late.example");
	add(*state, &flow, 0);
	flow = flow_at(10, 2, true);
	flow.host_name = intern("b.example");
	add(*state, &flow, 0);
	flow.host_name = intern("a.example");
	add(*state, &flow, 0);
	flow = flow_at(1, 1, false);
	add(*state, &flow, 0);
	assert_string_equal(intern_text(make(*state, 0)->host_name), "a.example");
}

/* What the flow tells goes before what its client resolved, in one window and from one to the next. */
static void test_host_name_told_goes_first(void **state)
{
	struct flow flow = flow_at(10, 1, false);
	const struct biflow *biflow;

	flow.host_name = intern("resolved.example");
	flow.flags = FLOW_RESOLVED;
	add(*state, &flow, 0);
	flow = flow_at(50, 1, true);
	flow.host_name = intern("told.example");
	add(*state, &flow, 0);
	biflow = make(*state, 0);
	assert_string_equal(intern_text(biflow->host_name), "told.example");
	assert_int_equal(biflow->flags & FLOW_RESOLVED, 0);
	flow = flow_at(10, 1, false);
	flow.host_name = intern("resolved.example");
	flow.flags = FLOW_RESOLVED;
	add(*state, &flow, WINDOW_MS);
	assert_string_equal(intern_text(make(*state, WINDOW_MS)->host_name), "told.example");
}

static void test_host_name_resolved_is_flagged(void **state)
{
	struct flow flow = flow_at(10, 1, false);
	const struct biflow *biflow;

	flow.host_name = intern("resolved.example");
	flow.flags = FLOW_RESOLVED;
	add(*state, &flow, 0);
	biflow = make(*state, 0);
	assert_string_equal(intern_text(biflow->host_name), "resolved.example");
	assert_int_equal(biflow->flags, FLOW_RESOLVED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_earliest_packet_began),
		TEST(test_index_breaks_a_tie),
		TEST(test_lower_end_breaks_the_last_tie),
		TEST(test_syn_comes_first),
		TEST(test_earlier_of_two_syns),
		TEST(test_reverse_not_observed),
		TEST(test_same_ends),
		TEST(test_orientation_is_kept),
		TEST(test_orientation_is_forgotten_when_idle),
		TEST(test_symptoms_are_carried_once),
		TEST(test_host_name_is_carried),
		TEST(test_earliest_host_name),
		TEST(test_host_name_told_goes_first),
		TEST(test_host_name_resolved_is_flagged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
