/*
 * position.c: from an offset in a condition back to line and column of policy.conf, so that SQLite's error points at the word
 * the administrator mistyped. Only used when a condition was refused.
 */
#include "classify/position.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct cursor {
	const char *at;
	struct position position;
};

static void advance(struct cursor *cursor)
{
	if (!*cursor->at)
		return;
	if (*cursor->at == '\n') {
		cursor->position.line++;
		cursor->position.column = 1;
	} else {
		cursor->position.column++;
	}
	cursor->at++;
}

static void advance_by(struct cursor *cursor, size_t count)
{
	while (count--)
		advance(cursor);
}

static void skip_line(struct cursor *cursor)
{
	while (*cursor->at && *cursor->at != '\n')
		advance(cursor);
}

static void skip_block(struct cursor *cursor)
{
	advance_by(cursor, 2);
	while (*cursor->at && strncmp(cursor->at, "*/", 2) != 0)
		advance(cursor);
	advance_by(cursor, 2);
}

/* Blanks and libconfig's three kinds of comment. */
static void skip_blank(struct cursor *cursor)
{
	for (;;) {
		if (isspace((unsigned char)*cursor->at))
			advance(cursor);
		else if (*cursor->at == '#' || strncmp(cursor->at, "//", 2) == 0)
			skip_line(cursor);
		else if (strncmp(cursor->at, "/*", 2) == 0)
			skip_block(cursor);
		else
			return;
	}
}

/* Takes one character of a literal, decoded. */
static char take(struct cursor *cursor)
{
	static const char from[] = "nrtfabv", to[] = "\n\r\t\f\a\b\v";
	const char *known;
	char c = *cursor->at;

	advance(cursor);
	if (c != '\\' || !*cursor->at)
		return c;
	c = *cursor->at;
	known = strchr(from, c);
	if (c == 'x' && isxdigit((unsigned char)cursor->at[1]) &&
		isxdigit((unsigned char)cursor->at[2])) {
		char digits[3] = {cursor->at[1], cursor->at[2], '\0'};

		advance_by(cursor, 3);
		return (char)strtol(digits, NULL, 16);
	}
	advance(cursor);
	return known ? to[known - from] : c;
}

/* Reads adjacent literals; is their text VALUE? AT is set to where byte OFFSET of it stands; the end counts as one byte more. */
static bool literals_are(struct cursor *cursor, const char *value, size_t offset,
	struct position *at)
{
	size_t done = 0, size = strlen(value);
	bool same = true;

	while (*cursor->at == '"') {
		advance(cursor);
		while (*cursor->at && *cursor->at != '"') {
			if (done == offset)
				*at = cursor->position;
			same &= take(cursor) == value[done < size ? done : size];
			done++;
		}
		if (done == offset)
			*at = cursor->position;
		advance(cursor);
		skip_blank(cursor);
	}
	return same && done == size;
}

static bool word_is(struct cursor *cursor, const char *word)
{
	const char *begin = cursor->at;

	while (isalnum((unsigned char)*cursor->at) ||
		strchr("_-*", *cursor->at ? *cursor->at : ' '))
		advance(cursor);
	return strlen(word) == (size_t)(cursor->at - begin) &&
	       strncmp(begin, word, strlen(word)) == 0;
}

/* NAME = "…" here? Always moves on. */
static bool setting_is(struct cursor *cursor, const char *name, const char *value, size_t offset,
	struct position *at)
{
	if (!word_is(cursor, name))
		return false;
	skip_blank(cursor);
	if (*cursor->at != '=' && *cursor->at != ':')
		return false;
	advance(cursor);
	skip_blank(cursor);
	return *cursor->at == '"' && literals_are(cursor, value, offset, at);
}

bool position_find(const char *text, int line, const char *name, const char *value, size_t offset,
	struct position *at)
{
	struct cursor cursor = {text, {1, 1}};
	struct position unused, found;

	for (skip_blank(&cursor); *cursor.at; skip_blank(&cursor)) {
		if (isalpha((unsigned char)*cursor.at)) {
			bool same = setting_is(&cursor, name, value, offset, &found);

			/* The setting's line may be that of its name or of its value. */
			if (same && found.line >= line) {
				*at = found;
				return true;
			}
		} else if (*cursor.at == '"') {
			literals_are(&cursor, "", 0, &unused);
		} else {
			advance(&cursor);
		}
	}
	*at = (struct position){line, 1};
	return false;
}
