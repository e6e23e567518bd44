/*
 * preprocess_meter.c: frames become flows: windows, directions, SYNs, symptoms once, fast lists,
 * attributes, a full table. The rules are published and loaded as the capture and the stage do.
 */
#include "tests/unit/tmp.h"

#include "preprocess/meter.h"
#include "spool/intern.h"
#include "spool/nfs.h"

#define START_MS 1700000100000ull /* the start of a window */

static struct spool spool = {.window_s = 300};
static struct ruleset *rules;
static struct meter *meter;
static unsigned times_full;
static uint64_t flows_full;

static int full(void *own)
{
	times_full++;
	flows_full += flowtab_count(meter->table);
	return 0;
}

static int open_rules(void **state)
{
	struct config config;
	char hash[33];

	if (tmp_setup(state) < 0 || mkdir(tmp_path("symptoms.d"), 0700) < 0)
		return -1;
	snprintf(spool.root, sizeof(spool.root), "%s/spool", tmp_folder);
	if (nfs_mkdir(tmp_path("spool/state/cache")) < 0)
		return -1;
	tmp_write("symptoms.d/a.sym", "symptom hello tcp,udp\n    text \"HELLO\"\nsymptom "
				      "name_seen any\n    host example.org\n");
	tmp_write("policy.conf", "fast = ( { name = \"ntp\"; class = \"SYSTEM\"; verdict = "
				 "\"acceptable\"; ports = [ \"udp/123\" ]; } );\n"
				 "classes = ( { name = \"c\"; class = \"WEB\"; verdict = "
				 "\"review\"; when = \"1\"; } );\n");
	if (config_load(&config, tmp_write("mira.conf", "")) != 0 ||
		rules_publish(&spool, &config, hash) < 0)
		return -1;
	config_free(&config);
	return ruleset_get(&spool, hash, &rules);
}

static int close_rules(void **state)
{
	ruleset_drop_all();
	return tmp_teardown(state);
}

static int begin(void **state)
{
	meter = meter_new(&spool, 1000, full, NULL);
	meter_begin(meter, rules);
	times_full = 0;
	return 0;
}

static int end(void **state)
{
	meter_free(meter);
	return 0;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A raw IPv4 packet from 10.0.0.SRC to 10.0.0.DST. */
struct sent {
	unsigned proto, src, sport, dst, dport, flags, seq, vlan;
	uint64_t ms;
	const char *payload;
};

static void send_packet(struct sent sent)
{
	static uint8_t bytes[512];
	size_t payload = sent.payload ? strlen(sent.payload) : 0;
	size_t header = sent.proto == 6 ? 20 : 8, link = sent.vlan ? 18 : 14;
	uint8_t *ip = bytes + link, *transport = ip + 20;
	struct frame frame = {.bytes = bytes, .linktype = 1, .time_ms = START_MS + sent.ms};

	memset(bytes, 0, sizeof(bytes));
	put16(bytes + 12, sent.vlan ? 0x8100 : 0x0800);
	if (sent.vlan) {
		put16(bytes + 14, sent.vlan);
		put16(bytes + 16, 0x0800);
	}
	ip[0] = 0x45;
	put16(ip + 2, (unsigned)(20 + header + payload));
	ip[9] = (uint8_t)sent.proto;
	memcpy(ip + 12, (uint8_t[]){10, 0, 0, (uint8_t)sent.src, 10, 0, 0, (uint8_t)sent.dst}, 8);
	put16(transport, sent.sport);
	put16(transport + 2, sent.dport);
	if (sent.proto == 6) {
		put16(transport + 4, sent.seq >> 16);
		put16(transport + 6, sent.seq);
		transport[12] = 0x50;
		transport[13] = (uint8_t)sent.flags;
	} else {
		put16(transport + 4, (unsigned)(8 + payload));
	}
	if (payload)
		memcpy(transport + header, sent.payload, payload);
	frame.captured = frame.length = (uint32_t)(link + 20 + header + payload);
	assert_int_equal(meter_frames(meter, &frame, 1), 0);
}

static uint32_t counts[65536];

static void count(void *own, uint16_t index, uint32_t packets)
{
	counts[index] = packets;
}

static uint32_t symptom(const struct entry *entry, const char *name)
{
	memset(counts, 0, sizeof(counts));
	flowtab_symptoms(meter->table, entry, count, NULL);
	for (size_t i = 0; i < rules->symptom_count + rules->policy.fast_count; i++)
		if (strcmp(intern_text(rules->names[i]), name) == 0)
			return counts[i];
	fail_msg("no symptom %s", name);
	return 0;
}

static void directions_and_windows(void **state)
{
	const struct entry *entry;

	send_packet((struct sent){.proto = 17,
		.src = 1,
		.sport = 1000,
		.dst = 2,
		.dport = 2000,
		.ms = 10});
	send_packet((struct sent){.proto = 17,
		.src = 2,
		.sport = 2000,
		.dst = 1,
		.dport = 1000,
		.ms = 20,
		.payload = "abc"});
	send_packet((struct sent){.proto = 17,
		.src = 1,
		.sport = 1000,
		.dst = 2,
		.dport = 2000,
		.ms = 299999});
	send_packet((struct sent){.proto = 17,
		.src = 1,
		.sport = 1000,
		.dst = 2,
		.dport = 2000,
		.ms = 300000});
	send_packet((struct sent){.proto = 17,
		.src = 1,
		.sport = 1000,
		.dst = 2,
		.dport = 2000,
		.ms = 5});
	assert_int_equal(flowtab_count(meter->table), 3);
	entry = flowtab_entry(meter->table, 0);
	assert_int_equal(entry->window_ms, START_MS);
	assert_int_equal(entry->packets, 3);
	assert_int_equal(entry->octets, 84);
	assert_int_equal(entry->start_ms, 5); /* the last packet was the earliest */
	assert_int_equal(entry->first, 4);
	assert_int_equal(entry->end_ms, 299999);
	entry = flowtab_entry(meter->table, 1);
	assert_int_equal(entry->key.sport, 2000);
	assert_int_equal(entry->octets, 31);
	assert_int_equal(flowtab_entry(meter->table, 2)->window_ms, START_MS + 300000);
	assert_int_equal(meter->totals.packets, 5);
	assert_int_equal(meter->totals.ip, 5);
	assert_int_equal(meter->totals.octets_ip, 84 + 31 + 28);
	assert_int_equal(meter->totals.first_ms, START_MS + 5);
	assert_int_equal(meter->totals.last_ms, START_MS + 300000);
}

/* A fragment of a UDP packet, raw IPv4 from 10.0.0.1; without OFFSET it has the ports. */
static void send_fragment(unsigned id, unsigned offset, unsigned ms)
{
	uint8_t bytes[44] = {0x45, 0, 0, 44, 0, (uint8_t)id, 0x20, (uint8_t)(offset / 8), 64, 17};
	struct frame frame = {bytes, sizeof(bytes), sizeof(bytes), 228, START_MS + ms};

	memcpy(bytes + 12, (uint8_t[]){10, 0, 0, 1, 10, 0, 0, 2}, 8);
	memcpy(bytes + 20, (uint8_t[]){0x11, 0x11, 0x22, 0x22, 0, 200, 'H', 'E', 'L', 'L', 'O'},
		11);
	assert_int_equal(meter_frames(meter, &frame, 1), 0);
}

/* Some come before their first one, one's never comes, and a window ends in between. */
static void fragments_of_a_flow(void **state)
{
	const struct entry *entry;

	send_fragment(1, 80, 299990);
	send_fragment(2, 80, 299995);
	send_fragment(1, 40, 300005);
	assert_int_equal(meter->totals.ip, 0);
	send_fragment(1, 0, 300010);
	send_fragment(1, 120, 300020);
	assert_int_equal(meter->totals.ip, 4);
	assert_int_equal(meter_end(meter), 0);
	assert_int_equal(meter->totals.packets, 5);
	assert_int_equal(meter->totals.ip, 5);
	assert_int_equal(meter->totals.octets_ip, 5 * 44);
	assert_int_equal(meter->totals.fragments_lost, 1);
	assert_int_equal(flowtab_count(meter->table), 3);
	entry = flowtab_entry(meter->table, 0);
	assert_int_equal(entry->window_ms, START_MS);
	assert_int_equal(entry->key.sport, 0x1111);
	assert_int_equal(entry->packets, 1);
	assert_int_equal(entry->first, 0);
	entry = flowtab_entry(meter->table, 1);
	assert_int_equal(entry->window_ms, START_MS + 300000);
	assert_int_equal(entry->key.dport, 0x2222);
	assert_int_equal(entry->packets, 3);
	assert_int_equal(entry->octets, 3 * 44);
	assert_int_equal(entry->start_ms, 5);
	assert_int_equal(entry->first, 2);
	entry = flowtab_entry(meter->table, 2);
	assert_int_equal(entry->key.sport + entry->key.dport, 0);
	assert_int_equal(entry->packets, 1);
}

static void fragments_do_not_outlive_a_batch(void **state)
{
	send_fragment(1, 0, 0);
	send_fragment(2, 80, 0);
	meter_begin(meter, rules);
	send_fragment(1, 80, 0);
	assert_int_equal(meter_end(meter), 0);
	assert_int_equal(meter->totals.ip, 1);
	assert_int_equal(flowtab_entry(meter->table, 0)->key.sport, 0);
}

/* A later fragment in IPIP: while it waits for its first one, its bytes go to other packets. */
static void fragments_keep_their_tunnel(void **state)
{
	static uint8_t bytes[60];
	struct frame frame = {.bytes = bytes,
		.captured = 60,
		.length = 60,
		.linktype = 101,
		.time_ms = START_MS};

	memcpy(bytes,
		(uint8_t[]){0x45, 0, 0, 60, 0, 0, 0, 0, 64, 4, 0, 0, 10, 1, 0, 2, 10, 1, 0, 1}, 20);
	memcpy(bytes + 20,
		(uint8_t[]){0x45, 0, 0, 40, 0, 7, 0, 5, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2},
		20);
	assert_int_equal(meter_frames(meter, &frame, 1), 0);
	assert_int_equal(flowtab_count(meter->table), 0);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(meter_end(meter), 0);
	assert_string_equal(intern_text(flowtab_entry(meter->table, 0)->tunnel),
		"ipip 10.1.0.1-10.1.0.2");
}

static void what_is_no_ip(void **state)
{
	static const uint8_t arp[14] = {[12] = 0x08, [13] = 0x06},
			     bad[20] = {[12] = 0x08, [14] = 0x45};
	struct frame frames[2] = {{arp, 14, 14, 1, START_MS}, {bad, 20, 60, 1, START_MS}};

	assert_int_equal(meter_frames(meter, frames, 2), 0);
	assert_int_equal(meter->totals.packets, 2);
	assert_int_equal(meter->totals.not_ip, 1);
	assert_int_equal(meter->totals.malformed, 1);
	assert_int_equal(meter->totals.ip, 0);
	assert_int_equal(flowtab_count(meter->table), 0);
}

static void syn_without_ack(void **state)
{
	const struct entry *entry;

	send_packet((struct sent){.proto = 6,
		.src = 2,
		.sport = 80,
		.dst = 1,
		.dport = 9,
		.flags = 0x12,
		.ms = 7});
	send_packet((struct sent){.proto = 6,
		.src = 1,
		.sport = 9,
		.dst = 2,
		.dport = 80,
		.flags = 0x10,
		.ms = 8});
	send_packet((struct sent){.proto = 6,
		.src = 1,
		.sport = 9,
		.dst = 2,
		.dport = 80,
		.flags = 0x02,
		.ms = 9});
	send_packet((struct sent){.proto = 6,
		.src = 1,
		.sport = 9,
		.dst = 2,
		.dport = 80,
		.flags = 0x02,
		.ms = 4});
	entry = flowtab_entry(meter->table, 0);
	assert_int_equal(entry->flags, 0);
	assert_int_equal(entry->tcp_flags, 0x12);
	entry = flowtab_entry(meter->table, 1);
	assert_int_equal(entry->flags, FLOW_SYN);
	assert_int_equal(entry->syn_ms, 4);
	assert_int_equal(entry->syn, 3);
	assert_int_equal(entry->tcp_flags, 0x12);
}

static void symptoms_once_a_packet(void **state)
{
	const struct entry *entry;

	send_packet((struct sent){.proto = 6,
		.src = 1,
		.sport = 9,
		.dst = 2,
		.dport = 80,
		.seq = 100,
		.payload = "HELLO HELLO"});
	send_packet((struct sent){.proto = 6,
		.src = 1,
		.sport = 9,
		.dst = 2,
		.dport = 80,
		.seq = 111,
		.payload = "HELLO"});
	send_packet((struct sent){.proto = 6,
		.src = 1,
		.sport = 9,
		.dst = 2,
		.dport = 80,
		.seq = 111,
		.payload = "HELLO"});
	send_packet((struct sent){.proto = 6,
		.src = 1,
		.sport = 9,
		.dst = 2,
		.dport = 80,
		.seq = 116,
		.payload = "nothing"});
	send_packet((struct sent){.proto = 17,
		.src = 1,
		.sport = 9,
		.dst = 2,
		.dport = 80,
		.payload = "HELLO"});
	send_packet((struct sent){.proto = 17,
		.src = 1,
		.sport = 9,
		.dst = 2,
		.dport = 80,
		.payload = "HELLO"});
	send_packet((struct sent){.proto = 17,
		.src = 1,
		.sport = 123,
		.dst = 2,
		.dport = 123,
		.payload = "HELLO"});
	entry = flowtab_entry(meter->table, 0);
	assert_int_equal(symptom(entry, "hello"), 2); /* what was sent again is not counted again */
	assert_int_equal(symptom(entry, "ntp"), 0);
	assert_int_equal(symptom(flowtab_entry(meter->table, 1), "hello"), 2);
	entry = flowtab_entry(meter->table, 2);
	assert_int_equal(symptom(entry, "hello"), 0); /* the fast list decided */
	assert_int_equal(symptom(entry, "ntp"), 1);
}

static void first_host_name(void **state)
{
	static const char *const requests[] = {
		"GET / HTTP/1.1\r\nHost: www.Example.org\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: example.org:80\r\n\r\n",
	};
	const struct entry *entry;
	unsigned seq = 1;

	for (size_t i = 0; i < 3; i++) {
		send_packet((struct sent){.proto = 6,
			.src = 1,
			.sport = 9,
			.dst = 2,
			.dport = 80,
			.seq = seq,
			.payload = requests[i]});
		seq += (unsigned)strlen(requests[i]);
	}
	entry = flowtab_entry(meter->table, 0);
	assert_string_equal(intern_text(entry->host_name), "www.example.org");
	assert_int_equal(symptom(entry, "name_seen"), 2);
}

/* An answer that www.example.org is 10.0.0.3, to the client 10.0.0.1. */
static void send_answer(uint64_t ms)
{
	static const uint8_t message[] = "\x12\x34\x81\x80\0\1\0\1\0\0\0\0\3www\7example\3org"
					 "\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\3";
	uint8_t bytes[128] = {[12] = 8, [14] = 0x45};
	struct frame frame = {.bytes = bytes, .linktype = 1, .time_ms = START_MS + ms};
	size_t size = sizeof(message) - 1;

	put16(bytes + 16, (unsigned)(28 + size));
	bytes[23] = 17;
	memcpy(bytes + 26, "\x0a\0\0\x35\x0a\0\0\1\0\x35\x9c\x40", 12);
	put16(bytes + 38, (unsigned)(8 + size));
	memcpy(bytes + 42, message, size);
	frame.captured = frame.length = (uint32_t)(42 + size);
	assert_int_equal(meter_frames(meter, &frame, 1), 0);
}

/* A flow carries the name that its client had resolved, until it tells one itself. */
static void resolved_host_name(void **state)
{
	const struct sent
		before = {.proto = 6, .src = 1, .sport = 9, .dst = 3, .dport = 80},
		silent = {.proto = 6, .src = 1, .sport = 10, .dst = 3, .dport = 80, .ms = 2},
		answers = {.proto = 6, .src = 3, .sport = 80, .dst = 1, .dport = 10, .ms = 3},
		stranger = {.proto = 6, .src = 2, .sport = 10, .dst = 3, .dport = 80, .ms = 3},
		late = {.proto = 17, .src = 1, .sport = 11, .dst = 3, .dport = 80, .ms = 60001};
	static const char *const names[] = {"", "www.example.org", "www.example.org",
		"www.example.org", "", ""};
	struct symptom_hits hits;

	send_packet(before);
	send_answer(1);
	send_packet(silent);
	send_packet(answers);
	send_packet(stranger);
	send_packet(late);
	for (uint32_t i = 0; i < 6; i++) {
		const struct entry *entry = flowtab_entry(meter->table, i);
		bool resolved = i == 2 || i == 3;
		assert_string_equal(intern_text(entry->host_name), names[i]);
		assert_int_equal(entry->flags & FLOW_RESOLVED, resolved ? FLOW_RESOLVED : 0);
		meter_resolved(meter, entry, &hits);
		assert_int_equal(hits.count, resolved);
		assert_int_equal(symptom(entry, "name_seen"), i == 1); /* not counted yet */
	}
	send_packet((struct sent){.proto = 6,
		.src = 1,
		.sport = 10,
		.dst = 3,
		.dport = 80,
		.seq = 1,
		.ms = 4,
		.payload = "GET / HTTP/1.1\r\nHost: told.test\r\n\r\n"});
	assert_string_equal(intern_text(flowtab_entry(meter->table, 2)->host_name), "told.test");
	meter_resolved(meter, flowtab_entry(meter->table, 2), &hits);
	assert_int_equal(hits.count, 0);
}

/* What one batch told is not known in the next: another worker may have it. */
static void names_are_of_one_batch(void **state)
{
	send_answer(1);
	meter_begin(meter, rules);
	send_packet(
		(struct sent){.proto = 6, .src = 1, .sport = 9, .dst = 3, .dport = 80, .ms = 2});
	assert_int_equal(flowtab_entry(meter->table, 0)->host_name, 0);
}

static void vlans_of_a_flow(void **state)
{
	send_packet((struct sent){.proto = 17,
		.src = 1,
		.sport = 9,
		.dst = 2,
		.dport = 80,
		.vlan = 100});
	send_packet(
		(struct sent){.proto = 17, .src = 1, .sport = 9, .dst = 2, .dport = 80, .vlan = 7});
	send_packet((struct sent){.proto = 17, .src = 1, .sport = 9, .dst = 2, .dport = 80});
	assert_string_equal(intern_text(flowtab_entry(meter->table, 0)->vlan), "7,100");
}

/* A forger tags every packet in another way: the set stops growing. */
static void too_many_vlans(void **state)
{
	for (unsigned vlan = 1; vlan <= 100; vlan++)
		send_packet((struct sent){.proto = 17,
			.src = 1,
			.sport = 9,
			.dst = 2,
			.dport = 80,
			.vlan = vlan});
	assert_string_equal(intern_text(flowtab_entry(meter->table, 0)->vlan), "1,2,3,4,5,6,7,8");
	assert_int_equal(flowtab_entry(meter->table, 0)->packets, 100);
}

static void full_table(void **state)
{
	for (unsigned i = 0; i < 2500; i++)
		send_packet(
			(struct sent){.proto = 17, .src = 1, .sport = i, .dst = 2, .dport = 80});
	assert_int_equal(times_full, 2);
	assert_int_equal(meter->totals.full, 2);
	assert_int_equal(flows_full + flowtab_count(meter->table), 2500);
	assert_int_equal(meter->totals.ip, 2500);
	assert_int_equal(flowtab_entry(meter->table, 0)->first, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(directions_and_windows, begin, end),
		cmocka_unit_test_setup_teardown(fragments_of_a_flow, begin, end),
		cmocka_unit_test_setup_teardown(fragments_do_not_outlive_a_batch, begin, end),
		cmocka_unit_test_setup_teardown(fragments_keep_their_tunnel, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_ip, begin, end),
		cmocka_unit_test_setup_teardown(syn_without_ack, begin, end),
		cmocka_unit_test_setup_teardown(symptoms_once_a_packet, begin, end),
		cmocka_unit_test_setup_teardown(first_host_name, begin, end),
		cmocka_unit_test_setup_teardown(resolved_host_name, begin, end),
		cmocka_unit_test_setup_teardown(names_are_of_one_batch, begin, end),
		cmocka_unit_test_setup_teardown(vlans_of_a_flow, begin, end),
		cmocka_unit_test_setup_teardown(too_many_vlans, begin, end),
		cmocka_unit_test_setup_teardown(full_table, begin, end),
	};

	return cmocka_run_group_tests(tests, open_rules, close_rules);
}
