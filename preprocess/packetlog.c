/*
 * packetlog.c: what waits in the two queues of the packet log, how long, and what becomes of it (packetlog.h).
 */
#include "preprocess/packetlog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preprocess/evidence.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/notify.h"
#include "spool/strike.h"

#define WHY 256

/* ---- the two queues ---- */

static char *path_in(const struct queue *queue, const char *name, char *path)
{
	return spool_path(queue->spool, path, "%s/%s/ready/%s", queue->queue, queue->reader, name);
}

static int commit(const struct packetlog *log, struct queue *queue, const struct batch *batch)
{
	char entry[2 * NAME_MAX + 2];
	int result = queue_commit(queue, log->run->worker, batch->name, batch->attempt);

	if (result < 1)
		return result;
	snprintf(entry, sizeof(entry), "%s~%s", batch->name, batch->attempt);
	return queue_finish(queue, entry) < 0 ? -1 : 0;
}

/* Claims NAME: 1; 0: somebody else has it; -1 errno. */
static int take(const struct packetlog *log, struct queue *queue, const char *name,
	struct batch *batch)
{
	int result = queue_claim_named(queue, log->run->worker, name);

	if (result == 1 && batch_open(batch, queue, log->run->worker, name) < 0)
		return errno == ENOENT ? 0 : -1;
	return result;
}

/* It is not needed any more. */
static int discard(const struct packetlog *log, struct queue *queue, const char *name)
{
	struct batch batch;
	int result = take(log, queue, name, &batch);

	return result == 1 ? commit(log, queue, &batch) : result;
}

/* ---- verdicts ---- */

static int load(struct packetlog *log, const char *name)
{
	char path[PATH_MAX], why[WHY];
	int result = wanted_load(log->wanted, path_in(&log->verdicts, name, path), name, why);

	log->worked |= result == 0;
	if (result == -1)
		return errno == ENOENT ? 0 : -1; /* dropped, for the queue was too long */
	if (result == 0)
		return 0;
	log_warn("%s is bad, its biflows are not looked for: %s", path, why);
	return discard(log, &log->verdicts, name);
}

static int load_all(struct packetlog *log)
{
	struct namelist names;
	int result = queue_ready(&log->verdicts, &names);

	for (size_t i = 0; i < names.count && result >= 0; i++)
		if (!wanted_has(log->wanted, names.names[i]))
			result = load(log, names.names[i]);
	namelist_free(&names);
	return result < 0 ? -1 : 0;
}

/* Verdicts of windows before the first of which packets wait. */
static int drop_verdicts(struct packetlog *log, uint64_t below_ms)
{
	uint64_t first_ms =
		log->count ? window_of(&log->run->spool, log->waiting[0].first_ms) : UINT64_MAX;
	struct namelist names;
	int result = queue_ready(&log->verdicts, &names);

	for (size_t i = 1; i < log->count; i++)
		if (window_of(&log->run->spool, log->waiting[i].first_ms) < first_ms)
			first_ms = window_of(&log->run->spool, log->waiting[i].first_ms);
	for (size_t i = 0; i < names.count && result >= 0; i++) {
		const char *name = names.names[i];

		if (!wanted_has(log->wanted, name) ||
			wanted_window(log->wanted, name) >= first_ms ||
			wanted_window(log->wanted, name) >= below_ms)
			continue;
		wanted_drop(log->wanted, name);
		result = discard(log, &log->verdicts, name);
	}
	namelist_free(&names);
	return result < 0 ? -1 : 0;
}

/* ---- packets that wait ---- */

static void forget(struct packetlog *log, size_t index)
{
	free(log->waiting[index].name);
	memmove(log->waiting + index, log->waiting + index + 1,
		(--log->count - index) * sizeof(*log->waiting));
}

static bool is_known(const struct packetlog *log, const char *name)
{
	for (size_t i = log->count; i > 0; i--)
		if (!strcmp(log->waiting[i - 1].name, name))
			return true;
	return false;
}

/* What cannot be read is not looked into: preprocess quarantines its own copy. */
static int meet(struct packetlog *log, const char *name)
{
	char path[PATH_MAX], why[WHY];
	struct manifest manifest;
	struct waiting waiting = {0};
	int result = manifest_read(&manifest, path_in(&log->run->queue, name, path), why);

	if (result == -1)
		return errno == ENOENT ? 0 : -1;
	if (result == 0) {
		waiting.first_ms = manifest.first_ms;
		waiting.last_ms = manifest.last_ms;
		for (size_t i = 0; i < manifest.segment_count; i++)
			waiting.bytes += manifest.segments[i].bytes;
		manifest_free(&manifest);
	}
	waiting.name = x_strdup(name);
	log->waiting = x_realloc(log->waiting, (log->count + 1) * sizeof(*log->waiting));
	log->waiting[log->count++] = waiting;
	return 0;
}

/* The listing is the truth: what is not in it was taken by another process, or dropped. */
static int list_packets(struct packetlog *log)
{
	struct namelist names;
	int result = queue_ready(&log->run->queue, &names);

	for (size_t i = log->count; i > 0 && result >= 0; i--)
		if (!namelist_has(&names, log->waiting[i - 1].name))
			forget(log, i - 1);
	for (size_t i = 0; i < names.count && result >= 0; i++)
		if (!is_known(log, names.names[i]))
			result = meet(log, names.names[i]);
	namelist_free(&names);
	return result < 0 ? -1 : 0;
}

/* ---- keeping ---- */

static int keep(struct packetlog *log, struct batch *batch)
{
	const struct config *config = &log->run->config;
	char draft[PATH_MAX], why[WHY];
	uint64_t kept;
	int result;

	evidence_draft(log->out, batch->name, draft);
	result = extract(log->extractor, batch, log->wanted, config->packet_log_snaplen, draft,
		&kept, why);
	if (result == -2)
		log_warn("%s is bad, nothing of it is kept: %s", batch->name, why);
	if (result == 0 && kept) {
		log->run->progress.packets += kept;
		result = evidence_keep(log->out, &batch->manifest, log->wanted,
			config->packet_log_days, config->packet_log_snaplen);
	}
	return result == -1 ? -1 : 0;
}

static int read_and_keep(struct packetlog *log, struct batch *batch)
{
	char why[WHY];
	int result = evidence_stands(log->out, batch->name);

	if (result)
		return result < 0 ? -1 : 0;
	result = manifest_read(&batch->manifest, batch->path, why);
	if (result == -2)
		log_warn("%s is bad, nothing of it is kept: %s", batch->name, why);
	if (result < 0)
		return result == -1 ? -1 : 0;
	strike_arm(&log->run->queue, log->run->worker, batch->name);
	strike_limit(log->run->config.segment_cpu_s, log->run->config.segment_bytes);
	result = keep(log, batch);
	strike_disarm();
	manifest_free(&batch->manifest);
	return result;
}

static int look_into(struct packetlog *log, const char *name)
{
	struct batch batch;
	int strikes = queue_strikes(&log->run->queue, name, NULL), result;

	result = strikes < 0 ? -1 : take(log, &log->run->queue, name, &batch);
	if (result < 1)
		return result;
	if (strikes >= QUEUE_STRIKES)
		log_warn("%s killed %d processes: nothing of it is kept", name, strikes);
	else if (read_and_keep(log, &batch) < 0)
		return -1;
	log->run->progress.batches++;
	log->worked = true;
	return commit(log, &log->run->queue, &batch);
}

/* All whose windows are closed. */
static int look_into_all(struct packetlog *log, uint64_t below_ms)
{
	int result = 0;

	for (size_t i = 0; i < log->count && result == 0 && !stage_stopping();) {
		if (window_of(&log->run->spool, log->waiting[i].last_ms) >= below_ms) {
			i++;
			continue;
		}
		result = look_into(log, log->waiting[i].name);
		notify_alive();
		if (result == 0)
			forget(log, i);
	}
	return result;
}

/* ---- bounds ---- */

/* By the file server's clock alone: since its capture, against our own beat. */
static double age_of(const struct packetlog *log, const char *name)
{
	char path[PATH_MAX];
	int64_t then = nfs_mtime(path_in(&log->run->queue, name, path)), now;

	now = nfs_mtime(
		spool_path(&log->run->spool, path, "workers/%s", worker_name(log->run->worker)));
	return then < 0 || now < 0 ? 0 : (double)(now - then);
}

static int give_up_oldest(struct packetlog *log, const char *why)
{
	const char *name = log->waiting[0].name;
	int result;

	log_warn("%s was waiting for its verdicts %s: it is deleted, nothing of it is kept", name,
		why);
	result = evidence_note(log->out, "given up", name, "bytes", log->waiting[0].bytes);
	if (result == 0)
		result = discard(log, &log->run->queue, name);
	if (result == 0)
		forget(log, 0);
	return result;
}

static int bound(struct packetlog *log)
{
	uint64_t held = 0;
	int result = 0;

	for (size_t i = 0; i < log->count; i++)
		held += log->waiting[i].bytes;
	while (result == 0 && log->count && held > log->max_held) {
		held -= log->waiting[0].bytes;
		result = give_up_oldest(log, "while more came than --max-held allows");
	}
	while (result == 0 && log->count && age_of(log, log->waiting[0].name) > log->max_wait_s)
		result = give_up_oldest(log, "for longer than --max-wait");
	return result;
}

/* What waits is no backlog: `mira status` is told so. A hint, so a failure only costs that. */
static void tell_held(struct packetlog *log)
{
	const struct {
		const char *queue;
		size_t count;
	} rows[] = {{"packets", log->count}, {"verdicts", wanted_held(log->wanted)}};
	char path[PATH_MAX], text[24];

	for (size_t i = 0; i < 2; i++) {
		if (log->told[i] == rows[i].count)
			continue;
		log->told[i] = rows[i].count;
		snprintf(text, sizeof(text), "%zu\n", rows[i].count);
		spool_path(&log->run->spool, path, "%s/packetlog/held", rows[i].queue);
		if (nfs_write_file(path, text, strlen(text)) < 0)
			log_debug("cannot write %s: %m", path);
	}
}

/* ---- what others call ---- */

int packetlog_work(struct packetlog *log)
{
	uint64_t below_ms = closed_look(&log->closed, &log->run->spool);

	log->worked = false;
	if (load_all(log) < 0 || list_packets(log) < 0 || look_into_all(log, below_ms) < 0 ||
		bound(log) < 0 || drop_verdicts(log, below_ms) < 0)
		return -1;
	tell_held(log);
	return 0;
}

int packetlog_open(struct packetlog *log)
{
	struct stage_run *run = log->run;

	if (queue_open(&log->verdicts, &run->spool, "verdicts", "packetlog") < 0) {
		log_err("cannot open the queue of verdicts in %s: %m", run->spool.root);
		return MIRA_AGAIN;
	}
	log->told[0] = log->told[1] = SIZE_MAX;
	log->wanted = wanted_new(run->config.packet_log);
	log->extractor = extractor_new(&run->spool);
	return MIRA_OK;
}

void packetlog_close(struct packetlog *log)
{
	while (log->count)
		forget(log, log->count - 1);
	free(log->waiting);
	extractor_free(log->extractor);
	wanted_free(log->wanted);
	if (!log->verdicts.spool)
		return;
	queue_release_all(&log->verdicts, log->run->worker);
	queue_close(&log->verdicts);
}
