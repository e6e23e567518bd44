/*
 * mira-packetlog: keeps packets, but only of biflows whose class, verdict or rule is named in packet_log of mira.conf; all
 * others are deleted as soon as their verdicts are known. Off unless it is configured and started. Manual page:
 * mira-packetlog(8). What it does with a batch stands in packetlog.c.
 *
 * It stands beside preprocess because it has to decode packets as preprocess does.
 */
#include <errno.h>
#include <stdlib.h>

#include "preprocess/evidence.h"
#include "preprocess/packetlog.h"
#include "spool/log.h"
#include "spool/metrics.h"
#include "spool/nfs.h"
#include "spool/notify.h"
#include "spool/sandbox.h"
#include "spool/value.h"
#include "spool/watch.h"

#define POLL_MS	  1000
#define HOUSE_S	  5
#define EXPIRE_S  3600
#define METRICS_S 10

/* ---- options ---- */

static int option(struct stage_run *run, int value, const char *argument)
{
	struct packetlog *log = run->own;

	switch (value) {
	case 'o': log->out = argument; return MIRA_OK;
	case 'h':
		if (value_size(argument, INT64_MAX, &log->max_held))
			return MIRA_OK;
		log_err("--max-held \"%s\": give bytes, such as 4G", argument);
		break;
	case 'w':
		if (value_seconds(argument, 1, 604800, &log->max_wait_s))
			return MIRA_OK;
		log_err("--max-wait \"%s\": give 1 to 604800 seconds", argument);
		break;
	}
	return MIRA_PERSON;
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
	if (keep_house(log) < 0 || packetlog_work(log) < 0)
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

/* Off: what was held goes, and no further packets come; what was kept goes in its time. */
static int unsubscribe(const struct spool *spool, const char *out)
{
	char packets[PATH_MAX], verdicts[PATH_MAX];

	spool_path(spool, packets, "packets/packetlog");
	spool_path(spool, verdicts, "verdicts/packetlog");
	if (nfs_remove(packets, 4) < 0 || nfs_remove(verdicts, 4) < 0) {
		log_err("cannot remove %s: %m; packets may stand there", packets);
		return MIRA_AGAIN;
	}
	if (evidence_expire(out) < 0) {
		log_err("cannot remove from %s what is past its day: %m", out);
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
		result = packetlog_open(&log);
	if (result == 0)
		result = follow(&log);
	packetlog_close(&log);
	stage_end(&run);
	if (off)
		result = unsubscribe(&run.spool, log.out);
	return result < 0 ? MIRA_OK : result;
}
