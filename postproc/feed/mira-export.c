/*
 * mira-export: sends verdicts as IPFIX to a collector of others, or writes files of it, anonymised where privacy asks for
 * it. A reader of its own of the queue of verdicts, beside mira-store. Manual page: mira-export(8).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/feed/collector.h"
#include "postproc/feed/exporter.h"
#include "postproc/feed/verdicts_read.h"
#include "postproc/privacy/privacy_key.h"
#include "spool/log.h"
#include "spool/sandbox.h"
#include "spool/value.h"

#define MESSAGE_MAX 65535
#define MTU_MIN	    1200 /* a record fits */
#define MTU	    1400
#define RATE	    5000
#define RESEND	    1000 /* messages over UDP, then templates again */

static struct {
	struct collector *collector;
	const char *anonymize, *db;
	uint64_t mtu, rate, domain;
	double precision_s;
	bool uniflows;
	uint8_t bits4, bits6;
} asked = {.mtu = MTU, .rate = RATE, .domain = 1};

struct export
{
	struct exporter_setting setting;
	struct exporter *exporter; /* over UDP for good, else of the batch */
	uint64_t messages;	   /* since templates were sent */
};

static const struct stage stage;

/* ---- options ---- */

static int take_count(const char *option, const char *text, uint64_t min, uint64_t max,
	uint64_t *number)
{
	if (value_count(text, max, number) && *number >= min)
		return MIRA_OK;
	log_err("--%s \"%s\": give %llu to %llu", option, text, (unsigned long long)min,
		(unsigned long long)max);
	return MIRA_PERSON;
}

static int take_anonymize(const char *text)
{
	unsigned bits4, bits6;
	int end = 0;

	asked.anonymize = text;
	if (!strcmp(text, "none") || !strcmp(text, "prefix"))
		return MIRA_OK;
	if (sscanf(text, "%3u,%3u%n", &bits4, &bits6, &end) == 2 && !text[end] && bits4 <= 32 &&
		bits6 <= 128) {
		asked.bits4 = (uint8_t)bits4;
		asked.bits6 = (uint8_t)bits6;
		return MIRA_OK;
	}
	log_err("--anonymize \"%s\": give prefix, none, or how many bits stay of IPv4 and IPv6, such as 24,48",
		text);
	return MIRA_PERSON;
}

static int take_precision(const char *text)
{
	if (value_seconds(text, 0.001, 86400, &asked.precision_s))
		return MIRA_OK;
	log_err("--precision \"%s\": give 0.001 to 86400 seconds", text);
	return MIRA_PERSON;
}

static int take_option(struct stage_run *run, int value, const char *argument)
{
	int code = MIRA_OK;

	switch (value) {
	case 't':
		collector_free(asked.collector);
		asked.collector = collector_parse(argument, &code);
		return code;
	case 'a': return take_anonymize(argument);
	case 'p': return take_precision(argument);
	case 'm': return take_count("mtu", argument, MTU_MIN, MESSAGE_MAX - 28, &asked.mtu);
	case 'r': return take_count("rate", argument, 1, 1000000000, &asked.rate);
	case 'i': return take_count("domain", argument, 1, UINT32_MAX, &asked.domain);
	case 'd': asked.db = argument; break;
	case 'u': asked.uniflows = true; break;
	}
	return code;
}

/* ---- opening ---- */

static const char *db_of(const struct config *config)
{
	return asked.db ? asked.db : config->store;
}

static void confine(const struct stage_run *run, struct sandbox *sandbox)
{
	char path[PATH_MAX];
	const char *folder = asked.collector ? collector_folder(asked.collector) : NULL;

	if (folder)
		sandbox_write(sandbox, folder);
	else
		sandbox->network = true;
	sandbox_folder_of(sandbox,
		privacy_key_path(&run->config.privacy, db_of(&run->config), path), true);
}

static int open_export(struct stage_run *run)
{
	struct export *export = x_calloc(1, sizeof(*export));

	run->own = export;
	run->queue.spread = 1; /* one process: records come in the order of their windows */
	if (!asked.collector) {
		log_err("--to is missing: tcp:HOST:PORT, udp:HOST:PORT or file:FOLDER");
		return MIRA_PERSON;
	}
	if (!asked.anonymize && run->config.privacy.level != PRIVACY_ADDRESS &&
		!*db_of(&run->config) && !run->config.privacy.key[0]) {
		log_err("addresses are anonymised with the key beside the store: name that with --db or in mira.conf, or give --anonymize");
		return MIRA_PERSON;
	}
	if (asked.anonymize && strcmp(asked.anonymize, "prefix"))
		log_warn(
			"addresses are exported as --anonymize %s says, whatever \"privacy\" in mira.conf says",
			asked.anonymize);
	collector_rate(asked.collector, asked.rate);
	return MIRA_OK;
}

static void close_export(struct stage_run *run)
{
	struct export *export = run->own;

	if (export->exporter)
		exporter_free(export->exporter);
	collector_free(asked.collector);
	free(export);
}

/* What is done to addresses: what was asked for, else what the level of privacy says. */
static void choose_anonymize(struct stage_run *run, struct exporter_setting *setting)
{
	setting->anonymize = ANONYMIZE_TRUNCATE;
	setting->bits4 = asked.bits4;
	setting->bits6 = asked.bits6;
	if (asked.anonymize && !strcmp(asked.anonymize, "none"))
		setting->anonymize = ANONYMIZE_NONE;
	if (asked.anonymize && strcmp(asked.anonymize, "prefix"))
		return;
	if (asked.anonymize && run->config.privacy.level == PRIVACY_ADDRESS)
		run->config.privacy.level = PRIVACY_PSEUDONYM;
	setting->privacy = privacy_new(&run->config, db_of(&run->config));
	if (privacy_level(setting->privacy) == PRIVACY_ADDRESS)
		setting->anonymize = ANONYMIZE_NONE;
	else if (privacy_level(setting->privacy) == PRIVACY_PSEUDONYM)
		setting->anonymize = ANONYMIZE_PREFIX;
	setting->stable = run->config.privacy.rotate == ROTATE_NONE;
}

static void choose(struct stage_run *run, struct exporter_setting *setting)
{
	*setting = (struct exporter_setting){
		.domain = (uint32_t)asked.domain,
		.message_bytes =
			(uint16_t)(collector_is_udp(asked.collector) ? asked.mtu : MESSAGE_MAX),
		.uniflows = asked.uniflows,
		.precision_ms = (uint32_t)(asked.precision_s * 1000),
	};
	choose_anonymize(run, setting);
}

/* ---- a batch ---- */

static int send_message(void *own, const uint8_t *message, size_t size)
{
	struct export *export = own;

	export->messages++;
	return collector_send(asked.collector, message, size);
}

static int send_templates(struct export *export)
{
	export->messages = 0;
	return exporter_templates(export->exporter);
}

static int send_biflow(void *own, const struct biflow *biflow)
{
	struct export *export = own;

	if (collector_is_udp(asked.collector) && export->messages >= RESEND &&
		(exporter_flush(export->exporter) < 0 || send_templates(export) < 0))
		return -1;
	return exporter_add(export->exporter, biflow);
}

/* A session lasts as long as its connection or file; over UDP as long as the process. */
static void end_session(struct export *export, bool failed)
{
	if (!failed && collector_is_udp(asked.collector))
		return;
	exporter_free(export->exporter);
	export->exporter = NULL;
}

static int send_batch(struct stage_run *run, struct batch *batch, char *why)
{
	struct export *export = run->own;
	int result = collector_begin(asked.collector, batch->name);

	if (result < 0)
		return -1;
	if (!export->exporter)
		export->exporter = exporter_new(&export->setting, send_message, export);
	result = send_templates(export);
	if (result == 0)
		result = verdicts_read(run, batch, send_biflow, export, why);
	if (result == 0)
		result = exporter_flush(export->exporter);
	if (result == 0)
		result = collector_end(asked.collector);
	else
		collector_abandon(asked.collector);
	end_session(export, result < 0);
	return result;
}

static enum work_result work(struct stage_run *run, struct batch *batch)
{
	struct export *export = run->own;
	char why[VERDICTS_WHY];
	int result, error;

	privacy_free(export->setting.privacy);
	choose(run, &export->setting);
	errno = 0;
	result = send_batch(run, batch, why);
	error = errno;
	if (result == -1)
		log_once(
			"%s is not exported: %s; batches wait, up to max_batches, then the oldest are dropped",
			batch->name, strerror(error));
	errno = error;
	if (result == -2)
		return stage_reject(run, &stage, batch, "%s", why);
	return result < 0 ? WORK_AGAIN : WORK_DONE;
}

static const struct option options[] = {{"to", required_argument, NULL, 't'},
	{"anonymize", required_argument, NULL, 'a'}, {"precision", required_argument, NULL, 'p'},
	{"uniflows", no_argument, NULL, 'u'}, {"mtu", required_argument, NULL, 'm'},
	{"rate", required_argument, NULL, 'r'}, {"domain", required_argument, NULL, 'i'},
	{"db", required_argument, NULL, 'd'}, {NULL, 0, NULL, 0}};

static const struct stage stage = {
	.name = "export",
	.queue = "verdicts",
	.reader = "export",
	.summary = "sends biflows and their verdicts as IPFIX to a collector, or into files.",
	.options = options,
	.options_help =
		"  --to WHERE        tcp:HOST:PORT, udp:HOST:PORT or file:FOLDER (required)\n"
		"  --anonymize HOW   addresses: prefix (prefix-preserving), how many bits stay of\n"
		"                    IPv4 and IPv6 (24,48), or none; default: what \"privacy\" in\n"
		"                    mira.conf says\n"
		"  --precision S     times are multiples of S seconds\n"
		"  --uniflows        each direction by itself, for collectors without RFC 5103\n"
		"  --mtu N           bytes of a message over UDP (1400)\n"
		"  --rate N          messages a second over UDP (5000)\n"
		"  --domain N        observation domain (1)\n"
		"  --db FILE         the store beside which the key stands (default: store in\n"
		"                    mira.conf)\n",
	.option = take_option,
	.confine = confine,
	.open = open_export,
	.work = work,
	.close = close_export,
};

int main(int argc, char **argv)
{
	return stage_main(&stage, argc, argv);
}
