/*
 * limit.c: counts alerts by rule, source and hour (limit.h), so that one host that does one thing all day does not bury
 * the rest.
 */
#include "postproc/feed/limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS	   3600000
#define HOURS_KEPT 2
#define KEY_MAX	   256

void limit_begin(struct limit *limit, uint64_t most, const json_t *memory)
{
	const char *hour;
	json_t *counts;

	*limit = (struct limit){.most = most, .hours = json_deep_copy(memory)};
	json_object_foreach(limit->hours, hour, counts) {
		uint64_t number = strtoull(hour, NULL, 10);

		if (number > limit->latest)
			limit->latest = number;
	}
}

static json_t *counts_of(struct limit *limit, uint64_t number)
{
	char hour[24];
	json_t *counts;

	if (number > limit->latest)
		limit->latest = number;
	snprintf(hour, sizeof(hour), "%llu", (unsigned long long)number);
	counts = json_object_get(limit->hours, hour);
	if (!counts) {
		counts = json_object();
		json_object_set_new(limit->hours, hour, counts);
	}
	return counts;
}

bool limit_count(struct limit *limit, uint64_t time_ms, const char *key)
{
	json_t *counts, *count;
	char rule[KEY_MAX];

	if (!limit->most)
		return true;
	counts = counts_of(limit, time_ms / HOUR_MS);
	count = json_object_get(counts, key);
	if (!count && json_object_size(counts) >= LIMIT_KEYS) {
		snprintf(rule, sizeof(rule), "%.*s *", (int)strcspn(key, " "), key);
		key = rule;
		count = json_object_get(counts, key);
	}
	if (!count) {
		count = json_integer(0);
		json_object_set_new(counts, key, count);
	}
	json_integer_set(count, json_integer_value(count) + 1);
	return (uint64_t)json_integer_value(count) <= limit->most;
}

json_t *limit_end(struct limit *limit)
{
	json_t *hours = limit->hours, *counts;
	const char *hour;
	void *next;

	json_object_foreach_safe(hours, next, hour, counts) {
		if (strtoull(hour, NULL, 10) + HOURS_KEPT <= limit->latest)
			json_object_del(hours, hour);
	}
	limit->hours = NULL;
	return hours;
}
