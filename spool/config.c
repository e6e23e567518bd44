/*
 * config.c: mira.conf. Its settings steer every stage; the capture stamps a copy of the file into
 * each batch's rules, so what is read here decides the same way on every host. The manual page
 * mira.conf(5) explains each row of the table.
 */
#include "spool/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/conf.h"
#include "spool/log.h"
#include "spool/names.h"

static bool read_streams(struct conf *conf, config_setting_t *list, void *structure);
static bool read_aggregates(struct conf *conf, config_setting_t *list, void *structure);
static bool read_prefixes(struct conf *conf, config_setting_t *list, void *structure);
static bool read_vlans(struct conf *conf, config_setting_t *list, void *structure);
static bool read_circuits(struct conf *conf, config_setting_t *list, void *structure);

static const struct conf_key keys[] = {
	CONF_STRING(struct config, network),
	CONF_STRING(struct config, probe),
	CONF_ITEMS(streams, read_streams),
	CONF_NUMBER(struct config, segment_bytes, CONF_U64, 4096, 17179869184.0),
	CONF_NUMBER(struct config, period_s, CONF_REAL, 0.001, 86400),
	CONF_NUMBER(struct config, batch_segments, CONF_U32, 1, 10000),
	CONF_NUMBER(struct config, snaplen, CONF_U32, 64, 262144),
	CONF_NUMBER(struct config, ring_bytes, CONF_U32, 1048576, 2147483647),
	CONF_STRING(struct config, user),
	CONF_NUMBER(struct config, sampling, CONF_REAL, 0.000001, 1),
	CONF_STRING(struct config, share),
	CONF_NUMBER(struct config, window_s, CONF_U32, 1, 86400),
	CONF_NUMBER(struct config, lateness_s, CONF_U32, 0, 86400),
	CONF_NUMBER(struct config, max_delay_s, CONF_U32, 1, 604800),
	CONF_NUMBER(struct config, shards, CONF_U32, 1, SHARDS_MAX),
	CONF_NUMBER(struct config, max_batches, CONF_U64, 2, 1000000),
	CONF_NUMBER(struct config, min_free, CONF_REAL, 0, 0.9),
	CONF_NUMBER(struct config, max_skew_s, CONF_U32, 1, 86400),
	CONF_NUMBER(struct config, max_flows, CONF_U32, 1024, 268435456),
	CONF_STRING(struct config, host_names),
	CONF_STRING(struct config, sandbox),
	CONF_NUMBER(struct config, memory_limit, CONF_U64, 0, 1e15),
	CONF_NUMBER(struct config, segment_cpu_s, CONF_U32, 1, 86400),
	CONF_NUMBER(struct config, bad_days, CONF_U32, 1, 36500),
	CONF_NUMBER(struct config, bad_batches, CONF_U32, 1, 1000000),
	CONF_ITEMS(aggregates, read_aggregates),
	CONF_FILE(struct config, policy),
	CONF_FILE(struct config, symptoms),
	CONF_FILE(struct config, store),
	CONF_NUMBER(struct config, top_hosts, CONF_U32, 1, 10000),
	CONF_STRING(struct config, packet_log),
	CONF_NUMBER(struct config, packet_log_days, CONF_U32, 1, 3650),
	CONF_NUMBER(struct config, packet_log_snaplen, CONF_U32, 64, 262144),
	CONF_STRING(struct config, timezone),
	CONF_STRING(struct config, report_purpose),
	CONF_STRING(struct config, report_legal_basis),
	CONF_STRING(struct config, report_recipients),
	CONF_FILE(struct config, report_contested),
	CONF_STRING(struct config, report_mail),
	CONF_STRING(struct config, report_url),
	CONF_MEMBERS(privacy, config_privacy_read),
	{0},
};

static const struct conf_key stream_keys[] = {
	CONF_NEEDED(struct config_stream, name),
	CONF_STRING(struct config_stream, filter),
	CONF_NUMBER(struct config_stream, snaplen, CONF_U32, 64, 262144),
	CONF_SWITCH(struct config_stream, headers),
	{0},
};

static const struct conf_key aggregate_keys[] = {
	CONF_NEEDED(struct config_aggregate, name),
	CONF_ITEMS(prefixes, read_prefixes),
	CONF_ITEMS(vlans, read_vlans),
	CONF_ITEMS(circuits, read_circuits),
	{0},
};

static void free_streams(struct config *config)
{
	for (size_t i = 0; i < config->stream_count; i++) {
		free(config->streams[i].name);
		free(config->streams[i].filter);
	}
	free(config->streams);
	config->streams = NULL;
	config->stream_count = 0;
}

static bool stream_ok(struct conf *conf, config_setting_t *group, const struct config *config,
	size_t index)
{
	struct config_stream *stream = &config->streams[index];

	if (!name_part_ok(stream->name))
		return conf_fail(conf, group,
			"stream \"%s\": a name is 1 to %d letters, digits, \"_\" or \".\", and "
			"does not begin with \".\"",
			stream->name, NAME_PART_MAX);
	for (size_t i = 0; i < index; i++)
		if (strcmp(config->streams[i].name, stream->name) == 0)
			return conf_fail(conf, group, "stream \"%s\" stands twice", stream->name);
	if (!stream->filter)
		stream->filter = x_strdup("");
	return true;
}

static bool read_streams(struct conf *conf, config_setting_t *list, void *structure)
{
	struct config *config = structure;

	if (config_setting_length(list) == 0)
		return conf_fail(conf, list, "\"streams\" needs at least one stream");
	free_streams(config);
	if (!conf_groups(conf, list, stream_keys, sizeof(*config->streams), &config->streams,
		    &config->stream_count))
		return false;
	for (size_t i = 0; i < config->stream_count; i++)
		if (!stream_ok(conf, config_setting_get_elem(list, (unsigned)i), config, i))
			return false;
	return true;
}

static bool read_prefixes(struct conf *conf, config_setting_t *list, void *structure)
{
	struct config_aggregate *aggregate = structure;

	return conf_prefixes(conf, list, &aggregate->prefixes, &aggregate->prefix_count);
}

static bool read_vlans(struct conf *conf, config_setting_t *list, void *structure)
{
	struct config_aggregate *aggregate = structure;

	aggregate->vlan_count = (size_t)config_setting_length(list);
	aggregate->vlans = x_calloc(aggregate->vlan_count, sizeof(*aggregate->vlans));
	for (size_t i = 0; i < aggregate->vlan_count; i++)
		if (!conf_number_at(conf, list, (int)i, 0, 4095, &aggregate->vlans[i]))
			return false;
	return true;
}

/* A comma would split the name in two where labels are joined. */
static bool circuit_parse(const char *text, struct circuit *circuit)
{
	unsigned long vpi, vci = 0;
	char *end;

	errno = 0;
	vpi = strtoul(text, &end, 10);
	if (isdigit((unsigned char)text[0]) && *end == '/' && isdigit((unsigned char)end[1]))
		vci = strtoul(end + 1, &end, 10);
	*circuit = (struct circuit){(uint16_t)vpi, (uint16_t)vci};
	return !errno && isdigit((unsigned char)text[0]) && *end == '\0' && strchr(text, '/') &&
	       vpi <= 4095 && vci <= 65535;
}

static bool read_circuits(struct conf *conf, config_setting_t *list, void *structure)
{
	struct config_aggregate *aggregate = structure;

	aggregate->circuit_count = (size_t)config_setting_length(list);
	aggregate->circuits = x_calloc(aggregate->circuit_count, sizeof(*aggregate->circuits));
	for (size_t i = 0; i < aggregate->circuit_count; i++) {
		const char *text = conf_text_at(conf, list, (int)i);

		if (!text)
			return false;
		if (!circuit_parse(text, &aggregate->circuits[i]))
			return conf_fail(conf, list,
				"circuit \"%s\" is not of the form \"VPI/VCI\", such as \"0/100\"; "
				"a VPI is 0 to 4095, a VCI 0 to 65535",
				text);
	}
	return true;
}

static bool aggregate_ok(struct conf *conf, config_setting_t *group, const struct config *config,
	size_t index)
{
	const struct config_aggregate *aggregate = &config->aggregates[index];

	if (!aggregate->name[0] || strchr(aggregate->name, ','))
		return conf_fail(conf, group, "aggregate \"%s\": the name is empty or has a comma",
			aggregate->name);
	if (aggregate->prefix_count + aggregate->vlan_count + aggregate->circuit_count == 0)
		return conf_fail(conf, group,
			"aggregate \"%s\" has neither prefixes nor vlans nor circuits",
			aggregate->name);
	for (size_t i = 0; i < index; i++)
		if (strcmp(config->aggregates[i].name, aggregate->name) == 0)
			return conf_fail(conf, group, "aggregate \"%s\" stands twice",
				aggregate->name);
	return true;
}

static bool read_aggregates(struct conf *conf, config_setting_t *list, void *structure)
{
	struct config *config = structure;

	if (!conf_groups(conf, list, aggregate_keys, sizeof(*config->aggregates),
		    &config->aggregates, &config->aggregate_count))
		return false;
	for (size_t i = 0; i < config->aggregate_count; i++)
		if (!aggregate_ok(conf, config_setting_get_elem(list, (unsigned)i), config, i))
			return false;
	return true;
}

static char *host_probe(void)
{
	char host[256] = "", probe[NAME_PART_MAX + 1];

	gethostname(host, sizeof(host) - 1);
	name_part_from(host, probe);
	return x_strdup(probe);
}

static void set_defaults(struct config *config)
{
	*config = (struct config){
		.network = x_strdup(""),
		.probe = host_probe(),
		.streams = x_calloc(1, sizeof(*config->streams)),
		.stream_count = 1,
		.segment_bytes = 67108864,
		.period_s = 5,
		.batch_segments = 8,
		.snaplen = 262144,
		.ring_bytes = 67108864,
		.user = x_strdup("nobody"),
		.sampling = 1.0,
		.share = x_strdup(""),
		.part = {1, 1},
		.window_s = 300,
		.lateness_s = 60,
		.max_delay_s = 600,
		.shards = 1,
		.max_batches = 1000,
		.min_free = 0.10,
		.max_skew_s = 60,
		.max_flows = 4194304,
		.host_names = x_strdup("keep"),
		.sandbox = x_strdup("best-effort"),
		.sandbox_mode = SANDBOX_BEST_EFFORT,
		.segment_cpu_s = 120,
		.bad_days = 30,
		.bad_batches = 1000,
		.top_hosts = 20,
		.packet_log = x_strdup(""),
		.packet_log_days = 30,
		.packet_log_snaplen = 262144,
		.timezone = x_strdup(""),
		.report_purpose = x_strdup(""),
		.report_legal_basis = x_strdup(""),
		.report_recipients = x_strdup(""),
		.report_mail = x_strdup(""),
		.report_url = x_strdup(""),
	};
	config->streams[0].name = x_strdup("all");
	config->streams[0].filter = x_strdup("");
	config_privacy_defaults(&config->privacy);
}

/* Absolute, so that a process that changes its working folder still finds the policy beside it. */
static bool set_file(struct config *config, const char *path)
{
	char here[PATH_MAX], *at = config->file;
	int length = 0;

	if (path[0] && path[0] != '/' && getcwd(here, sizeof(here)))
		length = snprintf(at, PATH_MAX, "%s/%s", here, path);
	else
		length = snprintf(at, PATH_MAX, "%s", path);
	if (length < 0 || length >= PATH_MAX)
		return false;
	path = config->file[0] ? config->file : MIRA_ETC "/mira.conf";
	return conf_resolve(path, "policy.conf", config->policy) &&
	       conf_resolve(path, "symptoms.d", config->symptoms);
}

static bool sandbox_ok(struct conf *conf, struct config *config)
{
	static const char *const modes[] = {[SANDBOX_OFF] = "off",
		[SANDBOX_BEST_EFFORT] = "best-effort",
		[SANDBOX_REQUIRED] = "required"};

	for (int mode = SANDBOX_OFF; mode <= SANDBOX_REQUIRED; mode++)
		if (strcmp(config->sandbox, modes[mode]) == 0) {
			config->sandbox_mode = (enum sandbox_mode)mode;
			return true;
		}
	return conf_fail(conf, config_setting_get_member(conf_root(conf), "sandbox"),
		"\"sandbox\" is \"best-effort\", \"required\" or \"off\"");
}

static bool texts_ok(struct conf *conf, struct config *config)
{
	config_setting_t *root = conf_root(conf), *probe = config_setting_get_member(root, "probe");
	config_setting_t *user = config_setting_get_member(root, "user");
	config_setting_t *share = config_setting_get_member(root, "share");
	config_setting_t *host_names = config_setting_get_member(root, "host_names");

	config->probe_named = probe != NULL;
	if (!name_part_ok(config->probe))
		return conf_fail(conf, probe,
			"\"probe\" is 1 to %d letters, digits, \"_\" or \".\", and does not begin "
			"with \".\"",
			NAME_PART_MAX);
	if (!config->user[0])
		return conf_fail(conf, user, "\"user\" must name a user of this system");
	if (!share_parse(config->share, &config->part))
		return conf_fail(conf, share,
			"\"share\" is \"k/n\", the k-th of n parts, with k from 1 to n and n up to %d",
			SHARE_MAX);
	config->withhold_names = strcmp(config->host_names, "withhold") == 0;
	if (!config->withhold_names && strcmp(config->host_names, "keep") != 0)
		return conf_fail(conf, host_names, "\"host_names\" is \"keep\" or \"withhold\"");
	return sandbox_ok(conf, config);
}

static int read_file(struct config *config)
{
	struct conf conf;
	int result = conf_open(&conf, config->file);

	if (result == MIRA_OK &&
		!(conf_fill(&conf, conf_root(&conf), keys, config) && texts_ok(&conf, config)))
		result = MIRA_PERSON;
	conf_close(&conf);
	return result;
}

int config_load(struct config *config, const char *path)
{
	int result = MIRA_OK;

	set_defaults(config);
	if (!set_file(config, path)) {
		log_err("%s: the path is too long", path);
		result = MIRA_PERSON;
	}
	if (result == MIRA_OK && config->file[0])
		result = read_file(config);
	for (size_t i = 0; i < config->stream_count; i++)
		if (!config->streams[i].snaplen)
			config->streams[i].snaplen = config->snaplen;
	if (result != MIRA_OK)
		config_free(config);
	return result;
}

void config_free(struct config *config)
{
	free_streams(config);
	for (size_t i = 0; i < config->aggregate_count; i++) {
		free(config->aggregates[i].name);
		free(config->aggregates[i].prefixes);
		free(config->aggregates[i].vlans);
		free(config->aggregates[i].circuits);
	}
	free(config->aggregates);
	free(config->network);
	free(config->probe);
	free(config->user);
	free(config->share);
	free(config->host_names);
	free(config->sandbox);
	free(config->packet_log);
	free(config->timezone);
	free(config->report_purpose);
	free(config->report_legal_basis);
	free(config->report_recipients);
	free(config->report_mail);
	free(config->report_url);
	config_privacy_free(&config->privacy);
	*config = (struct config){0};
}

/* build/bin/mira and build/asan/bin/mira use the etc/ of their source tree. */
static bool find_beside(char *out)
{
	static const char *const above[] = {"../../etc/mira.conf", "../../../etc/mira.conf"};
	char program[PATH_MAX], path[2 * PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	char *slash;

	if (length <= 0)
		return false;
	program[length] = '\0';
	slash = strrchr(program, '/');
	*slash = '\0';
	if (strlen(program) < 4 || strcmp(slash - 4, "/bin") != 0)
		return false;
	for (size_t i = 0; i < sizeof(above) / sizeof(*above); i++) {
		snprintf(path, sizeof(path), "%s/%s", program, above[i]);
		if (realpath(path, out))
			return true;
	}
	return false;
}

void config_find(const char *named, char *out)
{
	const char *environment = getenv("MIRA_CONFIG");

	if (!named && environment && environment[0])
		named = environment;
	if (named)
		snprintf(out, PATH_MAX, "%s", named);
	else if (!find_beside(out))
		snprintf(out, PATH_MAX, "%s",
			access(MIRA_ETC "/mira.conf", F_OK) == 0 ? MIRA_ETC "/mira.conf" : "");
}
