/*
 * symptom_parse.c: reads symptom files. Between what the administrator writes and
 * symptom_compile.c; no packet comes near here.
 *
 * Each kind of line is a row of a table. The first error ends the reading, for what follows it is
 * often wrong only because of it.
 */
#include "preprocess/symptom_parse.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "preprocess/symptom_chain.h"
#include "preprocess/symptom_line.h"
#include "preprocess/symptom_where.h"
#include "spool/log.h"
#include "spool/names.h"
#include "spool/nfs.h"
#include "spool/rules.h"

static int parse_line(struct symptom_line *line)
{
	static const struct {
		const char *word;
		int (*parse)(struct symptom_line *line);
	} kinds[] = {{"symptom", line_parse_symptom}, {"text", line_parse_text},
		{"hex", line_parse_hex}, {"regex", line_parse_regex}, {"host", line_parse_host},
		{"pcre", line_parse_pcre}, {"and", line_parse_and}, {"group", line_parse_group},
		{"ja4", line_parse_ja4}};
	const size_t count = sizeof(kinds) / sizeof(*kinds);
	const char *text;
	size_t size = 0, i = 0;

	if (line_at_end(line))
		return 0;
	text = line_word(line, &size);
	while (i < count && !line_is(text, size, kinds[i].word))
		i++;
	if (i == count)
		return line_refuse(line, text,
			"'%.*s' is not understood; a line begins with symptom, text, hex, regex, "
			"pcre, and, group, host, ja4 or #",
			(int)size, text);
	/* The first symptom of a file: a pattern above it would fall to the last symptom of the
	 * file before. */
	if (i &&
		(!line->source->rule_count ||
			line->source->rules[line->source->rule_count - 1].place.file != line->file))
		return line_refuse(line, text, "a pattern needs a symptom line above it");
	return kinds[i].parse(line);
}

/* read_line(): one line of SIZE bytes, as a NUL-terminated copy. */
static int read_line(struct symptom_line *line, const char *text, size_t size)
{
	char *copy;
	int result;

	if (size && text[size - 1] == '\r')
		size--;
	copy = x_sprintf("%.*s", (int)size, text);
	line->text = line->at = copy;
	line->joined = line->negated = line->confirmed = false;
	result = size <= INT_MAX && strlen(copy) == size
			 ? parse_line(line)
			 : line_refuse(line, copy + strlen(copy),
				   "a zero byte; is this a text file?");
	free(copy);
	return result;
}

int symptom_source_text(struct symptom_source *source, const char *file, const char *text,
	size_t size)
{
	const char *end = text + size;
	struct symptom_line line = {.source = source, .file = (uint32_t)source->file_count};

	source->files = line_grow(source->files, source->file_count, &source->file_room,
		sizeof(*source->files));
	source->files[source->file_count++] = x_strdup(file);
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((stop ? stop : end) - text);
		line.number++;
		if (read_line(&line, text, length))
			return -1;
		text += length + (stop ? 1 : 0);
	}
	return line_check_last(source);
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

int symptom_source_load(struct symptom_source *source, const char *folder)
{
	struct namelist names;
	int result = 0;

	*source = (struct symptom_source){0};
	if (rules_symptoms(folder, &names)) {
		log_err("cannot read the folder of symptom files %s: %s", folder, strerror(errno));
		return -1;
	}
	for (size_t i = 0; i < names.count && !result; i++)
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
	where_free(rule->where);
}

void symptom_source_free(struct symptom_source *source)
{
	for (size_t i = 0; i < source->file_count; i++)
		free(source->files[i]);
	for (size_t i = 0; i < source->rule_count; i++)
		free_rule(&source->rules[i]);
	for (size_t i = 0; i < source->pattern_count; i++) {
		free(source->patterns[i].expression);
		free(source->patterns[i].ahead);
		chain_free(source->patterns[i].chain);
	}
	for (size_t i = 0; i < source->host_count; i++)
		free(source->hosts[i].suffix);
	free(source->files);
	free(source->rules);
	free(source->patterns);
	free(source->hosts);
	*source = (struct symptom_source){0};
}
