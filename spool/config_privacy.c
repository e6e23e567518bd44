/*
 * config_privacy.c: the group "privacy" of mira.conf: what is shown of hosts, and for how long it
 * is kept. Read with the other settings; used where the line ends, by whoever shows or keeps.
 */
#include <stdlib.h>
#include <string.h>

#include "spool/conf.h"
#include "spool/config.h"
#include "spool/log.h"

#define DAYS_MAX 36500

/* The words of a setting, in the order of their enum. */
struct word_key {
	const char *name, *words[6];
	size_t offset; /* of an enum, in struct config_privacy */
};

static const struct word_key word_keys[] = {
	{"level", {"group", "pseudonym", "address"}, offsetof(struct config_privacy, level)},
	{"rotate", {"none", "day", "week", "month", "year"},
		offsetof(struct config_privacy, rotate)},
	{"names", {"withhold", "services"}, offsetof(struct config_privacy, names)},
};

#define WORDS (sizeof(word_keys) / sizeof(word_keys[0]))

/* What stands in the file before words are understood and days compared. */
struct texts {
	struct config_privacy privacy;
	char *level, *rotate, *names;
};

static bool read_domains(struct conf *conf, config_setting_t *list, void *structure)
{
	struct config_privacy *privacy = &((struct texts *)structure)->privacy;
	int count = config_setting_length(list);

	privacy->domains = x_calloc((size_t)count, sizeof(*privacy->domains));
	for (int i = 0; i < count; i++) {
		const char *text = conf_text_at(conf, list, i);

		if (!text)
			return false;
		if (!*text || strspn(text, ".") || strchr(text, ','))
			return conf_fail(conf, list,
				"domain \"%s\" is not of the form \"example.org\"", text);
		privacy->domains[privacy->domain_count++] = x_strdup(text);
	}
	return true;
}

#define DAYS(member)                                                                               \
	{                                                                                          \
		.name = #member, .type = CONF_U32,                                                 \
		.offset = offsetof(struct texts, privacy.member), .min = 0, .max = DAYS_MAX        \
	}

static const struct conf_key keys[] = {
	CONF_STRING(struct texts, level),
	CONF_STRING(struct texts, rotate),
	CONF_STRING(struct texts, names),
	{.name = "group_min",
		.type = CONF_U32,
		.offset = offsetof(struct texts, privacy.group_min),
		.min = 2,
		.max = 1000000},
	{.name = "key", .type = CONF_PATH, .offset = offsetof(struct texts, privacy.key)},
	CONF_ITEMS(domains, read_domains),
	DAYS(keep_biflows_days),
	DAYS(keep_addresses_days),
	DAYS(keep_hosts_days),
	DAYS(keep_totals_days),
	{0},
};

static bool refuse_word(struct conf *conf, config_setting_t *group, const struct word_key *key)
{
	char allowed[128] = "";

	for (size_t i = 0; key->words[i]; i++) {
		const char *between = i == 0 ? "" : key->words[i + 1] ? ", " : " or ";
		size_t used = strlen(allowed);

		snprintf(allowed + used, sizeof(allowed) - used, "%s\"%s\"", between,
			key->words[i]);
	}
	return conf_fail(conf, config_setting_get_member(group, key->name), "\"%s\" is %s",
		key->name, allowed);
}

static bool read_word(struct conf *conf, config_setting_t *group, const struct word_key *key,
	const char *text, struct config_privacy *privacy)
{
	for (unsigned i = 0; text && key->words[i]; i++)
		if (!strcmp(text, key->words[i])) {
			memcpy((char *)privacy + key->offset, &i, sizeof(i));
			return true;
		}
	return !text || refuse_word(conf, group, key);
}

/*
 * Biflows name hosts by their address, so they go when addresses are sealed, at the latest; and
 * what is shown of a host goes before the totals it is part of.
 */
static bool check_days(struct conf *conf, config_setting_t *group,
	const struct config_privacy *privacy)
{
	const struct {
		const char *name;
		uint32_t days;
	} steps[] = {{"keep_biflows_days", privacy->keep_biflows_days},
		{"keep_addresses_days", privacy->keep_addresses_days},
		{"keep_hosts_days", privacy->keep_hosts_days},
		{"keep_totals_days", privacy->keep_totals_days}};

	/* 0 is for ever: less one it is more than any other */
	for (size_t i = 1; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i - 1].days - 1 > steps[i].days - 1)
			return conf_fail(conf, group,
				"\"%s\" (%u) is longer than \"%s\" (%u); 0 is for ever",
				steps[i - 1].name, steps[i - 1].days, steps[i].name, steps[i].days);
	return true;
}

bool config_privacy_read(struct conf *conf, config_setting_t *setting, void *config)
{
	struct texts texts = {.privacy = ((struct config *)config)->privacy};
	bool good = conf_fill(conf, setting, keys, &texts);
	const char *const words[WORDS] = {texts.level, texts.rotate, texts.names};

	for (size_t i = 0; good && i < WORDS; i++)
		good = read_word(conf, setting, &word_keys[i], words[i], &texts.privacy);
	good = good && check_days(conf, setting, &texts.privacy);
	free(texts.level);
	free(texts.rotate);
	free(texts.names);
	((struct config *)config)->privacy = texts.privacy;
	return good;
}

void config_privacy_defaults(struct config_privacy *privacy)
{
	*privacy = (struct config_privacy){
		.level = PRIVACY_PSEUDONYM,
		.rotate = ROTATE_MONTH,
		.names = PRIVACY_NAMES_SERVICES,
		.group_min = 10,
		.keep_biflows_days = 90,
		.keep_addresses_days = 90,
		.keep_hosts_days = 400,
	};
}

void config_privacy_free(struct config_privacy *privacy)
{
	for (size_t i = 0; i < privacy->domain_count; i++)
		free(privacy->domains[i]);
	free(privacy->domains);
	*privacy = (struct config_privacy){0};
}
