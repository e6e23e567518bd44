/*
 * mira-alert: writes alerts as Suricata does, of imported rules that were met and of verdicts of the policy. A reader of
 * its own of the queue of verdicts, beside mira-store. Manual page: mira-alert(8).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/feed/announce.h"
#include "postproc/feed/eve.h"
#include "postproc/feed/eventlog.h"
#include "postproc/feed/limit.h"
#include "postproc/feed/verdicts_read.h"
#include "postproc/privacy/privacy.h"
#include "postproc/privacy/privacy_key.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/sandbox.h"
#include "spool/text.h"
#include "spool/value.h"

#define MOST_LIMIT   1000000
#define MOST_KEPT    1000
#define FAST_LENGTH  1024
#define ROTATE_BYTES (64ull << 20)

static struct {
	const char *out, *verdicts, *db;
	bool addresses, syslog;
	uint64_t most, rotate_bytes, keep;
} asked = {.verdicts = "unacceptable", .most = 100, .rotate_bytes = ROTATE_BYTES, .keep = 8};

/* All that a batch is looked at with. */
struct alerts {
	struct eventlog *log;
	struct signatures *signatures;
	struct privacy *privacy;
	struct limit limit;
	json_t *rest; /* by key: what is over the limit in this batch */
	FILE *out;
};

static const struct stage stage;

/* ---- options ---- */

static int open_syslog(const char *facility)
{
	asked.syslog = announce_open("mira-alert", facility);
	if (asked.syslog)
		return MIRA_OK;
	log_err("--syslog \"%s\" is no facility; give one as in syslog.conf(5), such as local5",
		facility);
	return MIRA_PERSON;
}

static int take_number(const char *option, const char *text, uint64_t max, uint64_t *number)
{
	*number = 0;
	if (!strcmp(text, "0") || value_size(text, max, number))
		return MIRA_OK;
	log_err("--%s \"%s\": give 0 to %llu", option, text, (unsigned long long)max);
	return MIRA_PERSON;
}

static int take_verdicts(const char *text)
{
	static const char *const words[] = {"acceptable", "unacceptable", "review", "none"};
	char *list = x_strdup(text), *rest = list, *word;
	bool ok = true;

	while (ok && (word = strsep(&rest, ","))) {
		ok = false;
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
			ok |= !strcmp(word, words[i]);
	}
	free(list);
	asked.verdicts = text;
	if (ok)
		return MIRA_OK;
	log_err("--verdicts \"%s\": give unacceptable, review or acceptable, with commas between, or none",
		text);
	return MIRA_PERSON;
}

static int take_option(struct stage_run *run, int value, const char *argument)
{
	switch (value) {
	case 'o': asked.out = argument; break;
	case 'd': asked.db = argument; break;
	case 'a': asked.addresses = true; break;
	case 'v': return take_verdicts(argument);
	case 'l': return take_number("limit", argument, MOST_LIMIT, &asked.most);
	case 'r': return take_number("rotate", argument, INT64_MAX, &asked.rotate_bytes);
	case 'k': return take_number("keep", argument, MOST_KEPT, &asked.keep);
	case 's': return open_syslog(argument);
	}
	return MIRA_OK;
}

/* ---- opening ---- */

static const char *db_of(const struct config *config)
{
	return asked.db ? asked.db : config->store;
}

static void confine(const struct stage_run *run, struct sandbox *sandbox)
{
	char path[PATH_MAX];

	if (asked.out)
		sandbox_folder_of(sandbox, asked.out, true);
	if (!asked.addresses)
		sandbox_folder_of(sandbox,
			privacy_key_path(&run->config.privacy, db_of(&run->config), path), true);
}

static int check_asked(const struct config *config)
{
	if (!asked.out)
		log_err("--out FILE is missing: where alerts are written, such as /var/log/mira/eve.json");
	else if (!asked.addresses && !*db_of(config) && !config->privacy.key[0])
		log_err("hosts are shown as pseudonyms, whose key stands beside the store: name that with --db, or in mira.conf");
	else
		return MIRA_OK;
	return MIRA_PERSON;
}

static int open_alerts(struct stage_run *run)
{
	struct alerts *alerts = x_calloc(1, sizeof(*alerts));
	int code = check_asked(&run->config);

	run->own = alerts;
	run->queue.spread = 1; /* one process: alerts come in the order of their windows */
	if (code)
		return code;
	if (asked.addresses)
		log_warn(
			"alerts show addresses (--addresses), whatever \"privacy\" in mira.conf says");
	alerts->signatures = signatures_load(&run->config, &code);
	if (alerts->signatures)
		alerts->log =
			eventlog_open(asked.out, asked.rotate_bytes, (unsigned)asked.keep, &code);
	return code;
}

static int renew(struct stage_run *run, const struct config *fresh)
{
	struct alerts *alerts = run->own;
	int code;
	struct signatures *signatures = signatures_load(fresh, &code);

	if (!signatures)
		return code;
	signatures_free(alerts->signatures);
	alerts->signatures = signatures;
	return MIRA_OK;
}

static void close_alerts(struct stage_run *run)
{
	struct alerts *alerts = run->own;

	if (alerts->log)
		eventlog_close(alerts->log);
	signatures_free(alerts->signatures);
	free(alerts);
}

/* ---- a batch ---- */

static int tell(struct alerts *alerts, const struct alert *alert)
{
	char line[FAST_LENGTH];

	if (asked.syslog) {
		eve_fast(alert, line, sizeof(line));
		announce(alert->signature->severity, line);
	}
	return eve_write(eve_alert(alert), alerts->out);
}

/* What is over the limit becomes one event of the batch, with a count. */
static void count_rest(struct alerts *alerts, const struct alert *alert, const char *key)
{
	json_t *event = json_object_get(alerts->rest, key);

	if (!event) {
		event = eve_rest(alert);
		json_object_set_new(alerts->rest, key, event);
	}
	eve_count_rest(event);
}

static int raise_alert(struct alerts *alerts, const struct alert *alert)
{
	const struct signature *signature = alert->signature;
	char *key = x_sprintf("%u:%u %s", signature->gid, signature->sid, eve_source(alert));
	int result = 0;

	if (limit_count(&alerts->limit, alert->biflow->window_ms, key))
		result = tell(alerts, alert);
	else
		count_rest(alerts, alert, key);
	free(key);
	return result;
}

/* Is the verdict one of those that were asked for? */
static bool wanted(const char *verdict)
{
	size_t length = strlen(verdict);

	for (const char *at = asked.verdicts; *at; at += *at == ',') {
		size_t word = strcspn(at, ",");

		if (word == length && !strncmp(at, verdict, length))
			return length > 0;
		at += word;
	}
	return false;
}

/* A symptom that was carried over from an earlier window was told then. */
static int raise_symptoms(struct alerts *alerts, struct alert alert)
{
	const struct biflow *biflow = alert.biflow;
	int result = 0;

	for (size_t i = 0; i < biflow->symptom_count && result == 0; i++) {
		const struct symptom_count *symptom = &biflow->symptoms[i];

		alert.signature = signature_of_symptom(alerts->signatures, symptom->name);
		alert.to_client = symptom->packets == 0;
		if (alert.signature && symptom->packets + symptom->reverse_packets > 0)
			result = raise_alert(alerts, &alert);
	}
	return result;
}

static bool is_imported(const struct alerts *alerts, const struct biflow *biflow)
{
	for (size_t i = 0; i < biflow->symptom_count; i++)
		if (signature_of_symptom(alerts->signatures, biflow->symptoms[i].name))
			return true;
	return false;
}

static int look_at(void *own, const struct biflow *biflow)
{
	struct alerts *alerts = own;
	bool decided = wanted(intern_text(biflow->verdict));
	char address[TEXT_ADDRESS], src[PRIVACY_TEXT], dst[PRIVACY_TEXT];
	struct alert alert = {.biflow = biflow, .src = src, .dst = dst};
	struct signature rule;

	if (!decided && !is_imported(alerts, biflow))
		return 0;
	privacy_at(alerts->privacy, (int64_t)biflow->window_ms);
	text_address(biflow->key.version, biflow->key.src, address);
	privacy_host(alerts->privacy, address, src);
	text_address(biflow->key.version, biflow->key.dst, address);
	privacy_host(alerts->privacy, address, dst);
	if (raise_symptoms(alerts, alert) < 0)
		return -1;
	if (!decided)
		return 0;
	rule = signature_of_rule(alerts->signatures, biflow);
	alert.signature = &rule;
	return raise_alert(alerts, &alert);
}

static int tell_rest(struct alerts *alerts)
{
	const char *key;
	json_t *event;

	json_object_foreach(alerts->rest, key, event) {
		if (eve_write(json_incref(event), alerts->out) < 0)
			return -1;
	}
	return 0;
}

static int read_batch(struct stage_run *run, struct alerts *alerts, struct batch *batch, char *why)
{
	int result = verdicts_read(run, batch, look_at, alerts, why), error;
	json_t *memory;

	if (result == 0)
		result = tell_rest(alerts);
	error = errno;
	memory = limit_end(&alerts->limit);
	if (result == 0)
		return eventlog_commit(alerts->log, memory);
	json_decref(memory);
	eventlog_abandon(alerts->log);
	errno = error;
	return result;
}

static enum work_result work(struct stage_run *run, struct batch *batch)
{
	struct alerts *alerts = run->own;
	char why[VERDICTS_WHY];
	int result, error;

	alerts->out = eventlog_begin(alerts->log, batch->name);
	if (!alerts->out)
		return errno ? WORK_AGAIN : WORK_DONE;
	if (asked.addresses)
		run->config.privacy.level = PRIVACY_ADDRESS;
	alerts->privacy = privacy_new(&run->config, db_of(&run->config));
	limit_begin(&alerts->limit, asked.most, eventlog_memory(alerts->log));
	alerts->rest = json_object();
	result = read_batch(run, alerts, batch, why);
	error = errno;
	json_decref(alerts->rest);
	privacy_free(alerts->privacy);
	errno = error;
	if (result == -2)
		return stage_reject(run, &stage, batch, "%s", why);
	return result < 0 ? WORK_AGAIN : WORK_DONE;
}

static const struct option options[] = {{"out", required_argument, NULL, 'o'},
	{"verdicts", required_argument, NULL, 'v'}, {"limit", required_argument, NULL, 'l'},
	{"rotate", required_argument, NULL, 'r'}, {"keep", required_argument, NULL, 'k'},
	{"syslog", required_argument, NULL, 's'}, {"addresses", no_argument, NULL, 'a'},
	{"db", required_argument, NULL, 'd'}, {NULL, 0, NULL, 0}};

static const struct stage stage = {
	.name = "alert",
	.queue = "verdicts",
	.reader = "alert",
	.summary = "writes alerts of imported rules and of verdicts, as Suricata's eve.json.",
	.options = options,
	.options_help =
		"  --out FILE        where alerts are added, a line of JSON each (required)\n"
		"  --verdicts LIST   of which verdicts, besides imported rules: unacceptable\n"
		"                    (default), review, acceptable, or none\n"
		"  --limit N         alerts of a rule and source in an hour (100; 0: all)\n"
		"  --rotate SIZE     a longer FILE becomes FILE.1 (64M; 0: never)\n"
		"  --keep N          so many older files (8)\n"
		"  --syslog NAME     tell syslog, too, under this facility\n"
		"  --addresses       show addresses, whatever \"privacy\" in mira.conf says\n"
		"  --db FILE         the store whose key makes the pseudonyms (default: store in\n"
		"                    mira.conf)\n",
	.option = take_option,
	.confine = confine,
	.open = open_alerts,
	.reload = renew,
	.work = work,
	.close = close_alerts,
};

int main(int argc, char **argv)
{
	return stage_main(&stage, argc, argv);
}
