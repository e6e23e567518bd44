/*
 * privacy_name.c: which host names tell of somebody's machine, by their text alone: a name that a
 * service is known by to everybody says where traffic went, one that a machine bears says whose it
 * was.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "postproc/privacy/privacy.h"

/* RFC 6762 and its appendix G, RFC 6303, RFC 8375, and ICANN's .internal. */
static const char *const private_domains[] = {"arpa", "corp", "home", "internal", "intranet", "lan",
	"local", "localdomain", "localhost", "private"};

/* NAME is DOMAIN or below it. LENGTH is NAME's without a dot at its end. */
static bool below(const char *name, size_t length, const char *domain)
{
	size_t rest = strlen(domain);

	if (length < rest || strncasecmp(name + length - rest, domain, rest))
		return false;
	return length == rest || name[length - rest - 1] == '.';
}

/* How numbers may spell an address: so many, in that base, with one of these between all of them. */
struct spelling {
	int count, base;
	unsigned long most;
	size_t digits;
	const char *separators;
};

static const struct spelling spellings[] = {
	{4, 10, 255, 3, ".-_"},	 /* IPv4, also backwards */
	{5, 16, 0xffff, 4, "-"}, /* IPv6; five, for a few words may be hexadecimal by chance */
};

static bool spelled(const char *at, const struct spelling *spelling)
{
	char separator = '\0', *end;

	for (int left = spelling->count; left; left--) {
		if (!isxdigit((unsigned char)*at) ||
			strtoul(at, &end, spelling->base) > spelling->most || end == at ||
			(size_t)(end - at) > spelling->digits)
			return false;
		if (left > 1 && (!*end || !strchr(spelling->separators, *end) ||
					(separator && *end != separator)))
			return false;
		separator = *end;
		at = end + 1;
	}
	return !isdigit((unsigned char)at[-1]); /* what ended the last one */
}

static bool spells_address(const char *name)
{
	for (const char *at = name; *at; at++) {
		if (at > name && isdigit((unsigned char)at[-1]))
			continue;
		for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
			if (spelled(at, &spellings[i]))
				return true;
	}
	return strchr(name, ':') != NULL;
}

bool privacy_machine(const struct config_privacy *settings, const char *name)
{
	size_t length = strlen(name);

	if (length && name[length - 1] == '.')
		length--;
	if (!memchr(name, '.', length) || spells_address(name))
		return true;
	for (size_t i = 0; i < sizeof(private_domains) / sizeof(private_domains[0]); i++)
		if (below(name, length, private_domains[i]))
			return true;
	for (size_t i = 0; i < settings->domain_count; i++)
		if (below(name, length, settings->domains[i]))
			return true;
	return false;
}
