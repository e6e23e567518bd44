/*
 * import.c: files of rules: lines that are joined, variables, rules taken apart, and what is
 * written of them.
 */
#include "preprocess/import.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "spool/log.h"

/* ---- small things ---- */

int import_refuse(struct import_rule *rule, const char *format, ...)
{
	va_list list;

	if (*rule->result->why)
		return -1;
	va_start(list, format);
	vsnprintf(rule->result->why, IMPORT_WHY, format, list);
	va_end(list);
	for (char *c = rule->result->why; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	return -1;
}

bool import_number(const char *text, int64_t min, int64_t max, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 10);
	return !errno && end > text && !*end && !isspace((unsigned char)*text) && *text != '+' &&
	       *value >= min && *value <= max;
}

char *import_trim(char *text)
{
	size_t size;

	while (isspace((unsigned char)*text))
		text++;
	size = strlen(text);
	while (size && isspace((unsigned char)text[size - 1]))
		text[--size] = 0;
	return text;
}

/* ---- variables ---- */

struct import *import_new(void)
{
	return x_calloc(1, sizeof(struct import));
}

const char *import_variable(const struct import *import, const char *name, size_t size)
{
	for (size_t i = 0; i < import->variable_count; i++)
		if (strlen(import->variables[i].name) == size &&
			!memcmp(import->variables[i].name, name, size))
			return import->variables[i].value;
	return NULL;
}

void import_set(struct import *import, const char *name, const char *value)
{
	if (import_variable(import, name, strlen(name)))
		return;
	import->variables = x_realloc(import->variables,
		(import->variable_count + 1) * sizeof(*import->variables));
	import->variables[import->variable_count++] =
		(struct import_variable){x_strdup(name), x_strdup(value)};
}

/* snort_variable(): "ipvar NAME VALUE"; cuts the two apart. */
static bool snort_variable(char *line, char **name, char **value)
{
	char *save = NULL, *word = strtok_r(line, " \t", &save);

	if (!word || (strcmp(word, "var") && strcmp(word, "ipvar") && strcmp(word, "portvar")))
		return false;
	*name = strtok_r(NULL, " \t", &save);
	*value = save ? import_trim(save) : NULL;
	return *name && *value && **value;
}

/* yaml_variable(): "NAME: value", the value in quotes or not; a comment may follow. */
static bool yaml_variable(char *line, char **name, char **value)
{
	char *colon = strchr(line, ':'), *end;

	if (!colon || colon == line || !isupper((unsigned char)*line) ||
		strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != (size_t)(colon - line))
		return false;
	*colon = 0;
	*name = line;
	*value = import_trim(colon + 1);
	if (**value == '"' || **value == '\'') {
		end = strchr(*value + 1, **value);
		(*value)++;
	} else {
		end = strstr(*value, " #");
	}
	if (end)
		*end = 0;
	*value = import_trim(*value);
	return **value != 0;
}

/* append_line(): the bytes up to the end of a line, without blanks at their end; true when a
 * backslash there joins it with the next one, which takes its place. */
static bool append_line(char **copy, size_t *size, const char *at, size_t bytes)
{
	while (bytes && isspace((unsigned char)at[bytes - 1]))
		bytes--;
	*copy = x_realloc(*copy, *size + bytes + 1);
	memcpy(*copy + *size, at, bytes);
	*size += bytes;
	if (bytes && (*copy)[*size - 1] == '\\') {
		(*copy)[*size - 1] = ' ';
		return true;
	}
	(*copy)[*size] = 0;
	return false;
}

/* next_line(): a copy of the next line, joined with those that follow a final backslash; NULL at
 * the end. *LINE is its number, *LINES how many it was. */
static char *next_line(const char **text, int *line, int *lines)
{
	char *copy = NULL;
	size_t size = 0;
	bool joined = true;

	*line += *lines;
	for (*lines = 0; joined && **text; ++*lines) {
		size_t bytes = strcspn(*text, "\n");
		joined = append_line(&copy, &size, *text, bytes);
		*text += bytes + ((*text)[bytes] == '\n');
	}
	if (copy)
		copy[size] = 0;
	return copy;
}

void import_vars(struct import *import, const char *text)
{
	int line = 1, lines = 0;
	char *copy;

	for (; (copy = next_line(&text, &line, &lines)); free(copy)) {
		char *name, *value, *other = x_strdup(copy);
		if (snort_variable(import_trim(copy), &name, &value) ||
			yaml_variable(import_trim(other), &name, &value))
			import_set(import, name, value);
		free(other);
	}
}

/* ---- a rule ---- */

/* cut_word(): the next word of *REST: blanks within brackets belong to it. NULL at the end. */
static char *cut_word(char **rest)
{
	char *start = *rest + strspn(*rest, " \t"), *at = start;
	int depth = 0;

	for (; *at && (depth > 0 || (*at != ' ' && *at != '\t')); at++)
		depth += (*at == '[') - (*at == ']');
	*rest = at;
	if (*at)
		*(*rest)++ = 0;
	return at > start ? start : NULL;
}

/* cut_option(): up to a ';' outside of quotes; NULL at the end. */
static char *cut_option(char **rest)
{
	char *start = *rest, *at = start;
	bool quoted = false;

	if (!*start)
		return NULL;
	for (; *at && (quoted || *at != ';'); at++) {
		if (*at == '\\' && at[1])
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	*rest = at;
	if (*at)
		*(*rest)++ = 0;
	return start;
}

static int read_options(struct import_rule *rule, char *text)
{
	char *option, *rest = text;
	int result = 0;

	while ((option = cut_option(&rest))) {
		char *name = import_trim(option), *value = strchr(name, ':');
		if (!*name)
			continue;
		if (value) {
			*value = 0;
			name = import_trim(name);
			value++;
		}
		/* All are read, so that what is left out has its sid. */
		if (import_option(rule, name, value))
			result = -1;
	}
	return result;
}

static bool listed(const char *text, const char *const *list)
{
	while (*list && strcmp(*list, text) != 0)
		list++;
	return *list != NULL;
}

static int check_header(struct import_rule *rule)
{
	static const char *const actions[] = {"alert", "drop", "reject", "rejectsrc", "rejectdst",
		"rejectboth", "block", "log", "sdrop", NULL};
	static const char *const transports[] = {"tcp", "udp", "icmp", "sctp", "ip", "tcp-pkt",
		NULL};

	if (!listed(rule->head[0], actions))
		return import_refuse(rule, "the action '%.40s' does not say what to look for",
			rule->head[0]);
	if (!listed(rule->head[1], transports))
		return import_refuse(rule,
			"the protocol '%.40s' needs a parser of its own; those of transport are known: "
			"tcp, udp, icmp, sctp, ip, tcp-pkt",
			rule->head[1]);
	if (!strcmp(rule->head[1], "tcp-pkt"))
		rule->head[1][3] = 0;
	if (strcmp(rule->head[4], "->") && strcmp(rule->head[4], "<>"))
		return import_refuse(rule, "the direction '%.40s'; known are -> and <>",
			rule->head[4]);
	return 0;
}

/* read_rule(): LINE, which it takes apart. */
static int read_rule(struct import_rule *rule, char *line)
{
	char *open = strchr(line, '('), *close = strrchr(line, ')');
	static char any[] = "any";
	int result = 0;

	if (!open || !close || close < open || *import_trim(close + 1))
		return import_refuse(rule,
			"neither a rule nor a variable: a rule ends in ( options )");
	*open = *close = 0;
	for (size_t i = 0; i < 7; i++) {
		rule->head[i] = cut_word(&line);
		if (!rule->head[i])
			return import_refuse(rule,
				"a header without seven words: action, protocol, "
				"source, port, direction, destination, port");
	}
	result = cut_word(&line) ? import_refuse(rule, "a header with more than seven words")
				 : check_header(rule);
	result |= read_options(rule, open + 1);
	if (!strcmp(rule->head[1], "ip"))
		rule->head[1] = any;
	if (!rule->result->sid)
		return import_refuse(rule, "no sid");
	return result ? -1 : import_symptom(rule);
}

static void free_rule(struct import_rule *rule)
{
	for (size_t i = 0; i < rule->part_count; i++) {
		free(rule->parts[i].bytes);
		free(rule->parts[i].text);
	}
	free(rule->sizes);
	free(rule);
}

static const struct imported *same_sid(const struct import *import, uint64_t sid)
{
	for (size_t i = 0; i < import->count; i++)
		if (import->rules[i].symptom && import->rules[i].sid == sid)
			return &import->rules[i];
	return NULL;
}

/* check_unique(): an earlier one is kept; true when there is none. */
static bool check_unique(const struct import *import, struct imported *result)
{
	const struct imported *other = same_sid(import, result->sid);

	if (!other)
		return true;
	snprintf(result->why, IMPORT_WHY, "its sid stands already at %.200s:%d", other->file,
		other->line);
	free(result->symptom);
	result->symptom = NULL;
	return false;
}

static void import_one(struct import *import, const char *file, int line, char *text)
{
	struct imported result = {.file = x_strdup(file), .line = line};
	struct import_rule *rule = x_calloc(1, sizeof(*rule));

	rule->import = import;
	rule->result = &result;
	if (!read_rule(rule, text) && check_unique(import, &result))
		import->kept++;
	free_rule(rule);
	if (import->count == import->room) {
		import->room = import->room ? import->room * 2 : 64;
		import->rules = x_realloc(import->rules, import->room * sizeof(*import->rules));
	}
	import->rules[import->count++] = result;
}

void import_rules(struct import *import, const char *file, const char *text)
{
	int line = 1, lines = 0;
	char *copy;

	for (; (copy = next_line(&text, &line, &lines)); free(copy)) {
		char *rule = import_trim(copy), *words = x_strdup(rule), *name, *value;
		if (snort_variable(words, &name, &value))
			import_set(import, name, value);
		else if (*rule && *rule != '#')
			import_one(import, file, line, rule);
		free(words);
	}
}

void import_free(struct import *import)
{
	for (size_t i = 0; i < import->variable_count; i++) {
		free(import->variables[i].name);
		free(import->variables[i].value);
	}
	for (size_t i = 0; i < import->count; i++) {
		free(import->rules[i].file);
		free(import->rules[i].msg);
		free(import->rules[i].classtype);
		free(import->rules[i].symptom);
	}
	free(import->variables);
	free(import->rules);
	free(import);
}
