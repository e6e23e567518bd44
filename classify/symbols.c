/*
 * symbols.c: reads the names of the symptom set, which become the columns of a condition. A name that stands in no list is
 * then "no such column", where counting 0 for ever would hide the mistake.
 */
#include "classify/symbols.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spool/log.h"

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

static int read_file(struct namelist *symbols, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	int error = 0;

	if (!file)
		return -1;
	while (getline(&line, &room, file) >= 0)
		take_line(symbols, line);
	if (ferror(file))
		error = -1;
	free(line);
	fclose(file);
	return error;
}

static int is_symptom_file(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name);

	return entry->d_name[0] != '.' && size > 4 && strcmp(entry->d_name + size - 4, ".sym") == 0;
}

static int read_folder(struct namelist *symbols, const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_symptom_file, alphasort), code = MIRA_OK;

	if (count < 0) {
		log_err("cannot read the symptoms' folder %s: %m", folder);
		return MIRA_PERSON;
	}
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name) >=
			(int)sizeof(path))
			errno = ENAMETOOLONG;
		else if (read_file(symbols, path) == 0)
			errno = 0;
		if (errno) {
			log_err("cannot read symptoms from %s: %m", path);
			code = MIRA_PERSON;
		}
		free(entries[i]);
	}
	free(entries);
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
