/*
 * report_privacy.c: the last that happens to a report before anybody sees it: hosts and names become
 * what may be shown of them at the level of privacy in force. Pages, tables, mails and the terminal are
 * made of the report alone, so nothing passes by.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/privacy/privacy_log.h"
#include "postproc/report/report_parts.h"
#include "spool/log.h"

#define DISCLOSURES_MOST 100

/* What is shown of TEXT, malloc'ed. */
typedef char *(*shown_as)(struct privacy *privacy, const char *text);

static char *host(struct privacy *privacy, const char *text)
{
	char out[PRIVACY_TEXT];

	return x_strdup(privacy_host(privacy, text, out));
}

/* Of whom an entry of what is contested speaks: an address, or a pseudonym of an earlier report. */
static char *person(struct privacy *privacy, const char *text)
{
	uint8_t address[16];

	if (privacy_parse(text, address) || privacy_level(privacy) == PRIVACY_GROUP)
		return host(privacy, text);
	return x_strdup(text);
}

/* What is shown of which member of which list. */
static const struct {
	const char *list, *key;
	shown_as as;
} members[] = {
	{"hosts", "address", host},
	{"inside", "address", host},
	{"peers", "address", host},
	{"names", "name", privacy_names},
	{"tunnels", "endpoints", privacy_text},
	{"inputs", "file", privacy_text},
	{"damaged", "text", privacy_text},
	{"rejected", "text", privacy_text},
	{"contested", "who", person},
	{"contested", "reason", privacy_text},
	{"contested", "decision", privacy_text},
};

/* The same of the single biflows below each rule. */
static const struct {
	const char *key;
	shown_as as;
} examples[] = {{"src", host}, {"dst", host}, {"host_name", privacy_names}};

static void show(json_t *row, const char *key, shown_as as, struct privacy *privacy)
{
	const char *text = json_string_value(json_object_get(row, key));
	char *shown = text ? as(privacy, text) : NULL;

	if (shown)
		json_object_set_new(row, key, json_text(shown));
	free(shown);
}

static void show_all(json_t *report, struct privacy *privacy)
{
	json_t *row, *rule, *trace;
	size_t i, j;

	for (size_t m = 0; m < sizeof(members) / sizeof(members[0]); m++)
		json_array_foreach(json_object_get(report, members[m].list), i, row)
			show(row, members[m].key, members[m].as, privacy);
	json_array_foreach(json_object_get(report, "rules"), i, rule) {
		trace = json_object_get(rule, "trace");
		json_array_foreach(json_object_get(trace, "examples"), j, row)
			for (size_t e = 0; e < sizeof(examples) / sizeof(examples[0]); e++)
				show(row, examples[e].key, examples[e].as, privacy);
	}
}

/* ---- what is not shown one by one ---- */

/* Also "withheld,withheld" and "withheld-withheld". */
static bool withheld(const json_t *row, const char *key)
{
	const char *text = json_string_at(row, key);
	size_t length = strlen(PRIVACY_WITHHELD);

	return !strncmp(text, PRIVACY_WITHHELD, length) && !isalnum((unsigned char)text[length]) &&
	       text[length] != '.';
}

/* Adds the numbers of ROW to those of SUM. */
static void add(json_t *sum, const json_t *row)
{
	const char *key;
	json_t *value;

	json_object_foreach(sum, key, value)
		if (json_is_integer(value))
			json_integer_set(value,
				json_integer_value(value) + (json_int_t)json_number(row, key));
		else if (json_is_real(value))
			json_real_set(value, json_real_value(value) +
						     json_real_value(json_object_get(row, key)));
}

/* Rows of LIST whose KEY is withheld go to the others, which count COUNT. */
static void fold(json_t *report, const char *list, const char *key, const char *count)
{
	json_t *kept = json_array(), *others, *row;
	char *name = x_sprintf("%s_others", list);
	size_t i;

	others = json_object_get(report, name);
	json_array_foreach(json_object_get(report, list), i, row)
		if (withheld(row, key)) {
			add(others, row);
			json_object_set_new(others, count,
				json_integer((json_int_t)json_number(others, count) + 1));
		} else {
			json_array_append(kept, row);
		}
	json_object_set_new(report, list, kept);
	free(name);
}

/* An autonomous system of few hosts tells of these. */
static void hide_small(json_t *systems, const struct privacy *privacy)
{
	json_t *row;
	size_t i;

	json_array_foreach(systems, i, row)
		if (privacy_level(privacy) == PRIVACY_GROUP &&
			!privacy_group(privacy, (uint64_t)json_number(row, "hosts")))
			json_object_set_new(row, "system", json_string(PRIVACY_WITHHELD));
}

static void drop_examples(json_t *rules)
{
	json_t *rule;
	size_t i;

	json_array_foreach(rules, i, rule)
		json_array_clear(json_object_get(json_object_get(rule, "trace"), "examples"));
}

static uint64_t hosts_in(struct query *query, const struct config_aggregate *aggregate)
{
	json_t *rows = query_rows(query, "SELECT address FROM span_host WHERE inside", 0);
	uint64_t count = 0;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		uint8_t address[16], version;

		version = privacy_parse(json_string_at(row, "address"), address);
		for (size_t p = 0; version && p < aggregate->prefix_count; p++)
			if (prefix_holds(&aggregate->prefixes[p], address, version)) {
				count++;
				break;
			}
	}
	json_decref(rows);
	return count;
}

/* Has each aggregate that LABEL names enough hosts? One of VLANs or circuits has nobody knows how many. */
static bool large(const char *label, struct query *query, const struct config *config,
	const struct privacy *privacy)
{
	char *names = x_strdup(label), *rest = NULL;
	bool all = true;

	for (char *name = strtok_r(names, ",", &rest); name && all;
		name = strtok_r(NULL, ",", &rest)) {
		all = false;
		for (size_t i = 0; i < config->aggregate_count && !all; i++)
			all = !strcmp(config->aggregates[i].name, name) &&
			      privacy_group(privacy, hosts_in(query, &config->aggregates[i]));
	}
	free(names);
	return all;
}

/* Aggregates of few hosts become one row. */
static void join_small(json_t *report, struct query *query, const struct config *config,
	const struct privacy *privacy)
{
	json_t *kept = json_array(), *small = NULL, *row;
	size_t i;

	json_array_foreach(json_object_get(report, "aggregates"), i, row) {
		const char *label = json_string_value(json_object_get(row, "aggregate"));

		if (!label || large(label, query, config, privacy)) {
			json_array_append(kept, row);
			continue;
		}
		if (!small) {
			small = json_deep_copy(row);
			json_object_set_new(small, "aggregate", json_string("small groups"));
			json_array_append_new(kept, small);
		} else {
			add(small, row);
		}
	}
	json_object_set_new(report, "aggregates", kept);
}

void report_privacy(json_t *report, struct query *query, const struct config *config,
	struct privacy *privacy)
{
	static const char *const lists[][3] = {{"hosts", "address", "hosts"},
		{"inside", "address", "hosts"}, {"peers", "address", "hosts"},
		{"names", "name", "names"}, {"tunnels", "endpoints", "tunnels"},
		{"systems", "system", "systems"}};
	json_t *asked = privacy_log_read(sqlite3_db_filename(query->db, "main"));
	int64_t from = (int64_t)json_number(report, "from_ms");

	/* of the middle: a month of the zone may begin in the month before of UTC */
	privacy_at(privacy, from + ((int64_t)json_number(report, "to_ms") - from) / 2);
	show_all(report, privacy);
	hide_small(json_object_get(report, "systems"), privacy);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		fold(report, lists[i][0], lists[i][1], lists[i][2]);
	if (privacy_level(privacy) == PRIVACY_GROUP) {
		drop_examples(json_object_get(report, "rules"));
		join_small(report, query, config, privacy);
	}
	while (json_array_size(asked) > DISCLOSURES_MOST)
		json_array_remove(asked, 0);
	json_object_set_new(report, "disclosures", asked);
	json_object_set_new(report, "privacy", privacy_describe(privacy));
}
