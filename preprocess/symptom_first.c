/*
 * symptom_first.c: reads an expression that Hyperscan takes as far as is needed for its first bytes.
 * Beside symptom_across.c, for the borders between packets.
 *
 * A superset does no harm: whatever is not known here may begin with any byte.
 */
#include "preprocess/symptom_first.h"

#include <ctype.h>
#include <hs.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const char *at;
	bool lost; /* met what is not understood */
};

static bool alternatives(struct reader *reader, bool set[256]);

static bool take(struct reader *reader, char byte)
{
	if (*reader->at != byte)
		return false;
	reader->at++;
	return true;
}

static void add(bool set[256], int from, int to)
{
	for (int byte = from; byte <= to; byte++)
		set[byte] = true;
}

static void add_kind(bool set[256], char kind)
{
	for (int byte = 0; byte < 256; byte++) {
		bool in = tolower(kind) == 'd'	 ? isdigit(byte)
			  : tolower(kind) == 'w' ? isalnum(byte) || byte == '_'
						 : isspace(byte);
		set[byte] |= in != (isupper(kind) != 0);
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
static int escaped(struct reader *reader, bool set[256])
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
static int member(struct reader *reader, bool set[256])
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
static void class(struct reader *reader, bool set[256])
{
	bool own[256] = {false}, negated = take(reader, '^');

	do {
		int from = member(reader, own), to = from;

		if (from >= 0 && reader->at[0] == '-' && reader->at[1] != ']') {
			reader->at++;
			to = member(reader, own);
		}
		reader->lost |= to < from;
		if (from >= 0)
			add(own, from, to);
	} while (!reader->lost && !take(reader, ']'));
	for (int byte = 0; byte < 256; byte++)
		set[byte] |= own[byte] != negated;
}

static bool group(struct reader *reader, bool set[256])
{
	bool empty;

	if (take(reader, '?') && !take(reader, ':'))
		reader->lost = true;
	empty = !reader->lost && alternatives(reader, set);
	if (!take(reader, ')'))
		reader->lost = true;
	return empty;
}

/* Adds the first bytes of one; true when it may be empty. */
static bool atom(struct reader *reader, bool set[256])
{
	char first = *reader->at++;
	int byte;

	switch (first) {
	case '(': return group(reader, set);
	case '[': class(reader, set); return false;
	case '.': add(set, 0, 255); return false;
	case '^':
	case '$': return true;
	case '\\':
		if (*reader->at && strchr("AbBzZ", *reader->at)) {
			reader->at++;
			return true;
		}
		byte = escaped(reader, set);
		if (byte >= 0)
			set[byte] = true;
		return false;
	default: set[(unsigned char)first] = true; return false;
	}
}

/* How often the atom before comes: true when that may be never. */
static bool may_be_left_out(struct reader *reader)
{
	bool never = *reader->at == '*' || *reader->at == '?';

	if (reader->at[0] == '{' && isdigit((unsigned char)reader->at[1])) {
		never = strtoul(reader->at + 1, NULL, 10) == 0;
		reader->at += strcspn(reader->at, "}");
	} else if (!never && *reader->at != '+') {
		return false;
	}
	reader->at += *reader->at != 0;
	if (*reader->at == '?' || *reader->at == '+') /* lazy, possessive */
		reader->at++;
	return never;
}

static bool sequence(struct reader *reader, bool set[256])
{
	bool empty = true;

	while (!reader->lost && *reader->at && !strchr("|)", *reader->at)) {
		bool own[256] = {false}, none = atom(reader, own);

		none |= may_be_left_out(reader);
		for (int byte = 0; empty && byte < 256; byte++)
			set[byte] |= own[byte];
		empty &= none;
	}
	return empty;
}

static bool alternatives(struct reader *reader, bool set[256])
{
	bool empty = sequence(reader, set);

	while (!reader->lost && take(reader, '|'))
		empty |= sequence(reader, set);
	return empty;
}

void symptom_first(const struct symptom_pattern *pattern, bool set[256])
{
	struct reader reader = {.at = pattern->expression};
	bool empty = alternatives(&reader, set);

	if (empty || reader.lost || *reader.at)
		add(set, 0, 255);
	for (int byte = 'a'; pattern->flags & HS_FLAG_CASELESS && byte <= 'z'; byte++)
		set[byte] = set[toupper(byte)] = set[byte] || set[toupper(byte)];
}
