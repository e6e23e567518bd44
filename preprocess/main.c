/*
 * main.c: mira-preprocess: turns a batch of packets into a batch of flows with symptoms. Any
 * number of them work on one spool, on any number of hosts. Manual page: mira-preprocess(8).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preprocess/check.h"
#include "preprocess/export.h"
#include "preprocess/meter.h"
#include "preprocess/pcapng.h"
#include "preprocess/ruleset.h"
#include "spool/fault.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/notify.h"
#include "spool/sandbox.h"
#include "spool/stage.h"
#include "spool/strike.h"

struct preprocess {
	struct pcapng *reader;
	struct meter *meter;
	struct output output;
	const struct manifest *manifest; /* of the batch at hand */
	uint32_t segment_cpu_s;
};

static void confine(const struct stage_run *run, struct sandbox *sandbox);
static int open_preprocess(struct stage_run *run);
static enum work_result work(struct stage_run *run, struct batch *batch);
static int rejected(struct stage_run *run, struct batch *batch, const char *reason);
static void close_preprocess(struct stage_run *run);

static const struct stage stage = {
	.name = "preprocess",
	.queue = "packets",
	.reader = "preprocess",
	.checks = true,
	.output = "flows",
	.summary = "Turns captured packets into flows with symptoms; the payload is deleted with "
		   "the packets.",
	.options_help = check_help,
	.confine = confine,
	.open = open_preprocess,
	.work = work,
	.rejected = rejected,
	.close = close_preprocess,
};

int main(int argc, char **argv)
{
	if (argc > 1 && (strcmp(argv[1], "--check") == 0 || strcmp(argv[1], "--warm") == 0))
		return check_main(argc, argv);
	return stage_main(&stage, argc, argv);
}

static int write_full_table(void *own)
{
	struct preprocess *preprocess = own;

	return export_flows(&preprocess->output, preprocess->meter, preprocess->manifest);
}

static void confine(const struct stage_run *run, struct sandbox *sandbox)
{
	const char *cache = getenv("MIRA_CACHE");

	if (cache && *cache)
		sandbox_write(sandbox, cache);
}

static void look_ahead(void *own, const uint8_t *bytes, size_t size)
{
	const struct preprocess *preprocess = own;

	symptoms_look_ahead(preprocess->meter->rules->symptoms, bytes, size);
}

static int open_preprocess(struct stage_run *run)
{
	struct preprocess *preprocess = x_calloc(1, sizeof(*preprocess));

	preprocess->reader = pcapng_new();
	pcapng_on_read(preprocess->reader, look_ahead, preprocess);
	preprocess->meter =
		meter_new(&run->spool, run->config.max_flows, write_full_table, preprocess);
	run->own = preprocess;
	return MIRA_OK;
}

static void close_preprocess(struct stage_run *run)
{
	struct preprocess *preprocess = run->own;

	if (!preprocess)
		return;
	meter_free(preprocess->meter);
	pcapng_free(preprocess->reader);
	ruleset_drop_all();
	free(preprocess);
}

/* 0, -1 errno, -2 the segment is bad (pcapng_why()). */
static int read_segment(struct preprocess *preprocess, const struct batch *batch,
	const struct segment *segment)
{
	struct frame frames[PCAPNG_BURST];
	char path[PATH_MAX];
	int count;

	if (nfs_join(path, batch->path, segment->name) < 0)
		return -1;
	count = pcapng_open(preprocess->reader, path, segment->bytes, segment->xxh128);
	if (count < 0)
		return count;
	strike_limit(preprocess->segment_cpu_s, segment->bytes);
	FAULT("reading");
	while ((count = pcapng_burst(preprocess->reader, frames)) > 0) {
		if (meter_frames(preprocess->meter, frames, count) < 0)
			return -1;
		notify_alive();
	}
	return count;
}

static void tell_progress(struct stage_run *run, const struct preprocess *preprocess)
{
	const struct meter_totals *totals = &preprocess->meter->totals;

	run->progress.packets += totals->packets;
	run->progress.bytes += totals->bytes;
	run->progress.records += preprocess->output.flows;
	run->progress.uncaptured += totals->octets_uncaptured;
	if (totals->full)
		log_warn("%s: the flow table was full %llu times, its flows were written in parts; "
			 "raise max_flows in mira.conf",
			preprocess->manifest->name, (unsigned long long)totals->full);
	if (preprocess->meter->pieces->full)
		log_warn("%s: the memory for patterns across packets was full, it was taken from "
			 "%llu streams; raise max_flows in mira.conf",
			preprocess->manifest->name,
			(unsigned long long)preprocess->meter->pieces->full);
	if (preprocess->meter->pieces->crowded)
		log_debug("%s: %llu times a TCP stream had more gaps than are remembered",
			preprocess->manifest->name,
			(unsigned long long)preprocess->meter->pieces->crowded);
	if (preprocess->meter->attributes.left_out)
		log_warn(
			"%s: %llu packets came in tunnels between more than %d pairs of addresses; "
			"those are not recorded, the packets are",
			preprocess->manifest->name,
			(unsigned long long)preprocess->meter->attributes.left_out,
			ATTRIBUTES_TEXTS);
	if (totals->overflow)
		log_warn("%s: %llu symptoms were not counted, more than 64 in one packet",
			preprocess->manifest->name, (unsigned long long)totals->overflow);
}

/* What was changed after it was published says so; only what was not is told by how it reads. */
static void say_why(const struct preprocess *preprocess, const struct batch *batch,
	const char *name, char *why, size_t size)
{
	char changed[256];

	if (manifest_check(preprocess->manifest, batch->path, changed) == -2)
		snprintf(why, size, "%s", changed);
	else
		snprintf(why, size, "%s %s", name, pcapng_why(preprocess->reader));
}

/* Reads every segment. WORK_DONE, or what to return; WORK_BAD: WHY says what is wrong. */
static enum work_result read_segments(struct preprocess *preprocess, struct batch *batch, char *why,
	size_t size)
{
	const struct manifest *manifest = preprocess->manifest;

	for (size_t i = 0; i < manifest->segment_count; i++) {
		int result = read_segment(preprocess, batch, &manifest->segments[i]);

		pcapng_close(preprocess->reader);
		if (result == -1)
			return WORK_AGAIN;
		if (result == -2) {
			say_why(preprocess, batch, manifest->segments[i].name, why, size);
			return WORK_BAD;
		}
	}
	if (preprocess->meter->totals.packets == manifest->counts.captured)
		return WORK_DONE;
	snprintf(why, size, "its segments hold %llu packets, its manifest says %llu",
		(unsigned long long)preprocess->meter->totals.packets,
		(unsigned long long)manifest->counts.captured);
	return WORK_BAD;
}

/* Writes the flows left in the table and the ledger row. */
static int finish_output(struct preprocess *preprocess)
{
	const struct meter_totals *totals = &preprocess->meter->totals;
	const struct manifest *manifest = preprocess->manifest;
	struct ledger ledger;

	if (meter_end(preprocess->meter) < 0)
		return -1;
	ledger_of(&ledger, manifest, LEDGER_ANALYSED);
	ledger.ip = totals->ip;
	ledger.not_ip = totals->not_ip;
	ledger.malformed = totals->malformed;
	ledger.octets_ip = totals->octets_ip;
	ledger.first_ms = totals->first_ms;
	ledger.last_ms = totals->last_ms;
	if (export_ledger(&preprocess->output, preprocess->meter, &ledger) < 0 ||
		export_flows(&preprocess->output, preprocess->meter, manifest) < 0)
		return -1;
	return export_end(&preprocess->output);
}

static enum work_result work(struct stage_run *run, struct batch *batch)
{
	struct preprocess *preprocess = run->own;
	enum work_result result;
	struct ruleset *rules;
	char why[512];
	int error, code;

	if (!batch->manifest.rules[0])
		return stage_reject(run, &stage, batch, "manifest.json names no rules");
	strike_limit(0, 0); /* compiling new symptoms takes the time that it takes */
	code = ruleset_get(&run->spool, batch->manifest.rules, &rules);
	if (code != MIRA_OK)
		return code == MIRA_AGAIN ? WORK_AGAIN : WORK_STOP;
	preprocess->segment_cpu_s = run->config.segment_cpu_s;
	preprocess->manifest = &batch->manifest;
	meter_begin(preprocess->meter, rules);
	if (export_begin(&preprocess->output, batch) < 0)
		return WORK_AGAIN;
	result = read_segments(preprocess, batch, why, sizeof(why));
	if (result == WORK_DONE && finish_output(preprocess) < 0)
		result = WORK_AGAIN;
	if (result == WORK_DONE)
		tell_progress(run, preprocess);
	error = errno;
	export_abandon(&preprocess->output);
	errno = error;
	return result == WORK_BAD ? stage_reject(run, &stage, batch, "%s", why) : result;
}

/*
 * Where the manifest cannot be read, the name says whose batch it was; consolidation knows the
 * counts from its neighbours.
 */
static void manifest_from_name(struct manifest *manifest, const char *text)
{
	struct batchname name;

	if (!batchname_parse(text, &name))
		return;
	memcpy(manifest->probe, name.probe, sizeof(manifest->probe));
	memcpy(manifest->stream, name.stream, sizeof(manifest->stream));
	memcpy(manifest->run, name.run, sizeof(manifest->run));
	manifest->seq = name.seq;
}

static int rejected(struct stage_run *run, struct batch *batch, const char *reason)
{
	struct preprocess *preprocess = run->own;
	struct manifest *manifest = &batch->manifest;
	struct batchname name;
	struct ledger ledger;

	if (!batchname_parse(batch->name, &name))
		return 0; /* of no run: nobody counts on it */
	if (!manifest->kind[0])
		manifest_from_name(manifest, batch->name);
	ledger_of(&ledger, manifest, LEDGER_QUARANTINED);
	if (ledger.first_ms > ledger.last_ms || ledger.last_ms > PCAPNG_TIME_MAX_MS)
		ledger.first_ms = ledger.last_ms = 0; /* a manifest may say anything */
	if (export_begin(&preprocess->output, batch) < 0 ||
		export_ledger(&preprocess->output, NULL, &ledger) < 0 ||
		export_end(&preprocess->output) < 0) {
		export_abandon(&preprocess->output);
		return -1;
	}
	return 0;
}
