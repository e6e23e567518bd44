/*
 * names.c: names of batches and lists of directory entries. A name is all that stages know of a
 * batch before they open it, from the capture to the store, so it is parsed strictly: what is
 * accepted prints back to the same text.
 */
#include "spool/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spool/log.h"

/* 9999-12-31T23:59:59Z: a four-digit year keeps names sorting by time, whatever a trace claims. */
#define LAST_SECOND 253402300799ull

void batchname_format(const struct batchname *name, char *out, size_t size)
{
	uint64_t second = name->start_us / 1000000;
	time_t start = (time_t)(second > LAST_SECOND ? LAST_SECOND : second);
	struct tm parts;
	int used;

	gmtime_r(&start, &parts);
	used = snprintf(out, size, "%04d%02d%02dT%02d%02d%02d.%06uZ-%s-%s-%s-%010" PRIu64,
		parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
		parts.tm_sec, (unsigned)(name->start_us % 1000000), name->probe, name->stream,
		name->run, name->seq);
	if (name->requeued && used > 0 && (size_t)used < size)
		snprintf(out + used, size - (size_t)used, "+%u", name->requeued);
}

/* Takes the text up to STOP (or the end for STOP 0) and steps behind it. */
static bool take(const char **from, char stop, char *out, size_t size)
{
	const char *end = stop ? strchr(*from, stop) : *from + strlen(*from);

	if (!end || (size_t)(end - *from) >= size)
		return false;
	memcpy(out, *from, (size_t)(end - *from));
	out[end - *from] = '\0';
	*from = stop ? end + 1 : end;
	return true;
}

static bool parse_start(const char *text, uint64_t *start_us)
{
	struct tm parts = {0};
	unsigned us;
	char end;

	if (sscanf(text, "%4d%2d%2dT%2d%2d%2d.%6u%c", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
		    &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &us, &end) != 8)
		return false;
	parts.tm_year -= 1900;
	parts.tm_mon -= 1;
	*start_us = (uint64_t)timegm(&parts) * 1000000 + us;
	return true;
}

static bool parse_seq(const char *text, struct batchname *name)
{
	char *end;

	name->seq = strtoull(text, &end, 10);
	name->requeued = *end == '+' ? (unsigned)strtoul(end + 1, &end, 10) : 0;
	return *end == '\0';
}

static bool is_run(const char *text)
{
	return strlen(text) == RUN_HEX && strspn(text, "0123456789abcdef") == RUN_HEX;
}

bool batchname_parse(const char *text, struct batchname *name)
{
	const char *rest = text;
	char start[32], seq[40], again[256];

	memset(name, 0, sizeof(*name));
	if (!take(&rest, '-', start, sizeof(start)) || !parse_start(start, &name->start_us) ||
		!take(&rest, '-', name->probe, sizeof(name->probe)) || !name_part_ok(name->probe) ||
		!take(&rest, '-', name->stream, sizeof(name->stream)) ||
		!name_part_ok(name->stream) || !take(&rest, '-', name->run, sizeof(name->run)) ||
		!is_run(name->run) || !take(&rest, 0, seq, sizeof(seq)) || !parse_seq(seq, name))
		return false;
	batchname_format(name, again, sizeof(again));
	return strcmp(text, again) == 0;
}

static bool part_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '_' || byte == '.';
}

bool name_part_ok(const char *text)
{
	size_t length = 0;

	while (part_byte(text[length]))
		length++;
	return text[length] == '\0' && length >= 1 && length <= NAME_PART_MAX && text[0] != '.';
}

void name_part_from(const char *text, char *out)
{
	size_t used = 0;

	for (; *text && used < NAME_PART_MAX; text++)
		out[used++] = part_byte(*text) ? *text : '_';
	if (used == 0 || out[0] == '.')
		out[0] = '_';
	out[used ? used : 1] = '\0';
}

char *shard_name(unsigned number, char out[SHARD_NAME])
{
	snprintf(out, SHARD_NAME, "shard-%u", number);
	return out;
}

void namelist_add(struct namelist *list, const char *name)
{
	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 16;
		list->names = x_realloc(list->names, list->room * sizeof(*list->names));
	}
	list->names[list->count++] = x_strdup(name);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void namelist_sort(struct namelist *list)
{
	if (list->count)
		qsort(list->names, list->count, sizeof(*list->names), compare);
}

bool namelist_has(const struct namelist *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->names[i], name) == 0)
			return true;
	return false;
}

void namelist_free(struct namelist *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->names[i]);
	free(list->names);
	*list = (struct namelist){0};
}
