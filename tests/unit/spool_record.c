/* Records go into IPFIX files and come back unchanged; strangers can read them; the bytes depend on the records alone. */
#include "tests/unit/tmp.h"

#include <errno.h>
#include <fixbuf/public.h>
#include <signal.h>
#include <sys/resource.h>

#include "spool/intern.h"
#include "spool/record.h"
#include "spool/record_schema.h"

#define RUN "00112233445566778899aabbccddeeff"

static struct symptom_count symptoms[3];

static void fill_symptoms(void)
{
	symptoms[0] = (struct symptom_count){intern("http_request"), 3, 4, 5};
	symptoms[1] = (struct symptom_count){intern("dns"), 1ull << 40, 0, 9};
	symptoms[2] = (struct symptom_count){intern("mp3"), 7, 8, 0};
}

static struct flowkey key_of(unsigned number)
{
	struct flowkey key = {.src = {10, 1, 2, 3},
		.dst = {192, 0, 2, 255},
		.proto = 6,
		.version = 4};

	key.sport = (uint16_t)(1024 + number);
	key.dport = 443;
	if (number % 2) {
		key.version = 6;
		memcpy(key.src, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
		memcpy(key.dst, "\x20\x01\x0d\xb8\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4",
			16);
	}
	return key;
}

static struct flow labelled_flow(unsigned number)
{
	return (struct flow){
		.key = key_of(number),
		.window_ms = 1700000100000,
		.start_ms = 1700000100001 + number,
		.end_ms = 1700000199999,
		.packets = 5 + number,
		.octets = 1ull << 41,
		.first_index = number,
		.syn_ms = 1700000100002,
		.syn_index = 1ull << 50,
		.sampling = 0.25,
		.tcp_flags = 0x01ff,
		.flags = FLOW_SYN | FLOW_LATE,
		.vlan = intern("7,100"),
		.tunnel = intern("gre+6in4"),
		.endpoint = intern("10.0.0.1-10.0.0.2+2001:db8::1-2001:db8::2"),
		.aggregate = intern("campus"),
		.host_name = number % 3 ? intern("www.example.org") : 0,
		.symptoms = symptoms,
		.symptom_count = number % 4,
	};
}

/* Every fifth is plain: it has nothing that could be left out. */
static struct flow flow_of(unsigned number)
{
	struct flow flow = labelled_flow(number);

	if (number % 5 != 3)
		return flow;
	flow.vlan = flow.tunnel = flow.endpoint = flow.aggregate = flow.host_name = 0;
	flow.sampling = 1;
	flow.symptom_count = 0;
	return flow;
}

static struct biflow labelled_biflow(unsigned number, bool verdict)
{
	return (struct biflow){
		.key = key_of(number),
		.window_ms = 1700000100000,
		.start_ms = 1700000100001,
		.end_ms = 1700000199999,
		.forward = {5 + number, 600, 0x1b, 1},
		.reverse = {number % 3, 1ull << 33, 0x12, 0.125},
		.flags = FLOW_INCOMPLETE | FLOW_REVERSED,
		.vlan = intern("3"),
		.tunnel = intern("4in4"),
		.endpoint = intern("192.0.2.1-198.51.100.1"),
		.aggregate = intern("a,b"),
		.host_name = intern("example.net"),
		.probe = intern("p1,p2"),
		.class = verdict ? intern("WEB") : 0,
		.verdict = verdict ? intern("acceptable") : 0,
		.rule = verdict ? intern("web by port") : 0,
		.symptoms = symptoms,
		.symptom_count = number % 4,
	};
}

static struct biflow biflow_of(unsigned number, bool verdict)
{
	struct biflow biflow = labelled_biflow(number, verdict);

	if (number % 5 != 3)
		return biflow;
	biflow.vlan = biflow.tunnel = biflow.endpoint = biflow.aggregate = biflow.host_name = 0;
	biflow.reverse.sampling = 1;
	biflow.symptom_count = 0;
	return biflow;
}

static const struct ledger ledger_row = {
	.probe = "probe1",
	.stream = "all",
	.run = RUN,
	.seq = 1ull << 33,
	.status = LEDGER_QUARANTINED,
	.late = true,
	.live = true,
	.counts = {21, 6, 5, 4, 6},
	.cumulative = {1ull << 60, 2, 3, 4, 5},
	.ip = 3,
	.not_ip = 2,
	.malformed = 1,
	.octets_ip = 99,
	.first_ms = 1700000000001,
	.last_ms = 1700000300000,
	.damaged = "cut at byte 812",
};

static void same_symptoms(const struct symptom_count *got, const struct symptom_count *want,
	size_t count, bool biflow)
{
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(got[i].name, want[i].name);
		assert_int_equal(got[i].packets, want[i].packets);
		assert_int_equal(got[i].reverse_packets, biflow ? want[i].reverse_packets : 0);
		assert_int_equal(got[i].carried_packets, biflow ? want[i].carried_packets : 0);
	}
}

/* All members but the list; the structs have padding, so both are compared where they were zeroed first. */
#define SAME(got, want, member)                                                                    \
	assert_memory_equal(&(got)->member, &(want)->member, sizeof((want)->member))

static void same_flow(const struct flow *got, const struct flow *want)
{
	SAME(got, want, key);
	SAME(got, want, window_ms);
	SAME(got, want, start_ms);
	SAME(got, want, end_ms);
	SAME(got, want, packets);
	SAME(got, want, octets);
	SAME(got, want, first_index);
	SAME(got, want, syn_ms);
	SAME(got, want, syn_index);
	SAME(got, want, sampling);
	SAME(got, want, tcp_flags);
	SAME(got, want, flags);
	SAME(got, want, vlan);
	SAME(got, want, tunnel);
	SAME(got, want, endpoint);
	SAME(got, want, aggregate);
	SAME(got, want, host_name);
	SAME(got, want, symptom_count);
	same_symptoms(got->symptoms, want->symptoms, want->symptom_count, false);
}

static void same_direction(const struct direction *got, const struct direction *want)
{
	SAME(got, want, packets);
	SAME(got, want, octets);
	SAME(got, want, tcp_flags);
	SAME(got, want, sampling);
}

static void same_biflow(const struct biflow *got, const struct biflow *want)
{
	SAME(got, want, key);
	SAME(got, want, window_ms);
	SAME(got, want, start_ms);
	SAME(got, want, end_ms);
	same_direction(&got->forward, &want->forward);
	same_direction(&got->reverse, &want->reverse);
	SAME(got, want, flags);
	SAME(got, want, vlan);
	SAME(got, want, tunnel);
	SAME(got, want, endpoint);
	SAME(got, want, aggregate);
	SAME(got, want, host_name);
	SAME(got, want, probe);
	SAME(got, want, class);
	SAME(got, want, verdict);
	SAME(got, want, rule);
	SAME(got, want, symptom_count);
	same_symptoms(got->symptoms, want->symptoms, want->symptom_count, true);
}

static void same_ledger(const struct ledger *got, const struct ledger *want)
{
	assert_string_equal(got->probe, want->probe);
	assert_string_equal(got->stream, want->stream);
	assert_string_equal(got->run, want->run);
	assert_string_equal(got->damaged, want->damaged);
	SAME(got, want, seq);
	SAME(got, want, status);
	SAME(got, want, late);
	SAME(got, want, end);
	SAME(got, want, live);
	SAME(got, want, counts);
	SAME(got, want, cumulative);
	SAME(got, want, ip);
	SAME(got, want, not_ip);
	SAME(got, want, malformed);
	SAME(got, want, octets_ip);
	SAME(got, want, first_ms);
	SAME(got, want, last_ms);
}

static void add(struct record_writer *writer, enum record_kind kind, unsigned number)
{
	struct flow flow = flow_of(number);
	struct biflow biflow = biflow_of(number, kind == RECORD_VERDICTS);

	assert_int_equal(kind == RECORD_FLOWS ? record_add_flow(writer, &flow)
					      : record_add_biflow(writer, &biflow),
		0);
}

static const char *make(const char *name, enum record_kind kind, unsigned count)
{
	const char *path = tmp_path(name);
	struct record_writer *writer;

	fill_symptoms();
	unlink(path);
	writer = record_create(path, kind);
	assert_non_null(writer);
	assert_int_equal(record_add_ledger(writer, &ledger_row), 0);
	for (unsigned i = 0; i < count; i++)
		add(writer, kind, i);
	assert_int_equal(record_finish(writer), 0);
	return path;
}

static void check(const union record *record, int type, enum record_kind kind, unsigned number)
{
	struct flow flow = flow_of(number);
	struct biflow biflow = biflow_of(number, kind == RECORD_VERDICTS);

	assert_int_equal(type, kind == RECORD_FLOWS ? RECORD_FLOW : RECORD_BIFLOW);
	if (kind == RECORD_FLOWS)
		same_flow(&record->flow, &flow);
	else
		same_biflow(&record->biflow, &biflow);
}

/* 2000 records fill several messages. */
static void come_back(void **state)
{
	for (enum record_kind kind = RECORD_FLOWS; kind <= RECORD_VERDICTS; kind++) {
		struct record_reader *reader = record_open(make("round", kind, 2000));
		union record record;

		assert_non_null(reader);
		assert_int_equal(record_next(reader, &record), RECORD_LEDGER);
		same_ledger(&record.ledger, &ledger_row);
		for (unsigned i = 0; i < 2000; i++)
			check(&record, record_next(reader, &record), kind, i);
		assert_int_equal(record_next(reader, &record), RECORD_END);
		assert_int_equal(record_next(reader, &record), RECORD_END);
		record_close(reader);
	}
}

/* Each thing that a plain record lacks, alone. */
static void each_comes_back(void **state)
{
	struct biflow plain = biflow_of(3, true), wanted[6];
	struct record_writer *writer = record_create(tmp_path("each"), RECORD_VERDICTS);
	struct record_reader *reader;
	union record record;

	for (int i = 0; i < 6; i++)
		wanted[i] = plain;
	wanted[1].vlan = intern("3");
	wanted[2].host_name = intern("example.net");
	wanted[3].forward.sampling = 0.5;
	wanted[4].reverse.sampling = 0.5;
	wanted[5].symptom_count = 1;
	for (int i = 0; i < 6; i++)
		assert_int_equal(record_add_biflow(writer, &wanted[i]), 0);
	assert_int_equal(record_finish(writer), 0);
	reader = record_open(tmp_path("each"));
	for (int i = 0; i < 6; i++) {
		assert_int_equal(record_next(reader, &record), RECORD_BIFLOW);
		same_biflow(&record.biflow, &wanted[i]);
	}
	assert_int_equal(record_next(reader, &record), RECORD_END);
	record_close(reader);
}

static void no_records(void **state)
{
	struct record_writer *writer = record_create(tmp_path("none"), RECORD_FLOWS);
	struct record_reader *reader;
	union record record;

	assert_int_equal(record_finish(writer), 0);
	reader = record_open(tmp_path("none"));
	assert_int_equal(record_next(reader, &record), RECORD_END);
	record_close(reader);
}

static char *content(const char *path, size_t *size)
{
	static char bytes[2][1 << 20];
	static unsigned next;
	char *to = bytes[next++ % 2];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	*size = fread(to, 1, sizeof(bytes[0]) - 1, file);
	to[*size] = '\0';
	fclose(file);
	return to;
}

static size_t bytes_of(const struct biflow *biflow)
{
	const char *path = tmp_path("shape");
	struct record_writer *writer;
	size_t size;

	unlink(path);
	writer = record_create(path, RECORD_BIFLOWS);
	for (int i = 0; i < 100; i++)
		assert_int_equal(record_add_biflow(writer, biflow), 0);
	assert_int_equal(record_finish(writer), 0);
	content(path, &size);
	return size;
}

/* Each record takes the shortest template that has all of it. */
static void less_is_shorter(void **state)
{
	struct biflow plain = biflow_of(3, false), named = plain, listed = plain, labelled = plain,
		      whole;
	size_t size = bytes_of(&plain);

	named.host_name = intern("example.net");
	assert_int_equal(bytes_of(&named), size + 100 * 12);
	listed.symptoms = symptoms;
	listed.symptom_count = 1;
	assert_in_range(bytes_of(&listed), size + 100 * (1 + 6 + 28),
		size + 100 * (1 + 6 + 28) + 50);
	labelled.vlan = intern("7");
	assert_int_equal(bytes_of(&labelled), size + 100 * (1 + 16 + 5 + 1));
	whole = listed;
	whole.vlan = intern("7");
	assert_int_equal(bytes_of(&whole), bytes_of(&listed) + 100 * (1 + 16 + 4 + 1));
}

/* Neither the clock nor other texts interned in between show in the bytes. */
static void same_bytes(void **state)
{
	static const char *const first[] = {"a0", "a1", "a2"}, *const second[] = {"b0", "b1", "b2"};
	char text[32];

	for (enum record_kind kind = RECORD_FLOWS; kind <= RECORD_VERDICTS; kind++)
		make(first[kind], kind, 300);
	sleep(1);
	for (int i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "other %d", i);
		intern(text);
	}
	for (enum record_kind kind = RECORD_FLOWS; kind <= RECORD_VERDICTS; kind++) {
		size_t size_a, size_b;
		char *a = content(tmp_path(first[kind]), &size_a);
		char *b = content(make(second[kind], kind, 300), &size_b);

		assert_int_equal(size_a, size_b);
		assert_memory_equal(a, b, size_a);
	}
}

static void run(const char *format, const char *path)
{
	char command[512];

	snprintf(command, sizeof(command), format, path, tmp_path("out"), tmp_path("err"));
	assert_int_equal(system(command), 0);
}

static void names_printed(const char *text, const struct schema *schema)
{
	for (size_t i = 0; i < schema->field_count; i++)
		if (schema_has(schema, &schema->fields[i]))
			assert_says(text, schema->fields[i].name);
}

/* A stranger's tool knows every element by its name, and has nothing to warn of. */
static void ipfixdump_names(void **state)
{
	static const enum schema_index used[][6] = {
		[RECORD_FLOWS] = {SCHEMA_FLOW4, SCHEMA_FLOW6, SCHEMA_FLOW_SYMPTOM, SCHEMA_LEDGER,
			SCHEMA_NAME, SCHEMA_END},
		[RECORD_BIFLOWS] = {SCHEMA_BIFLOW4, SCHEMA_BIFLOW6, SCHEMA_BIFLOW_SYMPTOM,
			SCHEMA_LEDGER, SCHEMA_NAME, SCHEMA_END},
		[RECORD_VERDICTS] = {SCHEMA_VERDICT4, SCHEMA_VERDICT6, SCHEMA_BIFLOW_SYMPTOM,
			SCHEMA_LEDGER, SCHEMA_NAME, SCHEMA_END},
	};

	for (enum record_kind kind = RECORD_FLOWS; kind <= RECORD_VERDICTS; kind++) {
		const char *path = make("dump", kind, 8), *text;
		size_t size;

		run("ipfixDump --rfc5610 --in %s > %s 2> %s", path);
		content(tmp_path("err"), &size);
		assert_int_equal(size, 0);
		text = content(tmp_path("out"), &size);
		assert_null(strstr(text, "alien"));
		for (int i = 0; i < 6; i++)
			names_printed(strstr(text, "data record"), &schemas[used[kind][i]]);
	}
}

/* The test above would see a missing name: without the type records ipfixDump calls our elements alien. */
static void ipfixdump_needs_type_records(void **state)
{
	size_t size;

	run("ipfixDump --in %s > %s 2> %s", make("dump", RECORD_FLOWS, 8));
	assert_says(content(tmp_path("out"), &size), "alien");
}

/* The tables say the same as libfixbuf, whose names and numbers are IANA's. */
static void numbers_are_iana(void **state)
{
	fbInfoModel_t *model = fbInfoModelAlloc();

	schema_describe(model);
	for (size_t s = 0; s < SCHEMA_COUNT; s++)
		for (size_t i = 0; i < schemas[s].field_count; i++) {
			const struct field *field = &schemas[s].fields[i];
			const fbInfoElement_t *element =
				fbInfoModelGetElementByName(model, field->name);

			assert_non_null(element);
			assert_int_equal(element->ent, field->pen);
			assert_int_equal(element->num, field->number);
			assert_int_equal(element->len,
				field->length ? field->length : FB_IE_VARLEN);
			assert_true(schemas[s].field_count <= SCHEMA_FIELDS_MAX);
		}
	fbInfoModelFree(model);
}

/* The manual page has every element of ours with its number. Tests run in the project's folder. */
static void documented(void **state)
{
	size_t size;
	const char *page = content("spool/mira-ipfix.5", &size);

	for (size_t s = 0; s < SCHEMA_COUNT; s++)
		for (size_t i = 0; i < schemas[s].field_count; i++) {
			const struct field *field = &schemas[s].fields[i];
			char item[128];

			snprintf(item, sizeof(item), ".It %u %s\n", field->number, field->name);
			assert_says(page, field->pen == PEN_MIRA ? item : field->name);
		}
}

static void never_overwrites(void **state)
{
	const char *path = make("once", RECORD_FLOWS, 1);

	assert_null(record_create(path, RECORD_FLOWS));
	assert_int_equal(errno, EEXIST);
	assert_null(record_open(tmp_path("absent")));
	assert_int_equal(errno, ENOENT);
}

/* A record has to fit a message of 64 KiB; one that does not is refused, and the file stays whole. */
static void too_long(void **state)
{
	struct record_writer *writer = record_create(tmp_path("long"), RECORD_FLOWS);
	struct flow flow = flow_of(1), good = flow_of(2);
	char *text = malloc(70000);
	struct record_reader *reader;
	union record record;

	memset(text, 'x', 69999);
	text[69999] = '\0';
	assert_int_equal(record_add_flow(writer, &good), 0);
	flow.host_name = intern(text);
	assert_int_equal(record_add_flow(writer, &flow), -1);
	assert_int_equal(errno, EMSGSIZE);
	flow = flow_of(3);
	flow.symptom_count = 100000;
	assert_int_equal(record_add_flow(writer, &flow), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(record_add_flow(writer, &good), 0);
	assert_int_equal(record_finish(writer), 0);
	reader = record_open(tmp_path("long"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(record_next(reader, &record), RECORD_FLOW);
		same_flow(&record.flow, &good);
	}
	assert_int_equal(record_next(reader, &record), RECORD_END);
	record_close(reader);
	free(text);
}

static void full_disk(void **state)
{
	struct rlimit old, limit;
	struct record_writer *writer = record_create(tmp_path("full"), RECORD_FLOWS);
	int result = 0;

	getrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_IGN);
	limit = (struct rlimit){100000, old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &limit);
	for (unsigned i = 0; i < 5000 && result == 0; i++) {
		struct flow flow = flow_of(i);

		result = record_add_flow(writer, &flow);
	}
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(result, -1);
	assert_int_equal(errno, EFBIG);
	record_abandon(writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_iana),
		cmocka_unit_test(come_back),
		cmocka_unit_test(each_comes_back),
		cmocka_unit_test(less_is_shorter),
		cmocka_unit_test(no_records),
		cmocka_unit_test(same_bytes),
		cmocka_unit_test(ipfixdump_names),
		cmocka_unit_test(ipfixdump_needs_type_records),
		cmocka_unit_test(documented),
		cmocka_unit_test(never_overwrites),
		cmocka_unit_test(too_long),
		cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
