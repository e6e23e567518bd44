/*
 * symptom_pattern.c: reads the lines text, hex, regex, host and ja4 of a symptom. The first three
 * become regular expressions, so that symptom_compile.c knows one kind of pattern.
 */
#include <ctype.h>
#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "preprocess/symptom_line.h"
#include "spool/log.h"

/* Bytes on their way to a regular expression. */
struct expression {
	char *text;
	size_t size, room;
	uint32_t fixed; /* bytes of the payload that it stands for */
};

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

	out->fixed++;
	append(out, escaped,
		(size_t)snprintf(escaped, sizeof(escaped), plain ? "%c" : "\\x%02x", value));
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

/* ---- text "..." ---- */

/* escape(): what follows a backslash in a quoted text; the byte, or -1. */
static int escape(struct symptom_line *line)
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

static int read_quoted(struct symptom_line *line, struct expression *out)
{
	const char *quote = line->at++;
	int value;

	while (*line->at != '"') {
		if (!*line->at)
			return line_refuse(line, quote,
				"the quoted text has no end; close it with \"");
		value = (unsigned char)*line->at++;
		if (value == '\\') {
			value = escape(line);
			if (value < 0)
				return line_refuse(line, line->at - 1,
					"unknown escape; allowed are \\r \\n \\t \\\\ \\\" and "
					"\\xHH");
		}
		append_byte(out, (unsigned)value);
	}
	if (line->at++ == quote + 1)
		return line_refuse(line, quote,
			"the text is empty; it would be found in every packet");
	return 0;
}

static int read_text(struct symptom_line *line, struct expression *out)
{
	if (line_at_end(line) || *line->at != '"')
		return line_refuse(line, line->at,
			"a text in double quotes is expected, as in: text \"GET /\"");
	return read_quoted(line, out) ? -1 : line_keep_pattern(line, out->text, 0, out->fixed);
}

/* ---- hex 13 ?? 69 ---- */

static bool is_hex_word(const char *text, size_t size)
{
	return size == 2 && (hex_pair(text) >= 0 || !memcmp(text, "??", 2));
}

static int read_hex(struct symptom_line *line, struct expression *out)
{
	const char *text;
	size_t size, bytes = 0, fixed = 0;

	for (; (text = line_word(line, &size)) && is_hex_word(text, size); bytes++) {
		if (*text == '?') {
			append(out, "[\\x00-\\xff]", 11);
			out->fixed++;
			continue;
		}
		append_byte(out, (unsigned)hex_pair(text));
		fixed++;
	}
	if (text)
		line->at = text;
	if (text && !line_is_option(text, size))
		return line_refuse(line, text,
			"'%.*s' is no byte; bytes are two hex digits or ??, one by one, as in: hex "
			"13 ?? 69",
			(int)size, text);
	if (!fixed)
		return line_refuse(line, line->at, "%s",
			bytes ? "at least one byte must be known"
			      : "bytes are expected, as in: hex 13 42 69");
	return line_keep_pattern(line, out->text, 0, out->fixed);
}

/* ---- regex /.../ims ---- */

static int read_flags(struct symptom_line *line, unsigned *flags)
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
			return line_refuse(line, line->at,
				"unknown flag '%c'; allowed are i, s and m", *line->at);
		*flags |= table[i].flag;
	}
	return 0;
}

/* one_digit(): PCRE reads \x0[1-5] as byte 0 and five digits, which nobody means. */
static bool one_digit(const char *at)
{
	return at[0] == '\\' && at[1] == 'x' && at[2] != '{' && hex_pair(at + 2) < 0;
}

static int read_regex(struct symptom_line *line, struct expression *out)
{
	const char *slash;
	unsigned flags = 0;

	if (line_at_end(line) || *line->at != '/')
		return line_refuse(line, line->at,
			"an expression between slashes is expected, as in: regex /^a+/i");
	for (slash = line->at++; *line->at && *line->at != '/'; line->at++) {
		if (one_digit(line->at))
			return line_refuse(line, line->at,
				"\\x with one digit takes the next byte for itself; write two, as "
				"in \\x0a");
		if (*line->at == '\\' && line->at[1]) {
			if (line->at[1] != '/')
				append(out, line->at, 1);
			line->at++;
		}
		append(out, line->at, 1);
	}
	if (!*line->at++)
		return line_refuse(line, slash, "the expression has no end; close it with /");
	if (!out->size)
		return line_refuse(line, slash,
			"the expression is empty; it would be found in every packet");
	return read_flags(line, &flags) ? -1 : line_keep_pattern(line, out->text, flags, 0);
}

/* ---- the three of them ---- */

static int with_expression(struct symptom_line *line,
	int (*read)(struct symptom_line *line, struct expression *out))
{
	struct expression expression = {0};
	int result = read(line, &expression);

	free(expression.text);
	return result;
}

int line_parse_text(struct symptom_line *line)
{
	return with_expression(line, read_text);
}

int line_parse_hex(struct symptom_line *line)
{
	return with_expression(line, read_hex);
}

int line_parse_regex(struct symptom_line *line)
{
	return with_expression(line, read_regex);
}

int line_parse_pcre(struct symptom_line *line)
{
	line->confirmed = true;
	return with_expression(line, read_regex);
}

int line_parse_and(struct symptom_line *line)
{
	static const struct {
		const char *word;
		int (*parse)(struct symptom_line *line);
	} kinds[] = {{"text", line_parse_text}, {"hex", line_parse_hex},
		{"regex", line_parse_regex}, {"pcre", line_parse_pcre}};
	size_t size = 0;
	const char *text = line_word(line, &size);

	line->joined = true;
	line->negated = text && line_is(text, size, "not");
	if (line->negated)
		text = line_word(line, &size);
	for (size_t i = 0; text && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (line_is(text, size, kinds[i].word))
			return kinds[i].parse(line);
	return line_refuse(line, text ? text : line->at,
		"a pattern is expected: text, hex, regex or pcre, as in: and not text \"abc\"");
}

/* ---- host name ---- */

/* host_ok(): labels of letters, digits, '-' and '_' with single dots between them. */
static bool host_ok(const char *text, size_t size)
{
	if (!size || size > 253 || text[0] == '.' || text[size - 1] == '.')
		return false;
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (!isalnum(byte) && byte != '-' && byte != '_' &&
			(byte != '.' || text[i - 1] == '.'))
			return false;
	}
	return true;
}

/* add_host(): what stands behind PREFIX in the table of names, for the symptom at hand. */
static char *add_host(struct symptom_line *line, const char *prefix, const char *text, size_t size)
{
	struct symptom_source *source = line->source;
	struct symptom_host *host;

	source->hosts =
		line_grow(source->hosts, source->host_count, &source->host_room, sizeof(*host));
	host = &source->hosts[source->host_count++];
	*host = (struct symptom_host){x_sprintf("%s%.*s", prefix, (int)size, text),
		(uint32_t)source->rule_count - 1, {line->file, line->number}};
	source->rules[source->rule_count - 1].hosts++;
	return host->suffix;
}

int line_parse_host(struct symptom_line *line)
{
	size_t size = 0;
	const char *text = line_word(line, &size);

	if (!text || !host_ok(text, size))
		return line_refuse(line, text ? text : line->at,
			"a host name is expected, as in: host youtube.com");
	if (!line_at_end(line))
		return line_refuse(line, line->at,
			"nothing may follow a host name; write one on each line");
	for (char *c = add_host(line, "", text, size); *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}

/* ---- fingerprint ---- */

/* ja4_ok(): ja4.h draws it: 10 letters and digits, "_", 12 hexadecimal digits, "_", 12 again. */
static bool ja4_ok(const char *text, size_t size)
{
	static const char shape[] = "aaaaaaaaaa_xxxxxxxxxxxx_xxxxxxxxxxxx";

	for (size_t i = 0; i < size && size == sizeof(shape) - 1; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (shape[i] == '_'	  ? byte != '_'
			: shape[i] == 'a' ? !isalnum(byte)
					  : !isxdigit(byte) || isupper(byte))
			return false;
	}
	return size == sizeof(shape) - 1;
}

int line_parse_ja4(struct symptom_line *line)
{
	size_t size = 0;
	const char *text = line_word(line, &size);

	if (!text || !ja4_ok(text, size) || !line_at_end(line))
		return line_refuse(line, text ? text : line->at,
			"a JA4 fingerprint is expected, as in: ja4 "
			"t13d1516h2_8daaf6152771_e5627efa2ab1");
	add_host(line, SYMPTOM_JA4, text, size);
	line->source->ja4_count++;
	return 0;
}
