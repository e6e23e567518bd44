/*
 * symptom_where.c: addresses, ends and direction that a symptom asks for; looked at for the few
 * packets that show it.
 */
#include "preprocess/symptom_where.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "preprocess/decode.h"
#include "preprocess/symptom_line.h"
#include "spool/config.h"
#include "spool/log.h"

#define TCP_RST 0x04

/* An address fits when it lies in a prefix of those that are not negated, or there are none such,
 * and in none of those that are. */
struct addresses {
	struct {
		struct prefix prefix;
		bool negated;
	} * items;
	size_t count, room;
	bool positive; /* one is not negated */
};

struct symptom_where {
	struct addresses src, dst;
	struct symptom_list sport, dport;
	bool twoway, established;
	enum symptom_side side;
};

static int read_prefix(struct symptom_line *line, struct addresses *list, const char *at,
	size_t size)
{
	bool negated = size && *at == '!';
	char text[64];

	list->items = line_grow(list->items, list->count, &list->room, sizeof(*list->items));
	at += negated;
	size -= negated;
	if (size >= sizeof(text))
		size = 0;
	memcpy(text, at, size);
	text[size] = 0;
	if (!prefix_parse(text, &list->items[list->count].prefix))
		return line_refuse(line, at,
			"a list of prefixes is expected, '!' before those to be left out, no bits "
			"set behind their length, as in: src 10.0.0.0/8,!10.1.0.0/16,2001:db8::1");
	list->items[list->count++].negated = negated;
	list->positive |= !negated;
	return 0;
}

static int read_addresses(struct symptom_line *line, struct addresses *list)
{
	size_t size = 0;
	const char *at = line_word(line, &size), *end = at ? at + size : NULL;

	if (!at)
		return line_refuse(line, line->at,
			"a list of prefixes is expected, as in: src 10.0.0.0/8,2001:db8::1");
	for (; at <= end; at++) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		size = (size_t)((comma ? comma : end) - at);
		if (read_prefix(line, list, at, size))
			return -1;
		at += size;
	}
	return 0;
}

static int read_side(struct symptom_line *line, enum symptom_side *side)
{
	size_t size = 0;
	const char *at = line_word(line, &size);

	if (at && line_is(at, size, "server"))
		*side = SIDE_SERVER;
	else if (at && line_is(at, size, "client"))
		*side = SIDE_CLIENT;
	else
		return line_refuse(line, at ? at : line->at,
			"'to' must be followed by server or client");
	return 0;
}

static int read_one(struct symptom_line *line, const char *word, size_t size,
	struct symptom_where *where)
{
	if (line_is(word, size, "src"))
		return read_addresses(line, &where->src);
	if (line_is(word, size, "dst"))
		return read_addresses(line, &where->dst);
	if (line_is(word, size, "sport"))
		return line_read_list(line, &where->sport, "sport");
	if (line_is(word, size, "dport"))
		return line_read_list(line, &where->dport, "dport");
	if (line_is(word, size, "to"))
		return read_side(line, &where->side);
	if (line_is(word, size, "twoway"))
		where->twoway = true;
	else
		where->established = true;
	return 0;
}

int where_parse(struct symptom_line *line, const char *word, size_t size,
	struct symptom_where **where)
{
	static const char *const words[] = {"src", "dst", "sport", "dport", "to", "twoway",
		"established"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!line_is(word, size, words[i]))
			continue;
		if (!*where)
			*where = x_calloc(1, sizeof(**where));
		return read_one(line, word, size, *where) ? -1 : 1;
	}
	return 0;
}

void where_free(struct symptom_where *where)
{
	if (!where)
		return;
	free(where->src.items);
	free(where->dst.items);
	free(where->sport.ranges);
	free(where->dport.ranges);
	free(where);
}

/* ---- asking ---- */

static bool holds(const struct addresses *list, const uint8_t *address, uint8_t version)
{
	bool held = !list->positive;

	for (size_t i = 0; i < list->count; i++) {
		if (!prefix_holds(&list->items[i].prefix, address, version))
			continue;
		if (list->items[i].negated)
			return false;
		held = true;
	}
	return held;
}

static bool has_ports(const struct symptom_list *list, uint16_t port)
{
	return !list->count || symptom_list_has(list, port);
}

static bool ends_fit(const struct symptom_where *where, const struct flowkey *key, bool turned)
{
	return holds(&where->src, turned ? key->dst : key->src, key->version) &&
	       holds(&where->dst, turned ? key->src : key->dst, key->version) &&
	       has_ports(&where->sport, turned ? key->dport : key->sport) &&
	       has_ports(&where->dport, turned ? key->sport : key->dport);
}

bool where_fits(const struct symptom_where *where, const struct flowkey *key, uint16_t tcp_flags,
	enum symptom_side side)
{
	if (!where)
		return true;
	if (where->side != SIDE_ANY && side != SIDE_UNKNOWN && side != where->side)
		return false;
	if (where->established && (key->proto != IPPROTO_TCP || !(tcp_flags & TCP_ACK) ||
					  (tcp_flags & (TCP_SYN | TCP_RST))))
		return false;
	return ends_fit(where, key, false) || (where->twoway && ends_fit(where, key, true));
}
