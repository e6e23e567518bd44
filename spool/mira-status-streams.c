/*
 * mira-status-streams.c: what the captures counted, how far their clocks are off, how far the windows are and what they wait
 * for. Part of `mira status`.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "spool/capstate.h"
#include "spool/fields.h"
#include "spool/log.h"
#include "spool/mira-status.h"
#include "spool/nfs.h"

#define WAITS_MOST 16 /* runs named of those that hold a window */

/* ---- captures ---- */

static json_t *counts_json(const struct counts *counts)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "seen", (json_int_t)counts->seen, "captured",
		(json_int_t)counts->captured, "filtered", (json_int_t)counts->filtered, "dropped",
		(json_int_t)counts->dropped, "shed", (json_int_t)counts->shed);
}

static const char *state_of(const struct status_look *look, const struct capstate *capture)
{
	json_t *worker;
	size_t i;

	json_array_foreach(json_object_get(look->status, "workers"), i, worker)
		if (!strcmp(status_text(worker, "name"), capture->worker))
			return strcmp(status_text(worker, "state"), "alive")
				       ? status_text(worker, "state")
				       : "capturing";
	return capture->ended ? "ended" : capture->worker[0] ? "dead" : "stopped";
}

/*
 * A live batch is named by its capture's clock when it began, and the state is stamped by the server when the batch ended, which
 * is up to a period later: the capture's clock is ahead by no less than LOW and no more than HIGH seconds.
 */
static void put_clock(json_t *stream, const struct status_look *look,
	const struct capstate *capture, double stamp_s)
{
	struct batchname name;
	double low, high;

	if (!capture->live || !batchname_parse(capture->batch, &name))
		return;
	low = (double)name.start_us / 1e6 - stamp_s;
	high = low + look->config.period_s + 1;
	json_object_set_new(stream, "clock_ahead_low_s", json_real(low));
	json_object_set_new(stream, "clock_ahead_high_s", json_real(high));
	/* what it is off for certain */
	json_object_set_new(stream, "clock_ahead_s", json_real(low > 0 ? low : fmin(high, 0)));
}

static void add_stream(struct status_look *look, const struct capstate *capture)
{
	char path[PATH_MAX];
	struct stat status = {0};
	json_t *stream =
		json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:I, s:o}", "probe", capture->probe,
			"stream", capture->stream, "run", capture->run, "live", capture->live,
			"state", state_of(look, capture), "worker", capture->worker, "batches",
			(json_int_t)capture->next_seq, "counts", counts_json(&capture->cumulative));

	stat(spool_path(&look->spool, path, "state/capture/%s-%s", capture->probe, capture->stream),
		&status);
	json_object_set_new(stream, "last_batch_age_s",
		status.st_mtime ? json_real(fmax(0, look->now_s - (double)status.st_mtime))
				: json_null());
	put_clock(stream, look, capture,
		(double)status.st_mtim.tv_sec + (double)status.st_mtim.tv_nsec / 1e9);
	json_array_append_new(json_object_get(look->status, "streams"), stream);
}

int status_streams(struct status_look *look)
{
	struct capstate *states;
	ssize_t count = capstate_list(&look->spool, &states);

	if (count < 0)
		return -1;
	json_object_set_new(look->status, "streams", json_array());
	for (ssize_t i = 0; i < count; i++)
		add_stream(look, &states[i]);
	free(states);
	return 0;
}

/* ---- windows ---- */

/* Does FOLDER hold a token? Its path then. */
static bool token_in(const char *folder, char *path)
{
	struct namelist names;
	bool found = false;

	if (nfs_list(folder, &names) < 0)
		return false;
	for (size_t i = 0; i < names.count && !found; i++)
		found = !strncmp(names.names[i], "token-", 6) &&
			nfs_join(path, folder, names.names[i]) == 0;
	namelist_free(&names);
	return found;
}

/* Where the token of SHARD stands: waiting, with a worker, or just committed (its successor then stands inside). */
static bool find_token(const struct status_look *look, const char *shard, char *path, char *holder)
{
	char folder[PATH_MAX], work[PATH_MAX];
	struct namelist workers;
	bool found;

	holder[0] = '\0';
	if (token_in(spool_path(&look->spool, folder, "state/%s/ready", shard), path))
		return true;
	if (nfs_list(spool_path(&look->spool, work, "state/%s/work", shard), &workers) < 0)
		return false;
	found = false;
	for (size_t i = 0; i < workers.count && !found; i++) {
		found = nfs_join(folder, work, workers.names[i]) == 0 && token_in(folder, path);
		if (found)
			snprintf(holder, NAME_MAX + 1, "%s", workers.names[i]);
	}
	namelist_free(&workers);
	return found || token_in(spool_path(&look->spool, folder, "state/%s/done", shard), path);
}

static bool is_set(const json_t *run, const char *name)
{
	return json_is_true(json_object_get(run, name));
}

/* The first window a run has not passed: ledger_floor() of consolidation, by the same rule. */
static double floor_of(const struct spool *spool, double closed_ms, const json_t *run)
{
	double window_ms = spool->window_s * 1000.0, passed_ms;

	passed_ms = status_get(run, "mark_ms") - window_ms - spool->lateness_s * 1000.0;
	return fmax(closed_ms, passed_ms < 0 ? 0 : (floor(passed_ms / window_ms) + 1) * window_ms);
}

static double limit_of(const struct spool *spool, double closed_ms, const json_t *runs)
{
	double limit = INFINITY;
	json_t *run;
	size_t i;

	json_array_foreach(runs, i, run)
		if (!is_set(run, "ended") && !is_set(run, "silent"))
			limit = fmin(limit, floor_of(spool, closed_ms, run));
	return limit;
}

static bool is_of(const json_t *stream, const json_t *run)
{
	static const char *const members[] = {"probe", "stream", "run"};

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (strcmp(status_text(stream, members[i]), status_text(run, members[i])))
			return false;
	return true;
}

/* What is not found by the listings stands nowhere, if its capture has published it. */
static const char *supposed_place(const struct status_look *look, const json_t *run)
{
	json_t *stream;
	size_t i;

	json_array_foreach(json_object_get(look->status, "streams"), i, stream)
		if (is_of(stream, run))
			return status_get(stream, "batches") <= status_get(run, "low")
				       ? "not captured yet"
				       : "nowhere";
	return "nowhere";
}

static void add_wait(struct status_look *look, json_t *waits, const json_t *run, double floor_ms)
{
	double needs_ms = floor_ms + (look->spool.window_s + look->spool.lateness_s) * 1000.0;
	uint64_t seq = (uint64_t)status_get(run, "low");
	json_t *wait = json_pack("{s:s, s:s, s:s, s:I, s:b, s:I, s:I, s:s}", "probe",
		status_text(run, "probe"), "stream", status_text(run, "stream"), "run",
		status_text(run, "run"), "seq", (json_int_t)seq, "live", is_set(run, "live"),
		"packet_time_ms", (json_int_t)status_get(run, "mark_ms"), "needs_ms",
		(json_int_t)needs_ms, "where", supposed_place(look, run));

	json_object_set_new(wait, "tail",
		json_sprintf("-%s-%s-%s-%010" PRIu64, status_text(run, "probe"),
			status_text(run, "stream"), status_text(run, "run"), seq));
	json_array_append_new(waits, wait);
	json_array_append(look->wanted, wait);
}

static void put_waits(struct status_look *look, json_t *window, const json_t *runs,
	double closed_ms)
{
	double limit = limit_of(&look->spool, closed_ms, runs);
	json_t *waits = json_array(), *run;
	size_t i;

	json_array_foreach(runs, i, run)
		if (json_array_size(waits) < WAITS_MOST && !is_set(run, "ended") &&
			!is_set(run, "silent") && floor_of(&look->spool, closed_ms, run) <= limit)
			add_wait(look, waits, run, limit);
	json_object_set_new(window, "waits", waits);
}

static double newest_of(const json_t *list, const char *member)
{
	double newest = 0;
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		newest = fmax(newest, status_get(one, member));
	return newest;
}

static double missing_of(const json_t *runs)
{
	double missing = 0;
	json_t *run, *gap;
	size_t i, j;

	json_array_foreach(runs, i, run)
		json_array_foreach(json_object_get(run, "gaps"), j, gap)
			if (!strcmp(status_text(gap, "status"), "missing"))
				missing += status_get(gap, "last") - status_get(gap, "first") + 1;
	return missing;
}

/* A run of which consolidation has no batch yet holds windows, too: its captures said that it is to come. */
static void add_runs_to_come(const struct status_look *look, json_t *runs)
{
	json_t *stream, *run;
	size_t i, j;

	json_array_foreach(json_object_get(look->status, "streams"), i, stream) {
		bool known = false;

		json_array_foreach(runs, j, run)
			known |= is_of(stream, run);
		if (!known && status_text(stream, "run")[0])
			json_array_append_new(runs, json_pack("{s:s, s:s, s:s, s:O}", "probe",
							    status_text(stream, "probe"), "stream",
							    status_text(stream, "stream"), "run",
							    status_text(stream, "run"), "live",
							    json_object_get(stream, "live")));
	}
}

static void add_window(struct status_look *look, const char *shard, const json_t *token,
	const char *holder)
{
	json_t *runs = json_object_get(token, "runs"), *inputs = json_object_get(token, "inputs");
	double window_ms = look->spool.window_s * 1000.0,
	       closed_ms = status_get(token, "closed_below_ms");
	double newest_ms = newest_of(inputs, "last_ms"), first_ms = closed_ms;
	json_t *window = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "shard", shard, "holder",
		holder, "serial", (json_int_t)status_get(token, "serial"), "closed_below_ms",
		(json_int_t)closed_ms, "packet_time_ms", (json_int_t)newest_of(runs, "mark_ms"),
		"inputs", (json_int_t)json_array_size(inputs), "missing",
		(json_int_t)missing_of(runs));
	json_t *input;
	size_t i;

	/* before the first window closed there is no border to count from */
	json_array_foreach(inputs, i, input)
		if (first_ms == 0 || (closed_ms == 0 && status_get(input, "first_ms") < first_ms))
			first_ms = status_get(input, "first_ms");
	json_object_set_new(window, "open",
		json_integer(json_array_size(inputs) && newest_ms >= first_ms
				     ? (json_int_t)((newest_ms - first_ms) / window_ms) + 1
				     : 0));
	json_object_set_new(window, "incomplete",
		json_integer((json_int_t)json_array_size(json_object_get(token, "incomplete"))));
	add_runs_to_come(look, runs);
	put_waits(look, window, runs, closed_ms);
	json_array_append_new(json_object_get(look->status, "windows"), window);
}

static void add_shard(struct status_look *look, const char *shard)
{
	char path[PATH_MAX], why[FIELD_WHY], holder[NAME_MAX + 1];
	json_t *token = NULL;

	/* it may move on between the listing and the reading: then it stands at its next place */
	for (int tries = 0; tries < 3 && !token; tries++)
		if (find_token(look, shard, path, holder) && strlen(path) + 12 < sizeof(path))
			token = json_read_file(strcat(path, "/state.json"), why);
	if (token)
		add_window(look, shard, token, holder);
	json_decref(token);
}

int status_windows(struct status_look *look)
{
	struct namelist shards;

	json_object_set_new(look->status, "windows", json_array());
	if (spool_readers(&look->spool, "state", &shards) < 0)
		return -1;
	for (size_t i = 0; i < shards.count; i++)
		add_shard(look, shards.names[i]);
	namelist_free(&shards);
	return 0;
}

/* ---- the disk ---- */

int status_disk(struct status_look *look)
{
	int64_t free_bytes = nfs_free_bytes(look->spool.root);
	double share = nfs_free_share(look->spool.root);

	if (free_bytes < 0 || share < 0)
		return -1;
	json_object_set_new(look->status, "disk",
		json_pack("{s:I, s:f, s:f, s:n, s:n}", "free_bytes", (json_int_t)free_bytes,
			"free_share", share, "min_free", look->config.min_free,
			"growth_bytes_per_second", "full_in_s"));
	return 0;
}
