/*
 * mira-status-judge.c: what of a look a person should hear. Each rule has its name in mira-status(1) and, where Prometheus
 * watches, its alert in etc/prometheus/mira.rules.yml. Part of `mira status`.
 */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "spool/log.h"
#include "spool/mira-status.h"

#define HOUR	  3600.0
#define SOON	  1 /* should be looked at within the day */
#define PERSON	  2 /* stands, or loses packets, until somebody comes */
#define STUCK_S	  600.0
#define FULL_SOON (24 * HOUR)
#define FULL_NOW  (4 * HOUR)

static void add(json_t *status, int level, const char *what, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void add(json_t *status, int level, const char *what, const char *format, ...)
{
	json_t *all = json_object_get(status, "attention");
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	json_array_append_new(all, json_pack("{s:i, s:s, s:o}", "level", level, "what", what,
					   "text", json_text(text)));
	if (level > status_get(status, "level"))
		json_object_set_new(status, "level", json_integer(level));
}

static const struct {
	const char *queue, *reader, *stage;
} line[] = {
	{"packets", "preprocess", "preprocess"},
	{"flows", "shard-", "consolidate"},
	{"biflows", "classify", "classify"},
	{"verdicts", "store", "store"},
};

/* Who works on QUEUE; NULL: nobody known (an optional reader, the token). */
static const char *stage_of(const json_t *queue)
{
	for (size_t i = 0; i < sizeof(line) / sizeof(*line); i++)
		if (!strcmp(line[i].queue, status_text(queue, "queue")) &&
			!strncmp(line[i].reader, status_text(queue, "reader"),
				strlen(line[i].reader)))
			return line[i].stage;
	return NULL;
}

static int count_alive(const json_t *status, const char *stage)
{
	json_t *worker;
	int count = 0;
	size_t i;

	json_array_foreach(json_object_get(status, "workers"), i, worker)
		count += !strcmp(status_text(worker, "stage"), stage) &&
			 !strcmp(status_text(worker, "state"), "alive");
	return count;
}

static void judge_queues(json_t *status)
{
	double mark = status_get(status, "max_batches");
	json_t *queue;
	size_t i;

	json_array_foreach(json_object_get(status, "queues"), i, queue) {
		const char *stage = stage_of(queue), *name = status_text(queue, "queue"),
			   *reader = status_text(queue, "reader");
		double waiting = status_get(queue, "waiting"),
		       free = waiting - status_get(queue, "held");

		if (status_get(queue, "bad") > 0)
			add(status, PERSON, "bad_batches",
				"%s/%s: %.0f rejected batches; see why, then mira requeue", name,
				reader, status_get(queue, "bad"));
		if (status_get(queue, "foreign") > 0)
			add(status, SOON, "foreign_files",
				"%s/%s/ready holds %.0f entries that are no batches; remove them",
				name, reader, status_get(queue, "foreign"));
		if (!stage)
			continue;
		json_object_set_new(queue, "workers_alive",
			json_integer(count_alive(status, stage)));
		if (!count_alive(status, stage) && free > 0 &&
			status_get(queue, "oldest_s") > STUCK_S)
			add(status, PERSON, "stage_stopped",
				"%s/%s: %.0f batches wait for over %.0f min and no mira-%s runs",
				name, reader, waiting, STUCK_S / 60, stage);
		if (free > mark)
			add(status, SOON, "backlog",
				"%s/%s: %.0f batches wait, over max_batches = %.0f: the stages before it stand",
				name, reader, free, mark);
	}
}

static void judge_workers(json_t *status)
{
	json_t *worker;
	size_t i;

	json_array_foreach(json_object_get(status, "workers"), i, worker) {
		const char *state = status_text(worker, "state");
		size_t holding = json_array_size(json_object_get(worker, "holding"));

		if (!strcmp(state, "dead") && holding &&
			!count_alive(status, status_text(worker, "stage")))
			add(status, PERSON, "dead_holds",
				"%s died with %zu batches and no other mira-%s runs to take them back",
				status_text(worker, "name"), holding, status_text(worker, "stage"));
		if (!strcmp(state, "silent") && status_get(worker, "beat_age_s") > 60)
			add(status, SOON, "silent", "%s gave no sign of life for %.0f s",
				status_text(worker, "name"), status_get(worker, "beat_age_s"));
	}
}

/* Said once a host, though several stages may run there. "off" was somebody's wish. */
static void judge_sandboxes(json_t *status)
{
	json_t *worker, *hosts = json_object();
	size_t i;

	json_array_foreach(json_object_get(status, "workers"), i, worker) {
		const char *sandbox = status_text(worker, "sandbox"),
			   *host = status_text(worker, "host");

		if (strncmp(sandbox, "no", 2) || json_object_get(hosts, host) ||
			strcmp(status_text(worker, "state"), "alive"))
			continue;
		add(status, 0, "sandbox",
			"%s: the sandbox of mira-%s is not whole (%s), the kernel lacks the rest; see mira.conf(5)",
			host, status_text(worker, "stage"), sandbox);
		json_object_set_new(hosts, host, json_true());
	}
	json_decref(hosts);
}

static void judge_streams(json_t *status)
{
	json_t *stream;
	size_t i;

	json_array_foreach(json_object_get(status, "streams"), i, stream) {
		const json_t *lately = json_object_get(stream, "lately");
		const char *probe = status_text(stream, "probe"),
			   *name = status_text(stream, "stream");
		bool live = json_is_true(json_object_get(stream, "live"));

		if (live && !strcmp(status_text(stream, "state"), "dead"))
			add(status, PERSON, "capture_dead",
				"the capture of %s/%s died: start mira-capture on it again", probe,
				name);
		if (status_get(lately, "shed") > 0)
			add(status, SOON, "shedding",
				"%s/%s shed %.0f packets lately: what follows is too slow, or the disk full",
				probe, name, status_get(lately, "shed"));
		if (status_get(lately, "dropped") > 0)
			add(status, SOON, "dropping",
				"%s/%s: kernel or card dropped %.0f packets lately: raise ring_bytes, or share the link",
				probe, name, status_get(lately, "dropped"));
		if (fabs(status_get(stream, "clock_ahead_s")) > status_get(status, "max_skew_s"))
			add(status, PERSON, "clock",
				"the clock of probe %s is off the file server's by %.0f s: set the clocks right",
				probe, status_get(stream, "clock_ahead_s"));
	}
}

static void judge_windows(json_t *status)
{
	json_t *window, *wait;
	size_t i, j;

	json_array_foreach(json_object_get(status, "windows"), i, window)
		json_array_foreach(json_object_get(window, "waits"), j, wait)
			if (!strcmp(status_text(wait, "where"), "nowhere"))
				add(status, SOON, "batch_missing",
					"%s waits for batch %.0f of %s/%s, which stands nowhere; %s",
					status_text(window, "shard"), status_get(wait, "seq"),
					status_text(wait, "probe"), status_text(wait, "stream"),
					json_is_true(json_object_get(wait, "live"))
						? "after max_delay_s the window closes incomplete"
						: "go on with the capture of that trace, or its window never closes");
}

static void judge_disk(json_t *status)
{
	const json_t *disk = json_object_get(status, "disk");
	double share = status_get(disk, "free_share"), full = status_get(disk, "full_in_s");

	if (share < status_get(disk, "min_free"))
		add(status, PERSON, "disk_low",
			"%.1f %% free, under min_free = %.1f %%: captures shed packets; free space",
			share * 100, status_get(disk, "min_free") * 100);
	if (full > 0 && full < FULL_SOON)
		add(status, full < FULL_NOW ? PERSON : SOON, "disk_full_soon",
			"the disk is full in %.1f h at the present growth", full / HOUR);
}

void status_judge(json_t *status)
{
	static void (*const rules[])(json_t *) = {judge_queues, judge_workers, judge_sandboxes,
		judge_streams, judge_windows, judge_disk};

	json_object_set_new(status, "attention", json_array());
	json_object_set_new(status, "level", json_integer(0));
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		rules[i](status);
}
