/*
 * mira-packetlog: keeps packets, but only of biflows whose class, verdict or rule is named in packet_log of mira.conf; all
 * others are deleted as soon as their verdicts are known. Off unless it is configured and started. Manual page:
 * mira-packetlog(8).
 *
 * It reads two queues: packets, where every batch waits in ready/ until the verdicts of its windows have been handed over, and
 * verdicts, where those wait as long as packets of their windows do. So what is held stands in the queues, and a crash at any
 * point forgets nothing. It stands beside preprocess because it has to decode packets as preprocess does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preprocess/closed.h"
#include "preprocess/evidence.h"
#include "preprocess/extract.h"
#include "spool/log.h"
#include "spool/metrics.h"
#include "spool/nfs.h"
#include "spool/notify.h"
#include "spool/sandbox.h"
#include "spool/stage.h"
#include "spool/strike.h"
#include "spool/value.h"
#include "spool/watch.h"

#define POLL_MS	  1000
#define HOUSE_S	  5
#define EXPIRE_S  3600
#define METRICS_S 10
#define WHY	  256

/* A batch of packets that waits. */
struct waiting {
	char *name;
	uint64_t first_ms, last_ms, bytes;
};

struct packetlog {
	struct stage_run *run;
	const char *out;
	uint64_t max_held;
	double max_wait_s;
	struct queue verdicts;
	struct wanted *wanted;
	struct extractor *extractor;
	struct closed closed;
	struct waiting *waiting; /* by time */
	size_t count;
	bool worked; /* in this round */
};

/* ---- options ---- */

static int option(struct stage_run *run, int value, const char *argument)
{
	struct packetlog *log = run->own;

	if (value == 'o')
		log->out = argument;
	else if (value == 'h' && !value_size(argument, INT64_MAX, &log->max_held))
		log_err("--max-held \"%s\": give bytes, such as 4G", argument);
	else if (value == 'w' && !value_seconds(argument, 1, 604800, &log->max_wait_s))
		log_err("--max-wait \"%s\": give 1 to 604800 seconds", argument);
	else
		return MIRA_OK;
	return value == 'o' ? MIRA_OK : MIRA_PERSON;
}

static void confine(const struct stage_run *run, struct sandbox *sandbox)
{
	const struct packetlog *log = run->own;

	if (log->out)
		sandbox_write(sandbox, log->out);
}

static const struct option options[] = {{"out", required_argument, NULL, 'o'},
	{"max-held", required_argument, NULL, 'h'}, {"max-wait", required_argument, NULL, 'w'},
	{0}};

static const struct stage stage = {
	.name = "packetlog",
	.queue = "packets",
	.reader = "packetlog",
	.summary = "keeps packets of configured classes, and of no others.",
	.options = options,
	.options_help = "  --out FOLDER      where archives of packets are kept (required)\n"
			"  --max-held SIZE   bytes of packets that wait for their verdicts (4G)\n"
			"  --max-wait S      and for how many seconds (3600)\n",
	.option = option,
	.confine = confine,
};

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

/* ---- the loop ---- */

static int keep_house(struct packetlog *log)
{
	struct stage_run *run = log->run;

	if (stage_due(&run->metrics_at_s, METRICS_S))
		metrics_write(&run->spool, run->worker, "packetlog", &run->progress);
	if (stage_due(&run->expire_at_s, EXPIRE_S) && evidence_expire(log->out) < 0)
		return -1;
	if (!stage_due(&run->house_at_s, HOUSE_S))
		return 0;
	worker_progress(run->worker, &run->progress);
	return queue_finish_all(&run->queue) < 0 || queue_finish_all(&log->verdicts) < 0 ||
			       queue_reclaim(&run->queue, run->worker) < 0 ||
			       queue_reclaim(&log->verdicts, run->worker) < 0
		       ? -1
		       : 0;
}

static int work(struct packetlog *log)
{
	uint64_t below_ms;

	log->worked = false;
	if (keep_house(log) < 0)
		return -1;
	below_ms = closed_look(&log->closed, &log->run->spool);
	if (load_all(log) < 0 || list_packets(log) < 0 || look_into_all(log, below_ms) < 0 ||
		bound(log) < 0)
		return -1;
	return drop_verdicts(log, below_ms);
}

/* What is at hand after an error goes back; a worker that was thought dead takes a new name. */
static int failed(struct packetlog *log)
{
	int error = errno;

	queue_release_all(&log->run->queue, log->run->worker);
	queue_release_all(&log->verdicts, log->run->worker);
	if (error == ESTALE && worker_rename(log->run->worker) == 0)
		return -1;
	return stage_machine_error(log->run, error, "keep packets");
}

/* An exit code, or -1: go on. */
static int round_once(struct packetlog *log)
{
	struct stage_run *run = log->run;

	if (stage_due(&run->check_at_s, HOUSE_S) && spool_check(&run->spool))
		return MIRA_PERSON;
	if (work(log) < 0)
		return failed(log);
	stage_recovered(run);
	notify_progress(&run->progress, NULL);
	if (!log->worked && !run->follow)
		return MIRA_OK;
	if (!log->worked && !stage_stopping())
		watch_wait(run->watch, POLL_MS);
	return -1;
}

static int follow(struct packetlog *log)
{
	int code = -1;

	notify_ready();
	while (code < 0 && !stage_stopping()) {
		code = round_once(log);
		stage_reload(log->run);
	}
	notify_stopping();
	return code < 0 ? MIRA_OK : code;
}

/* ---- begin and end ---- */

static int open_log(struct packetlog *log)
{
	struct stage_run *run = log->run;

	if (queue_open(&log->verdicts, &run->spool, "verdicts", "packetlog") < 0) {
		log_err("cannot open the queue of verdicts in %s: %m", run->spool.root);
		return MIRA_AGAIN;
	}
	log->wanted = wanted_new(run->config.packet_log);
	log->extractor = extractor_new(&run->spool);
	return MIRA_OK;
}

static void close_log(struct packetlog *log)
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

/* 0: go on; -1: nothing is to be kept; an exit code. */
static int check(const struct packetlog *log)
{
	struct policy policy;
	int code;

	if (!log->out) {
		log_err("--out FOLDER is missing: where archives of packets are kept");
		return MIRA_PERSON;
	}
	if (nfs_is_folder(log->out) != 1) {
		log_err("--out %s is no folder: make one that only those may read who may see packets",
			log->out);
		return MIRA_PERSON;
	}
	code = policy_load(&policy, log->run->config.policy);
	if (code)
		return code;
	code = wanted_check(log->run->config.packet_log, &policy);
	policy_free(&policy);
	return code;
}

/* Off: what was held goes, and no further packets come. */
static int unsubscribe(const struct spool *spool)
{
	char packets[PATH_MAX], verdicts[PATH_MAX];

	spool_path(spool, packets, "packets/packetlog");
	spool_path(spool, verdicts, "verdicts/packetlog");
	if (nfs_remove(packets, 4) < 0 || nfs_remove(verdicts, 4) < 0) {
		log_err("cannot remove %s: %m; packets may stand there", packets);
		return MIRA_AGAIN;
	}
	log_info("packet_log in mira.conf names nothing: no packets are kept, none are held");
	return MIRA_OK;
}

int main(int argc, char **argv)
{
	struct packetlog log = {.max_held = 4ull << 30, .max_wait_s = 3600};
	struct stage_run run = {.own = &log};
	int result = stage_start(&run, &stage, argc, argv);
	bool off = false;

	log.run = &run;
	if (result == 0) {
		result = check(&log);
		off = result == -1;
	}
	if (result == 0)
		result = open_log(&log);
	if (result == 0)
		result = follow(&log);
	close_log(&log);
	stage_end(&run);
	if (off)
		result = unsubscribe(&run.spool);
	return result < 0 ? MIRA_OK : result;
}
