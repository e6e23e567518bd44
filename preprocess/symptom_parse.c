/*
 * symptom_parse.c: reads symptom files. Between what the administrator writes and symptom.c, which compiles it; no
 * packet comes near here.
 *
 * A line is read by a cursor; each kind of line and each restriction is a row of a table. The first error ends the
 * reading, for what follows it is often wrong only because of it.
 */
#include "preprocess/symptom_parse.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <hs.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "spool/log.h"
#include "spool/names.h"
#include "spool/nfs.h"

#define NAME_MAX_BYTES 63
#define RULES_MAX      UINT16_MAX /* hits are 16-bit indices */
#define PORT_MAX       65535

struct line {
	struct symptom_source *source;
	const char *text, *at; /* NUL-terminated; the next byte */
	uint32_t file;
	int number;
};

/* Bytes on their way to a regular expression. */
struct expression {
	char *text;
	size_t size, room;
};

/* Columns of a biflow: a symptom of that name would be hidden by them in policy.conf. */
static const char *const reserved[] = {"window_ms", "start_ms", "end_ms", "duration_s", "hour", "weekday", "proto",
	"src", "sport", "dst", "dport", "packets", "octets", "reverse_packets", "reverse_octets", "total_packets",
	"total_octets", "tcp_flags", "class", "verdict", "rule", "symptoms", "aggregate", "host_name", "tunnel",
	"probe", "vlan", "user"};

static int refuse(const struct line *line, const char *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(const struct line *line, const char *at, const char *format, ...)
{
	char why[512];
	va_list list;

	va_start(list, format);
	vsnprintf(why, sizeof(why), format, list);
	va_end(list);
	log_err("%s:%d:%d: %s", line->source->files[line->file], line->number, (int)(at - line->text) + 1, why);
	return -1;
}

/* grow(): room for one more of SIZE bytes in an array of COUNT. */
static void *grow(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? *room * 2 : 16;
	return x_realloc(array, *room * size);
}

static void skip_blanks(struct line *line)
{
	while (*line->at == ' ' || *line->at == '\t')
		line->at++;
}

static bool at_end(struct line *line)
{
	skip_blanks(line);
	return !*line->at || *line->at == '#';
}

/* word(): the next run of non-blank bytes; NULL at the end of the line. */
static const char *word(struct line *line, size_t *size)
{
	const char *start;

	if (at_end(line))
		return NULL;
	start = line->at;
	while (*line->at && *line->at != ' ' && *line->at != '\t')
		line->at++;
	*size = line->at - start;
	return start;
}

static bool is_word(const char *text, size_t size, const char *expected)
{
	return strlen(expected) == size && !memcmp(text, expected, size);
}

/* ---- expressions ---- */

static void append(struct expression *out, const char *text, size_t size)
{
	if (out->size + size + 1 > out->room) {
		out->room = (out->size + size + 1) * 2;
		out->text = x_realloc(out->text, out->room);
	}
	memcpy(out->text + out->size, text, size);
	out->size += size;
	out->text[out->size] = 0;
}

static void append_byte(struct expression *out, unsigned value)
{
	char escaped[8];
	bool plain = value < 128 && isalnum((int)value);

	append(out, escaped, (size_t)snprintf(escaped, sizeof(escaped), plain ? "%c" : "\\x%02x", value));
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)tolower((unsigned char)digit);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* hex_pair(): the value of two hex digits, -1 when they are none. */
static int hex_pair(const char *text)
{
	int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

	return low < 0 ? -1 : high << 4 | low;
}

/* options(): `start` and `nocase` after a pattern; wraps the expression and keeps it. */
static int keep_pattern(struct line *line, struct expression *expression, unsigned flags)
{
	struct symptom_source *source = line->source;
	struct symptom_rule *rule = &source->rules[source->rule_count - 1];
	bool start = false;
	const char *text;
	size_t size;

	while ((text = word(line, &size))) {
		if (is_word(text, size, "start"))
			start = true;
		else if (is_word(text, size, "nocase"))
			flags |= HS_FLAG_CASELESS;
		else
			return refuse(line, text, "unknown option '%.*s'; allowed are start and nocase",
				(int)size, text);
	}
	source->patterns = grow(source->patterns, source->pattern_count, &source->pattern_room,
		sizeof(*source->patterns));
	source->patterns[source->pattern_count++] = (struct symptom_pattern){
		.expression = x_sprintf(start ? "^(?:%s)" : "%s", expression->text),
		.flags = flags,
		.rule = (uint32_t)source->rule_count - 1,
		.place = {line->file, line->number},
	};
	rule->patterns++;
	return 0;
}

/* ---- text "..." ---- */

/* escape(): what follows a backslash in a quoted text; the byte, or -1. */
static int escape(struct line *line)
{
	static const char from[] = "rnt\\\"", to[] = "\r\n\t\\\"";
	const char *found;
	int value;

	if (*line->at == 'x') {
		value = hex_pair(line->at + 1);
		line->at += value < 0 ? 0 : 3;
		return value;
	}
	found = *line->at ? strchr(from, *line->at) : NULL;
	if (!found)
		return -1;
	line->at++;
	return (unsigned char)to[found - from];
}

static int read_quoted(struct line *line, struct expression *out)
{
	const char *quote = line->at++;
	int value;

	while (*line->at != '"') {
		if (!*line->at)
			return refuse(line, quote, "the quoted text has no end; close it with \"");
		value = (unsigned char)*line->at++;
		if (value == '\\') {
			value = escape(line);
			if (value < 0)
				return refuse(line, line->at - 1,
					"unknown escape; allowed are \\r \\n \\t \\\\ \\\" and \\xHH");
		}
		append_byte(out, (unsigned)value);
	}
	if (line->at++ == quote + 1)
		return refuse(line, quote, "the text is empty; it would be found in every packet");
	return 0;
}

static int parse_text(struct line *line, struct expression *out)
{
	if (at_end(line) || *line->at != '"')
		return refuse(line, line->at, "a text in double quotes is expected, as in: text \"GET /\"");
	return read_quoted(line, out) ? -1 : keep_pattern(line, out, 0);
}

/* ---- hex 13 ?? 69 ---- */

static bool is_hex_word(const char *text, size_t size)
{
	return size == 2 && (hex_pair(text) >= 0 || !memcmp(text, "??", 2));
}

static int parse_hex(struct line *line, struct expression *out)
{
	const char *text;
	size_t size, bytes = 0, fixed = 0;

	for (; (text = word(line, &size)) && is_hex_word(text, size); bytes++) {
		if (*text == '?') {
			append(out, "[\\x00-\\xff]", 11);
			continue;
		}
		append_byte(out, (unsigned)hex_pair(text));
		fixed++;
	}
	if (text)
		line->at = text;
	if (text && !is_word(text, size, "start") && !is_word(text, size, "nocase"))
		return refuse(line, text, "'%.*s' is no byte; bytes are two hex digits or ??, one by one, as in: hex 13 ?? 69",
			(int)size, text);
	if (!fixed)
		return refuse(line, line->at, "%s", bytes ? "at least one byte must be known" :
			"bytes are expected, as in: hex 13 42 69");
	return keep_pattern(line, out, 0);
}

/* ---- regex /.../ims ---- */

static int read_flags(struct line *line, unsigned *flags)
{
	static const struct {
		char letter;
		unsigned flag;
	} table[] = {{'i', HS_FLAG_CASELESS}, {'s', HS_FLAG_DOTALL}, {'m', HS_FLAG_MULTILINE}};

	for (; *line->at && *line->at != ' ' && *line->at != '\t' && *line->at != '#'; line->at++) {
		size_t i = 0;
		while (i < 3 && table[i].letter != *line->at)
			i++;
		if (i == 3)
			return refuse(line, line->at, "unknown flag '%c'; allowed are i, s and m", *line->at);
		*flags |= table[i].flag;
	}
	return 0;
}

static int parse_regex(struct line *line, struct expression *out)
{
	const char *slash;
	unsigned flags = 0;

	if (at_end(line) || *line->at != '/')
		return refuse(line, line->at, "an expression between slashes is expected, as in: regex /^a+/i");
	for (slash = line->at++; *line->at && *line->at != '/'; line->at++) {
		if (*line->at == '\\' && line->at[1]) {
			if (line->at[1] != '/')
				append(out, line->at, 1);
			line->at++;
		}
		append(out, line->at, 1);
	}
	if (!*line->at++)
		return refuse(line, slash, "the expression has no end; close it with /");
	if (!out->size)
		return refuse(line, slash, "the expression is empty; it would be found in every packet");
	return read_flags(line, &flags) ? -1 : keep_pattern(line, out, flags);
}

/* ---- host name ---- */

/* host_ok(): labels of letters, digits, '-' and '_' with single dots between them. */
static bool host_ok(const char *text, size_t size)
{
	if (!size || size > 253 || text[0] == '.' || text[size - 1] == '.')
		return false;
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (!isalnum(byte) && byte != '-' && byte != '_' && (byte != '.' || text[i - 1] == '.'))
			return false;
	}
	return true;
}

static int parse_host(struct line *line, struct expression *out)
{
	struct symptom_source *source = line->source;
	struct symptom_host *host;
	size_t size = 0;
	const char *text = word(line, &size);

	if (!text || !host_ok(text, size))
		return refuse(line, text ? text : line->at, "a host name is expected, as in: host youtube.com");
	if (!at_end(line))
		return refuse(line, line->at, "nothing may follow a host name; write one on each line");
	source->hosts = grow(source->hosts, source->host_count, &source->host_room, sizeof(*host));
	host = &source->hosts[source->host_count++];
	*host = (struct symptom_host){x_sprintf("%.*s", (int)size, text), (uint32_t)source->rule_count - 1,
		{line->file, line->number}};
	for (char *c = host->suffix; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	source->rules[source->rule_count - 1].hosts++;
	return 0;
}

/* ---- symptom NAME TRANSPORTS port LIST size LIST ---- */

bool symptom_list_has(const struct symptom_list *list, uint32_t value)
{
	for (size_t i = 0; i < list->count; i++)
		if (value >= list->ranges[i].first && value <= list->ranges[i].last)
			return true;
	return false;
}

/* number(): digits up to 65535 at *AT, before END; -1 when there are none or too many. */
static int64_t number(const char **at, const char *end)
{
	const char *start = *at;
	int64_t value = 0;

	while (*at < end && isdigit((unsigned char)**at) && value <= PORT_MAX)
		value = value * 10 + *(*at)++ - '0';
	return *at == start || value > PORT_MAX ? -1 : value;
}

static int read_list(struct line *line, struct symptom_list *list, const char *what)
{
	size_t size = 0, room = list->count;
	const char *at = word(line, &size), *end = at ? at + size : NULL;

	if (!at)
		return refuse(line, line->at, "%s must be followed by a list, as in: %s 53,5353,6000-6063", what, what);
	for (; at < end; at++) {
		const char *start = at;
		int64_t first = number(&at, end), last = first;
		if (first >= 0 && at < end && *at == '-') {
			at++;
			last = number(&at, end);
		}
		if (first < 0 || last < first || (at < end && *at != ',') || at + 1 == end)
			return refuse(line, start, "a list of numbers and ranges from 0 to %d is expected, as in: "
				"%s 53,5353,6000-6063", PORT_MAX, what);
		list->ranges = grow(list->ranges, list->count, &room, sizeof(*list->ranges));
		list->ranges[list->count++] = (struct symptom_range){(uint32_t)first, (uint32_t)last};
	}
	return 0;
}

static int read_transports(struct line *line, const char *text, size_t size, uint8_t *transports)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} table[] = {{"tcp", SYMPTOM_TCP}, {"udp", SYMPTOM_UDP}, {"sctp", SYMPTOM_SCTP}, {"icmp", SYMPTOM_ICMP},
		{"any", 0}};

	for (const char *end = text + size; text <= end; text++) {
		size_t length = strcspn(text, ", \t"), i = 0;
		while (i < 5 && !is_word(text, length, table[i].name))
			i++;
		if (i == 5)
			return refuse(line, text, "'%.*s' is not understood; allowed are transports (tcp udp sctp icmp "
				"any), port LIST and size LIST", (int)length, text);
		*transports |= table[i].bit;
		text += length;
	}
	return 0;
}

static int read_restrictions(struct line *line, struct symptom_rule *rule)
{
	const char *text;
	size_t size;
	int error = 0;

	while (!error && (text = word(line, &size))) {
		if (is_word(text, size, "port"))
			error = read_list(line, &rule->ports, "port");
		else if (is_word(text, size, "size"))
			error = read_list(line, &rule->sizes, "size");
		else
			error = read_transports(line, text, size, &rule->transports);
	}
	return error;
}

/* name_ok(): [a-z][a-z0-9_]*, and no column of a biflow. */
static int check_name(const struct line *line, const char *text, size_t size)
{
	size_t good = 0;

	while (good < size && (islower((unsigned char)text[good]) ||
		(good && (isdigit((unsigned char)text[good]) || text[good] == '_'))))
		good++;
	if (!size || good < size || size > NAME_MAX_BYTES)
		return refuse(line, text, "'%.*s' is no name of a symptom; allowed are a letter a-z, then letters, "
			"digits and _, %d in all", (int)size, text, NAME_MAX_BYTES);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (is_word(text, size, reserved[i]))
			return refuse(line, text, "'%s' is a column of every biflow; choose another name", reserved[i]);
	return 0;
}

static int check_unique(const struct line *line, const char *text, size_t size)
{
	const struct symptom_source *source = line->source;

	for (size_t i = 0; i < source->rule_count; i++) {
		const struct symptom_rule *other = &source->rules[i];
		if (is_word(text, size, other->name))
			return refuse(line, text, "symptom '%s' stands already at %s:%d; join them or rename one",
				other->name, source->files[other->place.file], other->place.line);
	}
	return source->rule_count < RULES_MAX ? 0 : refuse(line, text, "more than %d symptoms", RULES_MAX);
}

/* check_last(): the symptom before must have something to look for. */
static int check_last(const struct symptom_source *source)
{
	const struct symptom_rule *rule = source->rule_count ? &source->rules[source->rule_count - 1] : NULL;

	if (!rule || rule->patterns || rule->hosts)
		return 0;
	log_err("%s:%d:1: symptom '%s' has no pattern; add a line text, hex, regex or host below it, or remove it",
		source->files[rule->place.file], rule->place.line, rule->name);
	return -1;
}

static int parse_symptom(struct line *line, struct expression *out)
{
	struct symptom_source *source = line->source;
	size_t size = 0;
	const char *text = word(line, &size);

	if (!text)
		return refuse(line, line->at, "a name is expected, as in: symptom dns udp,tcp port 53");
	if (check_last(source) || check_name(line, text, size) || check_unique(line, text, size))
		return -1;
	source->rules = grow(source->rules, source->rule_count, &source->rule_room, sizeof(*source->rules));
	source->rules[source->rule_count] = (struct symptom_rule){
		.name = x_sprintf("%.*s", (int)size, text),
		.place = {line->file, line->number},
	};
	return read_restrictions(line, &source->rules[source->rule_count++]);
}

/* ---- lines and files ---- */

static int parse_line(struct line *line)
{
	static const struct {
		const char *word;
		int (*parse)(struct line *line, struct expression *out);
	} kinds[] = {{"symptom", parse_symptom}, {"text", parse_text}, {"hex", parse_hex}, {"regex", parse_regex},
		{"host", parse_host}};
	struct expression expression = {0};
	const char *text;
	size_t size = 0, i = 0;
	int result;

	if (at_end(line))
		return 0;
	text = word(line, &size);
	while (i < 5 && !is_word(text, size, kinds[i].word))
		i++;
	if (i == 5)
		return refuse(line, text, "'%.*s' is not understood; a line begins with symptom, text, hex, regex, host "
			"or #", (int)size, text);
	/* The first symptom of a file: a pattern above it would fall to the last symptom of the file before. */
	if (i && (!line->source->rule_count ||
		line->source->rules[line->source->rule_count - 1].place.file != line->file))
		return refuse(line, text, "a pattern needs a symptom line above it");
	result = kinds[i].parse(line, &expression);
	free(expression.text);
	return result;
}

/* read_line(): one line of SIZE bytes, as a NUL-terminated copy. */
static int read_line(struct line *line, const char *text, size_t size)
{
	char *copy;
	int result;

	if (size && text[size - 1] == '\r')
		size--;
	copy = x_sprintf("%.*s", (int)size, text);
	line->text = line->at = copy;
	result = size <= INT_MAX && strlen(copy) == size ? parse_line(line) :
		refuse(line, copy + strlen(copy), "a zero byte; is this a text file?");
	free(copy);
	return result;
}

int symptom_source_text(struct symptom_source *source, const char *file, const char *text, size_t size)
{
	const char *end = text + size;
	struct line line = {.source = source, .file = (uint32_t)source->file_count};

	source->files = grow(source->files, source->file_count, &source->file_room, sizeof(*source->files));
	source->files[source->file_count++] = x_strdup(file);
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((stop ? stop : end) - text);
		line.number++;
		if (read_line(&line, text, length))
			return -1;
		text += length + (stop ? 1 : 0);
	}
	return check_last(source);
}

static int read_file(struct symptom_source *source, const char *folder, const char *name)
{
	char path[PATH_MAX];
	size_t size = 0;
	char *text = nfs_join(path, folder, name) ? NULL : nfs_read_file(path, &size);
	int result;

	if (!text) {
		log_err("cannot read the symptom file %s/%s: %s", folder, name, strerror(errno));
		return -1;
	}
	result = symptom_source_text(source, path, text, size);
	free(text);
	return result;
}

static bool is_symptom_file(const char *name)
{
	size_t size = strlen(name);

	return size > 4 && !strcmp(name + size - 4, ".sym");
}

int symptom_source_load(struct symptom_source *source, const char *folder)
{
	struct namelist names = {0};
	int result = 0;

	*source = (struct symptom_source){0};
	if (nfs_list(folder, &names)) {
		log_err("cannot read the folder of symptom files %s: %s", folder, strerror(errno));
		namelist_free(&names);
		return -1;
	}
	namelist_sort(&names);
	for (size_t i = 0; i < names.count && !result; i++)
		if (is_symptom_file(names.names[i]))
			result = read_file(source, folder, names.names[i]);
	namelist_free(&names);
	if (result)
		symptom_source_free(source);
	return result;
}

static void free_rule(struct symptom_rule *rule)
{
	free(rule->name);
	free(rule->ports.ranges);
	free(rule->sizes.ranges);
}

void symptom_source_free(struct symptom_source *source)
{
	for (size_t i = 0; i < source->file_count; i++)
		free(source->files[i]);
	for (size_t i = 0; i < source->rule_count; i++)
		free_rule(&source->rules[i]);
	for (size_t i = 0; i < source->pattern_count; i++)
		free(source->patterns[i].expression);
	for (size_t i = 0; i < source->host_count; i++)
		free(source->hosts[i].suffix);
	free(source->files);
	free(source->rules);
	free(source->patterns);
	free(source->hosts);
	*source = (struct symptom_source){0};
}
