/*
 * conf.h: libconfig files into structures by tables, with messages that say file, line, what is
 * wrong and what is allowed. Used by config.c and policy.c.
 *
 *	static const struct conf_key keys[] = {
 *		CONF_NUMBER(struct config, window_s, CONF_U32, 1, 86400), … {0}
 *	};
 *	if (conf_open(&conf, path) == 0 && conf_fill(&conf, conf_root(&conf), keys, &config)) …
 *	conf_close(&conf);
 *
 * A key that is not in the table is refused, with the list of those that are. @include is refused,
 * because the rules travel to other hosts as single files.
 */
#ifndef SPOOL_CONF_H
#define SPOOL_CONF_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf {
	const char *path;
	config_t tree;
};

enum conf_type {
	CONF_NONE,
	CONF_TEXT,
	CONF_PATH,
	CONF_U32,
	CONF_U64,
	CONF_REAL,
	CONF_BOOL,
	CONF_LIST,
	CONF_GROUP
};

struct conf_key {
	const char *name;
	enum conf_type type;
	size_t offset;
	double min, max; /* of a number, both allowed */
	bool required;
	bool (*list)(struct conf *conf, config_setting_t *list, void *structure);
};

#define CONF_STRING(structure, member)                                                             \
	{                                                                                          \
		.name = #member, .type = CONF_TEXT, .offset = offsetof(structure, member)          \
	}
#define CONF_NEEDED(structure, member)                                                             \
	{                                                                                          \
		.name = #member, .type = CONF_TEXT, .offset = offsetof(structure, member),         \
		.required = true                                                                   \
	}
#define CONF_FILE(structure, member)                                                               \
	{                                                                                          \
		.name = #member, .type = CONF_PATH, .offset = offsetof(structure, member)          \
	}
#define CONF_NUMBER(structure, member, kind, low, high)                                            \
	{                                                                                          \
		.name = #member, .type = kind, .offset = offsetof(structure, member), .min = low,  \
		.max = high                                                                        \
	}
#define CONF_SWITCH(structure, member)                                                             \
	{                                                                                          \
		.name = #member, .type = CONF_BOOL, .offset = offsetof(structure, member)          \
	}
#define CONF_ITEMS(key, function)                                                                  \
	{                                                                                          \
		.name = #key, .type = CONF_LIST, .list = function                                  \
	}
#define CONF_MEMBERS(key, function)                                                                \
	{                                                                                          \
		.name = #key, .type = CONF_GROUP, .list = function                                 \
	}

/* conf_open(): 0, or an exit code after having logged why. PATH must outlive it. */
int conf_open(struct conf *conf, const char *path);
void conf_close(struct conf *conf);
config_setting_t *conf_root(struct conf *conf);

/* conf_fail(): logs "path:line: text"; returns false. */
bool conf_fail(const struct conf *conf, const config_setting_t *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* conf_fill(): reads the settings of GROUP into STRUCTURE; texts are x_strdup'ed in place of what
 * stood there. */
bool conf_fill(struct conf *conf, config_setting_t *group, const struct conf_key *keys,
	void *structure);

/* conf_groups(): LIST is "( { … }, { … } )": a structure of SIZE bytes for each group in *ARRAY;
 * those filled before an error stay in it. */
bool conf_groups(struct conf *conf, config_setting_t *list, const struct conf_key *keys,
	size_t size, void *array, size_t *count);

/* conf_text_at(): element INDEX of LIST, a view; NULL after having logged that it is no text. */
const char *conf_text_at(struct conf *conf, config_setting_t *list, int index);
/* conf_number_at(): element INDEX as a number from MIN to MAX. */
bool conf_number_at(struct conf *conf, config_setting_t *list, int index, uint32_t min,
	uint32_t max, uint32_t *number);

struct prefix;
/* conf_prefixes(): LIST of texts like "10.0.0.0/8" into *PREFIXES (malloc'ed). */
bool conf_prefixes(struct conf *conf, config_setting_t *list, struct prefix **prefixes,
	size_t *count);

/* conf_line(): line of member NAME of GROUP, or of GROUP. */
int conf_line(config_setting_t *group, const char *name);

/* conf_resolve(): TEXT as a path in OUT (PATH_MAX), relative ones against the folder of FILE. */
bool conf_resolve(const char *file, const char *text, char *out);

#endif
