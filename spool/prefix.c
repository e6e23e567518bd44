/*
 * prefix.c: address prefixes, as operators write them for aggregates and fast lists. Part of
 * config.h.
 */
#include "spool/config.h"

#include <arpa/inet.h>
#include <string.h>

static bool parse_bits(const char *text, unsigned most, uint8_t *bits)
{
	unsigned value = 0;

	if (!*text || strlen(text) > 3)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
	}
	*bits = (uint8_t)value;
	return value <= most;
}

static bool has_host_bits(const struct prefix *prefix)
{
	for (unsigned bit = prefix->bits; bit < 128; bit++)
		if (prefix->address[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

bool prefix_parse(const char *text, struct prefix *prefix)
{
	char address[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "/");
	bool six = memchr(text, ':', length) != NULL;

	memset(prefix, 0, sizeof(*prefix));
	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	prefix->version = six ? 6 : 4;
	prefix->bits = six ? 128 : 32;
	if (inet_pton(six ? AF_INET6 : AF_INET, address, prefix->address) != 1)
		return false;
	if (text[length] == '/' && !parse_bits(text + length + 1, prefix->bits, &prefix->bits))
		return false;
	return !has_host_bits(prefix);
}

bool prefix_holds(const struct prefix *prefix, const uint8_t *address, uint8_t version)
{
	unsigned bytes = prefix->bits / 8, rest = prefix->bits % 8;

	if (version != prefix->version || memcmp(prefix->address, address, bytes) != 0)
		return false;
	return !rest || ((prefix->address[bytes] ^ address[bytes]) & (0xff00 >> rest) & 0xff) == 0;
}
