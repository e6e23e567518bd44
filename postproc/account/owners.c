/*
 * owners.c: owners of addresses: the aggregates of mira.conf, and users of a text file. Between the
 * hosts of the store and post-processors that count by owner.
 */
#include "postproc/account/owners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/intern.h"
#include "spool/log.h"
#include "spool/nfs.h"

struct lpm *owners_aggregates(const struct config *config)
{
	struct lpm *owners = lpm_new();
	size_t prefixes = 0;

	for (size_t i = 0; i < config->aggregate_count; i++) {
		const struct config_aggregate *aggregate = &config->aggregates[i];

		for (size_t p = 0; p < aggregate->prefix_count; p++, prefixes++)
			lpm_add(owners, &aggregate->prefixes[p], intern(aggregate->name));
	}
	lpm_build(owners);
	if (prefixes)
		return owners;
	log_err("no aggregate has a prefix in %s: name some (mira.conf(5), aggregates)",
		config->file[0] ? config->file : "the defaults, for no mira.conf was found");
	lpm_free(owners);
	return NULL;
}

/* "192.0.2.0/28  Institute of Physics"; LINE is cut up. */
static bool parse_user(char *line, struct prefix *prefix, const char **name)
{
	char *end = line + strcspn(line, " \t"), *last;

	*name = end + strspn(end, " \t");
	last = line + strlen(line);
	while (last > *name && strchr(" \t\r", last[-1]))
		*--last = '\0';
	*end = '\0';
	return **name && prefix_parse(line, prefix);
}

static bool add_user(struct lpm *owners, const char *path, unsigned number, char *line)
{
	struct prefix prefix;
	const char *name;

	line[strcspn(line, "#")] = '\0';
	line += strspn(line, " \t\r");
	if (!*line)
		return true;
	if (!parse_user(line, &prefix, &name)) {
		log_err("%s:%u: not of the form PREFIX NAME, such as \"192.0.2.0/28 physics\", without"
			" bits behind the prefix's length",
			path, number);
		return false;
	}
	lpm_add(owners, &prefix, intern(name));
	return true;
}

struct lpm *owners_users(const char *path)
{
	char *text = nfs_read_file(path, NULL), *rest = text, *line;
	struct lpm *owners = lpm_new();
	bool good = text != NULL;

	if (!text)
		log_err("cannot read the users %s: %m", path);
	for (unsigned number = 1; good && (line = strsep(&rest, "\n")); number++)
		good = add_user(owners, path, number, line);
	free(text);
	lpm_build(owners);
	if (good)
		return owners;
	lpm_free(owners);
	return NULL;
}

uint32_t owner_of(const struct lpm *owners, const char *address, uint32_t outside, uint32_t unknown)
{
	struct prefix host;
	uint32_t owner;

	if (!prefix_parse(address, &host))
		return unknown;
	owner = lpm_find(owners, host.address, host.version);
	return owner ? owner : outside;
}
