/*
 * consolidate-world: what t5-consolidate.t and t9-shards.t need: flows batches out of a seed, and the biflows that came of them as text.
 *
 *   consolidate-world make SPOOL FOLDER SEED    batches of three runs in FOLDER, state of their captures in SPOOL
 *   consolidate-world lie SPOOL FOLDER SEED     the same, but one batch's ledger row claims a packet too many
 *   consolidate-world dump SPOOL                every biflow and, of each batch, the last ledger row
 *
 * The runs overlap in time and share keys; packets come late, some batches are empty, one stream has a quarantined batch, one
 * is live. All of it is a function of the seed. With more than one shard FOLDER/shard-K holds the batches of shard K.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "spool/capstate.h"
#include "spool/flowkey.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/record.h"
#include "spool/spool.h"

#define BATCHES	  30
#define KEYS	  40
#define FLOWS	  60
#define EPOCH_MS  UINT64_C(1700000100000)
#define PERIOD_MS 47000

#define LIAR 11 /* seq in the first run */

static uint64_t state;
static bool lie;

static uint64_t below(uint64_t limit)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state >> 33) % limit;
}

static const struct {
	const char *probe, *stream, *run;
	bool live;
} runs[] = {
	{"alpha", "all", "00000000000000000000000000000001", false},
	{"alpha", "web", "00000000000000000000000000000002", false},
	{"beta", "all", "00000000000000000000000000000003", true},
};

static struct flowkey key_of(unsigned index)
{
	struct flowkey key = {.proto = index % 3 ? 6 : 17, .version = index % 5 ? 4 : 6};

	key.src[0] = key.dst[0] = 10;
	key.src[3] = index % 7;
	key.dst[3] = index % 11;
	key.sport = 1024 + index;
	key.dport = index % 2 ? 80 : 443;
	return key;
}

/* Flow INDEX of the batch of ROW; SYMPTOMS (2) are what it points to. */
static struct flow make_flow(const struct spool *spool, const struct ledger *row, uint64_t index,
	struct symptom_count *symptoms)
{
	static const char *const names[] = {"http", "tls", "bittorrent", "mp3"};
	uint64_t start_ms = EPOCH_MS + row->seq * PERIOD_MS + below(PERIOD_MS);
	struct flow flow = {.sampling = 1};

	symptoms[0] = (struct symptom_count){.name = intern(names[below(4)])};
	symptoms[0].packets = 1 + below(3);
	flow.key = key_of(below(KEYS));
	flow.sampling = 1.0 / (1 + below(4));
	if (below(20) == 0) /* time runs backwards */
		start_ms -= below(900000);
	if (below(2))
		flow.key = flowkey_turn(&flow.key);
	flow.start_ms = flow.end_ms = start_ms;
	flow.window_ms = window_of(spool, start_ms);
	flow.packets = 1 + below(50);
	flow.octets = flow.packets * (40 + below(1400));
	flow.first_index = row->seq * 1000 + index;
	flow.syn_ms = start_ms;
	flow.syn_index = flow.first_index;
	flow.flags = flow.key.proto == 6 && below(10) == 0 ? FLOW_SYN : 0;
	flow.tcp_flags = flow.key.proto == 6 ? below(64) : 0;
	flow.vlan = below(3) ? intern("100") : intern("7");
	flow.host_name = below(5) ? 0 : intern(below(2) ? "www.example.org" : "mail.example.org");
	flow.symptoms = symptoms;
	flow.symptom_count = below(3) == 0;
	return flow;
}

static void account(struct ledger *row, const struct flow *flow)
{
	row->ip += flow->packets;
	row->octets_ip += flow->octets;
	if (!row->first_ms || flow->start_ms < row->first_ms)
		row->first_ms = flow->start_ms;
	if (flow->start_ms > row->last_ms)
		row->last_ms = flow->start_ms;
}

static void add_counts(struct counts *sum, const struct counts *more)
{
	sum->seen += more->seen;
	sum->captured += more->captured;
	sum->filtered += more->filtered;
	sum->dropped += more->dropped;
	sum->shed += more->shed;
}

/* What is of the batch stands in the rows of all its parts. */
static void complete(struct ledger *row)
{
	row->not_ip = row->status == LEDGER_ANALYSED ? 3 : 0;
	row->ip += lie && row->seq == LIAR && row->run[RUN_HEX - 1] == '1';
	row->counts.captured = row->ip + row->not_ip;
	row->counts.dropped = row->seq % 3;
	row->counts.seen = row->counts.captured + row->counts.dropped;
	add_counts(&row->cumulative, &row->counts);
}

/* The row of SHARD, given that of the batch and the sums of its flows; a lie is in that of shard 0. */
static struct ledger part_row(const struct ledger *row, unsigned shard, const struct ledger *sums)
{
	struct ledger part = *row;

	part.ip = sums[shard].ip;
	part.octets_ip = sums[shard].octets_ip;
	if (shard > 0) {
		part.not_ip = 0;
		return part;
	}
	part.ip = row->ip;
	for (unsigned i = 1; i < SHARDS_MAX; i++)
		part.ip -= sums[i].ip;
	return part;
}

static void write_part(const struct spool *spool, const char *folder, unsigned shard,
	const struct ledger *row, uint64_t count)
{
	struct symptom_count symptoms[2] = {0};
	char path[PATH_MAX];
	struct record_writer *writer;

	nfs_join(path, folder, "flows.ipfix");
	writer = record_create(path, RECORD_FLOWS);
	if (!writer || record_add_ledger(writer, row))
		die(MIRA_AGAIN, "%s", path);
	for (uint64_t i = 0; i < count; i++) {
		struct flow flow = make_flow(spool, row, i, symptoms);

		if (flowkey_shard(&flow.key, spool->shards) == shard &&
			record_add_flow(writer, &flow))
			die(MIRA_AGAIN, "record_add_flow");
	}
	if (record_finish(writer))
		die(MIRA_AGAIN, "record_finish");
}

static void make_part(const struct spool *spool, const char *folder, const char *name,
	unsigned shard, const struct ledger *row, uint64_t count)
{
	char below_shard[PATH_MAX], path[PATH_MAX], reader[SHARD_NAME];
	struct manifest manifest;

	if (spool->shards > 1 && (nfs_join(below_shard, folder, shard_name(shard, reader)) ||
					 nfs_mkdir(below_shard)))
		die(MIRA_AGAIN, "%s", below_shard);
	if (nfs_join(path, spool->shards > 1 ? below_shard : folder, name) || nfs_mkdir(path))
		die(MIRA_AGAIN, "%s", path);
	write_part(spool, path, shard, row, count);
	manifest_init(&manifest, "flows", name);
	if (manifest_add_file(&manifest, path, "flows.ipfix") || manifest_write(&manifest, path))
		die(MIRA_AGAIN, "%s", path);
	manifest_free(&manifest);
}

static void name_batch(const struct ledger *row, char *text, size_t size)
{
	struct batchname name = {.start_us = (EPOCH_MS + row->seq * PERIOD_MS) * 1000,
		.seq = row->seq};

	snprintf(name.probe, sizeof(name.probe), "%s", row->probe);
	snprintf(name.stream, sizeof(name.stream), "%s", row->stream);
	snprintf(name.run, sizeof(name.run), "%s", row->run);
	batchname_format(&name, text, size);
}

static void make_batch(const struct spool *spool, const char *folder, struct ledger *row)
{
	static struct ledger sums[SHARDS_MAX];
	struct symptom_count symptoms[2] = {0};
	uint64_t count = below(8) ? below(FLOWS) : 0, again = state;
	char name[256];

	row->ip = row->octets_ip = 0;
	memset(sums, 0, sizeof(sums));
	if (row->status != LEDGER_ANALYSED)
		count = 0;
	for (uint64_t i = 0; i < count; i++) {
		struct flow flow = make_flow(spool, row, i, symptoms);

		account(row, &flow);
		account(&sums[flowkey_shard(&flow.key, spool->shards)], &flow);
	}
	complete(row);
	name_batch(row, name, sizeof(name));
	for (unsigned shard = 0; shard < spool->shards; shard++) {
		struct ledger part = part_row(row, shard, sums);

		state = again;
		make_part(spool, folder, name, shard, &part, count);
	}
}

static void make_run(const struct spool *spool, const char *folder, size_t index)
{
	struct capstate capture = {.live = runs[index].live, .ended = true, .next_seq = BATCHES};
	struct ledger row = {.live = runs[index].live};

	snprintf(row.probe, sizeof(row.probe), "%s", runs[index].probe);
	snprintf(row.stream, sizeof(row.stream), "%s", runs[index].stream);
	snprintf(row.run, sizeof(row.run), "%s", runs[index].run);
	for (row.seq = 0; row.seq < BATCHES; row.seq++) {
		row.status = index == 1 && row.seq == 7 ? LEDGER_QUARANTINED : LEDGER_ANALYSED;
		row.end = row.seq + 1 == BATCHES;
		row.first_ms = row.last_ms = 0;
		memset(&row.counts, 0, sizeof(row.counts));
		make_batch(spool, folder, &row);
	}
	memcpy(capture.probe, row.probe, sizeof(capture.probe));
	memcpy(capture.stream, row.stream, sizeof(capture.stream));
	memcpy(capture.run, row.run, sizeof(capture.run));
	capture.cumulative = row.cumulative;
	if (capstate_write(spool, &capture))
		die(MIRA_AGAIN, "capstate_write");
}

static void print_direction(const struct direction *direction)
{
	printf(" %" PRIu64 " %" PRIu64 " %x %.17g", direction->packets, direction->octets,
		direction->tcp_flags, direction->sampling);
}

static void print_biflow(const struct biflow *biflow)
{
	char src[64], dst[64];
	int family = biflow->key.version == 4 ? AF_INET : AF_INET6;

	inet_ntop(family, biflow->key.src, src, sizeof(src));
	inet_ntop(family, biflow->key.dst, dst, sizeof(dst));
	printf("biflow %" PRIu64 " %u %s %u %s %u %" PRIu64 " %" PRIu64
	       " flags=%x vlan=%s host=%s probe=%s",
		biflow->window_ms, biflow->key.proto, src, biflow->key.sport, dst,
		biflow->key.dport, biflow->start_ms, biflow->end_ms, biflow->flags,
		intern_text(biflow->vlan), intern_text(biflow->host_name),
		intern_text(biflow->probe));
	print_direction(&biflow->forward);
	print_direction(&biflow->reverse);
	for (size_t i = 0; i < biflow->symptom_count; i++)
		printf(" %s=%" PRIu64 ",%" PRIu64 ",%" PRIu64,
			intern_text(biflow->symptoms[i].name), biflow->symptoms[i].packets,
			biflow->symptoms[i].reverse_packets, biflow->symptoms[i].carried_packets);
	putchar('\n');
}

/* The key ends at the bar: a later row of the same batch replaces an earlier one. */
static void print_ledger(const struct ledger *row)
{
	printf("ledger %s %s %s %" PRIu64 " | %s late=%d end=%d %" PRIu64 " %" PRIu64 " %" PRIu64
	       " %" PRIu64 " %" PRIu64 " ip=%" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		row->probe, row->stream, row->run, row->seq, ledger_status_text(row->status),
		row->late, row->end, row->counts.seen, row->counts.captured, row->counts.dropped,
		row->counts.shed, row->cumulative.seen, row->ip, row->not_ip, row->octets_ip);
}

static void dump_file(const char *path)
{
	struct record_reader *reader = record_open(path);
	union record record;
	int type;

	if (!reader)
		die(MIRA_AGAIN, "%s", path);
	while ((type = record_next(reader, &record)) > RECORD_END) {
		if (type == RECORD_BIFLOW)
			print_biflow(&record.biflow);
		else
			print_ledger(&record.ledger);
	}
	if (type < 0)
		die(MIRA_PERSON, "%s: %s", path, record_why());
	record_close(reader);
}

static void dump(const struct spool *spool)
{
	char ready[PATH_MAX], path[PATH_MAX + 300];
	struct namelist names;

	spool_path(spool, ready, "biflows/classify/ready");
	if (nfs_list(ready, &names))
		die(MIRA_AGAIN, "%s", ready);
	namelist_sort(&names);
	for (size_t i = 0; i < names.count; i++) {
		snprintf(path, sizeof(path), "%s/%s/biflows.ipfix", ready, names.names[i]);
		dump_file(path);
	}
	namelist_free(&names);
}

int main(int argc, char **argv)
{
	struct spool spool;

	log_open("consolidate-world");
	if (argc < 3 || spool_attach(&spool, argv[2]))
		return MIRA_PERSON;
	if (!strcmp(argv[1], "dump")) {
		dump(&spool);
	} else if (argc > 4) {
		state = strtoull(argv[4], NULL, 10);
		lie = !strcmp(argv[1], "lie");
		for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++)
			make_run(&spool, argv[3], i);
	}
	return MIRA_OK;
}
