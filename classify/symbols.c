/*
 * symbols.c: reads the names of the symptom set, which become the columns of a condition. A name that stands in no list is
 * then "no such column", where counting 0 for ever would hide the mistake.
 */
#include "classify/symbols.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/rules.h"

static void take_line(struct namelist *symbols, char *line)
{
	static const char blank[] = " \t\r\n";
	char *rest, *word = strtok_r(line, blank, &rest);

	if (!word || strcmp(word, "symptom") != 0)
		return;
	word = strtok_r(NULL, " \t\r\n#", &rest);
	if (word)
		namelist_add(symbols, word);
}

static int read_file(struct namelist *symbols, const char *folder, const char *name)
{
	char path[PATH_MAX], *line, *next;
	char *text = nfs_join(path, folder, name) ? NULL : nfs_read_file(path, NULL);

	if (!text)
		return -1;
	next = text;
	while ((line = strsep(&next, "\n")))
		take_line(symbols, line);
	free(text);
	return 0;
}

static int read_folder(struct namelist *symbols, const char *folder)
{
	struct namelist files;
	int code = MIRA_OK, result = rules_symptoms(folder, &files);

	for (size_t i = 0; i < files.count && result == 0; i++)
		result = read_file(symbols, folder, files.names[i]);
	if (result < 0) {
		nfs_remedy(errno, &code);
		log_err("cannot read the symptoms in %s: %m", folder);
	}
	namelist_free(&files);
	return code;
}

static void drop_doubles(struct namelist *symbols)
{
	size_t kept = 0;

	namelist_sort(symbols);
	for (size_t i = 0; i < symbols->count; i++) {
		if (kept && strcmp(symbols->names[kept - 1], symbols->names[i]) == 0)
			free(symbols->names[i]);
		else
			symbols->names[kept++] = symbols->names[i];
	}
	symbols->count = kept;
}

int symbols_load(struct namelist *symbols, const char *folder, const struct policy *policy)
{
	int code = read_folder(symbols, folder);

	for (size_t i = 0; i < policy->fast_count; i++)
		namelist_add(symbols, policy->fast[i].name);
	drop_doubles(symbols);
	return code;
}

ssize_t symbols_find(const struct namelist *symbols, const char *name, size_t size)
{
	size_t low = 0, high = symbols->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const char *here = symbols->names[middle];
		int order = strncasecmp(here, name, size);

		if (order == 0 && here[size])
			order = 1;
		if (order == 0)
			return (ssize_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}
