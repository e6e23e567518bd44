/*
 * mira-status-prom.c: a look in Prometheus' text format, for the node exporter's textfile collector. The families are tables: a row
 * names metric, help and the member of the look it comes from. Part of `mira status`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/mira-status.h"

/* A gauge or counter of each object of a list. PATH is the member, or "object.member". */
struct family {
	const char *name, *type, *help, *path;
};

static const struct family queue_families[] = {
	{"mira_queue_waiting_batches", "gauge", "Batches that wait", "waiting"},
	{"mira_queue_held_batches", "gauge",
		"Of these, batches held back until their windows close", "held"},
	{"mira_queue_waiting_bytes", "gauge", "Bytes of the batches that wait", "bytes"},
	{"mira_queue_oldest_seconds", "gauge",
		"How long the oldest has waited, by the file server's clock", "oldest_s"},
	{"mira_queue_claimed_batches", "gauge", "Batches that are worked on", "claimed"},
	{"mira_queue_committed_batches", "gauge", "Batches that are being handed over",
		"committed"},
	{"mira_queue_bad_batches", "gauge", "Batches that were rejected and wait for a person",
		"bad"},
	{"mira_queue_workers_up", "gauge", "Living processes of the stage that reads it",
		"workers_alive"},
	{"mira_queue_foreign_entries", "gauge", "Entries of ready/ that are no batches", "foreign"},
	{0},
};

static const struct family worker_families[] = {
	{"mira_worker_up", "gauge", "1 alive, 0 silent or dead", "up"},
	{"mira_worker_beat_age_seconds", "gauge",
		"Age of its last sign of life, by the file server's clock", "beat_age_s"},
	{"mira_worker_held_batches", "gauge", "Batches it holds", "held"},
	{"mira_worker_packets_total", "counter", "Packets it worked on", "packets"},
	{"mira_worker_bytes_total", "counter", "Bytes it read", "bytes"},
	{0},
};

static const struct family stream_families[] = {
	{"mira_stream_up", "gauge", "1 being captured, 0 not", "up"},
	{"mira_stream_dead", "gauge", "1 when its live capture died", "dead"},
	{"mira_stream_seen_packets_total", "counter", "Packets seen since the run began",
		"counts.seen"},
	{"mira_stream_captured_packets_total", "counter", "Packets captured", "counts.captured"},
	{"mira_stream_filtered_packets_total", "counter", "Packets filtered out",
		"counts.filtered"},
	{"mira_stream_dropped_packets_total", "counter", "Packets dropped by kernel or card",
		"counts.dropped"},
	{"mira_stream_shed_packets_total", "counter", "Packets shed by the capture", "counts.shed"},
	{"mira_stream_last_batch_age_seconds", "gauge",
		"Since it handed a batch over, by the file server's clock", "last_batch_age_s"},
	{"mira_stream_clock_ahead_seconds", "gauge",
		"How far its capture's clock is ahead of the file server's, for certain",
		"clock_ahead_s"},
	{0},
};

static const struct family window_families[] = {
	{"mira_windows_open", "gauge", "Windows with traffic that are not closed", "open"},
	{"mira_windows_closed_timestamp_seconds", "gauge",
		"Windows that begin earlier are closed (packet time)", "closed"},
	{"mira_windows_packet_timestamp_seconds", "gauge", "Latest packet time in the books",
		"packet"},
	{"mira_windows_missing_batches", "gauge", "Batches that did not come", "missing"},
	{"mira_windows_lost_waits", "gauge", "Batches it waits for that stand nowhere", "lost"},
	{0},
};

static const struct family disk_families[] = {
	{"mira_spool_free_bytes", "gauge", "Bytes free on the spool's file system",
		"disk.free_bytes"},
	{"mira_spool_free_ratio", "gauge", "Share of it that is free", "disk.free_share"},
	{"mira_spool_min_free_ratio", "gauge", "Share that captures leave free (min_free)",
		"disk.min_free"},
	{"mira_spool_full_seconds", "gauge",
		"Until it is full at the present growth; absent when it does not grow",
		"disk.full_in_s"},
	{"mira_queue_max_batches", "gauge",
		"Waiting batches above which the stages before stop (max_batches)", "max_batches"},
	{"mira_max_skew_seconds", "gauge", "By how much a capture's clock may be off (max_skew_s)",
		"max_skew_s"},
	{"mira_status_level", "gauge", "0 all right, 1 to be looked at soon, 2 a person is needed",
		"level"},
	{"mira_status_time_seconds", "gauge",
		"When this file was written, by the clock of the host that wrote it", "time_s"},
	{0},
};

static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
}

/* LABELS names members of OBJECT, separated by blanks. */
static void print_labels(FILE *out, const json_t *object, const char *labels)
{
	char separator = '{';

	for (; *labels; labels += strspn(labels, " ")) {
		size_t length = strcspn(labels, " ");
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)length, labels);
		fprintf(out, "%c%s=\"", separator, name);
		print_escaped(out, status_text(object, name));
		fputc('"', out);
		separator = ',';
		labels += length;
	}
	if (separator == ',')
		fputc('}', out);
}

static const json_t *member(const json_t *object, const char *path)
{
	const char *dot = strchr(path, '.');
	char name[32];

	if (!dot)
		return json_object_get(object, path);
	snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
	return json_object_get(json_object_get(object, name), dot + 1);
}

static void print_family(FILE *out, const struct family *family, const json_t *objects,
	const char *labels)
{
	bool told = false;
	json_t *object;
	size_t i;

	json_array_foreach(objects, i, object) {
		const json_t *value = member(object, family->path);

		if (!json_is_number(value))
			continue;
		if (!told)
			fprintf(out, "# HELP %s %s.\n# TYPE %s %s\n", family->name, family->help,
				family->name, family->type);
		told = true;
		fputs(family->name, out);
		print_labels(out, object, labels);
		fprintf(out, " %.15g\n", json_number_value(value));
	}
}

static void print_families(FILE *out, const struct family *families, const json_t *objects,
	const char *labels)
{
	for (; families->name; families++)
		print_family(out, families, objects, labels);
}

/* What the tables name and the look says in other words. */
static void derive(json_t *status)
{
	json_t *one, *wait;
	size_t i, j;

	json_array_foreach(json_object_get(status, "workers"), i, one) {
		json_object_set_new(one, "worker", json_string(status_text(one, "name")));
		json_object_set_new(one, "up",
			json_integer(!strcmp(status_text(one, "state"), "alive")));
		json_object_set_new(one, "held",
			json_integer((json_int_t)json_array_size(json_object_get(one, "holding"))));
	}
	json_array_foreach(json_object_get(status, "streams"), i, one) {
		bool live = json_is_true(json_object_get(one, "live"));

		json_object_set_new(one, "up",
			json_integer(!strcmp(status_text(one, "state"), "capturing")));
		json_object_set_new(one, "dead",
			json_integer(live && !strcmp(status_text(one, "state"), "dead")));
	}
	json_array_foreach(json_object_get(status, "windows"), i, one) {
		int lost = 0;

		json_array_foreach(json_object_get(one, "waits"), j, wait)
			lost += !strcmp(status_text(wait, "where"), "nowhere");
		json_object_set_new(one, "lost", json_integer(lost));
		json_object_set_new(one, "closed",
			json_real(status_get(one, "closed_below_ms") / 1000));
		json_object_set_new(one, "packet",
			json_real(status_get(one, "packet_time_ms") / 1000));
	}
}

static void print_all(const json_t *status, FILE *out)
{
	json_t *copy = json_deep_copy(status), *alone = json_pack("[O]", copy);

	derive(copy);
	print_families(out, disk_families, alone, "");
	print_families(out, queue_families, json_object_get(copy, "queues"), "queue reader");
	print_families(out, worker_families, json_object_get(copy, "workers"), "stage host worker");
	print_families(out, stream_families, json_object_get(copy, "streams"), "probe stream");
	print_families(out, window_families, json_object_get(copy, "windows"), "shard");
	json_decref(alone);
	json_decref(copy);
}

/* The collector reads whenever it likes, so the file appears whole: written beside it under a name that it does not take
 * (*.prom), then renamed. It runs as another user, so all may read. */
int status_prometheus(const json_t *status, const char *path)
{
	char *temporary = x_sprintf("%s.%d", path, (int)getpid());
	FILE *out = fopen(temporary, "w");
	bool good = out;

	if (good) {
		print_all(status, out);
		good = fchmod(fileno(out), 0644) == 0;
		good = fclose(out) == 0 && good && rename(temporary, path) == 0;
	}
	if (!good) {
		log_err("cannot write %s: %s; name a file in a folder that this user may write",
			path, strerror(errno));
		unlink(temporary);
	}
	free(temporary);
	return good ? MIRA_OK : MIRA_PERSON;
}
