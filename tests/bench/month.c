/*
 * month: batches of verdicts as a campus makes them in a month, for the bench of the store. No capture is as long.
 *
 *   month SPOOL FIRST LAST BIFLOWS     windows FIRST … LAST (from 1; 288 a day) of BIFLOWS in the mean, ready for the store
 *
 * 20,000 hosts, 6,000 of them inside, a few of which have most of the traffic; 60 decisions, 20 aggregates, 9,000 names. Day and
 * night, week and weekend differ. A window is a function of its number. The order in a batch is that of consolidation.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/config.h"
#include "spool/flowkey.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/record.h"
#include "spool/spool.h"

#define MONTH_MS       UINT64_C(1782864000000) /* 2026-07-01 */
#define WINDOW_MS      UINT64_C(300000)
#define WINDOWS_OF_DAY 288
#define INSIDE	       6000
#define OUTSIDE	       14000
#define NAMES	       9000
#define AGGREGATES     20
#define DECISIONS      60
#define SYMPTOMS       80

static uint64_t random_state;

static uint64_t next_random(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static double uniform(void)
{
	return (double)(next_random() >> 11) * 0x1p-53;
}

/* Few have much. */
static uint32_t one_of(uint32_t count)
{
	double u = uniform();

	return (uint32_t)((double)count * u * u * u);
}

/* ---- texts ---- */

static uint32_t text_of(const char *format, uint32_t number)
{
	char text[64];

	snprintf(text, sizeof(text), format, number);
	return intern(text);
}

static uint32_t names[NAMES], aggregates[AGGREGATES], symptoms[SYMPTOMS];
static uint32_t decisions[DECISIONS][3], probes[2], vlans[4];

static void make_texts(void)
{
	static const char *const verdicts[] = {"acceptable", "acceptable", "acceptable",
		"unacceptable", "review"};

	for (uint32_t i = 0; i < NAMES; i++)
		names[i] = text_of("www%u.example.org", i);
	for (uint32_t i = 0; i < AGGREGATES; i++)
		aggregates[i] = text_of("faculty-%02u", i);
	for (uint32_t i = 0; i < SYMPTOMS; i++)
		symptoms[i] = text_of("symptom_%02u", i);
	for (uint32_t i = 0; i < DECISIONS; i++) {
		decisions[i][0] = text_of("CLASS-%02u", i / 3);
		decisions[i][1] = intern(verdicts[i % 5]);
		decisions[i][2] = text_of("rule_%02u", i);
	}
	for (uint32_t i = 0; i < 2; i++)
		probes[i] = text_of("probe%u", i);
	for (uint32_t i = 0; i < 4; i++)
		vlans[i] = text_of("%u", 100 + i);
}

/* ---- a biflow ---- */

struct made {
	struct biflow biflow;
	struct flowkey canonical;
	struct symptom_count symptoms[2];
};

static void set_address(uint8_t *address, uint8_t first, uint32_t host)
{
	address[0] = first;
	address[1] = (uint8_t)(host >> 16);
	address[2] = (uint8_t)(host >> 8);
	address[3] = (uint8_t)host;
}

/* A port of its own for each biflow of a window, so that no two have the same key. */
static void make_key(struct flowkey *key, uint64_t i, uint32_t inside, uint32_t outside)
{
	static const uint16_t ports[] = {443, 443, 443, 80, 53, 123, 6881, 22};

	key->version = 4;
	key->proto = outside % 4 ? 6 : 17;
	key->sport = (uint16_t)(1024 + i % 64000);
	key->dport = (uint16_t)(ports[outside % 8] + 1000 * (i / 64000));
	set_address(key->src, 10, inside);
	set_address(key->dst, 198, outside);
	if (uniform() < 0.1)
		*key = flowkey_turn(key);
}

static void make_direction(struct direction *direction)
{
	/* As many of 1 as of 2 and 3, of 4 to 7, … */
	direction->packets = 1 + (next_random() & ((1u << next_random() % 10) - 1));
	direction->octets = direction->packets * (60 + next_random() % 1400);
	direction->tcp_flags = 0x1b;
	direction->sampling = 1;
}

static void make_symptoms(struct made *made, uint32_t decision)
{
	uint64_t u = next_random() % 100;

	made->biflow.symptom_count = u < 50 ? 1 : u < 65 ? 2 : 0;
	for (uint32_t i = 0; i < 2; i++)
		made->symptoms[i] = (struct symptom_count){symptoms[(decision + 17 * i) % SYMPTOMS],
			1 + u % 4, u % 3, 0};
}

static void make_biflow(struct made *made, uint64_t window_ms, uint64_t i)
{
	struct biflow *biflow = &made->biflow;
	uint32_t inside = one_of(INSIDE), outside = one_of(OUTSIDE);
	uint32_t decision = (outside + (uniform() < 0.1)) % DECISIONS;

	*made = (struct made){.biflow.window_ms = window_ms};
	make_key(&biflow->key, i, inside, outside);
	flowkey_canonical(&biflow->key, &made->canonical);
	biflow->start_ms = window_ms + next_random() % 290000;
	biflow->end_ms = biflow->start_ms + next_random() % 9999;
	make_direction(&biflow->forward);
	if (uniform() < 0.85)
		make_direction(&biflow->reverse);
	biflow->aggregate = aggregates[inside % AGGREGATES];
	biflow->host_name = uniform() < 0.6 ? names[outside % NAMES] : 0;
	biflow->probe = probes[outside % 2];
	biflow->vlan = vlans[inside % 4];
	biflow->class = decisions[decision][0];
	biflow->verdict = decisions[decision][1];
	biflow->rule = decisions[decision][2];
	make_symptoms(made, decision);
}

static int by_key(const void *left, const void *right)
{
	return flowkey_order(&((const struct made *)left)->canonical,
		&((const struct made *)right)->canonical);
}

/* ---- a window ---- */

static uint64_t count_of(uint64_t number, double mean)
{
	double day = (double)((number - 1) % WINDOWS_OF_DAY) / WINDOWS_OF_DAY;
	uint64_t weekday = (number - 1) / WINDOWS_OF_DAY % 7;

	return (uint64_t)(mean * (weekday < 5 ? 1.1 : 0.75) * (0.4 + 7.2 * day * (1 - day) * day));
}

static void need(int result, const char *what)
{
	if (result)
		die(MIRA_AGAIN, "cannot %s: %m %s", what, record_why());
}

/* The windows that are made together are a run. */
static struct ledger row_of(uint64_t first, uint64_t number, const struct made *made,
	uint64_t count)
{
	static struct counts total;
	struct ledger row = {.seq = number - first,
		.first_ms = MONTH_MS + (number - 1) * WINDOW_MS,
		.last_ms = MONTH_MS + number * WINDOW_MS - 1};

	snprintf(row.probe, sizeof(row.probe), "probe0");
	snprintf(row.stream, sizeof(row.stream), "all");
	snprintf(row.run, sizeof(row.run), "%032" PRIx64, first);
	for (uint64_t i = 0; i < count; i++) {
		row.ip += made[i].biflow.forward.packets + made[i].biflow.reverse.packets;
		row.octets_ip += made[i].biflow.forward.octets + made[i].biflow.reverse.octets;
	}
	row.counts.seen = row.counts.captured = row.ip;
	total.seen = total.captured += row.ip;
	row.cumulative = total;
	return row;
}

static void write_records(struct record_writer *writer, uint64_t first, uint64_t number,
	struct made *made, uint64_t count)
{
	struct ledger row;

	for (uint64_t i = 0; i < count; i++)
		make_biflow(&made[i], MONTH_MS + (number - 1) * WINDOW_MS, i);
	qsort(made, count, sizeof(*made), by_key);
	row = row_of(first, number, made, count);
	need(record_add_ledger(writer, &row), "write a ledger row");
	for (uint64_t i = 0; i < count; i++) {
		made[i].biflow.symptoms = made[i].symptoms;
		need(record_add_biflow(writer, &made[i].biflow), "write a biflow");
	}
}

static void make_window(const struct spool *spool, uint64_t first, uint64_t number, double mean)
{
	char name[32], folder[PATH_MAX], path[PATH_MAX + 32], ready[PATH_MAX];
	uint64_t count = count_of(number, mean);
	struct made *made = x_calloc(count + 1, sizeof(*made));
	struct record_writer *writer;
	struct manifest manifest;

	random_state = number * UINT64_C(0x2545f4914f6cdd1d);
	snprintf(name, sizeof(name), "%010" PRIu64 "-shard-0", number);
	spool_path(spool, folder, "making-%s", name);
	need(nfs_mkdir(folder), "make a batch");
	snprintf(path, sizeof(path), "%s/verdicts.ipfix", folder);
	writer = record_create(path, RECORD_VERDICTS);
	need(writer ? 0 : -1, "make a file");
	write_records(writer, first, number, made, count);
	need(record_finish(writer), "finish a file");
	manifest_init(&manifest, "verdicts", name);
	manifest.number = number;
	need(manifest_add_file(&manifest, folder, "verdicts.ipfix"), "measure a file");
	need(manifest_write(&manifest, folder), "write the manifest");
	manifest_free(&manifest);
	spool_path(spool, ready, "verdicts/store/ready/%s", name);
	need(rename(folder, ready), "hand the batch over");
	free(made);
}

int main(int argc, char **argv)
{
	struct config config;
	struct spool spool;
	char path[PATH_MAX];
	uint64_t first;

	log_open("month");
	if (argc != 5)
		die(MIRA_PERSON, "usage: month SPOOL FIRST LAST BIFLOWS");
	need(config_load(&config, ""), "load the defaults");
	need(spool_open(&spool, argv[1], &config, false), "open the spool");
	spool_path(&spool, path, "verdicts/store/ready");
	need(nfs_mkdir(path), "make the queue");
	make_texts();
	first = strtoull(argv[2], NULL, 10);
	for (uint64_t number = first, last = strtoull(argv[3], NULL, 10); number <= last; number++)
		make_window(&spool, first, number, strtod(argv[4], NULL));
	config_free(&config);
	return MIRA_OK;
}
