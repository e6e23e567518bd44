/*
 * export.c: from the flow table to the queue "flows", where consolidation takes over (an
 * exporting process, RFC 7011).
 */
#include "preprocess/export.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/flowkey.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define QUEUE	  "flows"
#define FILE_NAME "flows.ipfix"

static unsigned shards_of(const struct output *output)
{
	return output->batch->spool->shards;
}

static int begin_part(const struct output *output, unsigned shard, struct part *part)
{
	char path[PATH_MAX], reader[SHARD_NAME];

	*part = (struct part){0};
	if (batch_begin_output(output->batch, QUEUE, shard_name(shard, reader), output->batch->name,
		    part->folder) < 0 ||
		nfs_join(path, part->folder, FILE_NAME) < 0)
		return -1;
	part->writer = record_create(path, RECORD_FLOWS);
	return part->writer ? 0 : -1;
}

int export_begin(struct output *output, struct batch *batch)
{
	int result = 0;

	output->batch = batch;
	output->flows = 0;
	for (unsigned i = 0; i < shards_of(output) && result == 0; i++)
		result = begin_part(output, i, &output->parts[i]);
	return result;
}

void export_abandon(struct output *output)
{
	for (unsigned i = 0; i < SHARDS_MAX; i++) {
		if (output->parts[i].writer)
			record_abandon(output->parts[i].writer);
		output->parts[i].writer = NULL;
	}
}

/*
 * The share of the stream's packets that was analysed: what was taken on purpose, less what was
 * lost on the way.
 */
static double sampling_of(const struct manifest *manifest)
{
	const struct counts *counts = &manifest->counts;
	double taken = (double)counts->captured,
	       lost = (double)counts->dropped + (double)counts->shed;

	return taken > 0 ? manifest->sampling * taken / (taken + lost) : manifest->sampling;
}

/* Symptoms of the flow at hand, sorted by label: their order must not depend on the scan's. */
struct collected {
	struct symptom_count *list;
	size_t count, room;
};

static void collect(void *own, uint16_t index, uint32_t packets)
{
	struct collected *collected = own;

	if (collected->count == collected->room) {
		collected->room = collected->room ? 2 * collected->room : 64;
		collected->list =
			x_realloc(collected->list, collected->room * sizeof(*collected->list));
	}
	collected->list[collected->count++] =
		(struct symptom_count){.name = index, .packets = packets};
}

static int by_label(const void *a, const void *b)
{
	const struct symptom_count *x = a, *y = b;

	return (x->name > y->name) - (x->name < y->name);
}

static void collect_resolved(struct collected *collected, const struct meter *meter,
	const struct entry *entry)
{
	struct symptom_hits hits = {.count = 0};
	size_t had = collected->count;

	meter_resolved(meter, entry, &hits);
	for (unsigned i = 0; i < hits.count; i++) {
		size_t at = 0;
		while (at < had && collected->list[at].name != hits.index[i])
			at++;
		if (at == had)
			collect(collected, hits.index[i], 1);
	}
}

static void collect_symptoms(struct collected *collected, const struct meter *meter,
	const struct entry *entry)
{
	collected->count = 0;
	flowtab_symptoms(meter->table, entry, collect, collected);
	if (entry->flags & FLOW_RESOLVED)
		collect_resolved(collected, meter, entry);
	if (collected->count > 1)
		qsort(collected->list, collected->count, sizeof(*collected->list), by_label);
	for (size_t i = 0; i < collected->count; i++)
		collected->list[i].name = meter->rules->names[collected->list[i].name];
}

static void set_flow(struct flow *flow, const struct entry *entry, const struct manifest *manifest)
{
	flow->key = entry->key;
	flow->window_ms = entry->window_ms;
	flow->start_ms = entry->window_ms + entry->start_ms;
	flow->end_ms = entry->window_ms + entry->end_ms;
	flow->packets = entry->packets;
	flow->octets = entry->octets;
	flow->first_index = manifest->packet_index + entry->first;
	flow->flags = entry->flags;
	flow->syn_ms = entry->flags & FLOW_SYN ? entry->window_ms + entry->syn_ms : 0;
	flow->syn_index = entry->flags & FLOW_SYN ? manifest->packet_index + entry->syn : 0;
	flow->tcp_flags = entry->tcp_flags;
	flow->vlan = entry->vlan;
	attributes_split(entry->tunnel, &flow->tunnel, &flow->endpoint);
	flow->host_name = entry->host_name;
}

/* Privacy: the name has shown its symptoms, and goes no further. */
static void withhold_name(struct flow *flow)
{
	flow->host_name = 0;
	flow->flags &= (uint16_t)~FLOW_RESOLVED;
}

static unsigned shard_of(const struct output *output, const struct entry *entry)
{
	return flowkey_shard(&entry->key, shards_of(output));
}

static void add_entry(struct sum *sum, const struct entry *entry)
{
	sum->packets += entry->packets;
	sum->octets += entry->octets;
}

int export_flows(struct output *output, const struct meter *meter, const struct manifest *manifest)
{
	struct collected collected = {0};
	struct flow flow = {.sampling = sampling_of(manifest)};
	uint32_t count = flowtab_count(meter->table);
	int result = 0;

	for (uint32_t i = 0; i < count && result == 0; i++) {
		const struct entry *entry = flowtab_entry(meter->table, i);
		struct part *part = &output->parts[shard_of(output, entry)];

		set_flow(&flow, entry, manifest);
		if (meter->rules->config.withhold_names)
			withhold_name(&flow);
		flow.aggregate = aggregates_of(meter->rules->aggregates, &flow.key, flow.vlan,
			entry->circuit);
		collect_symptoms(&collected, meter, entry);
		flow.symptoms = collected.list;
		flow.symptom_count = collected.count;
		result = record_add_flow(part->writer, &flow);
		add_entry(&part->written, entry);
	}
	free(collected.list);
	output->flows += count;
	return result;
}

void ledger_of(struct ledger *ledger, const struct manifest *manifest, enum ledger_status status)
{
	*ledger = (struct ledger){
		.seq = manifest->seq,
		.status = status,
		.end = manifest->end,
		.live = manifest->live,
		.counts = manifest->counts,
		.cumulative = manifest->cumulative,
		.first_ms = manifest->first_ms,
		.last_ms = manifest->last_ms,
	};
	memcpy(ledger->probe, manifest->probe, sizeof(ledger->probe));
	memcpy(ledger->stream, manifest->stream, sizeof(ledger->stream));
	memcpy(ledger->run, manifest->run, sizeof(ledger->run));
	if (manifest->damaged)
		snprintf(ledger->damaged, sizeof(ledger->damaged), "%s", manifest->damaged);
}

/* Of the flows written so far, and of those that are still in the table. */
static void sum_parts(const struct output *output, const struct meter *meter, struct sum *sums)
{
	uint32_t count = meter ? flowtab_count(meter->table) : 0;

	for (unsigned i = 0; i < shards_of(output); i++)
		sums[i] = output->parts[i].written;
	for (uint32_t i = 0; i < count; i++) {
		const struct entry *entry = flowtab_entry(meter->table, i);

		add_entry(&sums[shard_of(output, entry)], entry);
	}
}

static int put_row(const struct output *output, unsigned shard, const struct ledger *ledger,
	const struct sum *sum)
{
	struct ledger row = *ledger;

	row.ip = sum->packets;
	row.octets_ip = sum->octets;
	if (shard > 0)
		row.not_ip = row.malformed = 0;
	return record_add_ledger(output->parts[shard].writer, &row);
}

int export_ledger(struct output *output, const struct meter *meter, const struct ledger *ledger)
{
	struct sum sums[SHARDS_MAX], all = {0};
	int result = 0;

	sum_parts(output, meter, sums);
	for (unsigned i = 0; i < shards_of(output) && result == 0; i++) {
		result = put_row(output, i, ledger, &sums[i]);
		all.packets += sums[i].packets;
		all.octets += sums[i].octets;
	}
	assert(result < 0 || (all.packets == ledger->ip && all.octets == ledger->octets_ip));
	return result;
}

static int end_part(const struct output *output, unsigned shard, struct part *part)
{
	char reader[SHARD_NAME];
	struct manifest flows;
	int result = record_finish(part->writer);

	part->writer = NULL;
	if (result < 0)
		return -1;
	manifest_init(&flows, QUEUE, output->batch->name);
	result = batch_end_output(output->batch, QUEUE, shard_name(shard, reader), &flows,
		part->folder);
	manifest_free(&flows);
	return result;
}

int export_end(struct output *output)
{
	int result = 0;

	for (unsigned i = 0; i < shards_of(output) && result == 0; i++)
		result = end_part(output, i, &output->parts[i]);
	return result;
}
