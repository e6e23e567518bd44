/*
 * symptom_line.c: the cursor over a line of a symptom file, and how a mistake in it is told.
 */
#include "preprocess/symptom_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "spool/log.h"

int line_refuse(const struct symptom_line *line, const char *at, const char *format, ...)
{
	char why[512];
	va_list list;

	va_start(list, format);
	vsnprintf(why, sizeof(why), format, list);
	va_end(list);
	log_err("%s:%d:%d: %s", line->source->files[line->file], line->number,
		(int)(at - line->text) + 1, why);
	return -1;
}

/* line_grow(): room for one more of SIZE bytes in an array of COUNT. */
void *line_grow(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? *room * 2 : 16;
	return x_realloc(array, *room * size);
}

static void skip_blanks(struct symptom_line *line)
{
	while (*line->at == ' ' || *line->at == '\t')
		line->at++;
}

bool line_at_end(struct symptom_line *line)
{
	skip_blanks(line);
	return !*line->at || *line->at == '#';
}

/* line_word(): the next run of non-blank bytes; NULL at the end of the line. */
const char *line_word(struct symptom_line *line, size_t *size)
{
	const char *start;

	if (line_at_end(line))
		return NULL;
	start = line->at;
	while (*line->at && *line->at != ' ' && *line->at != '\t')
		line->at++;
	*size = line->at - start;
	return start;
}

bool line_is(const char *text, size_t size, const char *expected)
{
	return strlen(expected) == size && !memcmp(text, expected, size);
}
