/*
 * policy.c: policy.conf as data. Preprocess takes the fast lists from it, classify the conditions;
 * what a condition means is classify's knowledge, what the file may look like is decided here, once
 * for both.
 */
#include "spool/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/conf.h"
#include "spool/log.h"

static bool read_fast(struct conf *conf, config_setting_t *list, void *structure);
static bool read_classes(struct conf *conf, config_setting_t *list, void *structure);
static bool read_prefixes(struct conf *conf, config_setting_t *list, void *structure);
static bool read_ports(struct conf *conf, config_setting_t *list, void *structure);

static const struct conf_key keys[] = {
	CONF_STRING(struct policy, version),
	CONF_ITEMS(fast, read_fast),
	CONF_ITEMS(classes, read_classes),
	{0},
};

static const struct conf_key fast_keys[] = {
	CONF_NEEDED(struct policy_fast, name),
	CONF_NEEDED(struct policy_fast, class),
	CONF_NEEDED(struct policy_fast, verdict),
	CONF_STRING(struct policy_fast, say),
	CONF_ITEMS(prefixes, read_prefixes),
	CONF_ITEMS(ports, read_ports),
	{0},
};

static const struct conf_key class_keys[] = {
	CONF_NEEDED(struct policy_class, name),
	CONF_NEEDED(struct policy_class, class),
	CONF_NEEDED(struct policy_class, verdict),
	CONF_STRING(struct policy_class, say),
	CONF_NEEDED(struct policy_class, when),
	{0},
};

/* What a fast list and a class have in common. */
struct rule {
	const char *name, *class, *verdict;
	char **say;
};

static bool is_name(const char *text)
{
	return *text >= 'a' && *text <= 'z' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text);
}

static bool is_class(const char *text)
{
	return *text >= 'A' && *text <= 'Z' &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-") == strlen(text);
}

static bool is_verdict(const char *text)
{
	return strcmp(text, "acceptable") == 0 || strcmp(text, "unacceptable") == 0 ||
	       strcmp(text, "review") == 0;
}

/* A verdict names its rule, so a name stands once in the whole file. */
static bool is_taken(const struct policy *policy, const char *name)
{
	size_t times = 0;

	for (size_t i = 0; i < policy->fast_count; i++)
		times += strcmp(policy->fast[i].name, name) == 0;
	for (size_t i = 0; i < policy->class_count; i++)
		times += strcmp(policy->classes[i].name, name) == 0;
	return times > 1;
}

static bool rule_ok(struct conf *conf, config_setting_t *group, const struct policy *policy,
	struct rule rule)
{
	config_setting_t *name = config_setting_get_member(group, "name");
	config_setting_t *class = config_setting_get_member(group, "class");
	config_setting_t *verdict = config_setting_get_member(group, "verdict");

	if (!is_name(rule.name))
		return conf_fail(conf, name,
			"name \"%s\" is not legal; allowed: a-z, then a-z, 0-9 and _", rule.name);
	if (is_taken(policy, rule.name))
		return conf_fail(conf, name,
			"name \"%s\" stands twice; names are unique over fast and classes",
			rule.name);
	if (!is_class(rule.class))
		return conf_fail(conf, class,
			"class \"%s\" is not legal; allowed: A-Z, then A-Z, 0-9, / and -",
			rule.class);
	if (!is_verdict(rule.verdict))
		return conf_fail(conf, verdict,
			"verdict \"%s\" is not legal; allowed: acceptable, unacceptable, review",
			rule.verdict);
	if (!*rule.say)
		*rule.say = x_strdup("");
	return true;
}

/* Such a list would switch the scan off for everything. */
static bool selects_something(struct conf *conf, config_setting_t *group,
	const struct policy_fast *fast)
{
	if (fast->prefix_count + fast->port_count)
		return true;
	return conf_fail(conf, group,
		"fast list \"%s\" has neither prefixes nor ports and would match every packet",
		fast->name);
}

static bool read_fast(struct conf *conf, config_setting_t *list, void *structure)
{
	struct policy *policy = structure;

	if (!conf_groups(conf, list, fast_keys, sizeof(*policy->fast), &policy->fast,
		    &policy->fast_count))
		return false;
	for (size_t i = 0; i < policy->fast_count; i++) {
		struct policy_fast *fast = &policy->fast[i];
		config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
		struct rule rule = {fast->name, fast->class, fast->verdict, &fast->say};

		fast->line = conf_line(group, "name");
		if (!rule_ok(conf, group, policy, rule) || !selects_something(conf, group, fast))
			return false;
	}
	return true;
}

static bool read_classes(struct conf *conf, config_setting_t *list, void *structure)
{
	struct policy *policy = structure;

	if (!conf_groups(conf, list, class_keys, sizeof(*policy->classes), &policy->classes,
		    &policy->class_count))
		return false;
	for (size_t i = 0; i < policy->class_count; i++) {
		struct policy_class *class = &policy->classes[i];
		config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
		struct rule rule = {class->name, class->class, class->verdict, &class->say};

		class->line = conf_line(group, "when");
		if (!rule_ok(conf, group, policy, rule))
			return false;
	}
	return true;
}

static bool read_prefixes(struct conf *conf, config_setting_t *list, void *structure)
{
	struct policy_fast *fast = structure;

	return conf_prefixes(conf, list, &fast->prefixes, &fast->prefix_count);
}

static bool parse_number(const char **text, uint16_t *number)
{
	unsigned long value = 0;
	const char *from = *text;

	for (; **text >= '0' && **text <= '9' && value <= UINT16_MAX; (*text)++)
		value = value * 10 + (unsigned long)(**text - '0');
	*number = (uint16_t)value;
	return *text > from && value <= UINT16_MAX;
}

/* "udp/53", "tcp/6881-6889", "sctp/2905", "53" (TCP and UDP) */
static bool parse_port(const char *text, struct policy_port *port)
{
	static const struct transport {
		const char *prefix;
		uint8_t proto;
	} transports[] = {{"tcp/", 6}, {"udp/", 17}, {"sctp/", 132}};

	port->proto = 0;
	for (size_t i = 0; i < sizeof(transports) / sizeof(*transports) && !port->proto; i++)
		if (strncmp(text, transports[i].prefix, strlen(transports[i].prefix)) == 0) {
			text += strlen(transports[i].prefix);
			port->proto = transports[i].proto;
		}
	if (!parse_number(&text, &port->first))
		return false;
	port->last = port->first;
	if (*text == '-' && (text++, !parse_number(&text, &port->last)))
		return false;
	return *text == '\0' && port->first <= port->last;
}

static bool read_ports(struct conf *conf, config_setting_t *list, void *structure)
{
	struct policy_fast *fast = structure;

	fast->port_count = (size_t)config_setting_length(list);
	fast->ports = x_calloc(fast->port_count, sizeof(*fast->ports));
	for (size_t i = 0; i < fast->port_count; i++) {
		const char *text = conf_text_at(conf, list, (int)i);

		if (!text)
			return false;
		if (!parse_port(text, &fast->ports[i]))
			return conf_fail(conf, config_setting_get_elem(list, (unsigned)i),
				"\"%s\" is no port; allowed are \"tcp/80\", \"udp/5000-5010\", "
				"\"sctp/2905\" or \"53\" for TCP and UDP",
				text);
	}
	return true;
}

int policy_load(struct policy *policy, const char *path)
{
	struct conf conf;
	int result;

	memset(policy, 0, sizeof(*policy));
	snprintf(policy->file, sizeof(policy->file), "%s", path);
	result = conf_open(&conf, path);
	if (result == MIRA_OK && !conf_fill(&conf, conf_root(&conf), keys, policy))
		result = MIRA_PERSON;
	if (result == MIRA_OK && policy->class_count == 0) {
		log_err("%s: there are no classes; write classes = ( { … } );", path);
		result = MIRA_PERSON;
	}
	conf_close(&conf);
	if (result != MIRA_OK)
		policy_free(policy);
	return result;
}

void policy_free(struct policy *policy)
{
	for (size_t i = 0; i < policy->fast_count; i++) {
		struct policy_fast *fast = &policy->fast[i];

		free(fast->name);
		free(fast->class);
		free(fast->verdict);
		free(fast->say);
		free(fast->prefixes);
		free(fast->ports);
	}
	for (size_t i = 0; i < policy->class_count; i++) {
		struct policy_class *class = &policy->classes[i];

		free(class->name);
		free(class->class);
		free(class->verdict);
		free(class->say);
		free(class->when);
	}
	free(policy->version);
	free(policy->fast);
	free(policy->classes);
	memset(policy, 0, sizeof(*policy));
}
