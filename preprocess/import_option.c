/*
 * import_option.c: the options of a rule: a table of what each means here.
 *
 * Whatever is not in the table is refused: an option that is overlooked would make a rule another
 * rule.
 */
#include <stdlib.h>
#include <string.h>
#include "preprocess/import.h"
#include "spool/log.h"

/* ---- what it is called ---- */

static int read_msg(struct import_rule *rule, const char *name, char *value)
{
	size_t size;

	free(rule->result->msg);
	value += *value == '"';
	size = strlen(value);
	rule->result->msg =
		x_sprintf("%.*s", (int)(size && value[size - 1] == '"' ? size - 1 : size), value);
	return 0;
}

static int read_classtype(struct import_rule *rule, const char *name, char *value)
{
	free(rule->result->classtype);
	rule->result->classtype = x_strdup(value);
	return 0;
}

static int read_id(struct import_rule *rule, const char *name, char *value)
{
	int64_t number;

	if (!import_number(value, 0, UINT32_MAX, &number))
		return import_refuse(rule, "%s:%.60s is no number up to %u", name, value,
			UINT32_MAX);
	*(name[0] == 's' ? &rule->result->sid : &rule->result->rev) = (uint64_t)number;
	return 0;
}

static int read_gid(struct import_rule *rule, const char *name, char *value)
{
	return strcmp(value, "1") ? import_refuse(rule,
					    "gid:%.20s: the rule configures a part of Snort", value)
				  : 0;
}

/* ---- where it looks ---- */

static int flow_word(struct import_rule *rule, const char *word)
{
	bool tcp = !strncmp(rule->head[1], "tcp", 3);

	if (!strcmp(word, "to_server") || !strcmp(word, "from_client"))
		rule->to_server = true;
	else if (!strcmp(word, "to_client") || !strcmp(word, "from_server"))
		rule->to_client = true;
	else if (!strcmp(word, "established") && tcp)
		rule->established = true;
	else if (!strcmp(word, "established"))
		return import_refuse(rule,
			"flow:established of what is not TCP: whether both sides "
			"spoke is not known when a packet is looked at");
	else if (strcmp(word, "stateless") != 0)
		return import_refuse(rule, "flow:%.40s is not known when a packet is looked at",
			word);
	return 0;
}

static int read_flow(struct import_rule *rule, const char *name, char *value)
{
	char *save = NULL;

	if (!strcmp(rule->head[1], "icmp") || !strcmp(rule->head[1], "ip"))
		return import_refuse(rule, "flow of the protocol %s", rule->head[1]);
	for (char *word = strtok_r(value, ",", &save); word; word = strtok_r(NULL, ",", &save))
		if (flow_word(rule, import_trim(word)))
			return -1;
	return rule->to_server && rule->to_client
		       ? import_refuse(rule, "flow to both sides; leave the side out")
		       : 0;
}

/* dsize_range(): "N<=>M". */
static int dsize_range(struct import_rule *rule, char *value, char *middle)
{
	int64_t first, last;

	*middle = 0;
	if (!import_number(import_trim(value), 0, 65535, &first) ||
		!import_number(import_trim(middle + 3), first, 65535, &last))
		return import_refuse(rule, "dsize needs a number, <, > or a range <=>");
	rule->sizes = x_sprintf("%d-%d", (int)first, (int)last);
	return 0;
}

static int read_dsize(struct import_rule *rule, const char *name, char *value)
{
	bool less = *value == '<', more = *value == '>', equal = (less || more) && value[1] == '=';
	int64_t number;

	if (rule->sizes)
		return import_refuse(rule, "dsize stands twice");
	if (strstr(value, "<=>"))
		return dsize_range(rule, value, strstr(value, "<=>"));
	if (strstr(value, "<>"))
		return import_refuse(rule, "dsize with <>: Snort counts its ends in, Suricata does "
					   "not; write <=> with the ends counted in");
	if (!import_number(import_trim(value + (less || more) + equal), less && !equal,
		    65535 - (more && !equal), &number))
		return import_refuse(rule, "dsize needs a number, <, > or a range <=>");
	if (less)
		rule->sizes = x_sprintf("0-%d", (int)number - !equal);
	else if (more)
		rule->sizes = x_sprintf("%d-65535", (int)number + !equal);
	else
		rule->sizes = x_sprintf("%d", (int)number);
	return 0;
}

/* ---- what it does ---- */

/* Setting a bit matters to rules that ask for it only, and those are left out. */
static int read_flowbits(struct import_rule *rule, const char *name, char *value)
{
	size_t size = strcspn(value, ",");

	while (size && value[size - 1] == ' ')
		size--;
	if ((size == 3 && !strncmp(value, "set", 3)) || (size == 5 && !strncmp(value, "unset", 5)))
		return 0;
	return import_refuse(rule,
		"%s:%.*s: what other packets of the flow showed is not known when a "
		"packet is looked at; ask for several symptoms in policy.conf",
		name, (int)(size > 40 ? 40 : size), value);
}

/* A limit only spares a person further messages; a count stays a count. */
static int read_threshold(struct import_rule *rule, const char *name, char *value)
{
	const char *at = strstr(value, "type");

	if (at && !strncmp(at + 4 + strspn(at + 4, " "), "limit", 5))
		return 0;
	return import_refuse(rule, "%s: how often within what time is a question for policy.conf",
		name);
}

static int take_content(struct import_rule *rule, const char *name, char *value)
{
	return import_content(rule, value);
}

static int take_pcre(struct import_rule *rule, const char *name, char *value)
{
	return import_pcre(rule, value);
}

static int take_isdataat(struct import_rule *rule, const char *name, char *value)
{
	return import_isdataat(rule, value);
}

static int ignore(struct import_rule *rule, const char *name, char *value)
{
	return 0;
}

enum value { NEEDED, OPTIONAL };

static const struct {
	const char *name;
	enum value value;
	int (*read)(struct import_rule *rule, const char *name, char *value);
} options[] = {
	{"msg", NEEDED, read_msg},
	{"sid", NEEDED, read_id},
	{"rev", NEEDED, read_id},
	{"gid", NEEDED, read_gid},
	{"classtype", NEEDED, read_classtype},
	{"flow", NEEDED, read_flow},
	{"dsize", NEEDED, read_dsize},
	{"content", NEEDED, take_content},
	{"pcre", NEEDED, take_pcre},
	{"isdataat", NEEDED, take_isdataat},
	{"nocase", OPTIONAL, import_modifier},
	{"fast_pattern", OPTIONAL, import_modifier},
	{"startswith", OPTIONAL, import_modifier},
	{"endswith", OPTIONAL, import_modifier},
	{"offset", NEEDED, import_modifier},
	{"depth", NEEDED, import_modifier},
	{"distance", NEEDED, import_modifier},
	{"within", NEEDED, import_modifier},
	{"flowbits", NEEDED, read_flowbits},
	{"threshold", NEEDED, read_threshold},
	/* of people, or of the engine's speed: they do not change what is found */
	{"reference", OPTIONAL, ignore},
	{"metadata", OPTIONAL, ignore},
	{"priority", OPTIONAL, ignore},
	{"rem", OPTIONAL, ignore},
	{"target", OPTIONAL, ignore},
	{"rawbytes", OPTIONAL, ignore},
	{"pkt_data", OPTIONAL, ignore},
	{"fast_pattern_offset", OPTIONAL, ignore},
	{"fast_pattern_length", OPTIONAL, ignore},
	{"tag", OPTIONAL, ignore},
	{"logto", OPTIONAL, ignore},
};

/* Why the others are refused, by how their names begin; the last row is for all that are left. */
static const struct {
	const char *begins, *why;
} refused[] = {
	{"http", "looks in a piece of HTTP; MIRA looks in the payload as it came"},
	{"uri", "looks in a piece of HTTP; MIRA looks in the payload as it came"},
	{"file", "looks in a file that was put together; MIRA looks in the payload as it came"},
	{"tls", "looks in a piece of TLS; host names are symptoms of their own (host)"},
	{"ssl", "looks in a piece of TLS; host names are symptoms of their own (host)"},
	{"ja", "looks in a fingerprint of TLS"},
	{"dns", "looks in a piece of DNS; host names are symptoms of their own (host)"},
	{"byte_", "computes with bytes of the payload"},
	{"base64", "decodes the payload"},
	{"bsize", "is the size of a piece that Suricata cut out"},
	{"flowint", "needs what other packets showed"},
	{"xbits", "needs what other packets showed"},
	{"hostbits", "needs what other packets showed"},
	{"detection_filter", "how often within what time is a question for policy.conf"},
	{"noalert", "the rule only serves other rules"},
	{"itype", "looks in the header of ICMP"},
	{"ico", "looks in the header of ICMP"},
	{"icmp", "looks in the header of ICMP"},
	{"ttl", "looks in the header of IP"},
	{"tos", "looks in the header of IP"},
	{"id", "looks in the header of IP"},
	{"ip", "looks in the header of IP"},
	{"frag", "looks in the header of IP"},
	{"sameip", "looks in the header of IP"},
	{"flags", "looks in the header of TCP"},
	{"seq", "looks in the header of TCP"},
	{"ack", "looks in the header of TCP"},
	{"window", "looks in the header of TCP"},
	{"tcp", "looks in the header of TCP"},
	{"stream", "looks at the whole stream"},
	{"app-layer", "needs a protocol's parser"},
	{"lua", "runs a program"},
	{"dataset", "asks a list of Suricata"},
	{"service", "needs the service that Snort recognised"},
	{"", "is not known"},
};

int import_option(struct import_rule *rule, char *name, char *value)
{
	size_t i = 0;

	if (value)
		value = import_trim(value);
	for (; i < sizeof(options) / sizeof(*options); i++) {
		if (strcmp(name, options[i].name) != 0)
			continue;
		if (options[i].value == NEEDED && (!value || !*value))
			return import_refuse(rule, "%s without a value", name);
		return options[i].read(rule, name, value);
	}
	for (i = 0; strncmp(name, refused[i].begins, strlen(refused[i].begins)) != 0;)
		i++;
	return import_refuse(rule, "%.60s %s", name, refused[i].why);
}
