/*
 * biflow-batches: batches for the tests of classification and the store, and what stands in such files.
 *
 *   biflow-batches make SPOOL QUEUE FIRST LAST [COUNT]    batches FIRST … LAST of COUNT biflows in SPOOL/QUEUE, ready to be taken;
 *                                                         QUEUE is biflows or verdicts
 *   biflow-batches late SPOOL QUEUE NUMBER STATUS...      a batch of ledger rows: of the seqs 0, 1, … with these states
 *   biflow-batches wrap SPOOL QUEUE NUMBER FILE           a batch whose manifest is right and whose content is FILE
 *   biflow-batches dump FILE...                           every record as a line of text
 *
 * A batch is a function of its number: window NUMBER of the shard, and the ledger row of seq NUMBER - 1, which accounts for
 * its packets and octets. Verdicts of fabricated verdicts batches are as t6's policy would give them.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/config.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/record.h"
#include "spool/spool.h"
#include "spool/text.h"

#define EPOCH_MS  UINT64_C(1700000100000)
#define WINDOW_MS UINT64_C(300000)

static const char run_id[] = "0123456789abcdef0123456789abcdef";

static struct flowkey key_of(uint64_t i)
{
	struct flowkey key = {.proto = i % 2 ? 6 : 17, .version = i % 7 ? 4 : 6};

	key.src[0] = key.dst[0] = key.version == 4 ? 10 : 0xfd;
	key.src[3] = (uint8_t)(i % 50);
	key.dst[3] = (uint8_t)(i % 13 + 100);
	key.sport = (uint16_t)(1024 + i % 50000);
	key.dport = i % 5 == 1 ? 443 : i % 5 == 2 ? 53 : 6881;
	return key;
}

/* Up to two symptoms, in no order. */
static size_t symptoms_of(uint64_t i, struct symptom_count *list)
{
	static const char *const names[] = {NULL, "tls", "dns", "bittorrent", "campus_dns"};
	size_t count = 0;

	if (!names[i % 5])
		return 0;
	list[count++] = (struct symptom_count){intern(names[i % 5]), i % 9, i % 2, i % 5 == 3};
	if (i % 10 == 3)
		list[count++] = (struct symptom_count){intern("alpha"), 1, 0, 0};
	return count;
}

static void decide(uint64_t i, struct biflow *biflow)
{
	static const char *const decisions[][3] = {{"UNKNOWN", "review", "blind"},
		{"WEB", "acceptable", "web"}, {"DNS", "acceptable", "dns"},
		{"P2P", "unacceptable", "bittorrent"}, {"DNS", "acceptable", "campus_dns"}};

	biflow->class = intern(decisions[i % 5][0]);
	biflow->verdict = intern(decisions[i % 5][1]);
	biflow->rule = intern(decisions[i % 5][2]);
}

static void label(uint64_t i, struct biflow *biflow)
{
	char name[32];

	snprintf(name, sizeof(name), "host%" PRIu64 ".example.org", i % 40);
	biflow->host_name = i % 4 ? 0 : intern(name);
	biflow->aggregate = i % 3 ? intern("campus") : 0;
	biflow->tunnel = i % 11 ? 0 : intern("6in4+4in4");
	biflow->endpoint = i % 22 ? 0 : intern("10.0.0.1-10.0.0.2+192.0.2.1-198.51.100.7");
	biflow->vlan = i % 6 ? 0 : intern("7,100");
	biflow->probe = intern("p1");
}

static void biflow_of(uint64_t number, uint64_t i, struct symptom_count *list,
	struct biflow *biflow)
{
	*biflow = (struct biflow){.key = key_of(i), .window_ms = EPOCH_MS + number * WINDOW_MS};
	biflow->start_ms = biflow->window_ms + i % 1000;
	biflow->end_ms = biflow->start_ms + i % 300;
	biflow->forward = (struct direction){1 + i % 10, 40 + i % 1000, 0x1b, 1};
	if (i % 3)
		biflow->reverse = (struct direction){1 + i % 4, 40 + i % 500, 0x12, 0.5};
	biflow->flags =
		(uint16_t)(i % 17 ? 0 : FLOW_LATE) | (uint16_t)(i % 19 ? 0 : FLOW_INCOMPLETE);
	biflow->symptoms = list;
	biflow->symptom_count = symptoms_of(i, list);
	label(i, biflow);
}

static void account(struct ledger *row, const struct biflow *biflow)
{
	row->ip += biflow->forward.packets + biflow->reverse.packets;
	row->octets_ip += biflow->forward.octets + biflow->reverse.octets;
}

static struct ledger row_of(uint64_t number, enum ledger_status status)
{
	struct ledger row = {.seq = number - 1,
		.status = status,
		.first_ms = EPOCH_MS + number * WINDOW_MS,
		.last_ms = EPOCH_MS + number * WINDOW_MS + 1299};

	snprintf(row.probe, sizeof(row.probe), "p1");
	snprintf(row.stream, sizeof(row.stream), "all");
	snprintf(row.run, sizeof(row.run), "%s", run_id);
	return row;
}

/* Cumulative counts need the batches before: their sums, made the same way. */
static void total(struct ledger *row, uint64_t captured)
{
	row->counts.captured = captured;
	row->counts.seen = captured;
}

static void need(int result, const char *what)
{
	if (result)
		die(MIRA_AGAIN, "cannot %s: %m %s", what, record_why());
}

static uint64_t packets_of(uint64_t number, uint64_t count)
{
	struct ledger row = row_of(number, LEDGER_ANALYSED);
	struct symptom_count list[2];
	struct biflow biflow;

	for (uint64_t i = 0; i < count; i++) {
		biflow_of(number, i, list, &biflow);
		account(&row, &biflow);
	}
	return row.ip;
}

static void put_records(struct record_writer *writer, uint64_t number, uint64_t count,
	bool verdicts)
{
	struct ledger row = row_of(number, LEDGER_ANALYSED);
	struct symptom_count list[2];
	struct biflow biflow;

	for (uint64_t i = 0; i < count; i++) {
		biflow_of(number, i, list, &biflow);
		account(&row, &biflow);
	}
	total(&row, row.ip);
	row.cumulative = row.counts;
	for (uint64_t before = 1; before < number; before++)
		row.cumulative.seen = row.cumulative.captured += packets_of(before, count);
	need(record_add_ledger(writer, &row), "write a ledger row");
	for (uint64_t i = 0; i < count; i++) {
		biflow_of(number, i, list, &biflow);
		if (verdicts)
			decide(i, &biflow);
		need(record_add_biflow(writer, &biflow), "write a biflow");
	}
}

/* ---- batches ---- */

static void begin_batch(const struct spool *spool, const char *queue, uint64_t number, char *folder,
	char *name)
{
	char path[PATH_MAX];

	snprintf(name, NAME_MAX, "%010" PRIu64 "-shard-0", number);
	spool_path(spool, path, "%s/%s/ready", queue,
		strcmp(queue, "biflows") == 0 ? "classify" : "store");
	need(nfs_mkdir(path), "make the queue");
	spool_path(spool, folder, "making-%s", name);
	need(nfs_mkdir(folder), "make a batch");
}

static struct record_writer *begin_file(const char *queue, const char *folder)
{
	char path[PATH_MAX + 32];
	struct record_writer *writer;

	snprintf(path, sizeof(path), "%s/%s.ipfix", folder, queue);
	writer = record_create(path,
		strcmp(queue, "biflows") == 0 ? RECORD_BIFLOWS : RECORD_VERDICTS);
	need(writer ? 0 : -1, "make a file");
	return writer;
}

static void end_batch(const struct spool *spool, const char *queue, uint64_t number,
	const char *folder, const char *name)
{
	struct manifest manifest;
	char file[32], ready[PATH_MAX];

	manifest_init(&manifest, queue, name);
	manifest.number = number;
	snprintf(file, sizeof(file), "%s.ipfix", queue);
	need(manifest_add_file(&manifest, folder, file), "measure a file");
	need(manifest_write(&manifest, folder), "write the manifest");
	manifest_free(&manifest);
	spool_path(spool, ready, "%s/%s/ready/%s", queue,
		strcmp(queue, "biflows") == 0 ? "classify" : "store", name);
	need(rename(folder, ready), "hand the batch over");
}

static void make(const struct spool *spool, const char *queue, uint64_t number, uint64_t count)
{
	char folder[PATH_MAX], name[NAME_MAX];
	struct record_writer *writer;

	begin_batch(spool, queue, number, folder, name);
	writer = begin_file(queue, folder);
	put_records(writer, number, count, strcmp(queue, "verdicts") == 0);
	need(record_finish(writer), "finish a file");
	end_batch(spool, queue, number, folder, name);
}

static void wrap(const struct spool *spool, const char *queue, uint64_t number, const char *file)
{
	char folder[PATH_MAX], name[NAME_MAX], path[PATH_MAX + 32];
	size_t size;
	char *content = nfs_read_file(file, &size);

	need(content ? 0 : -1, "read the file");
	begin_batch(spool, queue, number, folder, name);
	snprintf(path, sizeof(path), "%s/%s.ipfix", folder, queue);
	need(nfs_write_file(path, content, size), "write a file");
	free(content);
	end_batch(spool, queue, number, folder, name);
}

static enum ledger_status status_of(const char *text)
{
	for (enum ledger_status status = LEDGER_ANALYSED; status <= LEDGER_MISSING; status++)
		if (strcmp(text, ledger_status_text(status)) == 0)
			return status;
	die(MIRA_PERSON, "%s is no status", text);
}

static void make_late(const struct spool *spool, const char *queue, uint64_t number, char **states)
{
	char folder[PATH_MAX], name[NAME_MAX];
	struct record_writer *writer;

	begin_batch(spool, queue, number, folder, name);
	writer = begin_file(queue, folder);
	for (uint64_t seq = 0; states[seq]; seq++) {
		struct ledger row = row_of(seq + 1, status_of(states[seq]));

		total(&row, 100 + number);
		row.late = true;
		need(record_add_ledger(writer, &row), "write a ledger row");
	}
	need(record_finish(writer), "finish a file");
	end_batch(spool, queue, number, folder, name);
}

/* ---- text ---- */

static void print_biflow(const struct biflow *b)
{
	char src[TEXT_ADDRESS], dst[TEXT_ADDRESS];

	text_address(b->key.version, b->key.src, src);
	text_address(b->key.version, b->key.dst, dst);
	printf("biflow %" PRIu64 " %" PRIu64 " %" PRIu64 " %u %s %u %s %u %" PRIu64 " %" PRIu64
	       " %" PRIu64 " %" PRIu64 " %g %g %x %x %x [%s] [%s] [%s] [%s] [%s] [%s] %s/%s/%s",
		b->window_ms, b->start_ms, b->end_ms, b->key.proto, src, b->key.sport, dst,
		b->key.dport, b->forward.packets, b->forward.octets, b->reverse.packets,
		b->reverse.octets, b->forward.sampling, b->reverse.sampling, b->forward.tcp_flags,
		b->reverse.tcp_flags, b->flags, intern_text(b->vlan), intern_text(b->tunnel),
		intern_text(b->endpoint), intern_text(b->aggregate), intern_text(b->host_name),
		intern_text(b->probe), intern_text(b->class), intern_text(b->verdict),
		intern_text(b->rule));
	for (size_t i = 0; i < b->symptom_count; i++)
		printf(" %s=%" PRIu64 "+%" PRIu64 "+%" PRIu64, intern_text(b->symptoms[i].name),
			b->symptoms[i].packets, b->symptoms[i].reverse_packets,
			b->symptoms[i].carried_packets);
	putchar('\n');
}

static void print_ledger(const struct ledger *row)
{
	printf("ledger %s %s %s %" PRIu64 " %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		row->probe, row->stream, row->run, row->seq, ledger_status_text(row->status),
		row->counts.captured, row->ip, row->octets_ip, row->cumulative.captured);
}

static void dump(const char *path)
{
	struct record_reader *reader = record_open(path);
	union record record;
	int got;

	need(reader ? 0 : -1, "open a file");
	while ((got = record_next(reader, &record)) > 0) {
		if (got == RECORD_BIFLOW)
			print_biflow(&record.biflow);
		else if (got == RECORD_LEDGER)
			print_ledger(&record.ledger);
	}
	need(got, "read a file");
	record_close(reader);
}

static void act(const struct spool *spool, int argc, char **argv)
{
	uint64_t number = strtoull(argv[4], NULL, 10), last = strtoull(argv[5], NULL, 10);

	if (strcmp(argv[1], "late") == 0)
		make_late(spool, argv[3], number, argv + 5);
	else if (strcmp(argv[1], "wrap") == 0)
		wrap(spool, argv[3], number, argv[5]);
	else
		for (; number <= last; number++)
			make(spool, argv[3], number, argc > 6 ? strtoull(argv[6], NULL, 10) : 100);
}

int main(int argc, char **argv)
{
	struct config config;
	struct spool spool;

	log_open("biflow-batches");
	if (argc > 1 && strcmp(argv[1], "dump") == 0) {
		for (int i = 2; i < argc; i++)
			dump(argv[i]);
		return MIRA_OK;
	}
	if (argc < 6)
		die(MIRA_PERSON, "see the head of tests/biflow-batches.c");
	need(config_load(&config, ""), "load the defaults");
	need(spool_open(&spool, argv[2], &config, false), "open the spool");
	act(&spool, argc, argv);
	config_free(&config);
	return MIRA_OK;
}
