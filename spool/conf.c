/*
 * conf.c: what an operator writes, read so that a mistake is found at the start and named by file
 * and line. The stages see structures only.
 */
#include "spool/conf.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/config.h"
#include "spool/log.h"
#include "spool/nfs.h"

bool conf_fail(const struct conf *conf, const config_setting_t *at, const char *format, ...)
{
	char text[2048];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_err("%s:%d: %s", conf->path, config_setting_source_line(at), text);
	return false;
}

static int complain(const char *path)
{
	int error = errno, code;

	nfs_remedy(error, &code);
	log_err("cannot read %s: %s; name another file or correct its owner", path,
		strerror(error));
	return code;
}

/* Behind a string or comment that begins at TEXT, or TEXT itself. */
static const char *skip_quoted(const char *text)
{
	if (*text == '#' || (text[0] == '/' && text[1] == '/'))
		return text + strcspn(text, "\n");
	if (text[0] == '/' && text[1] == '*') {
		const char *end = strstr(text + 2, "*/");

		return end ? end + 2 : text + strlen(text);
	}
	if (*text != '"')
		return text;
	for (text++; *text && *text != '"'; text++)
		if (*text == '\\' && text[1])
			text++;
	return text + (*text == '"');
}

static bool is_long_number(const char *word, size_t length)
{
	size_t from = word[0] == '-';

	if (length < from + 9 || word[length - 1] == 'L')
		return false;
	if (word[from] == '0' && (word[from + 1] == 'x' || word[from + 1] == 'X'))
		return true;
	for (size_t i = from; i < length; i++)
		if (!isdigit((unsigned char)word[i]))
			return false;
	return true;
}

/*
 * libconfig 1.5 cuts an integer without the suffix L to 32 bits in silence: 4294967296 is read as 0
 * (seen). So long numbers get the suffix here. Lines stay where they are.
 */
static char *widen_numbers(const char *text)
{
	static const char word_bytes[] =
		"-*._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char *out = x_calloc(1, strlen(text) * 2 + 1), *at = out;

	while (*text) {
		size_t length = (size_t)(skip_quoted(text) - text);
		bool word = length == 0;

		if (word)
			length = strspn(text, word_bytes);
		word = word && length;
		length = length ? length : 1;
		memcpy(at, text, length);
		at += length;
		if (word && is_long_number(text, length))
			*at++ = 'L';
		text += length;
	}
	return out;
}

/* Line of the first @include, or 0. */
static int find_include(const char *text)
{
	for (int line = 1; *text; line++) {
		text += strspn(text, " \t");
		if (strncmp(text, "@include", 8) == 0)
			return line;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return 0;
}

static int parse(struct conf *conf, const char *text, size_t size)
{
	int line = find_include(text), result = MIRA_OK;
	char *wide;

	if (strlen(text) != size) {
		log_err("%s: not a text file: a NUL byte stands in it", conf->path);
		return MIRA_PERSON;
	}
	if (line) {
		log_err("%s:%d: @include is not allowed: write the settings into this file",
			conf->path, line);
		return MIRA_PERSON;
	}
	wide = widen_numbers(text);
	if (!config_read_string(&conf->tree, wide)) {
		log_err("%s:%d: %s; the form is: name = value;", conf->path,
			config_error_line(&conf->tree), config_error_text(&conf->tree));
		result = MIRA_PERSON;
	}
	free(wide);
	return result;
}

/* Read by ourselves: libconfig ends the process when it is given a folder. */
int conf_open(struct conf *conf, const char *path)
{
	size_t size;
	char *text = nfs_read_file(path, &size);
	int result;

	conf->path = path;
	config_init(&conf->tree);
	if (!text)
		return complain(path);
	result = parse(conf, text, size);
	free(text);
	return result;
}

void conf_close(struct conf *conf)
{
	config_destroy(&conf->tree);
}

config_setting_t *conf_root(struct conf *conf)
{
	return config_root_setting(&conf->tree);
}

static bool is_key(const struct conf_key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (strcmp(keys->name, name) == 0)
			return true;
	return false;
}

static bool fail_unknown(struct conf *conf, config_setting_t *at, const struct conf_key *keys)
{
	char allowed[1024];
	size_t used = 0;

	for (; keys->name && used < sizeof(allowed); keys++)
		used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
			used ? ", " : "", keys->name);
	return conf_fail(conf, at, "\"%s\" is no setting; allowed here: %s",
		config_setting_name(at), allowed);
}

static bool known(struct conf *conf, config_setting_t *group, const struct conf_key *keys)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);

		if (!is_key(keys, config_setting_name(setting)))
			return fail_unknown(conf, setting, keys);
	}
	return true;
}

static bool is_integer(config_setting_t *setting)
{
	int type = config_setting_type(setting);

	return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
}

static bool fill_integer(struct conf *conf, config_setting_t *setting, const struct conf_key *key,
	void *out)
{
	long long value = is_integer(setting) ? config_setting_get_int64(setting) : 0;

	if (!is_integer(setting) || (double)value < key->min || (double)value > key->max)
		return conf_fail(conf, setting, "\"%s\" must be a whole number from %.0f to %.0f",
			key->name, key->min, key->max);
	if (key->type == CONF_U32)
		*(uint32_t *)out = (uint32_t)value;
	else
		*(uint64_t *)out = (uint64_t)value;
	return true;
}

static bool fill_real(struct conf *conf, config_setting_t *setting, const struct conf_key *key,
	double *out)
{
	bool real = config_setting_type(setting) == CONFIG_TYPE_FLOAT;

	*out = real ? config_setting_get_float(setting) : 0;
	if (is_integer(setting))
		*out = (double)config_setting_get_int64(setting);
	/* written so that a NaN is refused */
	if ((real || is_integer(setting)) && *out >= key->min && *out <= key->max)
		return true;
	return conf_fail(conf, setting, "\"%s\" must be a number from %g to %g", key->name,
		key->min, key->max);
}

static bool fill_bool(struct conf *conf, config_setting_t *setting, const struct conf_key *key,
	bool *out)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return conf_fail(conf, setting, "\"%s\" must be true or false", key->name);
	*out = config_setting_get_bool(setting);
	return true;
}

static bool fill_text(struct conf *conf, config_setting_t *setting, const struct conf_key *key,
	void *out)
{
	const char *text = config_setting_get_string(setting);

	if (!text)
		return conf_fail(conf, setting, "\"%s\" must be a text in double quotes",
			key->name);
	if (key->type == CONF_PATH)
		return conf_resolve(conf->path, text, out) ||
		       conf_fail(conf, setting, "\"%s\" is longer than a path may be", key->name);
	free(*(char **)out);
	*(char **)out = x_strdup(text);
	return true;
}

static bool fill_list(struct conf *conf, config_setting_t *setting, const struct conf_key *key,
	void *structure)
{
	if (!config_setting_is_list(setting) && !config_setting_is_array(setting))
		return conf_fail(conf, setting, "\"%s\" must be a list: ( … ) or [ … ]", key->name);
	return key->list(conf, setting, structure);
}

static bool fill_group(struct conf *conf, config_setting_t *setting, const struct conf_key *key,
	void *structure)
{
	if (!config_setting_is_group(setting))
		return conf_fail(conf, setting, "\"%s\" must be a group: { … }", key->name);
	return key->list(conf, setting, structure);
}

static bool fill_one(struct conf *conf, config_setting_t *setting, const struct conf_key *key,
	void *structure)
{
	void *out = (char *)structure + key->offset;

	switch (key->type) {
	case CONF_TEXT:
	case CONF_PATH: return fill_text(conf, setting, key, out);
	case CONF_U32:
	case CONF_U64: return fill_integer(conf, setting, key, out);
	case CONF_REAL: return fill_real(conf, setting, key, out);
	case CONF_BOOL: return fill_bool(conf, setting, key, out);
	case CONF_LIST: return fill_list(conf, setting, key, structure);
	case CONF_GROUP: return fill_group(conf, setting, key, structure);
	case CONF_NONE: break;
	}
	return false;
}

bool conf_fill(struct conf *conf, config_setting_t *group, const struct conf_key *keys,
	void *structure)
{
	if (!known(conf, group, keys))
		return false;
	for (const struct conf_key *key = keys; key->name; key++) {
		config_setting_t *setting = config_setting_get_member(group, key->name);

		if (!setting && key->required)
			return conf_fail(conf, group, "\"%s\" is missing in this group", key->name);
		if (setting && !fill_one(conf, setting, key, structure))
			return false;
	}
	return true;
}

bool conf_groups(struct conf *conf, config_setting_t *list, const struct conf_key *keys,
	size_t size, void *array, size_t *count)
{
	int length = config_setting_length(list);
	char *items = x_calloc((size_t)length, size);

	*(void **)array = items;
	*count = 0;
	for (int i = 0; i < length; i++) {
		config_setting_t *group = config_setting_get_elem(list, (unsigned)i);

		if (!config_setting_is_group(group))
			return conf_fail(conf, group,
				"\"%s\" is a list of groups: ( { … }, { … } )",
				config_setting_name(list));
		(*count)++;
		if (!conf_fill(conf, group, keys, items + (size_t)i * size))
			return false;
	}
	return true;
}

const char *conf_text_at(struct conf *conf, config_setting_t *list, int index)
{
	const char *text = config_setting_get_string_elem(list, index);

	if (!text)
		conf_fail(conf, config_setting_get_elem(list, (unsigned)index),
			"\"%s\" is a list of texts in double quotes", config_setting_name(list));
	return text;
}

bool conf_number_at(struct conf *conf, config_setting_t *list, int index, uint32_t min,
	uint32_t max, uint32_t *number)
{
	config_setting_t *setting = config_setting_get_elem(list, (unsigned)index);
	long long value = is_integer(setting) ? config_setting_get_int64(setting) : -1;

	if (value < (long long)min || value > (long long)max)
		return conf_fail(conf, setting, "\"%s\" is a list of whole numbers from %u to %u",
			config_setting_name(list), min, max);
	*number = (uint32_t)value;
	return true;
}

bool conf_prefixes(struct conf *conf, config_setting_t *list, struct prefix **prefixes,
	size_t *count)
{
	*count = (size_t)config_setting_length(list);
	*prefixes = x_calloc(*count, sizeof(**prefixes));
	for (size_t i = 0; i < *count; i++) {
		const char *text = conf_text_at(conf, list, (int)i);

		if (!text)
			return false;
		if (!prefix_parse(text, &(*prefixes)[i]))
			return conf_fail(conf, config_setting_get_elem(list, (unsigned)i),
				"\"%s\" is no prefix; allowed are \"10.0.0.0/8\", "
				"\"2001:db8::/32\" "
				"or an address, without bits behind the length",
				text);
	}
	return true;
}

int conf_line(config_setting_t *group, const char *name)
{
	config_setting_t *member = config_setting_get_member(group, name);

	return (int)config_setting_source_line(member ? member : group);
}

bool conf_resolve(const char *file, const char *text, char *out)
{
	const char *slash = strrchr(file, '/');
	int folder = slash ? (int)(slash - file + 1) : 0, length;

	if (text[0] == '/' || text[0] == '\0')
		folder = 0;
	length = snprintf(out, PATH_MAX, "%.*s%s", folder, file, text);
	return length >= 0 && length < PATH_MAX;
}
