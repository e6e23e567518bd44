/*
 * symptom_line.h: one line of a symptom file under a cursor. For the readers of its parts only; the
 * rest of the stage uses symptom_parse.h.
 *
 * Each kind of line has a function line_parse_KIND(): the cursor stands behind the word KIND. It
 * adds to the source and returns 0, or -1 after line_refuse().
 */
#ifndef PREPROCESS_SYMPTOM_LINE_H
#define PREPROCESS_SYMPTOM_LINE_H

#include "preprocess/symptom_parse.h"

struct symptom_line {
	struct symptom_source *source;
	const char *text, *at; /* NUL-terminated; the next byte */
	uint32_t file;
	int number;
	bool joined, negated; /* behind `and`, behind `and not` */
	bool confirmed;	      /* behind `pcre` */
};

/* line_refuse(): logs file:line:column of AT and why; always -1. */
int line_refuse(const struct symptom_line *line, const char *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* line_at_end(): is there nothing but blanks and a comment? Steps over the blanks. */
bool line_at_end(struct symptom_line *line);
/* line_word(): the next run of non-blank bytes, not NUL-terminated; NULL at the end of the line. */
const char *line_word(struct symptom_line *line, size_t *size);
/* line_is(): is that word the EXPECTED one? */
bool line_is(const char *text, size_t size, const char *expected);
/* line_grow(): room for one more element of SIZE bytes in an array of COUNT. */
void *line_grow(void *array, size_t count, size_t *room, size_t size);

/* line_read_list(): the list of numbers and ranges that follows WHAT; adds to LIST. 0 or -1. */
int line_read_list(struct symptom_line *line, struct symptom_list *list, const char *what);

/* line_keep_pattern(): reads the options behind a pattern and keeps it: EXPRESSION, which stands for
 * FIXED bytes (0: a regular expression), with FLAGS (HS_FLAG_...). */
int line_keep_pattern(struct symptom_line *line, const char *expression, unsigned flags,
	uint32_t fixed);
/* line_is_option(): is the word one of those options? */
bool line_is_option(const char *text, size_t size);

int line_parse_symptom(struct symptom_line *line);
int line_parse_text(struct symptom_line *line);
int line_parse_hex(struct symptom_line *line);
int line_parse_regex(struct symptom_line *line);
int line_parse_pcre(struct symptom_line *line);
int line_parse_host(struct symptom_line *line);
int line_parse_ja4(struct symptom_line *line);
/* line_parse_group(): the symptom is shown wherever one that is in it is shown. */
int line_parse_group(struct symptom_line *line);
/* line_parse_and(): the pattern behind it belongs to the chain of the one above. */
int line_parse_and(struct symptom_line *line);

/* line_check_last(): has the last symptom of SOURCE anything to look for? 0, or -1 after a
 * message. */
int line_check_last(const struct symptom_source *source);

#endif
