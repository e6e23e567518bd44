/*
 * tariff.c: reading the tariffs, so that a mistake is found before anything is charged and named by
 * file and line. Between the administrator's file and charge.c.
 */
#include "postproc/account/tariff.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/account/money.h"
#include "spool/conf.h"
#include "spool/log.h"

static const char *const by_words[] = {"user", "aggregate", "class"};
static const char *const measure_words[] = {"volume", "p95"};
static const char *const direction_words[] = {"both", "in", "out", "higher"};

/* Settings as they are written. */
struct step_words {
	char *up_to, *price;
};

struct tariff_words {
	char *name, *measure, *direction, *flat, *included;
	char **customers;
	size_t customer_count;
	struct step_words *steps;
	size_t step_count;
};

struct file_words {
	char *currency, *issuer, *vat, *by;
	uint32_t digits;
	char users[PATH_MAX];
	struct tariff_words *tariffs;
	size_t tariff_count;
};

/* ---- the tables ---- */

static bool read_customers(struct conf *conf, config_setting_t *list, void *structure)
{
	struct tariff_words *tariff = structure;

	tariff->customers =
		x_calloc((size_t)config_setting_length(list), sizeof(*tariff->customers));
	for (int i = 0; i < config_setting_length(list); i++) {
		const char *text = conf_text_at(conf, list, i);

		if (!text)
			return false;
		tariff->customers[tariff->customer_count++] = x_strdup(text);
	}
	return true;
}

static const struct conf_key step_keys[] = {
	CONF_STRING(struct step_words, up_to),
	CONF_NEEDED(struct step_words, price),
	{0},
};

static bool read_steps(struct conf *conf, config_setting_t *list, void *structure)
{
	struct tariff_words *tariff = structure;

	return conf_groups(conf, list, step_keys, sizeof(*tariff->steps), &tariff->steps,
		&tariff->step_count);
}

static const struct conf_key tariff_keys[] = {
	CONF_NEEDED(struct tariff_words, name),
	CONF_ITEMS(customers, read_customers),
	CONF_STRING(struct tariff_words, measure),
	CONF_STRING(struct tariff_words, direction),
	CONF_STRING(struct tariff_words, flat),
	CONF_STRING(struct tariff_words, included),
	CONF_ITEMS(steps, read_steps),
	{0},
};

static bool read_tariffs(struct conf *conf, config_setting_t *list, void *structure)
{
	struct file_words *file = structure;

	return conf_groups(conf, list, tariff_keys, sizeof(*file->tariffs), &file->tariffs,
		&file->tariff_count);
}

static const struct conf_key file_keys[] = {
	CONF_NEEDED(struct file_words, currency),
	CONF_STRING(struct file_words, issuer),
	CONF_STRING(struct file_words, vat),
	CONF_NUMBER(struct file_words, digits, CONF_U32, 0, MONEY_DIGITS),
	CONF_STRING(struct file_words, by),
	CONF_FILE(struct file_words, users),
	CONF_ITEMS(tariffs, read_tariffs),
	{0},
};

static void free_words(struct file_words *file)
{
	for (size_t i = 0; i < file->tariff_count; i++) {
		struct tariff_words *tariff = &file->tariffs[i];

		for (size_t s = 0; s < tariff->step_count; s++) {
			free(tariff->steps[s].up_to);
			free(tariff->steps[s].price);
		}
		for (size_t c = 0; c < tariff->customer_count; c++)
			free(tariff->customers[c]);
		free(tariff->steps);
		free(tariff->customers);
		free(tariff->name);
		free(tariff->measure);
		free(tariff->direction);
		free(tariff->flat);
		free(tariff->included);
	}
	free(file->tariffs);
	free(file->currency);
	free(file->issuer);
	free(file->vat);
	free(file->by);
}

/* ---- from words to values ---- */

/* Where a group's setting stands, for messages. */
struct spot {
	struct conf *conf;
	config_setting_t *group;
};

static bool fail(const struct spot *at, const char *key, const char *text, const char *allowed)
{
	config_setting_t *setting = config_setting_get_member(at->group, key);

	return conf_fail(at->conf, setting ? setting : at->group, "\"%s\" is \"%s\": %s", key, text,
		allowed);
}

/* TEXT, unless it was left out, as money or as a quantity in millionths. */
static bool set_amount(const struct spot *at, const char *key, const char *text, int64_t *value)
{
	return !text || money_parse(text, value) ||
	       fail(at, key, text,
		       "an amount is a text such as \"0.85\", not negative, with up to six digits"
		       " behind the point");
}

static bool set_word(const struct spot *at, const char *key, const char *text,
	const char *const *words, size_t count, void *value)
{
	char allowed[128] = "allowed are";

	if (!text)
		return true;
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(words[i], text)) {
			*(unsigned *)value = (unsigned)i;
			return true;
		}
		snprintf(allowed + strlen(allowed), sizeof(allowed) - strlen(allowed), " \"%s\"",
			words[i]);
	}
	return fail(at, key, text, allowed);
}

#define WORDS(words) words, sizeof(words) / sizeof((words)[0])

static uint64_t in_octets(const struct tariff *tariff, int64_t millionths)
{
	return (uint64_t)((unsigned __int128)millionths * tariff_per(tariff) / MONEY_ONE);
}

static bool append_step(const struct spot *at, struct tariff *tariff, uint64_t up_to, int64_t price)
{
	uint64_t before = tariff->step_count ? tariff->steps[tariff->step_count - 1].up_to : 0;

	tariff->steps[tariff->step_count++] = (struct tariff_step){up_to, price};
	return up_to > before ||
	       conf_fail(at->conf, at->group,
		       "steps of tariff \"%s\": each \"up_to\" is more than the one before (and than"
		       " \"included\"), and only the last step is without one",
		       tariff->name);
}

static bool set_step(const struct spot *at, struct tariff *tariff, const struct step_words *words)
{
	int64_t up_to = 0, price = 0;

	return set_amount(at, "up_to", words->up_to, &up_to) &&
	       set_amount(at, "price", words->price, &price) &&
	       append_step(at, tariff, words->up_to ? in_octets(tariff, up_to) : UINT64_MAX, price);
}

static bool set_steps(const struct spot *at, struct tariff *tariff,
	const struct tariff_words *words)
{
	config_setting_t *list = config_setting_get_member(at->group, "steps");
	int64_t included = 0;

	tariff->steps = x_calloc(words->step_count + 1, sizeof(*tariff->steps));
	if (!set_amount(at, "included", words->included, &included))
		return false;
	if (included && !append_step(at, tariff, in_octets(tariff, included), 0))
		return false;
	for (size_t i = 0; i < words->step_count; i++) {
		struct spot step = {at->conf, config_setting_get_elem(list, (unsigned)i)};

		if (!set_step(&step, tariff, &words->steps[i]))
			return false;
	}
	return !words->step_count || tariff->steps[tariff->step_count - 1].up_to == UINT64_MAX ||
	       conf_fail(at->conf, list, "the last step of tariff \"%s\" has no \"up_to\"",
		       tariff->name);
}

static bool set_tariff(const struct spot *at, struct tariff *tariff, struct tariff_words *words,
	enum tariff_by by)
{
	tariff->name = x_strdup(words->name);
	tariff->customers = words->customers;
	tariff->customer_count = words->customer_count;
	words->customers = NULL;
	words->customer_count = 0;
	if (!set_amount(at, "flat", words->flat, &tariff->flat) ||
		!set_word(at, "measure", words->measure, WORDS(measure_words), &tariff->measure) ||
		!set_word(at, "direction", words->direction, WORDS(direction_words),
			&tariff->direction))
		return false;
	if (by == TARIFF_BY_CLASS && tariff->direction != TARIFF_BOTH)
		return fail(at, "direction", words->direction,
			"a class has no side: its direction is \"both\"");
	return set_steps(at, tariff, words);
}

static bool set_list(struct conf *conf, struct tariffs *tariffs, struct file_words *words)
{
	config_setting_t *list = config_setting_get_member(conf_root(conf), "tariffs");

	tariffs->list = x_calloc(words->tariff_count, sizeof(*tariffs->list));
	for (size_t i = 0; i < words->tariff_count; i++) {
		struct spot at = {conf, config_setting_get_elem(list, (unsigned)i)};

		tariffs->count++;
		if (!set_tariff(&at, &tariffs->list[i], &words->tariffs[i], tariffs->by))
			return false;
	}
	return true;
}

static bool set_all(struct conf *conf, struct tariffs *tariffs, struct file_words *words)
{
	struct spot root = {conf, conf_root(conf)};

	tariffs->vat = -1;
	tariffs->digits = words->digits;
	tariffs->currency = x_strdup(words->currency);
	tariffs->issuer = x_strdup(words->issuer ? words->issuer : "");
	strcpy(tariffs->users, words->users);
	if (!set_amount(&root, "vat", words->vat, &tariffs->vat) ||
		!set_word(&root, "by", words->by, WORDS(by_words), &tariffs->by))
		return false;
	if (!words->tariff_count)
		return conf_fail(conf, root.group, "\"tariffs\" needs at least one tariff");
	if (tariffs->by == TARIFF_BY_USER && !*tariffs->users)
		return conf_fail(conf, root.group,
			"to charge by user, name the file of prefixes and users with \"users\"");
	return set_list(conf, tariffs, words);
}

int tariffs_load(struct tariffs *tariffs, const char *path)
{
	struct file_words words = {.digits = 2};
	struct conf conf;
	int code = conf_open(&conf, path);

	*tariffs = (struct tariffs){0};
	if (!code && !(conf_fill(&conf, conf_root(&conf), file_keys, &words) &&
			     set_all(&conf, tariffs, &words)))
		code = MIRA_PERSON;
	if (code)
		tariffs_free(tariffs);
	free_words(&words);
	conf_close(&conf);
	return code;
}

void tariffs_free(struct tariffs *tariffs)
{
	for (size_t i = 0; i < tariffs->count; i++) {
		struct tariff *tariff = &tariffs->list[i];

		for (size_t c = 0; c < tariff->customer_count; c++)
			free(tariff->customers[c]);
		free(tariff->customers);
		free(tariff->steps);
		free(tariff->name);
	}
	free(tariffs->list);
	free(tariffs->currency);
	free(tariffs->issuer);
}

/* ---- asking ---- */

const struct tariff *tariff_of(const struct tariffs *tariffs, const char *customer)
{
	for (size_t i = 0; i < tariffs->count; i++) {
		const struct tariff *tariff = &tariffs->list[i];

		for (size_t c = 0; c < tariff->customer_count; c++)
			if (!fnmatch(tariff->customers[c], customer, 0))
				return tariff;
		if (!tariff->customer_count)
			return tariff;
	}
	return NULL;
}

uint64_t tariff_per(const struct tariff *tariff)
{
	return tariff->measure == TARIFF_VOLUME ? TARIFF_PER_GB : TARIFF_PER_MBITS;
}

const char *tariff_by_word(enum tariff_by by)
{
	return by_words[by];
}

const char *tariff_measure_word(enum tariff_measure measure)
{
	return measure_words[measure];
}

const char *tariff_direction_word(enum tariff_direction direction)
{
	return direction_words[direction];
}
