/*
 * stage.c: the loop of preprocess, classify and store: claim, check, work, commit, finish; and what
 * to do when one of these fails. A stage is a table and one call (stage.h).
 */
#include "spool/stage.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "spool/fault.h"
#include "spool/litter.h"
#include "spool/log.h"
#include "spool/metrics.h"
#include "spool/nfs.h"
#include "spool/notify.h"
#include "spool/pressure.h"
#include "spool/sandbox.h"
#include "spool/strike.h"
#include "spool/watch.h"

#define POLL_MS	       500
#define HOUSEKEEPING_S 5 /* between two looks at what others left; at every wait too */
#define METRICS_S      10
#define EXPIRE_S       60 /* old batches in bad/, old metrics */
#define BACKOFF_MAX_MS 30000

/* How one round of the loop ended. */
enum step {
	STEP_WORKED,
	STEP_IDLE,   /* nothing is ready */
	STEP_WAIT,   /* the readers are behind */
	STEP_FAILED, /* the machine, errno */
	STEP_RENEW,  /* we were taken for dead */
	STEP_PERSON,
};

bool stage_due(uint64_t *at_s, unsigned every_s)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	if (*at_s && (uint64_t)now.tv_sec < *at_s)
		return false;
	*at_s = (uint64_t)now.tv_sec + every_s;
	return true;
}

static void back_off(const struct stage_run *run)
{
	unsigned wait_ms = POLL_MS << (run->failures < 6 ? run->failures : 6);
	struct timespec rest;

	if (wait_ms > BACKOFF_MAX_MS)
		wait_ms = BACKOFF_MAX_MS;
	wait_ms += wait_ms * (unsigned)(run->jitter % 50) / 100;
	rest = (struct timespec){wait_ms / 1000, (long)(wait_ms % 1000) * 1000000};
	if (!stage_stopping())
		nanosleep(&rest, NULL);
}

int stage_machine_error(struct stage_run *run, int error, const char *tried)
{
	const char *remedy;
	int code;

	if (error == 0)
		error = EAGAIN;
	remedy = nfs_remedy(error, &code);
	if (error != run->last_error)
		log_err("cannot %s in %s: %s; %s; it is tried again", tried, run->spool.root,
			strerror(error), remedy);
	if (error == EACCES && sandbox_moved(run->spool.root)) {
		log_err("%s was mounted or made anew, where the sandbox of this process does not "
			"reach: start it again",
			run->spool.root);
		return MIRA_AGAIN;
	}
	run->last_error = error;
	run->failures++;
	notify_progress(&run->progress, remedy);
	if (run->tries && run->failures >= run->tries) {
		log_err("giving up after %u tries; nothing is lost, start again later",
			run->failures);
		return code;
	}
	back_off(run);
	return -1;
}

void stage_recovered(struct stage_run *run)
{
	if (run->failures)
		log_info("working again after %u failures", run->failures);
	run->failures = 0;
	run->last_error = 0;
}

static void tell(struct stage_run *run, const struct stage *stage, const char *doing)
{
	snprintf(run->progress.doing, sizeof(run->progress.doing), "%s", doing);
	worker_progress(run->worker, &run->progress);
	notify_progress(&run->progress, NULL);
	if (stage_due(&run->metrics_at_s, METRICS_S))
		metrics_write(&run->spool, run->worker, stage->name, &run->progress);
}

/* What others left: committed batches, batches of the dead, batches too many, old quarantine. */
static int keep_house(struct stage_run *run, const struct stage *stage, bool now)
{
	if (!stage_due(&run->house_at_s, HOUSEKEEPING_S) && !now)
		return 0;
	if (stage_due(&run->expire_at_s, EXPIRE_S)) {
		metrics_write(&run->spool, run->worker, stage->name, &run->progress);
		metrics_expire(&run->spool, run->worker, stage->name);
		litter_expire(&run->spool, run->worker);
		if (queue_expire_bad(&run->queue, run->worker, &run->config) < 0)
			return -1;
	}
	if (queue_finish_all(&run->queue) < 0 || queue_reclaim(&run->queue, run->worker) < 0)
		return -1;
	run->progress.dropped +=
		(uint64_t)pressure_trim(&run->spool, &run->config, run->worker, stage->output);
	return 0;
}

/* Takes from errno whether the batch is still ours: a batch that was taken away is no error of the
 * machine (rule 10). */
static enum step failed_on(struct stage_run *run, const char *name)
{
	int error = errno;

	if (queue_holds(&run->queue, run->worker, name) == 0) {
		log_warn("%s was taken from us, who were thought dead; another worker does it",
			name);
		return STEP_WORKED;
	}
	errno = error;
	return STEP_FAILED;
}

enum work_result stage_reject(struct stage_run *run, const struct stage *stage, struct batch *batch,
	const char *format, ...)
{
	char reason[1024], entry[2 * NAME_MAX + 2];
	va_list arguments;
	int result;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	/* in a new attempt: what the stage had staged before it saw that the batch is bad is not to
	 * be published */
	if (batch_again(batch, run->worker) < 0)
		return WORK_AGAIN;
	result = stage->rejected ? stage->rejected(run, batch, reason) : 0;
	if (result)
		return result == -2 ? WORK_STOP : WORK_AGAIN;
	result = queue_reject(&run->queue, run->worker, batch->name, batch->attempt, reason);
	if (result < 0)
		return WORK_AGAIN;
	if (result == 1)
		log_warn("%s is bad and was moved to %s/bad: %s", batch->name, run->queue.path,
			reason);
	snprintf(entry, sizeof(entry), "%s~%s", batch->name, batch->attempt);
	return result == 1 && queue_finish(&run->queue, entry) < 0 ? WORK_AGAIN : WORK_BAD;
}

/* Which file of the manifest's, or the manifest itself, is not there? Told apart from a batch that
 * was taken from us. */
static int find_missing(struct stage_run *run, const struct batch *batch, char *why)
{
	const struct manifest *manifest = &batch->manifest;
	const char *missing = NULL;
	struct namelist names;

	if (nfs_list(batch->path, &names) < 0)
		return -1;
	for (size_t i = 0; i < manifest->segment_count; i++)
		if (!namelist_has(&names, manifest->segments[i].name))
			missing = manifest->segments[i].name;
	if (!namelist_has(&names, "manifest.json"))
		missing = "manifest.json";
	namelist_free(&names);
	if (missing && queue_holds(&run->queue, run->worker, batch->name) == 1) {
		snprintf(why, 256, "%s is missing", missing);
		return -2;
	}
	errno = ENOENT;
	return -1;
}

/* Reads the manifest and compares the files with it. 0, -1 errno, -2 WHY. */
static int examine(struct stage_run *run, struct batch *batch, char *why)
{
	int result = manifest_read(&batch->manifest, batch->path, why);

	if (result < 0)
		manifest_init(&batch->manifest, "", batch->name);
	else if (!manifest_agrees(&batch->manifest, run->stage->queue, batch->name, why)) {
		manifest_free(&batch->manifest);
		manifest_init(&batch->manifest, "", batch->name);
		result = -2;
	} else
		result = (run->stage->checks ? manifest_stand : manifest_check)(&batch->manifest,
			batch->path, why);
	return result == -1 && errno == ENOENT ? find_missing(run, batch, why) : result;
}

/* The manifest itself may be what kills: after one try to read it for its counts, it is rejected
 * without. */
static enum work_result reject_killer(struct stage_run *run, const struct stage *stage,
	struct batch *batch, int strikes, int number)
{
	char why[256];

	if (strikes == QUEUE_STRIKES && examine(run, batch, why) == -1)
		return WORK_AGAIN;
	strike_disarm();
	return stage_reject(run, stage, batch,
		"%d workers died of a signal of their own on it, the last of %s", strikes,
		number > 0 && number < NSIG ? strsignal(number) : "an unknown one");
}

static uint64_t all_bytes(const struct manifest *manifest)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < manifest->segment_count; i++)
		bytes += manifest->segments[i].bytes;
	return bytes;
}

static enum work_result do_work(struct stage_run *run, const struct stage *stage,
	struct batch *batch)
{
	char why[256];
	int number, strikes = queue_strikes(&run->queue, batch->name, &number), result;

	if (strikes < 0)
		return WORK_AGAIN;
	strike_arm(&run->queue, run->worker, batch->name);
	strike_limit(run->config.segment_cpu_s, 0);
	if (strikes >= QUEUE_STRIKES)
		return reject_killer(run, stage, batch, strikes, number);
	result = examine(run, batch, why);
	if (result == -1)
		return WORK_AGAIN;
	if (result == -2)
		return stage_reject(run, stage, batch, "%s", why);
	strike_limit(run->config.segment_cpu_s, all_bytes(&batch->manifest));
	FAULT("working");
	return stage->work(run, batch);
}

static enum step commit(struct stage_run *run, const char *name, const char *attempt)
{
	char entry[2 * NAME_MAX + 2];
	int result = queue_commit(&run->queue, run->worker, name, attempt);

	if (result < 1)
		return failed_on(run, name);
	run->progress.batches++;
	snprintf(entry, sizeof(entry), "%s~%s", name, attempt);
	return queue_finish(&run->queue, entry) < 0 ? STEP_FAILED : STEP_WORKED;
}

/* Those that stand in work/W still are claimed, and worked on, again. */
static void let_go(struct stage_run *run)
{
	int error = errno;

	namelist_free(&run->queue.held);
	namelist_free(&run->attempts);
	errno = error;
}

static void hold(struct stage_run *run, const struct batch *batch)
{
	namelist_add(&run->queue.held, batch->name);
	namelist_add(&run->attempts, batch->attempt);
}

static enum step commit_held(struct stage_run *run)
{
	enum step step = STEP_WORKED;

	for (size_t i = 0; i < run->attempts.count && step == STEP_WORKED; i++)
		step = commit(run, run->queue.held.names[i], run->attempts.names[i]);
	let_go(run);
	return step;
}

static enum step settle(struct stage_run *run)
{
	if (!run->stage->settle || run->stage->settle(run) == 0)
		return commit_held(run);
	let_go(run);
	return STEP_FAILED;
}

/* Whoever has to wait holds nothing: it may be long, and others want to write where it is kept. */
static enum step settle_unless_worked(struct stage_run *run, enum step step)
{
	int error = errno;
	bool held = run->attempts.count > 0;
	enum step settled = step == STEP_WORKED ? STEP_WORKED : settle(run);

	if (step == STEP_IDLE && (held || settled == STEP_FAILED))
		return settled;
	errno = error;
	return step;
}

void stage_settle(struct stage_run *run)
{
	if (settle(run) == STEP_FAILED)
		log_warn("what was held is not safe yet (%m): it is worked on again");
}

static enum step judge(struct stage_run *run, const struct batch *batch, enum work_result result)
{
	switch (result) {
	case WORK_HELD: hold(run, batch); return STEP_WORKED;
	case WORK_DONE: hold(run, batch); return commit_held(run);
	case WORK_AGAIN: let_go(run); return failed_on(run, batch->name);
	case WORK_STOP: let_go(run); return STEP_PERSON;
	default: let_go(run); return STEP_WORKED;
	}
}

static enum step work_on(struct stage_run *run, const struct stage *stage, const char *name)
{
	struct batch batch;
	enum work_result result;
	enum step step;

	if (batch_open(&batch, &run->queue, run->worker, name) < 0)
		return failed_on(run, name);
	tell(run, stage, name);
	result = do_work(run, stage, &batch);
	strike_disarm();
	step = judge(run, &batch, result);
	manifest_free(&batch.manifest);
	tell(run, stage, "");
	return step;
}

static enum step round_once(struct stage_run *run, const struct stage *stage, bool waited)
{
	char name[NAME_MAX + 1];
	const char *next;
	int result;

	if (stage_due(&run->check_at_s, HOUSEKEEPING_S) && spool_check(&run->spool))
		return STEP_PERSON;
	if (keep_house(run, stage, waited) < 0)
		return STEP_FAILED;
	next = queue_next(&run->queue);
	if (!next && errno)
		return STEP_FAILED;
	if (next && pressure_high(&run->spool, &run->config, stage->name, stage->output, next))
		return STEP_WAIT;
	result = queue_claim(&run->queue, run->worker, name);
	if (result < 0)
		return errno == ESTALE ? STEP_RENEW : STEP_FAILED;
	return result ? work_on(run, stage, name) : STEP_IDLE;
}

/* Committed batches come last: whoever left one after we had looked died since. */
static int is_drained(struct stage_run *run)
{
	int held = queue_held_by_others(&run->queue, run->worker);

	if (held)
		return held < 0 ? -1 : 0;
	return queue_finish_all(&run->queue) < 0 ? -1 : 1;
}

/* Returns an exit code, or -1: go on. WAITED: did the round that ended in STEP look at
 * everything? */
static int after(struct stage_run *run, enum step step, bool waited)
{
	int drained = 0;

	if (step == STEP_IDLE && waited && !run->follow)
		drained = is_drained(run);
	if (drained == 1)
		return MIRA_OK;
	if (step == STEP_PERSON)
		return MIRA_PERSON;
	if (step == STEP_FAILED || drained < 0 ||
		(step == STEP_RENEW && worker_rename(run->worker) < 0))
		return stage_machine_error(run, errno, "go on with the work");
	stage_recovered(run);
	notify_progress(&run->progress, step == STEP_WAIT ? "its readers are behind" : NULL);
	if (step == STEP_WAIT || (step == STEP_IDLE && waited))
		watch_wait(run->watch, POLL_MS);
	return -1;
}

static int loop(struct stage_run *run, const struct stage *stage)
{
	bool waited = true;
	int code = -1;

	while (code < 0 && !stage_stopping()) {
		enum step step = settle_unless_worked(run, round_once(run, stage, waited));

		code = after(run, step, waited);
		stage_reload(run);
		waited = step != STEP_WORKED;
	}
	stage_settle(run);
	return code < 0 ? MIRA_OK : code;
}

int stage_main(const struct stage *stage, int argc, char **argv)
{
	struct stage_run run = {0};
	int result = stage_start(&run, stage, argc, argv);

	if (result == 0 && stage->open)
		result = stage->open(&run);
	if (result == 0) {
		notify_ready();
		result = loop(&run, stage);
		notify_stopping();
		if (stage->close)
			stage->close(&run);
	}
	stage_end(&run);
	return result < 0 ? MIRA_OK : result;
}
