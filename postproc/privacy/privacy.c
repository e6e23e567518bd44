/*
 * privacy.c: the levels of privacy, between the store, which knows addresses, and whatever is shown.
 */
#include "postproc/privacy/privacy.h"

#include <arpa/inet.h>
#include <nettle/base16.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "postproc/privacy/privacy_key.h"
#include "spool/log.h"

struct privacy {
	const struct config_privacy *settings;
	enum privacy_level level; /* in force */
	uint8_t master[PSEUDONYM_MASTER];
	char period[PSEUDONYM_PERIOD];
	struct pseudonym_keys keys; /* of the period; without a master key not used */
};

struct privacy *privacy_new(const struct config *config, const char *db)
{
	struct privacy *privacy = x_calloc(1, sizeof(*privacy));
	char path[PATH_MAX];

	privacy->settings = &config->privacy;
	privacy->level = config->privacy.level;
	if (privacy->level == PRIVACY_PSEUDONYM &&
		privacy_key_read(privacy_key_path(privacy->settings, db, path), true,
			privacy->master)) {
		privacy->level = PRIVACY_GROUP;
		log_warn(
			"without the key there are no pseudonyms: hosts are withheld, and only groups of"
			" %u or more are shown",
			privacy->settings->group_min);
	}
	privacy_at(privacy, (int64_t)time(NULL) * 1000);
	return privacy;
}

void privacy_free(struct privacy *privacy)
{
	if (!privacy)
		return;
	explicit_bzero(privacy, sizeof(*privacy));
	free(privacy);
}

enum privacy_level privacy_level(const struct privacy *privacy)
{
	return privacy->level;
}

const char *privacy_word(const struct privacy *privacy)
{
	static const char *const words[] = {"group", "pseudonym", "address"};

	return words[privacy->level];
}

static const char *names_word(const struct privacy *privacy)
{
	if (privacy->level == PRIVACY_GROUP || privacy->settings->names == PRIVACY_NAMES_WITHHOLD)
		return PRIVACY_WITHHELD;
	return privacy->level == PRIVACY_ADDRESS ? "all" : "services";
}

json_t *privacy_describe(const struct privacy *privacy)
{
	static const char *const rotates[] = {"none", "day", "week", "month", "year"};

	return json_pack("{ss ss ss ss si}", "level", privacy_word(privacy), "rotate",
		rotates[privacy->settings->rotate], "period", privacy->period, "names",
		names_word(privacy), "group_min", (int)privacy->settings->group_min);
}

void privacy_at(struct privacy *privacy, int64_t ms)
{
	char period[PSEUDONYM_PERIOD];

	pseudonym_period(privacy->settings->rotate, ms, period);
	if (!strcmp(period, privacy->period))
		return;
	strcpy(privacy->period, period);
	pseudonym_keys(&privacy->keys, privacy->master, period);
}

/* ---- hosts ---- */

uint8_t privacy_parse(const char *address, uint8_t out[16])
{
	memset(out, 0, 16);
	if (inet_pton(AF_INET, address, out) == 1)
		return 4;
	return inet_pton(AF_INET6, address, out) == 1 ? 6 : 0;
}

static const char *copy(const char *text, char out[PRIVACY_TEXT])
{
	snprintf(out, PRIVACY_TEXT, "%s", text);
	return out;
}

const char *privacy_host(struct privacy *privacy, const char *address, char out[PRIVACY_TEXT])
{
	uint8_t bytes[16], version;

	if (privacy->level == PRIVACY_GROUP)
		return copy(PRIVACY_WITHHELD, out);
	if (privacy->level == PRIVACY_ADDRESS || pseudonym_is(address))
		return copy(address, out);
	version = privacy_parse(address, bytes);
	if (!version)
		return copy(PRIVACY_WITHHELD, out);
	pseudonym_host(&privacy->keys, version, bytes, out);
	return out;
}

bool privacy_address(struct privacy *privacy, uint8_t version, const uint8_t address[16],
	uint8_t out[16])
{
	memset(out, 0, 16);
	if (privacy->level == PRIVACY_GROUP)
		return false;
	if (privacy->level == PRIVACY_ADDRESS)
		memcpy(out, address, version == 4 ? 4 : 16);
	else
		pseudonym_prefix(&privacy->keys, version, address, out);
	return true;
}

const char *privacy_seal(struct privacy *privacy, const char *address, char out[PRIVACY_SEALED])
{
	uint8_t bytes[16], sealed[PSEUDONYM_SEALED], version = privacy_parse(address, bytes);
	char digits[BASE16_ENCODE_LENGTH(PSEUDONYM_SEALED) + 1] = "";

	if (!version)
		return NULL;
	pseudonym_seal(&privacy->keys, bytes, sealed);
	base16_encode_update(digits, sizeof(sealed), sealed);
	snprintf(out, PRIVACY_SEALED, "%u %s %s", version, privacy->period, digits);
	return out;
}

bool privacy_group(const struct privacy *privacy, uint64_t hosts)
{
	return privacy->level != PRIVACY_GROUP || hosts >= privacy->settings->group_min;
}

/* ---- texts ---- */

static const char *shown_name(struct privacy *privacy, const char *name, char out[PRIVACY_TEXT])
{
	if (privacy->level == PRIVACY_GROUP || privacy->settings->names == PRIVACY_NAMES_WITHHOLD)
		return PRIVACY_WITHHELD;
	if (privacy->level == PRIVACY_ADDRESS || pseudonym_is(name) ||
		!privacy_machine(privacy->settings, name))
		return name;
	pseudonym_name(&privacy->keys, name, out);
	return out;
}

char *privacy_names(struct privacy *privacy, const char *names)
{
	char *list = x_strdup(names), *rest = list, *name, shown[PRIVACY_TEXT];
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	while (out && (name = strsep(&rest, ",")))
		fprintf(out, "%s%s", name == list ? "" : ",", shown_name(privacy, name, shown));
	free(list);
	if (!out || fclose(out))
		die(MIRA_AGAIN, "out of memory for a name");
	return text;
}

/* The longest address that TEXT begins with, up to LENGTH: a port or a full stop may follow it. */
static size_t address_at(const char *text, size_t length, char address[INET6_ADDRSTRLEN])
{
	uint8_t bytes[16];

	while (length) {
		if (length < INET6_ADDRSTRLEN) {
			memcpy(address, text, length);
			address[length] = '\0';
			if (privacy_parse(address, bytes))
				return length;
		}
		do
			length--;
		while (length && !strchr(".:", text[length]));
	}
	return 0;
}

static void put_shown(struct privacy *privacy, const char *text, size_t length, FILE *out)
{
	char address[INET6_ADDRSTRLEN], shown[PRIVACY_TEXT];
	size_t used = address_at(text, length, address);

	if (used)
		fputs(privacy_host(privacy, address, shown), out);
	fwrite(text + used, 1, length - used, out);
}

char *privacy_text(struct privacy *privacy, const char *text)
{
	static const char of_address[] = "0123456789abcdefABCDEF.:";
	char *shown = NULL;
	size_t size;
	FILE *out = open_memstream(&shown, &size);

	while (out && *text) {
		size_t length = strspn(text, of_address), other;

		put_shown(privacy, text, length, out);
		text += length;
		other = strcspn(text, of_address);
		fwrite(text, 1, other, out);
		text += other;
	}
	if (!out || fclose(out))
		die(MIRA_AGAIN, "out of memory for a text");
	return shown;
}
