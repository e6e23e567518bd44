/*
 * record_schema.c: the tables behind flows, biflows and verdicts: which element of the files between the stages is which
 * member of struct flow, biflow and ledger, and how files describe our own elements to strangers (RFC 5610).
 *
 * Numbers are for ever: an element is added with a new number and read as zero where it is missing; none is changed.
 */
#include "spool/record_schema.h"

#include <fixbuf/public.h>

#define MEMBER(type, member) offsetof(struct type, member), sizeof(((struct type *)NULL)->member)
#define IANA(name, number, kind, length, type, member)                                             \
	{                                                                                          \
		name, 0, number, kind, length, 0, false, MEMBER(type, member)                      \
	}
#define NEED(name, number, kind, length, type, member)                                             \
	{                                                                                          \
		name, 0, number, kind, length, 0, true, MEMBER(type, member)                       \
	}
#define BACK(name, number, kind, length, type, member)                                             \
	{                                                                                          \
		name, PEN_REVERSE, number, kind, length, 0, false, MEMBER(type, member)            \
	}
#define OURS(name, number, kind, length, type, member)                                             \
	{                                                                                          \
		name, PEN_MIRA, number, kind, length, 0, false, MEMBER(type, member)               \
	}
#define MUST(name, number, kind, length, type, member)                                             \
	{                                                                                          \
		name, PEN_MIRA, number, kind, length, 0, true, MEMBER(type, member)                \
	}
#define MORE(name, pen, number, kind, length, type, member)                                        \
	{                                                                                          \
		name, pen, number, kind, length, ONLY_LABELLED, false, MEMBER(type, member)        \
	}
#define LABEL(name, number, type, member) MORE(name, PEN_MIRA, number, FIELD_LABEL, 0, type, member)
#define NAME(type)                                                                                 \
	{                                                                                          \
		"miraHostName", PEN_MIRA, 9, FIELD_LABEL, 0, ONLY_NAMED, false,                    \
			MEMBER(type, host_name)                                                    \
	}
#define LIST(type)                                                                                 \
	{                                                                                          \
		"subTemplateList", 0, 292, FIELD_SYMPTOMS, 0, ONLY_LISTED, false,                  \
			MEMBER(type, symptoms)                                                     \
	}
#define FIELDS(table) table, sizeof(table) / sizeof((table)[0])

/* The innermost packet's 5-tuple, the same in flows and biflows. */
#define KEY(type)                                                                                  \
	{"sourceIPv4Address", 0, 8, FIELD_ADDRESS, 4, ONLY_IP4, true, MEMBER(type, key.src)},      \
		{"destinationIPv4Address", 0, 12, FIELD_ADDRESS, 4, ONLY_IP4, true,                \
			MEMBER(type, key.dst)},                                                    \
		{"sourceIPv6Address", 0, 27, FIELD_ADDRESS, 16, ONLY_IP6, true,                    \
			MEMBER(type, key.src)},                                                    \
		{"destinationIPv6Address", 0, 28, FIELD_ADDRESS, 16, ONLY_IP6, true,               \
			MEMBER(type, key.dst)},                                                    \
		NEED("sourceTransportPort", 7, FIELD_UINT, 2, type, key.sport),                    \
		NEED("destinationTransportPort", 11, FIELD_UINT, 2, type, key.dport),              \
		NEED("protocolIdentifier", 4, FIELD_UINT, 1, type, key.proto),                     \
		MORE("ipVersion", 0, 60, FIELD_UINT, 1, type, key.version)

#define SPAN(type)                                                                                 \
	MUST("miraWindowStartMilliseconds", 1, FIELD_UINT, 8, type, window_ms),                    \
		NEED("flowStartMilliseconds", 152, FIELD_UINT, 8, type, start_ms),                 \
		NEED("flowEndMilliseconds", 153, FIELD_UINT, 8, type, end_ms)

static const struct field flow_fields[] = {
	KEY(flow),
	SPAN(flow),
	NEED("packetDeltaCount", 2, FIELD_UINT, 8, flow, packets),
	NEED("octetDeltaCount", 1, FIELD_UINT, 8, flow, octets),
	MORE("samplingProbability", 0, 311, FIELD_FLOAT, 8, flow, sampling),
	IANA("tcpControlBits", 6, FIELD_UINT, 2, flow, tcp_flags),
	OURS("miraFlowFlags", 5, FIELD_UINT, 2, flow, flags),
	MUST("miraFirstPacketIndex", 2, FIELD_UINT, 8, flow, first_index),
	OURS("miraSynMilliseconds", 3, FIELD_UINT, 8, flow, syn_ms),
	OURS("miraSynPacketIndex", 4, FIELD_UINT, 8, flow, syn_index),
	LABEL("miraVlans", 6, flow, vlan),
	LABEL("miraTunnels", 7, flow, tunnel),
	LABEL("miraTunnelEndpoints", 14, flow, endpoint),
	LABEL("miraAggregates", 8, flow, aggregate),
	NAME(flow),
	LIST(flow),
};

static const struct field biflow_fields[] = {
	KEY(biflow),
	SPAN(biflow),
	NEED("packetDeltaCount", 2, FIELD_UINT, 8, biflow, forward.packets),
	NEED("octetDeltaCount", 1, FIELD_UINT, 8, biflow, forward.octets),
	{"reversePacketDeltaCount", PEN_REVERSE, 2, FIELD_UINT, 8, 0, true,
		MEMBER(biflow, reverse.packets)},
	{"reverseOctetDeltaCount", PEN_REVERSE, 1, FIELD_UINT, 8, 0, true,
		MEMBER(biflow, reverse.octets)},
	MORE("samplingProbability", 0, 311, FIELD_FLOAT, 8, biflow, forward.sampling),
	MORE("reverseSamplingProbability", PEN_REVERSE, 311, FIELD_FLOAT, 8, biflow,
		reverse.sampling),
	IANA("tcpControlBits", 6, FIELD_UINT, 2, biflow, forward.tcp_flags),
	BACK("reverseTcpControlBits", 6, FIELD_UINT, 2, biflow, reverse.tcp_flags),
	OURS("miraFlowFlags", 5, FIELD_UINT, 2, biflow, flags),
	LABEL("miraVlans", 6, biflow, vlan),
	LABEL("miraTunnels", 7, biflow, tunnel),
	LABEL("miraTunnelEndpoints", 14, biflow, endpoint),
	LABEL("miraAggregates", 8, biflow, aggregate),
	NAME(biflow),
	OURS("miraProbes", 10, FIELD_LABEL, 0, biflow, probe),
	{"miraClass", PEN_MIRA, 11, FIELD_LABEL, 0, ONLY_VERDICT, false, MEMBER(biflow, class)},
	{"miraVerdict", PEN_MIRA, 12, FIELD_LABEL, 0, ONLY_VERDICT, false, MEMBER(biflow, verdict)},
	{"miraRule", PEN_MIRA, 13, FIELD_LABEL, 0, ONLY_VERDICT, false, MEMBER(biflow, rule)},
	LIST(biflow),
};

static const struct field symptom_fields[] = {
	MUST("miraSymptomId", 20, FIELD_UINT, 4, symptom_count, name),
	MUST("miraSymptomPackets", 22, FIELD_UINT, 8, symptom_count, packets),
	{"reverseMiraSymptomPackets", PEN_MIRA, REVERSE_BIT | 22, FIELD_UINT, 8, ONLY_BIFLOW, false,
		MEMBER(symptom_count, reverse_packets)},
	{"miraCarriedSymptomPackets", PEN_MIRA, 23, FIELD_UINT, 8, ONLY_BIFLOW, false,
		MEMBER(symptom_count, carried_packets)},
};

static const struct field name_fields[] = {
	MUST("miraSymptomId", 20, FIELD_UINT, 4, symptom_name, id),
	MUST("miraSymptomName", 21, FIELD_LABEL, 0, symptom_name, name),
};

static const struct field ledger_fields[] = {
	MUST("miraProbe", 40, FIELD_TEXT, 0, ledger, probe),
	MUST("miraStream", 41, FIELD_TEXT, 0, ledger, stream),
	MUST("miraRun", 42, FIELD_TEXT, 0, ledger, run),
	MUST("miraBatchSequence", 43, FIELD_UINT, 8, ledger, seq),
	MUST("miraBatchStatus", 44, FIELD_UINT, 1, ledger, status),
	OURS("miraBatchLate", 45, FIELD_BOOL, 1, ledger, late),
	OURS("miraRunEnds", 46, FIELD_BOOL, 1, ledger, end),
	OURS("miraRunLive", 47, FIELD_BOOL, 1, ledger, live),
	OURS("miraSeenPackets", 50, FIELD_UINT, 8, ledger, counts.seen),
	OURS("miraCapturedPackets", 51, FIELD_UINT, 8, ledger, counts.captured),
	OURS("miraFilteredPackets", 52, FIELD_UINT, 8, ledger, counts.filtered),
	OURS("miraDroppedPackets", 53, FIELD_UINT, 8, ledger, counts.dropped),
	OURS("miraShedPackets", 54, FIELD_UINT, 8, ledger, counts.shed),
	OURS("miraSeenPacketsTotal", 60, FIELD_UINT, 8, ledger, cumulative.seen),
	OURS("miraCapturedPacketsTotal", 61, FIELD_UINT, 8, ledger, cumulative.captured),
	OURS("miraFilteredPacketsTotal", 62, FIELD_UINT, 8, ledger, cumulative.filtered),
	OURS("miraDroppedPacketsTotal", 63, FIELD_UINT, 8, ledger, cumulative.dropped),
	OURS("miraShedPacketsTotal", 64, FIELD_UINT, 8, ledger, cumulative.shed),
	IANA("packetDeltaCount", 2, FIELD_UINT, 8, ledger, ip),
	IANA("octetDeltaCount", 1, FIELD_UINT, 8, ledger, octets_ip),
	OURS("miraNotIpPackets", 55, FIELD_UINT, 8, ledger, not_ip),
	OURS("miraMalformedPackets", 56, FIELD_UINT, 8, ledger, malformed),
	IANA("minFlowStartMilliseconds", 272, FIELD_UINT, 8, ledger, first_ms),
	IANA("maxFlowEndMilliseconds", 269, FIELD_UINT, 8, ledger, last_ms),
	OURS("miraDamage", 48, FIELD_TEXT, 0, ledger, damaged),
};

static const struct field end_fields[] = {
	NEED("observationDomainId", 149, FIELD_UINT, 4, record_end, domain),
	NEED("exportedFlowRecordTotalCount", 42, FIELD_UINT, 8, record_end, flows),
};

#define TWO(name, text, id, mask, role, fields)                                                    \
	[SCHEMA_##name##4] = {"mira" text "4", id, 0, ONLY_IP4 | (mask), role, FIELDS(fields)},    \
	[SCHEMA_##name##6] = {"mira" text "6", (id) + 1, 0, ONLY_IP6 | (mask), role,               \
		FIELDS(fields)}
#define TEN(name, text, first, whole, mask, role, fields)                                          \
	TWO(PLAIN_##name, "Plain" text, first, mask, role, fields),                                \
		TWO(NAMED_##name, "Named" text, (first) + 2, (mask) | ONLY_NAMED, role, fields),   \
		TWO(LISTED_##name, "Listed" text, (first) + 4, (mask) | ONLY_NAMED | ONLY_LISTED,  \
			role, fields),                                                             \
		TWO(LABELLED_##name, "Labelled" text, (first) + 6,                                 \
			(mask) | ONLY_NAMED | ONLY_LABELLED, role, fields),                        \
		TWO(name, text, whole, (mask) | ONLY_NAMED | ONLY_LISTED | ONLY_LABELLED, role,    \
			fields)

/* The reader takes the last schema whose needed rows a template holds, so a schema with more rows stands after one with less. */
const struct schema schemas[SCHEMA_COUNT] = {
	TEN(FLOW, "Flow", 0x0110, 0x0100, 0, ROLE_FLOW, flow_fields),
	TEN(BIFLOW, "Biflow", 0x0120, 0x0102, 0, ROLE_BIFLOW, biflow_fields),
	TEN(VERDICT, "Verdict", 0x0130, 0x0104, ONLY_VERDICT, ROLE_BIFLOW, biflow_fields),
	[SCHEMA_LEDGER] = {"miraLedger", 0x0106, 4, 0, ROLE_LEDGER, FIELDS(ledger_fields)},
	[SCHEMA_NAME] = {"miraSymptomName", 0x0107, 1, 0, ROLE_NAME, FIELDS(name_fields)},
	[SCHEMA_END] = {"miraEnd", 0x0108, 1, 0, ROLE_END, FIELDS(end_fields)},
	[SCHEMA_FLOW_SYMPTOM] = {"miraFlowSymptom", 0x0109, 0, 0, ROLE_SYMPTOM,
		FIELDS(symptom_fields)},
	[SCHEMA_BIFLOW_SYMPTOM] = {"miraBiflowSymptom", 0x010a, 0, ONLY_BIFLOW, ROLE_SYMPTOM,
		FIELDS(symptom_fields)},
};

#define TEXT(name, number, what)                                                                   \
	FB_IE_INIT_FULL(name, PEN_MIRA, number, FB_IE_VARLEN, FB_IE_DEFAULT, 0, 0, FB_STRING, what)
#define TIME(name, number, what)                                                                   \
	FB_IE_INIT_FULL(name, PEN_MIRA, number, 8,                                                 \
		FB_IE_DEFAULT | FB_UNITS_MILLISECONDS | FB_IE_F_ENDIAN, 0, 0, FB_DT_MILSEC, what)
#define INDEX(name, number, what)                                                                  \
	FB_IE_INIT_FULL(name, PEN_MIRA, number, 8, FB_IE_IDENTIFIER | FB_IE_F_ENDIAN, 0, 0,        \
		FB_UINT_64, what)
#define TRUTH(name, number, what)                                                                  \
	FB_IE_INIT_FULL(name, PEN_MIRA, number, 1, FB_IE_DEFAULT, 0, 0, FB_BOOL, what)
#define PACKETS(name, number, semantics, what)                                                     \
	FB_IE_INIT_FULL(name, PEN_MIRA, number, 8, semantics | FB_UNITS_PACKETS | FB_IE_F_ENDIAN,  \
		0, 0, FB_UINT_64, what)
#define DELTA(name, number, what) PACKETS(name, number, FB_IE_DELTACOUNTER, what)
#define TOTAL(name, number, what) PACKETS(name, number, FB_IE_TOTALCOUNTER, what)

static fbInfoElement_t elements[] = {
	TIME("miraWindowStartMilliseconds", 1, "start of the window the record lies in"),
	INDEX("miraFirstPacketIndex", 2, "index in the capture run of the flow's first packet"),
	TIME("miraSynMilliseconds", 3,
		"time of the first TCP SYN without ACK, if miraFlowFlags holds 1"),
	INDEX("miraSynPacketIndex", 4, "index in the capture run of that SYN"),
	FB_IE_INIT_FULL("miraFlowFlags", PEN_MIRA, 5, 2, FB_IE_FLAGS | FB_IE_F_ENDIAN, 0, 31,
		FB_UINT_16,
		"1 SYN seen, 2 late, 4 window incomplete, 8 orientation from an earlier window, "
		"16 host name resolved by a client"),
	TEXT("miraVlans", 6, "VLAN ids, sorted, comma-joined"),
	TEXT("miraTunnels", 7, "tunnels around the innermost packet, innermost first"),
	TEXT("miraAggregates", 8, "names of the configured aggregates"),
	TEXT("miraHostName", 9, "host name found in the traffic"),
	TEXT("miraProbes", 10, "probes that saw the flow, sorted, comma-joined"),
	TEXT("miraClass", 11, "traffic class"),
	TEXT("miraVerdict", 12, "acceptable, unacceptable or review"),
	TEXT("miraRule", 13, "rule that decided the verdict"),
	TEXT("miraTunnelEndpoints", 14,
		"addresses of the IP headers around the innermost one, innermost first"),
	FB_IE_INIT_FULL("miraSymptomId", PEN_MIRA, 20, 4, FB_IE_IDENTIFIER | FB_IE_F_ENDIAN, 0, 0,
		FB_UINT_32, "number of a symptom in this file"),
	TEXT("miraSymptomName", 21, "name of a symptom"),
	PACKETS("miraSymptomPackets", 22, FB_IE_F_REVERSIBLE | FB_IE_DELTACOUNTER,
		"packets that show the symptom"),
	DELTA("miraCarriedSymptomPackets", 23,
		"packets that showed the symptom in earlier windows of the biflow"),
	TEXT("miraProbe", 40, "name of the probe"),
	TEXT("miraStream", 41, "name of the stream of the probe"),
	TEXT("miraRun", 42, "run of the capture, 32 hexadecimal digits"),
	INDEX("miraBatchSequence", 43,
		"number of the packets batch in its run, from 0 without gaps"),
	FB_IE_INIT_FULL("miraBatchStatus", PEN_MIRA, 44, 1, FB_IE_IDENTIFIER, 0, 2, FB_UINT_8,
		"0 analysed, 1 quarantined, 2 missing"),
	TRUTH("miraBatchLate", 45, "the batch came after its window had closed"),
	TRUTH("miraRunEnds", 46, "the run ends with this batch"),
	TRUTH("miraRunLive", 47, "the run captures an interface"),
	TEXT("miraDamage", 48, "what ended the input early"),
	DELTA("miraSeenPackets", 50, "packets seen, captured or not"),
	DELTA("miraCapturedPackets", 51, "packets captured"),
	DELTA("miraFilteredPackets", 52, "packets no filter wanted"),
	DELTA("miraDroppedPackets", 53, "packets dropped by kernel or card"),
	DELTA("miraShedPackets", 54, "packets shed under pressure"),
	DELTA("miraNotIpPackets", 55, "captured packets that are not IP"),
	DELTA("miraMalformedPackets", 56, "captured packets without a usable IP header"),
	TOTAL("miraSeenPacketsTotal", 60, "miraSeenPackets since the run began"),
	TOTAL("miraCapturedPacketsTotal", 61, "miraCapturedPackets since the run began"),
	TOTAL("miraFilteredPacketsTotal", 62, "miraFilteredPackets since the run began"),
	TOTAL("miraDroppedPacketsTotal", 63, "miraDroppedPackets since the run began"),
	TOTAL("miraShedPacketsTotal", 64, "miraShedPackets since the run began"),
	FB_IE_NULL,
};

void schema_describe(fbInfoModel_t *model)
{
	fbInfoModelAddElementArray(model, elements);
}

/* An element is described anew, and with it its reverse. */
static void take_order(fbInfoModel_t *model, const struct field *field)
{
	fbInfoElement_t element = *fbInfoModelGetElementByName(model, field->name);

	if (field->pen == PEN_REVERSE || field->number & REVERSE_BIT ||
		!(element.flags & FB_IE_F_ENDIAN))
		return;
	element.flags &= ~(uint32_t)FB_IE_F_ENDIAN;
	fbInfoModelAddElement(model, &element);
}

void schema_in_network_order(fbInfoModel_t *model)
{
	for (size_t i = 0; i < SCHEMA_COUNT; i++)
		for (size_t k = 0; k < schemas[i].field_count; k++)
			take_order(model, &schemas[i].fields[k]);
}
