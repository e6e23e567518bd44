/*
 * main.c: mira-capture, the first stage: packets from an interface or from traces, as batches of
 * pcapng segments in the spool. Manual page: mira-capture(8).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/live.h"
#include "capture/options.h"
#include "capture/privs.h"
#include "capture/renewal.h"
#include "capture/trace.h"
#include "spool/batch.h"
#include "spool/capstate.h"
#include "spool/metrics.h"
#include "spool/nfs.h"
#include "spool/notify.h"
#include "spool/rules.h"
#include "spool/sandbox.h"

#define LIVE_BUFFERS  64 /* MiB that a slow spool may be behind an interface */
#define TRACE_BUFFERS 16

static int open_spool(struct capture *capture)
{
	int code = spool_open(&capture->spool, capture->spool_path, &capture->config, true);
	char path[PATH_MAX];

	/* a spool that an earlier version made lacks it */
	if (!code && nfs_mkdir_in(spool_path(&capture->spool, path, "capture"), "writer") < 0)
		log_warn("cannot make %s/writer: %m", path);
	if (code || !rules_publish(&capture->spool, &capture->config, capture->rules))
		return code;
	/* it has said why: a policy that is wrong or cannot be read, or a spool that cannot be
	 * written */
	return errno == EINVAL || errno == ENOENT || errno == EACCES ? MIRA_PERSON : MIRA_AGAIN;
}

/* Live batches are named and cut by this host's clock. The beat just written carries the file server's. */
static int check_clock(const struct capture *capture)
{
	char path[PATH_MAX];
	int64_t server_s = nfs_mtime(
		spool_path(&capture->spool, path, "workers/%s", worker_name(capture->worker)));
	long long ahead_s = server_s < 0 ? 0 : (long long)(time(NULL) - server_s);

	if (!capture->interface || llabs(ahead_s) <= capture->config.max_skew_s)
		return MIRA_OK;
	log_err("this host's clock is %lld s %s that of %s, more than max_skew_s (%u) in mira.conf: set the clocks right",
		llabs(ahead_s), ahead_s > 0 ? "ahead of" : "behind", capture->spool.root,
		capture->config.max_skew_s);
	return MIRA_PERSON;
}

static int start(struct capture *capture)
{
	unsigned buffers = (capture->interface ? LIVE_BUFFERS : TRACE_BUFFERS) +
			   2 * (unsigned)capture->config.stream_count;

	capture_signals();
	capture->worker = worker_start(&capture->spool, "capture");
	if (!capture->worker) {
		log_err("cannot write in %s/workers: %m; free space or restore access there",
			capture->spool.root);
		return MIRA_AGAIN;
	}
	if (check_clock(capture)) {
		worker_stop(capture->worker);
		return MIRA_PERSON;
	}
	if (batch_finish_captured(&capture->spool))
		log_warn("cannot finish what an earlier capture left in %s/capture/done: %m",
			capture->spool.root);
	batch_forget_captures(&capture->spool);
	capture->publisher = publisher_start(&capture->spool, &capture->config, capture->worker,
		capture->interface != NULL, buffers);
	notify_ready();
	return MIRA_OK;
}

/* While anything of ours stands there the beat stays, of a process that is no more: so the next
 * capture knows at once that we are dead. */
static void leave(struct capture *capture)
{
	if (batch_leave(&capture->spool, capture->worker) < 0 ||
		capstate_holds(&capture->spool, worker_name(capture->worker)))
		worker_keep_beat(capture->worker);
	batch_forget_captures(&capture->spool);
	worker_stop(capture->worker);
}

static int stop(struct capture *capture, int code)
{
	int published;

	notify_stopping();
	published = publisher_end(capture->publisher);

	metrics_write(&capture->spool, capture->worker, "capture", &capture->progress);
	if (!published && batch_finish_captured(&capture->spool)) {
		log_err("cannot finish what stands in %s/capture/done: %m; start again when the file system answers",
			capture->spool.root);
		published = MIRA_AGAIN;
	}
	leave(capture);
	return capture_worse(published, code);
}

/* An archive out of a pipe is kept in a temporary file (source.c). */
static void confine_file(struct sandbox *sandbox, const char *path)
{
	bool standard_input = strcmp(path, "-") == 0;
	const char *place = getenv("TMPDIR");
	struct stat status;

	if (standard_input ? fstat(STDIN_FILENO, &status) : stat(path, &status))
		return;
	if (!standard_input)
		sandbox_read(sandbox, path);
	if (!S_ISREG(status.st_mode) || standard_input)
		sandbox_write(sandbox, place && *place ? place : "/tmp");
}

/* Traces come from anywhere. An interface's packets are written as they come, and a packet socket is needed for that. */
static int confine(struct capture *capture)
{
	struct sandbox sandbox = {0};

	if (capture->interface)
		return MIRA_OK;
	for (size_t i = 0; i < capture->config.stream_count; i++)
		filter_prepare(capture->filters[i]);
	sandbox_write(&sandbox, capture->spool.root);
	sandbox_config(&sandbox, &capture->config);
	for (size_t i = 0; i < capture->file_count; i++)
		confine_file(&sandbox, capture->files[i]);
	return sandbox_enter(&sandbox, &capture->config);
}

static int run(struct capture *capture)
{
	struct live *live = NULL;
	int code = MIRA_OK;

	capture->renewal = renewal_new(capture);
	if (!capture->renewal)
		return MIRA_PERSON;
	if (capture->interface)
		live = live_open(capture, &code);
	if (!code)
		code = open_spool(capture);
	if (!code && live)
		code = privs_drop(&capture->spool, &capture->config);
	if (!code)
		code = confine(capture);
	if (!code)
		code = start(capture);
	if (!code)
		code = stop(capture, live ? live_capture(live) : trace_capture(capture));
	if (live)
		live_close(live);
	renewal_free(capture->renewal);
	return code;
}

int main(int argc, char **argv)
{
	static struct capture capture;
	int code;

	log_open("mira-capture");
	code = options_parse(&capture, argc, argv);
	if (!code)
		code = run(&capture);
	namelist_free(&capture.dead);
	options_free(&capture);
	return code < 0 ? MIRA_OK : code;
}
