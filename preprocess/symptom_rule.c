/*
 * symptom_rule.c: reads the line that begins a symptom: its name, transports, ports and sizes.
 */
#include <ctype.h>
#include <string.h>
#include "preprocess/symptom_line.h"
#include "preprocess/symptom_where.h"
#include "spool/log.h"

#define NAME_MAX_BYTES 63
#define RULES_MAX      UINT16_MAX /* hits are 16-bit indices */
#define NUMBER_MAX     65535

/* Columns of a biflow: a symptom of that name would be hidden by them in policy.conf. */
static const char *const reserved[] = {"window_ms", "start_ms", "end_ms", "duration_s", "hour",
	"weekday", "proto", "src", "sport", "dst", "dport", "packets", "octets", "reverse_packets",
	"reverse_octets", "total_packets", "total_octets", "tcp_flags", "class", "verdict", "rule",
	"symptoms", "aggregate", "host_name", "tunnel", "tunnel_endpoint", "probe", "vlan", "user"};

bool symptom_list_has(const struct symptom_list *list, uint32_t value)
{
	for (size_t i = 0; i < list->count; i++)
		if (value >= list->ranges[i].first && value <= list->ranges[i].last)
			return true;
	return false;
}

/* number(): digits up to 65535 at *AT, before END; -1 when there are none or too many. */
static int64_t number(const char **at, const char *end)
{
	const char *start = *at;
	int64_t value = 0;

	while (*at < end && isdigit((unsigned char)**at) && value <= NUMBER_MAX)
		value = value * 10 + *(*at)++ - '0';
	return *at == start || value > NUMBER_MAX ? -1 : value;
}

int line_read_list(struct symptom_line *line, struct symptom_list *list, const char *what)
{
	size_t size = 0, room = list->count;
	const char *at = line_word(line, &size), *end = at ? at + size : NULL;

	if (!at)
		return line_refuse(line, line->at,
			"%s must be followed by a list, as in: %s 53,5353,6000-6063", what, what);
	for (; at < end; at++) {
		const char *start = at;
		int64_t first = number(&at, end), last = first;
		if (first >= 0 && at < end && *at == '-') {
			at++;
			last = number(&at, end);
		}
		if (first < 0 || last < first || (at < end && *at != ',') || at + 1 == end)
			return line_refuse(line, start,
				"a list of numbers and ranges from 0 to %d is expected, as in: "
				"%s 53,5353,6000-6063",
				NUMBER_MAX, what);
		list->ranges = line_grow(list->ranges, list->count, &room, sizeof(*list->ranges));
		list->ranges[list->count++] =
			(struct symptom_range){(uint32_t)first, (uint32_t)last};
	}
	return 0;
}

static int read_transports(struct symptom_line *line, const char *text, size_t size,
	uint8_t *transports)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} table[] = {{"tcp", SYMPTOM_TCP}, {"udp", SYMPTOM_UDP}, {"sctp", SYMPTOM_SCTP},
		{"icmp", SYMPTOM_ICMP}, {"any", 0}};

	for (const char *end = text + size; text <= end; text++) {
		size_t length = strcspn(text, ", \t"), i = 0;
		while (i < 5 && !line_is(text, length, table[i].name))
			i++;
		if (i == 5)
			return line_refuse(line, text,
				"'%.*s' is not understood; allowed are transports (tcp udp sctp "
				"icmp any), port, sport, dport and size LIST, src and dst "
				"PREFIXES, twoway, to server, to client, established and in GROUP",
				(int)length, text);
		*transports |= table[i].bit;
		text += length;
	}
	return 0;
}

/* read_group(): the name behind `in`. */
static int read_group(struct symptom_line *line, uint32_t *group)
{
	const struct symptom_source *source = line->source;
	size_t size = 0;
	const char *text = line_word(line, &size);

	for (size_t i = 0; text && i < source->rule_count; i++)
		if (source->rules[i].is_group && line_is(text, size, source->rules[i].name)) {
			*group = (uint32_t)i + 1;
			return 0;
		}
	return line_refuse(line, text ? text : line->at,
		"'in' must be followed by the name of a group that stands above");
}

int line_parse_group(struct symptom_line *line)
{
	line->source->rules[line->source->rule_count - 1].is_group = true;
	return line_at_end(line) ? 0 : line_refuse(line, line->at, "nothing may follow `group`");
}

static int read_restrictions(struct symptom_line *line, struct symptom_rule *rule)
{
	const char *text;
	size_t size;
	int error = 0, where;

	while (!error && (text = line_word(line, &size))) {
		where = where_parse(line, text, size, &rule->where);
		if (where)
			error = where < 0 ? -1 : 0;
		else if (line_is(text, size, "in"))
			error = read_group(line, &rule->group);
		else if (line_is(text, size, "port"))
			error = line_read_list(line, &rule->ports, "port");
		else if (line_is(text, size, "size"))
			error = line_read_list(line, &rule->sizes, "size");
		else
			error = read_transports(line, text, size, &rule->transports);
	}
	return error;
}

/* name_ok(): [a-z][a-z0-9_]*, and no column of a biflow. */
static int check_name(const struct symptom_line *line, const char *text, size_t size)
{
	size_t good = 0;

	while (good < size &&
		(islower((unsigned char)text[good]) ||
			(good && (isdigit((unsigned char)text[good]) || text[good] == '_'))))
		good++;
	if (!size || good < size || size > NAME_MAX_BYTES)
		return line_refuse(line, text,
			"'%.*s' is no name of a symptom; allowed are a letter a-z, then letters, "
			"digits and _, %d in all",
			(int)size, text, NAME_MAX_BYTES);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (line_is(text, size, reserved[i]))
			return line_refuse(line, text,
				"'%s' is a column of every biflow; choose another name",
				reserved[i]);
	return 0;
}

static int check_unique(const struct symptom_line *line, const char *text, size_t size)
{
	const struct symptom_source *source = line->source;

	for (size_t i = 0; i < source->rule_count; i++) {
		const struct symptom_rule *other = &source->rules[i];
		if (line_is(text, size, other->name))
			return line_refuse(line, text,
				"symptom '%s' stands already at %s:%d; join them or rename one",
				other->name, source->files[other->place.file], other->place.line);
	}
	return source->rule_count < RULES_MAX
		       ? 0
		       : line_refuse(line, text, "more than %d symptoms", RULES_MAX);
}

/* check_last(): the symptom before must have something to look for. */
int line_check_last(const struct symptom_source *source)
{
	const struct symptom_rule *rule =
		source->rule_count ? &source->rules[source->rule_count - 1] : NULL;

	if (!rule || rule->patterns || rule->hosts || rule->is_group)
		return 0;
	log_err("%s:%d:1: symptom '%s' has no pattern; add a line text, hex, regex, host or ja4 below "
		"it, or remove it",
		source->files[rule->place.file], rule->place.line, rule->name);
	return -1;
}

int line_parse_symptom(struct symptom_line *line)
{
	struct symptom_source *source = line->source;
	size_t size = 0;
	const char *text = line_word(line, &size);

	if (!text)
		return line_refuse(line, line->at,
			"a name is expected, as in: symptom dns udp,tcp port 53");
	if (line_check_last(source) || check_name(line, text, size) ||
		check_unique(line, text, size))
		return -1;
	source->rules = line_grow(source->rules, source->rule_count, &source->rule_room,
		sizeof(*source->rules));
	source->rules[source->rule_count] = (struct symptom_rule){
		.name = x_sprintf("%.*s", (int)size, text),
		.place = {line->file, line->number},
	};
	return read_restrictions(line, &source->rules[source->rule_count++]);
}
