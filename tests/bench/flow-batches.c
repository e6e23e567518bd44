/*
 * flow-batches: what consolidation is measured with.
 *
 *	flow-batches SPOOL KEYS TIMES BATCHES	fills the queue of SPOOL's first shard
 *
 * One run of BATCHES batches, which all lie in one window, holds KEYS biflows, each of which comes as TIMES partial flows, its
 * two directions in turns, spread over the batches in an order that hashing cannot profit from. A quarter shows a symptom, half
 * tell a host name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/capstate.h"
#include "spool/config.h"
#include "spool/flowkey.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/record.h"
#include "spool/spool.h"

#define BEGIN_MS UINT64_C(1700000100000)
#define NAMES	 50000
#define STRIDE                                                                                     \
	UINT64_C(7368787) /* a prime: (i * STRIDE) % KEYS meets every key, unless it divides KEYS */

struct world {
	struct spool spool;
	uint64_t keys, times, batches, batch_ms;
	uint32_t names[NAMES], symptoms[50];
};

static void must(int result, const char *what)
{
	if (result)
		die(MIRA_AGAIN, "cannot %s: %m %s", what, record_why());
}

static void intern_all(struct world *world)
{
	char text[64];

	for (int i = 0; i < NAMES; i++) {
		snprintf(text, sizeof(text), "www%d.example.net", i);
		world->names[i] = intern(text);
	}
	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "p%d", i + 1);
		world->symptoms[i] = intern(text);
	}
}

static struct flowkey key_of(uint64_t number)
{
	struct flowkey key = {.proto = number % 3 ? 6 : 17, .version = 4};

	key.src[0] = 10;
	key.src[1] = (uint8_t)(number / 40000);
	key.src[3] = (uint8_t)(number % 200);
	key.dst[0] = 198;
	key.dst[1] = (uint8_t)(number >> 8);
	key.dst[2] = (uint8_t)number;
	key.dst[3] = 1;
	key.sport = (uint16_t)(1024 + number % 40000);
	key.dport = number % 2 ? 443 : 80;
	return key;
}

/* Partial flow INDEX of all. */
static struct flow make_flow(const struct world *world, uint64_t index,
	struct symptom_count *symptom)
{
	uint64_t number = index * STRIDE % world->keys, time = index / world->keys;
	uint64_t batch = index / (world->keys * world->times / world->batches);
	struct flow flow = {.sampling = 1, .key = key_of(number), .window_ms = BEGIN_MS};

	if (time % 2)
		flow.key = flowkey_turn(&flow.key);
	flow.start_ms = BEGIN_MS + batch * world->batch_ms + index % world->batch_ms;
	flow.end_ms = flow.start_ms;
	flow.packets = 1 + index % 20;
	flow.octets = flow.packets * (40 + index % 1400);
	flow.first_index = index * 20;
	if (time == 0 && flow.key.proto == 6) {
		flow.flags = FLOW_SYN;
		flow.syn_ms = flow.start_ms;
		flow.syn_index = flow.first_index;
	}
	flow.tcp_flags = flow.key.proto == 6 ? 0x1b : 0;
	flow.host_name = number % 2 ? world->names[number % NAMES] : 0;
	*symptom = (struct symptom_count){.name = world->symptoms[number % 50], .packets = 1};
	flow.symptoms = symptom;
	flow.symptom_count = number % 4 == 0;
	return flow;
}

static void account(const struct world *world, struct ledger *row, uint64_t begin, uint64_t end)
{
	struct symptom_count symptom;

	row->ip = row->octets_ip = 0;
	for (uint64_t i = begin; i < end; i++) {
		struct flow flow = make_flow(world, i, &symptom);

		row->ip += flow.packets;
		row->octets_ip += flow.octets;
	}
	row->first_ms = BEGIN_MS + row->seq * world->batch_ms;
	row->last_ms = row->first_ms + world->batch_ms - 1;
	row->counts.captured = row->counts.seen = row->ip;
	row->cumulative.captured += row->ip;
	row->cumulative.seen += row->ip;
}

static void write_flows(const struct world *world, const char *folder, const struct ledger *row,
	uint64_t begin, uint64_t end)
{
	struct symptom_count symptom;
	char path[PATH_MAX];
	struct record_writer *writer;

	must(nfs_join(path, folder, "flows.ipfix") < 0, "name a file");
	writer = record_create(path, RECORD_FLOWS);
	must(!writer || record_add_ledger(writer, row), "write a ledger row");
	for (uint64_t i = begin; i < end; i++) {
		struct flow flow = make_flow(world, i, &symptom);

		must(record_add_flow(writer, &flow), "write a flow");
	}
	must(record_finish(writer), "finish a file");
}

static void name_batch(const struct ledger *row, char *text, size_t size)
{
	struct batchname name = {.start_us = row->first_ms * 1000, .seq = row->seq};

	snprintf(name.probe, sizeof(name.probe), "%s", row->probe);
	snprintf(name.stream, sizeof(name.stream), "%s", row->stream);
	snprintf(name.run, sizeof(name.run), "%s", row->run);
	batchname_format(&name, text, size);
}

static void make_batch(const struct world *world, struct ledger *row)
{
	uint64_t size = world->keys * world->times / world->batches, begin = row->seq * size;
	char folder[PATH_MAX], name[256];
	struct manifest manifest;

	account(world, row, begin, begin + size);
	name_batch(row, name, sizeof(name));
	spool_path(&world->spool, folder, "flows/shard-0/ready/%s", name);
	must(nfs_mkdir(folder), "make a batch");
	write_flows(world, folder, row, begin, begin + size);
	manifest_init(&manifest, "flows", name);
	must(manifest_add_file(&manifest, folder, "flows.ipfix"), "measure a file");
	must(manifest_write(&manifest, folder), "write the manifest");
	manifest_free(&manifest);
}

static void make_run(const struct world *world)
{
	struct ledger row = {.probe = "bench", .stream = "all", .status = LEDGER_ANALYSED};
	struct capstate capture = {.ended = true, .next_seq = world->batches};

	memset(row.run, '1', RUN_HEX);
	for (row.seq = 0; row.seq < world->batches; row.seq++) {
		row.end = row.seq + 1 == world->batches;
		make_batch(world, &row);
	}
	memcpy(capture.probe, row.probe, sizeof(capture.probe));
	memcpy(capture.stream, row.stream, sizeof(capture.stream));
	memcpy(capture.run, row.run, sizeof(capture.run));
	capture.cumulative = row.cumulative;
	must(capstate_write(&world->spool, &capture), "write the state of the capture");
}

int main(int argc, char **argv)
{
	static struct config config;
	static struct world world;

	log_open("flow-batches");
	if (argc != 5)
		die(MIRA_PERSON, "usage: flow-batches SPOOL KEYS TIMES BATCHES");
	world.keys = strtoull(argv[2], NULL, 10);
	world.times = strtoull(argv[3], NULL, 10);
	world.batches = strtoull(argv[4], NULL, 10);
	if (!world.keys || !world.batches || world.keys * world.times % world.batches ||
		world.keys % STRIDE == 0)
		die(MIRA_PERSON, "KEYS x TIMES must be a multiple of BATCHES");
	world.batch_ms = 300000 / world.batches;
	if (config_load(&config, "") || spool_open(&world.spool, argv[1], &config, false))
		return MIRA_PERSON;
	intern_all(&world);
	make_run(&world);
	return MIRA_OK;
}
