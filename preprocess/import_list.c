/*
 * import_list.c: addresses and ports of a rule's header: variables, lists, ranges, negation.
 *
 * A list means: one of those that are not negated (all, if there are none), and none of those that
 * are. Lists within lists are taken apart where that keeps the meaning.
 */
#include <stdlib.h>
#include <string.h>
#include "preprocess/import.h"
#include "spool/config.h"
#include "spool/log.h"

#define DEEPEST	   16
#define LEAVES_MAX 20000
#define PORTS	   65536

struct walk {
	struct import_rule *rule;
	int (*leaf)(struct walk *walk, const char *text, bool negated);
	unsigned depth, leaves;
	FILE *out; /* of addresses */
	bool any;
	uint8_t *wanted, *unwanted; /* of ports */
	bool positive;
};

static int walk_item(struct walk *walk, char *text, bool negated, bool alone);

/* next_element(): cuts one off *REST at a comma outside of brackets; NULL at the end. */
static char *next_element(char **rest)
{
	char *start = *rest, *at = start;
	int depth = 0;

	if (!start)
		return NULL;
	for (; *at && (*at != ',' || depth); at++)
		depth += (*at == '[') - (*at == ']');
	*rest = *at ? at + 1 : NULL;
	*at = 0;
	return start;
}

static int walk_list(struct walk *walk, char *text, bool negated, bool alone)
{
	char *rest = text + 1, *element, *end = text + strlen(text) - 1;
	bool single;

	if (*end != ']' || end == text)
		return import_refuse(walk->rule, "the list '%.80s' has no end", text);
	*end = 0;
	single = !strchr(rest, ',');
	while ((element = next_element(&rest))) {
		bool minus = *(element = import_trim(element)) == '!';
		if (minus && !alone)
			return import_refuse(walk->rule,
				"a negation inside a list that is negated or part of another");
		if (walk_item(walk, element + minus, negated || minus, alone && single && !minus))
			return -1;
	}
	return 0;
}

static int walk_variable(struct walk *walk, const char *text, bool negated, bool alone)
{
	char open = text[1], *copy;
	const char *name = text + 1 + (open == '{' || open == '('), *value;
	size_t size = strcspn(name, "})");
	int result;

	value = import_variable(walk->rule->import, name, size);
	if (!value)
		return import_refuse(walk->rule,
			"the variable %.60s is not known; set it with --set "
			"%.*s=VALUE or --vars FILE",
			text, (int)(size > 60 ? 60 : size), name);
	copy = x_strdup(value);
	result = walk_item(walk, copy, negated, alone);
	free(copy);
	return result;
}

static int walk_item(struct walk *walk, char *text, bool negated, bool alone)
{
	int result;

	if (++walk->depth > DEEPEST || ++walk->leaves > LEAVES_MAX)
		return import_refuse(walk->rule, "its lists are too deep or too long");
	text = import_trim(text);
	if (*text == '!' && alone && !negated)
		result = walk_item(walk, text + 1, true, false);
	else if (*text == '!')
		result = import_refuse(walk->rule,
			"a negation inside a list that is negated or part of another");
	else if (*text == '[')
		result = walk_list(walk, text, negated, alone);
	else if (*text == '$')
		result = walk_variable(walk, text, negated, alone);
	else
		result = walk->leaf(walk, text, negated);
	walk->depth--;
	return result;
}

static int walk_all(struct walk *walk, const char *text)
{
	char *copy = x_strdup(text);
	int result = walk_item(walk, copy, false, true);

	free(copy);
	return result;
}

/* ---- addresses ---- */

/* without_host_bits(): Snort and Suricata overlook them; prefix_parse() does not. */
static bool without_host_bits(const char *text, struct prefix *prefix)
{
	size_t size = strcspn(text, "/");
	char address[64];
	int64_t bits;

	if (prefix_parse(text, prefix))
		return true;
	if (size >= sizeof(address) || !text[size])
		return false;
	memcpy(address, text, size);
	address[size] = 0;
	if (!prefix_parse(address, prefix) ||
		!import_number(text + size + 1, 0, prefix->bits, &bits))
		return false;
	for (int64_t bit = bits; bit < prefix->bits; bit++)
		prefix->address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	prefix->bits = (uint8_t)bits;
	return true;
}

static void put_prefix(FILE *out, const struct prefix *prefix)
{
	if (prefix->version == 4)
		fprintf(out, "%u.%u.%u.%u", prefix->address[0], prefix->address[1],
			prefix->address[2], prefix->address[3]);
	else
		for (size_t i = 0; i < 16; i += 2)
			fprintf(out, "%s%x", i ? ":" : "",
				(unsigned)(prefix->address[i] << 8 | prefix->address[i + 1]));
	fprintf(out, "/%u", prefix->bits);
}

static int address_leaf(struct walk *walk, const char *text, bool negated)
{
	struct prefix prefix;

	if (!strcasecmp(text, "any")) {
		walk->any = true;
		return negated ? import_refuse(walk->rule, "no address is not any") : 0;
	}
	if (!without_host_bits(text, &prefix))
		return import_refuse(walk->rule,
			"'%.60s' is no address and no prefix such as 10.0.0.0/8", text);
	fprintf(walk->out, "%s%s", ftell(walk->out) ? "," : "", negated ? "!" : "");
	put_prefix(walk->out, &prefix);
	walk->positive |= !negated;
	return 0;
}

int import_addresses(struct import_rule *rule, const char *text, char **list)
{
	struct walk walk = {.rule = rule, .leaf = address_leaf};
	size_t size = 0;
	int result;

	*list = NULL;
	walk.out = open_memstream(list, &size);
	if (!walk.out)
		die(MIRA_AGAIN, "no memory to import rules");
	result = walk_all(&walk, text);
	fclose(walk.out);
	if (!result && walk.any && walk.positive)
		result = import_refuse(rule, "a list of any and others");
	if (result || !size) {
		free(*list);
		*list = NULL;
	}
	return result;
}

/* ---- ports ---- */

static int port_leaf(struct walk *walk, const char *text, bool negated)
{
	uint8_t *set = negated ? walk->unwanted : walk->wanted;
	char first[8] = "0", last[8] = "65535";
	const char *colon = strchr(text, ':');
	int64_t from, to;

	walk->positive |= !negated;
	if (strcasecmp(text, "any") != 0) {
		size_t size = colon ? (size_t)(colon - text) : strlen(text);
		if (size)
			snprintf(first, sizeof(first), "%.*s", (int)(size > 7 ? 7 : size), text);
		if (!colon || colon[1])
			snprintf(last, sizeof(last), "%s", colon ? colon + 1 : first);
	}
	if (!*text || !import_number(import_trim(first), 0, PORTS - 1, &from) ||
		!import_number(import_trim(last), from, PORTS - 1, &to))
		return import_refuse(walk->rule, "'%.60s' is no port and no range such as 80:90",
			text);
	memset(set + from, 1, (size_t)(to - from) + 1);
	return 0;
}

/* put_ports(): the ranges of SET; false when there are none. */
static bool put_ports(const uint8_t *set, char **list)
{
	size_t size = 0;
	FILE *out = open_memstream(list, &size);

	if (!out)
		die(MIRA_AGAIN, "no memory to import rules");
	for (unsigned port = 0, first; port < PORTS; port++) {
		if (!set[port])
			continue;
		for (first = port; port + 1 < PORTS && set[port + 1];)
			port++;
		fprintf(out, ftell(out) ? ",%u" : "%u", first);
		if (port > first)
			fprintf(out, "-%u", port);
	}
	fclose(out);
	return size > 0;
}

int import_ports(struct import_rule *rule, const char *text, char **list)
{
	struct walk walk = {.rule = rule, .leaf = port_leaf};
	int result;

	*list = NULL;
	walk.wanted = x_calloc(PORTS, 2);
	walk.unwanted = walk.wanted + PORTS;
	result = walk_all(&walk, text);
	for (size_t i = 0; i < PORTS; i++)
		walk.wanted[i] = (walk.wanted[i] || !walk.positive) && !walk.unwanted[i];
	if (!result && !put_ports(walk.wanted, list))
		result = import_refuse(rule, "no port is left by '%.60s'", text);
	if (result || !memchr(walk.wanted, 0, PORTS)) {
		free(*list);
		*list = NULL;
	}
	free(walk.wanted);
	return result;
}
