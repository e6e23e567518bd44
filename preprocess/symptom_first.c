/*
 * symptom_first.c: reads an expression that Hyperscan takes as far as is needed for its first bytes, and
 * for those that can follow one another. Beside symptom_across.c, for the borders between packets.
 *
 * A superset does no harm: whatever is not known here may be any byte.
 */
#include "preprocess/symptom_first.h"

#include <ctype.h>
#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/log.h"

struct reader {
	const char *at;
	bool lost;    /* met what is not understood */
	bool asserts; /* what may lengthen a match by what stands beside it */
	bool caseless, multiline;
	struct byteset *follow; /* what was found so far: behind each byte these */
	const char *begin;
	char *bare; /* a copy of all, NUL where an assertion stood; or NULL */
};

/* What was read of an expression: bytes that begin it and end it. */
struct part {
	struct byteset first, last;
	uint32_t least, most; /* bytes of it */
	uint32_t lead_count;
	struct byteset lead[SYMPTOM_LEAD]; /* the first of them */
};

static void alternatives(struct reader *reader, struct part *part);

static bool take(struct reader *reader, char byte)
{
	if (*reader->at != byte)
		return false;
	reader->at++;
	return true;
}

static void add(struct byteset *set, int from, int to)
{
	for (int byte = from; byte <= to; byte++)
		byteset_add(set, (uint8_t)byte);
}

static void add_kind(struct byteset *set, char kind)
{
	for (int byte = 0; byte < 256; byte++) {
		bool in = tolower(kind) == 'd'	 ? isdigit(byte)
			  : tolower(kind) == 'w' ? isalnum(byte) || byte == '_'
						 : isspace(byte);
		if (in != (isupper(kind) != 0))
			byteset_add(set, (uint8_t)byte);
	}
}

/* \xHH: its value, -1 for another way to write it. */
static int hex(struct reader *reader)
{
	char digits[3] = "";

	if (!isxdigit((unsigned char)reader->at[0]) || !isxdigit((unsigned char)reader->at[1]))
		return -1;
	memcpy(digits, reader->at, 2);
	reader->at += 2;
	return (int)strtol(digits, NULL, 16);
}

/* Behind a backslash: the byte that is meant, or -1 after having added a kind of bytes. */
static int escaped(struct reader *reader, struct byteset *set)
{
	static const char letters[] = "nrtf", bytes[] = "\n\r\t\f";
	char letter = *reader->at;
	const char *found = letter ? strchr(letters, letter) : NULL;
	int byte = -1;

	if (!letter || (isalnum((unsigned char)letter) && !found && !strchr("xdwsDWS", letter))) {
		reader->lost = true;
		return -1;
	}
	reader->at++;
	if (found)
		return bytes[found - letters];
	if (!isalpha((unsigned char)letter))
		return (unsigned char)letter;
	if (letter == 'x')
		reader->lost |= (byte = hex(reader)) < 0;
	else
		add_kind(set, letter);
	return byte;
}

/* One member of a class, or the end of a range; -1: it was a kind of bytes. */
static int member(struct reader *reader, struct byteset *set)
{
	if (take(reader, '\\'))
		return escaped(reader, set);
	if (reader->at[0] == '[' && strchr(":.=", reader->at[1]))
		reader->lost = true;
	if (!*reader->at) {
		reader->lost = true;
		return -1;
	}
	return (unsigned char)*reader->at++;
}

/* Behind the bracket; a closing one that comes first is a member. */
static void class(struct reader *reader, struct byteset *set)
{
	struct byteset own = {{0}};
	uint64_t negated = take(reader, '^') ? UINT64_MAX : 0;

	do {
		int from = member(reader, &own), to = from;

		if (from >= 0 && reader->at[0] == '-' && reader->at[1] != ']') {
			reader->at++;
			to = member(reader, &own);
		}
		reader->lost |= to < from;
		if (from >= 0)
			add(&own, from, to);
	} while (!reader->lost && !take(reader, ']'));
	for (int i = 0; i < 4; i++)
		set->words[i] |= own.words[i] ^ negated;
}

static void meet(const struct reader *reader, const struct byteset *last,
	const struct byteset *first)
{
	for (int byte = 0; byte < 256; byte++)
		if (byteset_has(last, (uint8_t)byte))
			byteset_unite(&reader->follow[byte], first);
}

static void group(struct reader *reader, struct part *part)
{
	if (take(reader, '?') && !take(reader, ':'))
		reader->lost = true;
	if (!reader->lost)
		alternatives(reader, part);
	if (!take(reader, ')'))
		reader->lost = true;
}

static bool assertion(struct reader *reader, const char *from, bool asserts)
{
	reader->asserts |= asserts;
	reader->lost |= *reader->at && strchr("*+?{", *reader->at);
	if (reader->bare)
		memset(reader->bare + (from - reader->begin), 0, (size_t)(reader->at - from));
	return false;
}

/* Adds the bytes that one may be; false when it is none: an assertion. */
static bool one_byte(struct reader *reader, struct byteset *set)
{
	const char *from = reader->at;
	char first = *reader->at++;
	int byte;

	switch (first) {
	case '[': class(reader, set); return true;
	case '.': add(set, 0, 255); return true;
	case '^': return assertion(reader, from, reader->multiline);
	case '$': return assertion(reader, from, true);
	case '\\':
		if (*reader->at && strchr("AbzZ", *reader->at)) {
			first = *reader->at++;
			return assertion(reader, from, first != 'A');
		}
		byte = escaped(reader, set);
		if (byte >= 0)
			byteset_add(set, (uint8_t)byte);
		return true;
	default: byteset_add(set, (uint8_t)first); return true;
	}
}

static void add_cases(struct byteset *set)
{
	for (int lower = 'a'; lower <= 'z'; lower++) {
		int upper = toupper(lower);

		if (byteset_has(set, (uint8_t)lower))
			byteset_add(set, (uint8_t)upper);
		else if (byteset_has(set, (uint8_t)upper))
			byteset_add(set, (uint8_t)lower);
	}
}

static void atom(struct reader *reader, struct part *part)
{
	*part = (struct part){.least = 0};
	if (take(reader, '(')) {
		group(reader, part);
		return;
	}
	part->least = part->most = one_byte(reader, &part->first);
	if (reader->caseless)
		add_cases(&part->first);
	part->last = part->lead[0] = part->first;
	part->lead_count = part->least;
}

/* {n}, {n,} or {n,m}, of which the brace is at hand. */
static void braces(struct reader *reader, uint32_t *least, uint32_t *most)
{
	char *end;

	*least = *most = (uint32_t)strtoul(reader->at + 1, &end, 10);
	if (*end == ',') {
		end++;
		*most = isdigit((unsigned char)*end) ? (uint32_t)strtoul(end, &end, 10)
						     : SYMPTOM_UNBOUNDED;
	}
	reader->lost |= *end != '}';
	reader->at = end;
}

/* How often the atom before comes; false: once. */
static bool how_often(struct reader *reader, uint32_t *least, uint32_t *most)
{
	char sign = *reader->at;

	if (sign == '{' && isdigit((unsigned char)reader->at[1])) {
		braces(reader, least, most);
	} else if (sign && strchr("*+?", sign)) {
		*least = sign == '+';
		*most = sign == '?' ? 1 : SYMPTOM_UNBOUNDED;
	} else {
		return false;
	}
	reader->at += *reader->at != 0;
	if (*reader->at == '?' || *reader->at == '+') /* lazy, possessive */
		reader->at++;
	return true;
}

static uint32_t bounded(uint64_t width)
{
	return width < SYMPTOM_UNBOUNDED ? (uint32_t)width : SYMPTOM_UNBOUNDED;
}

/* Is all of it known that stands before what follows? */
static bool leads(const struct part *part)
{
	return part->least == part->most && part->least == part->lead_count;
}

static void repeat_lead(struct part *part, uint32_t least)
{
	uint32_t unit = part->lead_count;

	if (!least)
		part->lead_count = 0;
	if (!leads(part))
		return;
	for (uint32_t i = unit; i < SYMPTOM_LEAD && i < (uint64_t)unit * least; i++)
		part->lead[part->lead_count++] = part->lead[i - unit];
}

static void repeat(struct reader *reader, struct part *part)
{
	uint32_t least, most;

	if (!how_often(reader, &least, &most))
		return;
	repeat_lead(part, least);
	part->least = bounded((uint64_t)part->least * least);
	part->most = bounded((uint64_t)part->most * most);
	if (most > 1)
		meet(reader, &part->last, &part->first);
}

static void append_lead(struct part *part, const struct part *next)
{
	for (uint32_t i = 0; i < next->lead_count && part->lead_count < SYMPTOM_LEAD; i++)
		part->lead[part->lead_count++] = next->lead[i];
}

/* NEXT stands behind PART. */
static void append(const struct reader *reader, struct part *part, const struct part *next)
{
	meet(reader, &part->last, &next->first);
	if (leads(part))
		append_lead(part, next);
	if (!part->least)
		byteset_unite(&part->first, &next->first);
	if (next->least)
		part->last = (struct byteset){{0}};
	byteset_unite(&part->last, &next->last);
	part->least = bounded((uint64_t)part->least + next->least);
	part->most = bounded((uint64_t)part->most + next->most);
}

static void sequence(struct reader *reader, struct part *part)
{
	struct part next;

	*part = (struct part){.least = 0};
	while (!reader->lost && *reader->at && !strchr("|)", *reader->at)) {
		atom(reader, &next);
		repeat(reader, &next);
		append(reader, part, &next);
	}
}

static void unite_lead(struct part *part, const struct part *other)
{
	if (part->lead_count > other->lead_count)
		part->lead_count = other->lead_count;
	for (uint32_t i = 0; i < part->lead_count; i++)
		byteset_unite(&part->lead[i], &other->lead[i]);
}

static void alternatives(struct reader *reader, struct part *part)
{
	struct part other;

	sequence(reader, part);
	while (!reader->lost && take(reader, '|')) {
		sequence(reader, &other);
		byteset_unite(&part->first, &other.first);
		byteset_unite(&part->last, &other.last);
		unite_lead(part, &other);
		part->least = part->least < other.least ? part->least : other.least;
		part->most = part->most > other.most ? part->most : other.most;
	}
}

/* False: not all of it is understood. */
static bool read_all(struct reader *reader, const struct symptom_pattern *pattern, struct part *all)
{
	reader->at = reader->begin = pattern->expression;
	reader->caseless = pattern->flags & HS_FLAG_CASELESS;
	reader->multiline = pattern->flags & HS_FLAG_MULTILINE;
	alternatives(reader, all);
	return !reader->lost && !*reader->at;
}

char *symptom_bare(const struct symptom_pattern *pattern)
{
	size_t size = strlen(pattern->expression), kept = 0;
	struct byteset follow[256] = {0};
	struct reader reader = {.follow = follow, .bare = x_strdup(pattern->expression)};
	struct part all;

	if (!read_all(&reader, pattern, &all) || !all.least) {
		free(reader.bare);
		return NULL;
	}
	for (size_t i = 0; i < size; i++)
		if (reader.bare[i])
			reader.bare[kept++] = reader.bare[i];
	reader.bare[kept] = 0;
	return reader.bare;
}

void symptom_bytes(const struct symptom_pattern *pattern, struct symptom_bytes *bytes)
{
	struct reader reader = {.follow = bytes->follow};
	struct part all;

	memset(bytes, 0, sizeof(*bytes));
	if (!read_all(&reader, pattern, &all)) {
		memset(bytes->follow, 255, sizeof(bytes->follow));
		all = (struct part){.least = 0};
	} else if (!reader.asserts) {
		bytes->measured = true;
		bytes->least = all.least;
		bytes->most = all.most;
	}
	memset(bytes->lead, 255, sizeof(bytes->lead));
	memcpy(bytes->lead, all.lead, all.lead_count * sizeof(*all.lead));
	if (all.least)
		bytes->first = all.first;
	else
		memset(&bytes->first, 255, sizeof(bytes->first));
}

/* The one byte that SET has, or either case of the one letter; -1: it has others. */
static int only_byte(const struct byteset *set, bool caseless)
{
	int first = 0;
	struct byteset cases = {{0}};

	while (first < 255 && !byteset_has(set, (uint8_t)first))
		first++;
	byteset_add(&cases, (uint8_t)first);
	if (caseless)
		add_cases(&cases);
	return memcmp(&cases, set, sizeof(cases)) ? -1 : first;
}

char *symptom_prefix(const struct symptom_pattern *pattern, const struct symptom_bytes *bytes)
{
	char text[SYMPTOM_LEAD * sizeof("\\xHH")] = "";
	int size = 0, byte, before = -1;
	bool varies = false;

	for (; size < SYMPTOM_LEAD; size++, before = byte) {
		byte = only_byte(&bytes->lead[size], pattern->flags & HS_FLAG_CASELESS);
		if (byte < 0)
			break;
		varies |= size > 0 && byte != before;
		sprintf(text + strlen(text), "\\x%02x", (unsigned)byte);
	}
	return size < SYMPTOM_PREFIX || !varies ? NULL : x_strdup(text);
}
