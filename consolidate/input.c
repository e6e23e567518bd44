/*
 * input.c: reads flows batches: their ledger row when they come into the books, their records when their windows
 * close. Nothing in them is believed before its check: preprocess ran on some other host.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "consolidate/input.h"
#include "spool/intern.h"
#include "spool/nfs.h"

#define TIME_MAX_MS (UINT64_C(1) << 53)

/* The batch's manifest, of the right kind, with its files as it says. */
static int open_manifest(struct manifest *manifest, const char *folder, char *why)
{
	int result = manifest_read(manifest, folder, why);

	return !result && !manifest_agrees(manifest, "flows", strrchr(folder, '/') + 1, why)
		       ? -2
		       : result;
}

/* 1: found, 0: the file holds none. */
static int read_ledger(const char *path, struct ledger *row, char *why)
{
	struct record_reader *reader = record_open(path);
	union record record;
	int type;

	if (!reader)
		return -1;
	do
		type = record_next(reader, &record);
	while (type > RECORD_END && type != RECORD_LEDGER);
	if (type == RECORD_LEDGER)
		*row = record.ledger;
	if (type == -2)
		snprintf(why, 256, "%s", record_why());
	record_close(reader);
	return type == RECORD_LEDGER ? 1 : type;
}

static int find_ledger(const struct manifest *manifest, const char *folder, struct ledger *row,
	char *why)
{
	char path[PATH_MAX];
	int result = 0;

	for (size_t i = 0; i < manifest->segment_count && !result; i++) {
		if (nfs_join(path, folder, manifest->segments[i].name))
			return -1;
		result = read_ledger(path, row, why);
	}
	if (result)
		return result < 0 ? result : 0;
	snprintf(why, 256, "it holds no ledger row");
	return -2;
}

static int check_row(const struct ledger *row, const struct batchname *name, char *why)
{
	if (strcmp(row->probe, name->probe) || strcmp(row->stream, name->stream) ||
		strcmp(row->run, name->run) || row->seq != name->seq) {
		snprintf(why, 256, "its ledger row is that of another batch: %s %s %s %" PRIu64,
			row->probe, row->stream, row->run, row->seq);
		return -2;
	}
	if (row->last_ms > TIME_MAX_MS || row->first_ms > row->last_ms) {
		snprintf(why, 256,
			"its ledger row has impossible times: %" PRIu64 " to %" PRIu64 " ms",
			row->first_ms, row->last_ms);
		return -2;
	}
	if (row->status == LEDGER_MISSING) {
		snprintf(why, 256, "its ledger row says missing, which only consolidation may");
		return -2;
	}
	return 0;
}

int input_row(const char *folder, const struct batchname *name, struct ledger *row, char *why)
{
	struct manifest manifest;
	int result;

	manifest_init(&manifest, "", "");
	result = open_manifest(&manifest, folder, why);
	if (!result)
		result = find_ledger(&manifest, folder, row, why);
	manifest_free(&manifest);
	return result ? result : check_row(row, name, why);
}

int input_examine(const char *folder, const struct batchname *name, struct ledger *row,
	uint64_t *bytes, char *why)
{
	struct manifest manifest;
	int result;

	manifest_init(&manifest, "", "");
	result = open_manifest(&manifest, folder, why);
	if (!result)
		result = manifest_check(&manifest, folder, why);
	if (!result)
		result = find_ledger(&manifest, folder, row, why);
	if (!result)
		result = check_row(row, name, why);
	*bytes = 0;
	for (size_t i = 0; i < manifest.segment_count; i++)
		*bytes += manifest.segments[i].bytes;
	manifest_free(&manifest);
	return result;
}

/* What one input gave so far. */
struct reading {
	const struct state *state;
	const struct input *input;
	struct take *take;
	struct window_table *table;
	uint32_t probe;
	uint64_t packets, octets;
};

static bool flow_legal(const struct reading *reading, const struct flow *flow, uint64_t window_ms,
	char *why)
{
	const struct input *input = reading->input;
	unsigned shard = flowkey_shard(&flow->key, reading->take->shards);

	if (flow->window_ms % reading->state->window_ms || window_ms < input->first_ms ||
		window_ms > input->last_ms) {
		snprintf(why, 256,
			"a record has window %" PRIu64 " ms, which its ledger row rules out",
			flow->window_ms);
		return false;
	}
	if (!(flow->sampling > 0) || flow->sampling > 1) {
		snprintf(why, 256, "a record has sampling probability %g", flow->sampling);
		return false;
	}
	if (shard != reading->take->shard) {
		snprintf(why, 256, "a record belongs to shard-%u", shard);
		return false;
	}
	return true;
}

static int take_flow(struct reading *reading, const struct flow *flow, char *why)
{
	struct take *take = reading->take;
	uint64_t floor_ms = reading->input->floor_ms;
	uint64_t window_ms = flow->window_ms > floor_ms ? flow->window_ms : floor_ms;
	uint16_t flags = flow->window_ms < floor_ms ? FLOW_LATE : 0;

	if (!flow_legal(reading, flow, window_ms, why))
		return -2;
	take->records++;
	reading->packets += flow->packets;
	reading->octets += flow->octets;
	if (window_ms < take->from_ms || window_ms >= take->below_ms)
		return 0;
	if (state_is_incomplete(reading->state, window_ms))
		flags |= FLOW_INCOMPLETE;
	window_add(reading->table, flow, window_ms, flags, reading->probe);
	take->stopped = window_count(reading->table) > take->stop_at;
	return 0;
}

static int merge_file(struct reading *reading, const char *folder, const struct segment *segment,
	char *why)
{
	struct record_reader *reader = record_open_segment(folder, segment);
	union record record;
	int type, result = 0;

	if (!reader)
		return -1;
	do {
		type = record_next(reader, &record);
		if (type == RECORD_FLOW)
			result = take_flow(reading, &record.flow, why);
	} while (!result && !reading->take->stopped && type > RECORD_END);
	if (type == -2)
		snprintf(why, 256, "%s", record_why());
	record_close(reader);
	return type < 0 ? type : result;
}

static int check_sums(const struct reading *reading, char *why)
{
	const struct input *input = reading->input;

	if (reading->take->stopped ||
		(reading->packets == input->packets && reading->octets == input->octets))
		return 0;
	snprintf(why, 256,
		"its records hold %" PRIu64 " packets and %" PRIu64
		" octets, its ledger row says %" PRIu64 " and %" PRIu64,
		reading->packets, reading->octets, input->packets, input->octets);
	return -2;
}

int input_merge(const char *ready, const struct state *state, const struct input *input,
	struct take *take, struct window_table *table, char *why)
{
	struct reading reading = {state, input, take, table, intern(state->runs[input->run].probe),
		0, 0};
	struct manifest manifest;
	char folder[PATH_MAX];
	int result = nfs_join(folder, ready, input->name);

	manifest_init(&manifest, "", "");
	if (!result)
		result = open_manifest(&manifest, folder, why);
	for (size_t i = 0; !result && i < manifest.segment_count && !take->stopped; i++)
		result = merge_file(&reading, folder, &manifest.segments[i], why);
	window_settle(table);
	manifest_free(&manifest);
	return result ? result : check_sums(&reading, why);
}
