/*
 * symptom_keep.c: the options behind a pattern, and where it is kept: alone, which Hyperscan
 * decides, or as a part of a chain.
 */
#include <ctype.h>
#include <hs.h>
#include <stdlib.h>
#include <string.h>
#include "preprocess/symptom_chain.h"
#include "preprocess/symptom_line.h"
#include "spool/log.h"

/* What the options said. */
struct said {
	struct symptom_part part;
	bool start, placed; /* placed: at or after */
};

bool line_is_option(const char *text, size_t size)
{
	static const char *const words[] = {"start", "nocase", "first", "at", "after"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (line_is(text, size, words[i]))
			return true;
	return false;
}

/* ---- at 3..9 ---- */

/* number(): at *AT, before END; false when there is none or it is too far. */
static bool number(const char **at, const char *end, int32_t *value)
{
	bool minus = *at < end && **at == '-';
	const char *start = *at += minus;
	int32_t read = 0;

	while (*at < end && isdigit((unsigned char)**at) && read <= CHAIN_FAR)
		read = read * 10 + *(*at)++ - '0';
	*value = minus ? -read : read;
	return *at > start && read <= CHAIN_FAR;
}

static int read_range(struct symptom_line *line, struct symptom_part *part)
{
	size_t size = 0;
	const char *text = line_word(line, &size), *at = text, *end = text ? text + size : NULL;
	bool good = text && number(&at, end, &part->from) && (part->from >= 0 || part->relative);

	part->to = part->from;
	if (good && end - at >= 2 && !memcmp(at, "..", 2)) {
		at += 2;
		part->to = CHAIN_OPEN;
		good = at == end || number(&at, end, &part->to);
	}
	if (!good || at != end || part->to < part->from)
		return line_refuse(line, text ? text : line->at,
			"a number or a range up to %d is expected, as in: at 4, at 0..100, after 3.., "
			"after -2..10",
			CHAIN_FAR);
	return 0;
}

/* ---- all options ---- */

static int read_option(struct symptom_line *line, const char *text, size_t size, struct said *said)
{
	if (!line_is_option(text, size))
		return line_refuse(line, text,
			"unknown option '%.*s'; allowed are start, nocase, first, at RANGE and "
			"after RANGE",
			(int)size, text);
	if (line_is(text, size, "start"))
		said->start = true;
	else if (line_is(text, size, "nocase"))
		said->part.flags |= HS_FLAG_CASELESS;
	else if (line_is(text, size, "first"))
		said->part.first = true;
	else if (said->placed)
		return line_refuse(line, text,
			"at and after exclude one another; one of them is enough");
	else {
		said->placed = true;
		said->part.relative = line_is(text, size, "after");
		return read_range(line, &said->part);
	}
	return 0;
}

static int check_options(const struct symptom_line *line, const struct said *said)
{
	const struct symptom_part *part = &said->part;

	if (said->start && said->placed)
		return line_refuse(line, line->at, "start is `at 0`; one of the two is enough");
	if (part->relative && !line->joined)
		return line_refuse(line, line->at,
			"after needs a pattern above it; write it behind `and`");
	if (said->placed && !part->fixed && part->to != CHAIN_OPEN)
		return line_refuse(line, line->at,
			"an expression is looked for from a byte on; write the range without an "
			"end, as in: after 0..");
	if (part->first && part->negated)
		return line_refuse(line, line->at,
			"what must not be there cannot be looked for first");
	return 0;
}

/* ---- keeping it ---- */

/* make_chain(): the pattern above becomes the first part of a chain. */
static void make_chain(struct symptom_pattern *pattern)
{
	struct symptom_part head = {.expression = x_strdup(pattern->expression),
		.flags = pattern->flags,
		.fixed = pattern->fixed,
		.first = pattern->first,
		.to = pattern->start && pattern->fixed ? 0 : CHAIN_OPEN};

	pattern->chain = chain_new();
	chain_add(pattern->chain, &head);
}

static int add_part(struct symptom_line *line, struct symptom_pattern *pattern,
	const struct symptom_part *part)
{
	if (chain_add(pattern->chain, part))
		return line_refuse(line, line->text, "more than %d patterns that belong together",
			CHAIN_PARTS);
	free(pattern->expression);
	chain_prefilter(pattern->chain, &pattern->expression, &pattern->flags);
	return 0;
}

static int join(struct symptom_line *line, struct symptom_part *part)
{
	struct symptom_source *source = line->source;
	struct symptom_pattern *pattern;

	if (!source->rules[source->rule_count - 1].patterns) {
		free(part->expression);
		return line_refuse(line, line->text,
			"`and` needs a line text, hex, regex or pcre above it");
	}
	pattern = &source->patterns[source->pattern_count - 1];
	if (!pattern->chain)
		make_chain(pattern);
	return add_part(line, pattern, part);
}

static int keep(struct symptom_line *line, struct said *said)
{
	struct symptom_source *source = line->source;
	struct symptom_part *part = &said->part;
	bool alone = !said->placed && !line->confirmed;
	struct symptom_pattern *pattern;

	source->patterns = line_grow(source->patterns, source->pattern_count, &source->pattern_room,
		sizeof(*source->patterns));
	pattern = &source->patterns[source->pattern_count++];
	*pattern = (struct symptom_pattern){
		.expression = part->expression,
		.flags = part->flags,
		.rule = (uint32_t)source->rule_count - 1,
		.place = {line->file, line->number},
		.fixed = part->fixed,
		.start = said->start,
		.first = part->first,
	};
	source->rules[source->rule_count - 1].patterns++;
	if (alone)
		return 0;
	pattern->chain = chain_new();
	part->expression = x_strdup(part->expression);
	return add_part(line, pattern, part);
}

int line_keep_pattern(struct symptom_line *line, const char *expression, unsigned flags,
	uint32_t fixed)
{
	struct said said = {.part = {.flags = flags,
				    .fixed = fixed,
				    .negated = line->negated,
				    .to = CHAIN_OPEN}};
	const char *text;
	size_t size;

	while ((text = line_word(line, &size)))
		if (read_option(line, text, size, &said))
			return -1;
	if (check_options(line, &said))
		return -1;
	if (said.start && fixed)
		said.part.to = 0;
	said.part.expression = x_sprintf(said.start ? "^(?:%s)" : "%s", expression);
	return line->joined ? join(line, &said.part) : keep(line, &said);
}
