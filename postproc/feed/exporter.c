/*
 * exporter.c: from biflows to IPFIX messages (exporter.h). Between the queue of verdicts and collector.c, which carries the
 * messages away.
 *
 * libfixbuf copies from one internal template, which has all elements, to the external one of the record at hand. It fills
 * a buffer of ours, which is sent when the next record does not fit any more.
 */
#include "postproc/feed/exporter.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fixbuf/public.h>
#include <stdlib.h>
#include <string.h>

#include "spool/intern.h"
#include "spool/log.h"
#include "spool/record_schema.h"

/* A record as libfixbuf reads it: the rows of elements[], in their order. */
struct wire {
	uint64_t start_ms, end_ms, packets, octets, reverse_packets, reverse_octets;
	double sampling, reverse_sampling;
	uint8_t src6[16], dst6[16];
	uint32_t src4, dst4; /* host order */
	uint16_t sport, dport, tcp_flags, reverse_tcp_flags;
	uint8_t proto, padding[7];
	fbVarfield_t class, verdict, rule, aggregate;
};

enum { IP4 = 1, IP6 = 2, REVERSE = 4, INTERNAL = 8 };

static const struct element {
	const char *name;
	uint16_t length, number; /* number: IANA's, of what may be anonymised */
	uint8_t only;
} elements[] = {
	{"flowStartMilliseconds", 8, 152, 0},
	{"flowEndMilliseconds", 8, 153, 0},
	{"packetDeltaCount", 8, 0, 0},
	{"octetDeltaCount", 8, 0, 0},
	{"reversePacketDeltaCount", 8, 0, REVERSE},
	{"reverseOctetDeltaCount", 8, 0, REVERSE},
	{"samplingProbability", 8, 0, 0},
	{"reverseSamplingProbability", 8, 0, REVERSE},
	{"sourceIPv6Address", 16, 27, IP6},
	{"destinationIPv6Address", 16, 28, IP6},
	{"sourceIPv4Address", 4, 8, IP4},
	{"destinationIPv4Address", 4, 12, IP4},
	{"sourceTransportPort", 2, 0, 0},
	{"destinationTransportPort", 2, 0, 0},
	{"tcpControlBits", 2, 0, 0},
	{"reverseTcpControlBits", 2, 0, REVERSE},
	{"protocolIdentifier", 1, 0, 0},
	{"paddingOctets", 7, 0, INTERNAL},
	{"miraClass", 0, 0, 0},
	{"miraVerdict", 0, 0, 0},
	{"miraRule", 0, 0, 0},
	{"miraAggregates", 0, 0, 0},
};
#define ELEMENTS (sizeof(elements) / sizeof(*elements))
#define OURS	 4   /* the last ones */
#define TEXT_MAX 255 /* so that a record fits a message, however long a list of aggregates is */

/* An anonymization record. */
struct anonymized {
	uint16_t template, element, flags, technique;
};
static const char *const anonymized_names[] = {"templateId", "informationElementId",
	"anonymizationFlags", "anonymizationTechnique"};
#define ANONYMIZED_SCOPE   2
#define ANONYMIZED_STABLE  3 /* flags: stability class */
#define ANONYMIZED_LOWER   8 /* low-order bits are unchanged: none of ours are */
#define PRECISION_DEGRADED 2

enum {
	TEMPLATE_FIRST = 256, /* and as many as there are variants */
	TEMPLATE_TYPE = 260,
	TEMPLATE_ANONYMIZED = 261,
	TEMPLATE_INTERNAL = 0x1000, /* and the others' numbers behind it */
};

static const uint8_t variants[] = {IP4, IP6, IP4 | REVERSE, IP6 | REVERSE};
#define VARIANTS (sizeof(variants) / sizeof(*variants))

struct exporter {
	const struct exporter_setting *setting;
	exporter_send send;
	void *own;
	fbInfoModel_t *model;
	fbSession_t *session;
	fbExporter_t *exporter;
	fBuf_t *buffer;
	bool begun;   /* something stands in the message */
	bool refused; /* the last one did not fit */
	uint8_t *message;
};

/* ---- templates ---- */

static void append(fbTemplate_t *template, const char *name, uint16_t length)
{
	fbInfoElementSpec_t spec = {(char *)name, length, 0};
	GError *error = NULL;

	if (!fbTemplateAppendSpec(template, &spec, 0, &error))
		die(MIRA_PERSON, "libfixbuf does not know %s: %s", name, error->message);
}

static void add_template(struct exporter *exporter, bool internal, uint16_t id,
	fbTemplate_t *template)
{
	GError *error = NULL;

	if (!fbSessionAddTemplate(exporter->session, internal, id, template, &error))
		die(MIRA_PERSON, "libfixbuf refuses template %u: %s", id, error->message);
}

/* The internal one has all elements. */
static fbTemplate_t *record_template(struct exporter *exporter, bool internal, uint8_t variant)
{
	fbTemplate_t *template = fbTemplateAlloc(exporter->model);

	for (size_t i = 0; i < ELEMENTS; i++)
		if (internal || (elements[i].only & variant) == elements[i].only)
			append(template, elements[i].name, elements[i].length);
	return template;
}

static fbTemplate_t *anonymized_template(struct exporter *exporter)
{
	fbTemplate_t *template = fbTemplateAlloc(exporter->model);

	for (size_t i = 0; i < sizeof(anonymized_names) / sizeof(*anonymized_names); i++)
		append(template, anonymized_names[i], 2);
	fbTemplateSetOptionsScope(template, ANONYMIZED_SCOPE);
	return template;
}

static fbTemplate_t *type_template(struct exporter *exporter)
{
	GError *error = NULL;
	fbTemplate_t *template = fbInfoElementAllocTypeTemplate(exporter->model, &error);

	if (!template)
		die(MIRA_PERSON, "libfixbuf has no type records: %s", error->message);
	return template;
}

static void add_templates(struct exporter *exporter)
{
	fbTemplate_t *internal = record_template(exporter, true, 0);

	assert(fbTemplateGetIELenOfMemBuffer(internal) == sizeof(struct wire));
	add_template(exporter, true, TEMPLATE_INTERNAL, internal);
	for (size_t i = 0; i < VARIANTS; i++)
		add_template(exporter, false, (uint16_t)(TEMPLATE_FIRST + i),
			record_template(exporter, false, variants[i]));
	add_template(exporter, true, TEMPLATE_INTERNAL + TEMPLATE_TYPE, type_template(exporter));
	add_template(exporter, false, TEMPLATE_TYPE, type_template(exporter));
	add_template(exporter, true, TEMPLATE_INTERNAL + TEMPLATE_ANONYMIZED,
		anonymized_template(exporter));
	add_template(exporter, false, TEMPLATE_ANONYMIZED, anonymized_template(exporter));
}

struct exporter *exporter_new(const struct exporter_setting *setting, exporter_send send, void *own)
{
	struct exporter *exporter = x_calloc(1, sizeof(*exporter));

	exporter->setting = setting;
	exporter->send = send;
	exporter->own = own;
	exporter->message = x_calloc(1, setting->message_bytes);
	exporter->model = fbInfoModelAlloc();
	schema_describe(exporter->model);
	exporter->session = fbSessionAlloc(exporter->model);
	fbSessionSetDomain(exporter->session, setting->domain);
	add_templates(exporter);
	exporter->exporter = fbExporterAllocBuffer(exporter->message, setting->message_bytes);
	exporter->buffer = fBufAllocForExport(exporter->session, exporter->exporter);
	fBufSetAutomaticMode(exporter->buffer, FALSE);
	return exporter;
}

void exporter_free(struct exporter *exporter)
{
	fBufFree(exporter->buffer); /* and with it session and exporter */
	fbInfoModelFree(exporter->model);
	free(exporter->message);
	free(exporter);
}

/* ---- messages ---- */

int exporter_flush(struct exporter *exporter)
{
	GError *error = NULL;

	if (!exporter->begun)
		return 0;
	exporter->begun = false;
	if (!fBufEmit(exporter->buffer, &error))
		die(MIRA_PERSON, "libfixbuf makes no message: %s", error->message);
	return exporter->send(exporter->own, exporter->message,
		fbExporterGetMsgLen(exporter->exporter));
}

/*
 * Did it fit? If not, the message is sent, and it is to be tried once more: 1. libfixbuf says the same of a template behind
 * records and of records behind a template, at the begin of a session even where no message was begun.
 */
static int fits(struct exporter *exporter, bool done, GError **error)
{
	bool again = !exporter->refused;

	exporter->refused = !done;
	if (done) {
		exporter->begun = true;
		return 0;
	}
	if (!g_error_matches(*error, FB_ERROR_DOMAIN, FB_ERROR_EOM))
		die(MIRA_PERSON, "libfixbuf refuses a record: %s", (*error)->message);
	g_clear_error(error);
	if (again)
		return exporter_flush(exporter) < 0 ? -1 : 1;
	errno = EMSGSIZE;
	return -1;
}

static int add(struct exporter *exporter, uint16_t internal, uint16_t external, const void *record,
	size_t size)
{
	GError *error = NULL;
	int again;

	do
		again = fits(exporter,
			fBufSetInternalTemplate(exporter->buffer, internal, &error) &&
				fBufSetExportTemplate(exporter->buffer, external, &error) &&
				fBufAppend(exporter->buffer, (uint8_t *)record, size, &error),
			&error);
	while (again == 1);
	return again;
}

static int send_template(struct exporter *exporter, uint16_t id)
{
	GError *error = NULL;
	int again;

	do
		again = fits(exporter, fbSessionExportTemplate(exporter->session, id, &error),
			&error);
	while (again == 1);
	return again;
}

/* RFC 5610: what our own elements are, before a template names them. */
static int send_types(struct exporter *exporter)
{
	int again = send_template(exporter, TEMPLATE_TYPE);

	for (size_t i = ELEMENTS - OURS; i < ELEMENTS && again == 0; i++) {
		const fbInfoElement_t *element =
			fbInfoModelGetElementByName(exporter->model, elements[i].name);
		GError *error = NULL;

		do
			again = fits(exporter,
				fbInfoElementWriteOptionsRecord(exporter->buffer, element,
					TEMPLATE_INTERNAL + TEMPLATE_TYPE, TEMPLATE_TYPE, &error),
				&error);
		while (again == 1);
	}
	return again;
}

/* What was done to ELEMENT of records; technique 0: nothing that could be told. */
static struct anonymized describe(const struct exporter_setting *setting,
	const struct element *element)
{
	struct anonymized record = {.element = element->number};

	if (!element->number)
		return record;
	if (!(element->only & (IP4 | IP6)))
		record.technique = setting->precision_ms ? PRECISION_DEGRADED : 0;
	else if (setting->anonymize != ANONYMIZE_NONE)
		record.technique = (uint16_t)setting->anonymize;
	if (record.technique == ANONYMIZE_TRUNCATE || setting->stable)
		record.flags = ANONYMIZED_STABLE;
	return record;
}

static int send_anonymized(struct exporter *exporter)
{
	int result = send_template(exporter, TEMPLATE_ANONYMIZED);

	for (size_t i = 0; i < VARIANTS * ELEMENTS && result == 0; i++) {
		const struct element *element = &elements[i % ELEMENTS];
		struct anonymized record = describe(exporter->setting, element);

		record.template = (uint16_t)(TEMPLATE_FIRST + i / ELEMENTS);
		if (record.technique && (element->only & variants[i / ELEMENTS]) == element->only)
			result = add(exporter, TEMPLATE_INTERNAL + TEMPLATE_ANONYMIZED,
				TEMPLATE_ANONYMIZED, &record, sizeof(record));
	}
	return result;
}

int exporter_templates(struct exporter *exporter)
{
	const struct exporter_setting *setting = exporter->setting;
	int result = send_types(exporter);

	for (size_t i = 0; i < VARIANTS && result == 0; i++)
		result = send_template(exporter, (uint16_t)(TEMPLATE_FIRST + i));
	if (result == 0 && (setting->anonymize != ANONYMIZE_NONE || setting->precision_ms))
		result = send_anonymized(exporter);
	return result == 0 ? exporter_flush(exporter) : result;
}

/* ---- records ---- */

static void cut(uint8_t address[16], unsigned bits)
{
	for (unsigned bit = bits; bit < 128; bit++)
		address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static void show(const struct exporter_setting *setting, uint8_t version, const uint8_t from[16],
	uint8_t to[16])
{
	memcpy(to, from, 16);
	if (setting->anonymize == ANONYMIZE_PREFIX)
		privacy_address(setting->privacy, version, from, to);
	else if (setting->anonymize == ANONYMIZE_TRUNCATE)
		cut(to, version == 6 ? setting->bits6 : setting->bits4);
}

static uint32_t host_order(const uint8_t address[16])
{
	uint32_t value;

	memcpy(&value, address, sizeof(value));
	return ntohl(value);
}

static uint64_t degrade(const struct exporter_setting *setting, uint64_t ms)
{
	return setting->precision_ms ? ms - ms % setting->precision_ms : ms;
}

static fbVarfield_t text(uint32_t id)
{
	const char *bytes = intern_text(id);

	return (fbVarfield_t){strnlen(bytes, TEXT_MAX), (uint8_t *)bytes};
}

static void pack(const struct exporter_setting *setting, const struct biflow *biflow,
	struct wire *wire)
{
	const struct flowkey *key = &biflow->key;

	memset(wire, 0, sizeof(*wire));
	wire->start_ms = degrade(setting, biflow->start_ms);
	wire->end_ms = degrade(setting, biflow->end_ms);
	show(setting, key->version, key->src, wire->src6);
	show(setting, key->version, key->dst, wire->dst6);
	wire->src4 = host_order(wire->src6);
	wire->dst4 = host_order(wire->dst6);
	wire->sport = key->sport;
	wire->dport = key->dport;
	wire->proto = key->proto;
	wire->packets = biflow->forward.packets;
	wire->octets = biflow->forward.octets;
	wire->sampling = biflow->forward.sampling;
	wire->tcp_flags = biflow->forward.tcp_flags;
	wire->class = text(biflow->class);
	wire->verdict = text(biflow->verdict);
	wire->rule = text(biflow->rule);
	wire->aggregate = text(biflow->aggregate);
}

static int add_wire(struct exporter *exporter, const struct wire *wire, uint8_t variant)
{
	const uint8_t *found = memchr(variants, variant, VARIANTS);

	return add(exporter, TEMPLATE_INTERNAL, (uint16_t)(TEMPLATE_FIRST + (found - variants)),
		wire, sizeof(*wire));
}

static int add_reverse(struct exporter *exporter, const struct biflow *biflow,
	const struct wire *forward, uint8_t version)
{
	const struct direction *reverse = &biflow->reverse;
	struct wire wire = *forward;

	memcpy(wire.src6, forward->dst6, sizeof(wire.src6));
	memcpy(wire.dst6, forward->src6, sizeof(wire.dst6));
	wire.src4 = forward->dst4;
	wire.dst4 = forward->src4;
	wire.sport = forward->dport;
	wire.dport = forward->sport;
	wire.packets = reverse->packets;
	wire.octets = reverse->octets;
	wire.sampling = reverse->sampling;
	wire.tcp_flags = reverse->tcp_flags;
	return add_wire(exporter, &wire, version);
}

int exporter_add(struct exporter *exporter, const struct biflow *biflow)
{
	const struct direction *reverse = &biflow->reverse;
	uint8_t version = biflow->key.version == 6 ? IP6 : IP4;
	struct wire wire;

	if (exporter->setting->privacy)
		privacy_at(exporter->setting->privacy, (int64_t)biflow->window_ms);
	pack(exporter->setting, biflow, &wire);
	if (exporter->setting->uniflows || !reverse->packets) {
		if (biflow->forward.packets && add_wire(exporter, &wire, version) < 0)
			return -1;
		return reverse->packets ? add_reverse(exporter, biflow, &wire, version) : 0;
	}
	wire.reverse_packets = reverse->packets;
	wire.reverse_octets = reverse->octets;
	wire.reverse_sampling = reverse->sampling;
	wire.reverse_tcp_flags = reverse->tcp_flags;
	return add_wire(exporter, &wire, version | REVERSE);
}
