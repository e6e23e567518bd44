/*
 * mira-status-table.c: a look as a person reads it: what needs attention first, then the line from queue to disk. Figures have
 * three digits and a unit, so that 80 columns are enough. Part of `mira status`.
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spool/log.h"
#include "spool/mira-status.h"

#define SHOWN  16 /* characters of a figure */
#define WIDEST 4096
#define ROWS   40 /* of workers, waits, bad batches: the rest is a number */

static struct {
	FILE *out;
	int columns; /* 0: as long as it takes */
	bool colour;
} page;

enum paint { PLAIN, BOLD, RED, YELLOW, DIM };

/* One line, cut at the columns there are, painted whole. */
static void line(enum paint paint, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(enum paint paint, const char *format, ...)
{
	static const char *const begin[] = {"", "\033[1m", "\033[31m", "\033[33m", "\033[2m"};
	char text[WIDEST];
	va_list arguments;
	size_t length;
	int shown = 0;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	for (length = 0; text[length]; length++) {
		shown += (text[length] & 0xC0) != 0x80; /* not within a UTF-8 character */
		if (page.columns && shown > page.columns)
			break;
	}
	while (length && text[length - 1] == ' ')
		length--;
	fprintf(page.out, "%s%.*s%s\n", page.colour ? begin[paint] : "", (int)length, text,
		page.colour && paint ? "\033[0m" : "");
}

/* A sentence, which may take several lines; those after the first are indented. */
static void prose(enum paint paint, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void prose(enum paint paint, const char *format, ...)
{
	char text[WIDEST], *rest = text;
	const char *indent = "";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	while (page.columns > 20 && (int)(strlen(rest) + strlen(indent)) > page.columns) {
		size_t length = (size_t)page.columns - strlen(indent);

		while (length > 1 && rest[length] != ' ')
			length--;
		if (length == 1)
			break;
		line(paint, "%s%.*s", indent, (int)length, rest);
		rest += length + 1;
		indent = "    ";
	}
	line(paint, "%s%s", indent, rest);
}

/* 950, 9.5 k, 95.1 M … */
static char *figure(double value, char out[SHOWN])
{
	static const char units[] = " kMGTPE";
	int unit = 0;

	for (; fabs(value) >= 999.5 && units[unit + 1]; unit++)
		value /= 1000;
	snprintf(out, SHOWN, "%.*f%s%c", unit && fabs(value) < 99.95 ? 1 : 0, value,
		unit ? " " : "", unit ? units[unit] : '\0');
	return out;
}

static char *bytes(double value, char out[SHOWN])
{
	char shown[SHOWN];

	figure(value, shown);
	snprintf(out, SHOWN, "%.12s%sB", shown, strchr(shown, ' ') ? "" : " ");
	return out;
}

static char *span(double seconds, char out[SHOWN])
{
	if (seconds < 60)
		snprintf(out, SHOWN, "%.0f s", seconds);
	else if (seconds < 7200)
		snprintf(out, SHOWN, "%.0f min", seconds / 60);
	else if (seconds < 48 * 3600)
		snprintf(out, SHOWN, "%.0f h", seconds / 3600);
	else
		snprintf(out, SHOWN, "%.0f d", fmin(seconds / 86400, 99999));
	return out;
}

static char *age(const json_t *object, const char *name, char out[SHOWN])
{
	if (json_is_number(json_object_get(object, name)))
		return span(status_get(object, name), out);
	return strcpy(out, "-");
}

/* Packet times of traces may be years ago; the day is always said. */
static char *stamp(double ms, char out[32])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm time;

	if (ms <= 0)
		return strcpy(out, "none");
	strftime(out, 32, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &time));
	return out;
}

static void more(size_t count)
{
	if (count > ROWS)
		line(DIM, "  and %zu more", count - ROWS);
}

static void print_head(const json_t *status)
{
	static const char *const verdicts[] = {"all right", "to be looked at soon",
		"a person is needed"};
	static const enum paint paints[] = {BOLD, YELLOW, RED};
	unsigned level = (unsigned)status_get(status, "level");
	json_t *attention;
	char now[32];
	size_t i;

	line(BOLD, "%s  %s UTC  %s", status_text(status, "spool"),
		stamp(status_get(status, "time_s") * 1000, now), verdicts[level < 3 ? level : 2]);
	json_array_foreach(json_object_get(status, "attention"), i, attention)
		if (i < ROWS)
			prose(paints[status_get(attention, "level") > 1 ? 2 : 1], "! %s",
				status_text(attention, "text"));
	more(json_array_size(json_object_get(status, "attention")));
}

static void print_queues(const json_t *status)
{
	json_t *queue;
	size_t i;

	line(BOLD, "\n%-9s %-10s %8s %7s %9s %7s %7s %5s %4s", "QUEUE", "READER", "WAITING", "HELD",
		"BYTES", "OLDEST", "CLAIMED", "DONE", "BAD");
	json_array_foreach(json_object_get(status, "queues"), i, queue) {
		char size[SHOWN], oldest[SHOWN], sum[SHOWN + 8];
		bool sampled = status_get(queue, "sampled") < status_get(queue, "waiting");

		/* a sample's sum says so; by how much it may be off stands in --json */
		snprintf(sum, sizeof(sum), "%s%s", sampled ? "~" : "",
			bytes(status_get(queue, "bytes"), size));
		line(status_get(queue, "bad") > 0 ? RED : PLAIN,
			"%-9s %-10.10s %8.0f %7.0f %9s %7s %7.0f %5.0f %4.0f",
			status_text(queue, "queue"), status_text(queue, "reader"),
			status_get(queue, "waiting"), status_get(queue, "held"), sum,
			age(queue, "oldest_s", oldest), status_get(queue, "claimed"),
			status_get(queue, "committed"), status_get(queue, "bad"));
	}
}

/* Lately when it is known; since its beginning otherwise, which a worker that mostly waited understates. */
static char *worker_rate(const json_t *worker, char out[SHOWN])
{
	const json_t *lately = json_object_get(worker, "packets_per_second");
	double running_s = status_get(worker, "running_s");

	if (lately)
		return figure(json_number_value(lately), out);
	return running_s > 0 ? figure(status_get(worker, "packets") / running_s, out)
			     : strcpy(out, "-");
}

static enum paint worker_paint(const char *state)
{
	return !strcmp(state, "dead") ? RED : !strcmp(state, "silent") ? YELLOW : PLAIN;
}

static void print_workers(const json_t *status)
{
	const json_t *all = json_object_get(status, "workers");
	json_t *worker;
	size_t i;

	line(BOLD, "\n%-11s %-14s %-6s %6s %5s %8s %8s  %s", "STAGE", "HOST", "STATE", "BEAT",
		"HOLDS", "BATCHES", "PACKET/S", "DOING");
	json_array_foreach(all, i, worker) {
		char beat[SHOWN], rate[SHOWN], batches[SHOWN];
		const char *state = status_text(worker, "state"),
			   *doing = status_text(worker, "doing");

		if (i >= ROWS)
			break;
		line(worker_paint(state), "%-11.11s %-14.14s %-6s %6s %5zu %8s %8s  %s",
			status_text(worker, "stage"), status_text(worker, "host"), state,
			age(worker, "beat_age_s", beat),
			json_array_size(json_object_get(worker, "holding")),
			figure(status_get(worker, "batches"), batches), worker_rate(worker, rate),
			*doing ? doing : "-");
	}
	more(json_array_size(all));
	if (!json_array_size(all))
		line(DIM, "no process of MIRA runs on this spool");
}

/* Seen a second lately, and the share of it that was lost. */
static char *lately(const json_t *stream, char out[48])
{
	const json_t *counts = json_object_get(stream, "lately");
	double seen = status_get(counts, "seen"),
	       lost = status_get(counts, "shed") + status_get(counts, "dropped");
	char rate[SHOWN];

	if (!json_is_object(counts))
		return strcpy(out, "-");
	snprintf(out, 48, "%s/s, %.2g %% lost", figure(seen / status_get(counts, "seconds"), rate),
		seen > 0 ? lost / seen * 100 : 0);
	return out;
}

static void print_streams(const json_t *status)
{
	json_t *stream;
	size_t i;

	if (!json_array_size(json_object_get(status, "streams")))
		return;
	line(BOLD, "\n%-18s %-9s %7s %8s %7s %7s  %s", "STREAM", "STATE", "SEEN", "CAPTURED",
		"DROPPED", "SHED", "LATELY");
	json_array_foreach(json_object_get(status, "streams"), i, stream) {
		const json_t *counts = json_object_get(stream, "counts");
		char name[2 * NAME_PART_MAX + 2], seen[SHOWN], captured[SHOWN], dropped[SHOWN],
			shed[SHOWN], text[48];

		snprintf(name, sizeof(name), "%s/%s", status_text(stream, "probe"),
			status_text(stream, "stream"));
		line(!strcmp(status_text(stream, "state"), "dead") ? RED : PLAIN,
			"%-18s %-9s %7s %8s %7s %7s  %s", name, status_text(stream, "state"),
			figure(status_get(counts, "seen"), seen),
			figure(status_get(counts, "captured"), captured),
			figure(status_get(counts, "dropped"), dropped),
			figure(status_get(counts, "shed"), shed), lately(stream, text));
		if (status_get(stream, "clock_ahead_s") != 0)
			line(YELLOW, "  its clock is %s %s the file server's",
				span(fabs(status_get(stream, "clock_ahead_s")), text),
				status_get(stream, "clock_ahead_s") > 0 ? "ahead of" : "behind");
	}
}

static void print_waits(const json_t *window)
{
	json_t *wait;
	size_t i;

	json_array_foreach(json_object_get(window, "waits"), i, wait) {
		const char *where = status_text(wait, "where");
		char at[32], needs[32];

		line(strcmp(where, "nowhere") ? PLAIN : YELLOW,
			"  next: %s/%s batch %.0f (%s), run %.8s…", status_text(wait, "probe"),
			status_text(wait, "stream"), status_get(wait, "seq"), where,
			status_text(wait, "run"));
		line(PLAIN, "        packet time %s, to close %s",
			stamp(status_get(wait, "packet_time_ms"), at),
			stamp(status_get(wait, "needs_ms"), needs));
	}
}

static void print_windows(const json_t *status)
{
	json_t *window;
	size_t i;

	line(BOLD, "\nWINDOWS");
	json_array_foreach(json_object_get(status, "windows"), i, window) {
		char closed[32];

		line(PLAIN, "%s: %.0f open, closed up to %s, %.0f batches in them",
			status_text(window, "shard"), status_get(window, "open"),
			stamp(status_get(window, "closed_below_ms"), closed),
			status_get(window, "inputs"));
		if (status_get(window, "missing") + status_get(window, "incomplete") > 0)
			line(YELLOW,
				"  %.0f batches are missing, %.0f spans of open windows are incomplete",
				status_get(window, "missing"), status_get(window, "incomplete"));
		print_waits(window);
	}
	if (!i)
		line(DIM, "consolidation has not begun");
}

static void print_disk(const json_t *status)
{
	const json_t *disk = json_object_get(status, "disk"),
		     *full = json_object_get(disk, "full_in_s");
	bool known = json_is_number(json_object_get(disk, "growth_bytes_per_second"));
	char left[SHOWN], when[SHOWN], growth[SHOWN], over[SHOWN];

	bytes(status_get(disk, "free_bytes"), left);
	span(status_get(disk, "growth_over_s"), over);
	line(BOLD, "\nDISK");
	if (!known)
		prose(PLAIN,
			"%s free (%.0f %%); when it is full is known after a second look, a minute from now",
			left, status_get(disk, "free_share") * 100);
	else if (!json_is_number(full))
		prose(PLAIN,
			"%s free (%.0f %%), not full at this rate: it did not grow in the last %s",
			left, status_get(disk, "free_share") * 100, over);
	else
		prose(json_number_value(full) < 86400 ? RED : PLAIN,
			"%s free (%.0f %%), full in %s at the rate of the last %s (%s/s)", left,
			status_get(disk, "free_share") * 100, span(json_number_value(full), when),
			over, bytes(status_get(disk, "growth_bytes_per_second"), growth));
}

static void print_bad(const json_t *status)
{
	const json_t *all = json_object_get(status, "bad");
	json_t *bad;
	size_t i;

	if (!json_array_size(all))
		return;
	line(BOLD, "\nBAD");
	json_array_foreach(all, i, bad) {
		char when[SHOWN];

		if (i >= ROWS)
			break;
		line(RED, "%s/%s, %s ago: %s", status_text(bad, "queue"),
			status_text(bad, "reader"), age(bad, "age_s", when),
			status_text(bad, "batch"));
		prose(PLAIN, "  %s", status_text(bad, "reason"));
	}
	more(json_array_size(all));
}

/* Where nobody beats, the server's time is not known. */
static void print_notes(const json_t *status)
{
	const json_t *clock = json_object_get(status, "clock");
	char span_[SHOWN];

	if (!strcmp(status_text(clock, "source"), "stopped"))
		line(DIM,
			"\nAges are as of the last sign of life: nobody beats, so the file server's time is not known.");
	if (json_is_number(json_object_get(status, "lately_s")))
		line(DIM, "\nLately: the last %s.", span(status_get(status, "lately_s"), span_));
}

void status_table(const json_t *status, FILE *out, int columns, bool colour)
{
	page.out = out;
	page.columns = columns;
	page.colour = colour;
	print_head(status);
	print_queues(status);
	print_workers(status);
	print_streams(status);
	print_windows(status);
	print_disk(status);
	print_bad(status);
	print_notes(status);
}
