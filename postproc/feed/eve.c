/*
 * eve.c: alerts in the words of Suricata (eve.h). Between mira-alert, which decides what is one, and whoever collects them.
 */
#include "postproc/feed/eve.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spool/fields.h"
#include "spool/hash.h"
#include "spool/intern.h"
#include "spool/log.h"

#define TIME_TEXT  48
#define PROTO_TEXT 12
#define FLOW_ID	   ((1ull << 53) - 1) /* what all readers of JSON keep */

/* 2026-11-21T10:43:00.123000+0100 */
static const char *time_text(uint64_t ms, char out[TIME_TEXT])
{
	time_t seconds = (time_t)(ms / 1000);
	char day[32] = "", zone[8] = "";
	struct tm local;

	if (localtime_r(&seconds, &local)) {
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &local);
		strftime(zone, sizeof(zone), "%z", &local);
	}
	snprintf(out, TIME_TEXT, "%s.%03u000%s", day, (unsigned)(ms % 1000), zone);
	return out;
}

static const char *proto_text(uint8_t proto, char out[PROTO_TEXT])
{
	static const struct {
		uint8_t proto;
		const char *name;
	} names[] = {{IPPROTO_TCP, "TCP"}, {IPPROTO_UDP, "UDP"}, {IPPROTO_ICMP, "ICMP"},
		{IPPROTO_ICMPV6, "IPv6-ICMP"}, {IPPROTO_SCTP, "SCTP"}, {IPPROTO_GRE, "GRE"},
		{IPPROTO_ESP, "ESP"}, {IPPROTO_AH, "AH"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].proto == proto)
			return names[i].name;
	snprintf(out, PROTO_TEXT, "%03u", proto);
	return out;
}

static bool has_ports(const struct flowkey *key)
{
	return key->proto == IPPROTO_TCP || key->proto == IPPROTO_UDP || key->proto == IPPROTO_SCTP;
}

/* The two ends as the alert has them. */
struct ends {
	const char *src, *dst;
	uint16_t sport, dport;
};

static struct ends ends_of(const struct alert *alert)
{
	const struct flowkey *key = &alert->biflow->key;

	if (alert->to_client)
		return (struct ends){alert->dst, alert->src, key->dport, key->sport};
	return (struct ends){alert->src, alert->dst, key->sport, key->dport};
}

const char *eve_source(const struct alert *alert)
{
	return ends_of(alert).src;
}

static json_int_t flow_id(const struct alert *alert)
{
	const struct flowkey *key = &alert->biflow->key;
	char *text = x_sprintf("%s %u %s %u %u", alert->src, key->sport, alert->dst, key->dport,
		key->proto);
	XXH64_hash_t hash = XXH3_64bits(text, strlen(text));

	free(text);
	return (json_int_t)(hash & FLOW_ID);
}

static void set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

static json_t *list_of(const char *text)
{
	json_t *list = json_array();

	json_array_append_new(list, json_text(text));
	return list;
}

static json_t *metadata(const struct biflow *biflow)
{
	json_t *object = json_object();

	set(object, "mira_class", list_of(intern_text(biflow->class)));
	set(object, "mira_verdict", list_of(intern_text(biflow->verdict)));
	set(object, "mira_rule", list_of(intern_text(biflow->rule)));
	return object;
}

static json_t *alert_part(const struct signature *signature)
{
	json_t *object = json_object();

	set(object, "action", json_string("allowed"));
	set(object, "gid", json_integer(signature->gid));
	set(object, "signature_id", json_integer(signature->sid));
	set(object, "rev", json_integer(signature->rev));
	set(object, "signature", json_text(signature->msg));
	set(object, "category", json_text(signature->category));
	set(object, "severity", json_integer(signature->severity));
	return object;
}

static json_t *flow_part(const struct biflow *biflow)
{
	char start[TIME_TEXT];
	json_t *object = json_object();

	set(object, "pkts_toserver", json_integer((json_int_t)biflow->forward.packets));
	set(object, "pkts_toclient", json_integer((json_int_t)biflow->reverse.packets));
	set(object, "bytes_toserver", json_integer((json_int_t)biflow->forward.octets));
	set(object, "bytes_toclient", json_integer((json_int_t)biflow->reverse.octets));
	set(object, "start", json_string(time_text(biflow->start_ms, start)));
	return object;
}

/* "7,100" as Suricata has it: [7, 100]. */
static void set_vlans(json_t *event, const char *text)
{
	json_t *list = json_array();

	for (const char *at = text; *at >= '0' && *at <= '9';) {
		char *end;

		json_array_append_new(list, json_integer(strtol(at, &end, 10)));
		at = end + (*end == ',');
	}
	if (json_array_size(list))
		json_object_set(event, "vlan", list);
	json_decref(list);
}

static json_t *begin_event(const struct alert *alert, uint64_t ms)
{
	char time[TIME_TEXT];
	json_t *event = json_object();

	set(event, "timestamp", json_string(time_text(ms, time)));
	if (alert->biflow->probe)
		set(event, "host", json_text(intern_text(alert->biflow->probe)));
	set(event, "event_type", json_string("alert"));
	set(event, "src_ip", json_string(eve_source(alert)));
	return event;
}

json_t *eve_alert(const struct alert *alert)
{
	const struct biflow *biflow = alert->biflow;
	struct ends ends = ends_of(alert);
	json_t *event = begin_event(alert, biflow->start_ms), *part = alert_part(alert->signature);
	char proto[PROTO_TEXT];

	set(event, "flow_id", json_integer(flow_id(alert)));
	set(event, "dest_ip", json_string(ends.dst));
	if (has_ports(&biflow->key)) {
		set(event, "src_port", json_integer(ends.sport));
		set(event, "dest_port", json_integer(ends.dport));
	}
	set(event, "proto", json_string(proto_text(biflow->key.proto, proto)));
	set(event, "direction", json_string(alert->to_client ? "to_client" : "to_server"));
	set_vlans(event, intern_text(biflow->vlan));
	set(part, "metadata", metadata(biflow));
	set(event, "alert", part);
	set(event, "flow", flow_part(biflow));
	return event;
}

json_t *eve_rest(const struct alert *alert)
{
	json_t *event = begin_event(alert, alert->biflow->window_ms);

	set(event, "alert", alert_part(alert->signature));
	set(event, "suppressed", json_integer(0));
	return event;
}

void eve_count_rest(json_t *event)
{
	json_t *count = json_object_get(event, "suppressed");

	json_integer_set(count, json_integer_value(count) + 1);
}

int eve_write(json_t *event, FILE *out)
{
	int result = json_dumpf(event, out, JSON_COMPACT);

	json_decref(event);
	return result < 0 || fputc('\n', out) == EOF ? -1 : 0;
}

void eve_fast(const struct alert *alert, char *out, size_t size)
{
	const struct signature *signature = alert->signature;
	const struct flowkey *key = &alert->biflow->key;
	struct ends ends = ends_of(alert);
	char proto[PROTO_TEXT], ports[2][8] = {"", ""};

	if (has_ports(key)) {
		snprintf(ports[0], sizeof(ports[0]), ":%u", ends.sport);
		snprintf(ports[1], sizeof(ports[1]), ":%u", ends.dport);
	}
	snprintf(out, size, "[%u:%u:%u] %s [Classification: %s] [Priority: %u] {%s} %s%s -> %s%s",
		signature->gid, signature->sid, signature->rev, signature->msg, signature->category,
		signature->severity, proto_text(key->proto, proto), ends.src, ports[0], ends.dst,
		ports[1]);
}
