/*
 * contested.c: reads what is contested, so that a mistake is found before anything is reported and
 * named by file and line. Between the administrator's file and the report.
 */
#include "postproc/report/contested.h"

#include <stdlib.h>
#include <string.h>

#include "spool/conf.h"
#include "spool/fields.h"
#include "spool/log.h"

static const char *const states[] = {"open", "contested", "upheld", "withdrawn"};

struct entry {
	char *rule, *who, *from, *to, *state, *reason, *by, *decision;
};

static const struct conf_key entry_keys[] = {
	CONF_NEEDED(struct entry, rule),
	CONF_NEEDED(struct entry, who),
	CONF_NEEDED(struct entry, from),
	CONF_STRING(struct entry, to),
	CONF_NEEDED(struct entry, state),
	CONF_STRING(struct entry, reason),
	CONF_STRING(struct entry, by),
	CONF_STRING(struct entry, decision),
	{0},
};

struct entries {
	struct entry *all;
	size_t count;
};

static bool read_entries(struct conf *conf, config_setting_t *list, void *structure)
{
	struct entries *entries = structure;

	return conf_groups(conf, list, entry_keys, sizeof(*entries->all), &entries->all,
		&entries->count);
}

static const struct conf_key file_keys[] = {CONF_ITEMS(contested, read_entries), {0}};

static bool is_state(const char *text)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (!strcmp(text, states[i]))
			return true;
	return false;
}

/* What a decision needs of whoever reads it: by whom, and why. */
static bool is_decided(const struct entry *entry)
{
	return !strcmp(entry->state, "upheld") || !strcmp(entry->state, "withdrawn");
}

/* From the first instant of its first day to the last of its last one; both are days of SPAN. */
static bool check(struct conf *conf, config_setting_t *at, struct entry *entry, struct period *span)
{
	struct period last;

	if (!entry->to)
		entry->to = x_strdup(entry->from);
	if (!period_day(entry->from, span) || !period_day(entry->to, &last) ||
		last.to_ms <= span->from_ms)
		return conf_fail(conf, at,
			"from \"%s\" to \"%s\": allowed are days, YYYY-MM-DD, in their order",
			entry->from, entry->to);
	span->to_ms = last.to_ms;
	if (!is_state(entry->state))
		return conf_fail(conf, at,
			"state \"%s\": allowed are open, contested, upheld and withdrawn",
			entry->state);
	if (is_decided(entry) && (!entry->by || !entry->decision))
		return conf_fail(conf, at,
			"what is %s was decided: say \"by\" whom, and the \"decision\"",
			entry->state);
	return true;
}

static json_t *text_or_null(const char *text)
{
	return text ? json_text(text) : json_null();
}

static json_t *describe(const struct entry *entry)
{
	return json_pack("{so so so so so so so so}", "rule", json_text(entry->rule), "who",
		json_text(entry->who), "from", json_text(entry->from), "to", json_text(entry->to),
		"state", json_text(entry->state), "reason", text_or_null(entry->reason), "by",
		text_or_null(entry->by), "decision", text_or_null(entry->decision));
}

static bool touches(const struct period *span, const struct period *period)
{
	return period->kind == PERIOD_ALL ||
	       (span->from_ms < period->to_ms && span->to_ms > period->from_ms);
}

static bool collect(struct conf *conf, struct entries *entries, const struct period *period,
	json_t *list)
{
	config_setting_t *groups = config_setting_get_member(conf_root(conf), "contested");

	for (size_t i = 0; i < entries->count; i++) {
		struct period span;

		if (!check(conf, config_setting_get_elem(groups, (unsigned)i), &entries->all[i],
			    &span))
			return false;
		if (touches(&span, period))
			json_array_append_new(list, describe(&entries->all[i]));
	}
	return true;
}

static void free_entries(struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++) {
		struct entry *entry = &entries->all[i];

		free(entry->rule);
		free(entry->who);
		free(entry->from);
		free(entry->to);
		free(entry->state);
		free(entry->reason);
		free(entry->by);
		free(entry->decision);
	}
	free(entries->all);
}

int contested_load(const char *path, const struct period *period, json_t **list)
{
	struct entries entries = {0};
	struct conf conf;
	int code;

	*list = NULL;
	code = *path ? conf_open(&conf, path) : MIRA_OK;
	if (code)
		return code;
	*list = json_array();
	if (!*path)
		return MIRA_OK;
	if (!conf_fill(&conf, conf_root(&conf), file_keys, &entries) ||
		!collect(&conf, &entries, period, *list)) {
		json_decref(*list);
		*list = NULL;
		code = MIRA_PERSON;
	}
	free_entries(&entries);
	conf_close(&conf);
	return code;
}
