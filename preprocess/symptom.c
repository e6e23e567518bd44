/*
 * symptom.c: which symptoms a packet shows. After decode, before the flow table counts them;
 * the payload is not looked at again.
 *
 * Hyperscan tells which pattern was found; what the pattern's symptom asks of transport, port
 * and size is looked up then, since most packets show nothing. A packet shows few symptoms, so
 * "already counted" is a search in the short list of hits.
 */
#include "preprocess/symptom.h"

#include <hs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "preprocess/cost.h"
#include "preprocess/symptom_across.h"
#include "preprocess/symptom_ahead.h"
#include "preprocess/symptom_chain.h"
#include "preprocess/symptom_compile.h"
#include "preprocess/symptom_first.h"
#include "preprocess/symptom_parse.h"
#include "spool/intern.h"
#include "spool/log.h"

#define HITS_MAX (sizeof(((struct symptom_hits *)0)->index) / sizeof(uint16_t))

struct symptoms {
	struct symptom_source source;
	hs_database_t *databases[SYMPTOM_SETS]; /* NULL where there is no pattern */
	hs_scratch_t *scratch;
	uint32_t *names; /* intern ids */
	uint32_t *slots; /* hash table of host suffixes: 1 + index into source.hosts, 0 free */
	size_t slot_mask;
	uint8_t *asked; /* of each port: does a symptom ask for it? PORT_TCP, PORT_OTHER */
	struct symptom_border border; /* of the patterns that may begin anywhere */
	uint16_t start_reach[256];    /* of the others, by the first byte */
	struct symptom_ahead ahead;   /* of those of any port */
};

enum { PORT_TCP = 1, PORT_OTHER = 2, PORTS = 65536 };

/* One scan, as on_match() sees it. */
struct scan {
	const struct symptoms *symptoms;
	struct symptom_hits *hits;
	const uint8_t *payload;
	size_t size;
	uint8_t transport; /* bit, 0 for others */
	uint16_t sport, dport;
	const struct symptom_stretch *stretch; /* NULL: a whole payload */
	struct symptom_ends *ends;	       /* not NULL: they are wanted, not the hits */
};

/* ---- host names ---- */

/* slot_first(): where the suffix TEXT stands or would stand. The table is at most half full, so
 * a search ends. */
static size_t slot_first(const struct symptoms *symptoms, const char *text, size_t size)
{
	return XXH3_64bits(text, size) & symptoms->slot_mask;
}

static void index_hosts(struct symptoms *symptoms)
{
	const struct symptom_source *source = &symptoms->source;
	size_t room = 16;

	while (room < source->host_count * 2)
		room *= 2;
	symptoms->slots = x_calloc(room, sizeof(*symptoms->slots));
	symptoms->slot_mask = room - 1;
	for (size_t i = 0; i < source->host_count; i++) {
		const char *suffix = source->hosts[i].suffix;
		size_t slot = slot_first(symptoms, suffix, strlen(suffix));
		while (symptoms->slots[slot])
			slot = (slot + 1) & symptoms->slot_mask;
		symptoms->slots[slot] = (uint32_t)i + 1;
	}
}

static void add_hit(struct symptom_hits *hits, uint32_t rule)
{
	for (unsigned i = 0; i < hits->count; i++)
		if (hits->index[i] == rule)
			return;
	if (hits->count < HITS_MAX)
		hits->index[hits->count++] = (uint16_t)rule;
	else
		hits->overflow++;
}

/* add_suffix(): a suffix may belong to several symptoms; each has a slot of its own in the run. */
static void add_suffix(const struct symptoms *symptoms, const char *suffix, size_t size,
	struct symptom_hits *hits)
{
	size_t slot = slot_first(symptoms, suffix, size);

	for (; symptoms->slots[slot]; slot = (slot + 1) & symptoms->slot_mask) {
		const struct symptom_host *host =
			&symptoms->source.hosts[symptoms->slots[slot] - 1];
		if (!strcmp(host->suffix, suffix))
			add_hit(hits, host->rule);
	}
}

void symptoms_host(struct symptoms *symptoms, const char *name, struct symptom_hits *hits)
{
	size_t size = strlen(name);

	for (const char *suffix = name; suffix; suffix = strchr(suffix, '.')) {
		suffix += *suffix == '.';
		add_suffix(symptoms, suffix, size - (size_t)(suffix - name), hits);
	}
}

/* A fingerprint stands in the same table, behind a prefix that no host name has. */
void symptoms_ja4(struct symptoms *symptoms, const char *ja4, struct symptom_hits *hits)
{
	char text[64];
	int size = snprintf(text, sizeof(text), SYMPTOM_JA4 "%s", ja4);

	add_suffix(symptoms, text, (size_t)size, hits);
}

bool symptoms_ask_ja4(const struct symptoms *symptoms)
{
	return symptoms->source.ja4_count > 0;
}

/* ---- ports ---- */

static void index_ports(struct symptoms *symptoms)
{
	const struct symptom_source *source = &symptoms->source;

	symptoms->asked = x_calloc(PORTS, 1);
	for (size_t i = 0; i < source->rule_count; i++) {
		const struct symptom_rule *rule = &source->rules[i];
		uint8_t bits = rule->transports == SYMPTOM_TCP ? PORT_TCP
			       : rule->transports & SYMPTOM_TCP || !rule->transports
				       ? PORT_TCP | PORT_OTHER
				       : PORT_OTHER;
		for (size_t r = 0; rule->patterns && r < rule->ports.count; r++)
			for (uint32_t port = rule->ports.ranges[r].first;
				port <= rule->ports.ranges[r].last; port++)
				symptoms->asked[port] |= bits;
	}
}

/* is_busy(): a port of SSH, mail, names or the web, which no client takes for its own. */
static bool is_busy(uint16_t port)
{
	static const uint16_t ports[] = {22, 25, 53, 80, 110, 143, 443, 465, 587, 853, 993, 995};

	for (size_t i = 0; port < 1024 && i < sizeof(ports) / sizeof(*ports); i++)
		if (ports[i] == port)
			return true;
	return false;
}

/* Which ports count: one above the system's, beside a busy one, was given to a client by chance. */
struct ends {
	bool source, target;
};

static struct ends ends_that_count(uint16_t sport, uint16_t dport)
{
	bool source = is_busy(sport), target = is_busy(dport);

	return (struct ends){source || !target || sport < 1024, target || !source || dport < 1024};
}

static bool ports_asked(const struct symptoms *symptoms, uint8_t bit, uint16_t sport,
	uint16_t dport)
{
	struct ends count;

	if (!((symptoms->asked[sport] | symptoms->asked[dport]) & bit))
		return false;
	count = ends_that_count(sport, dport);
	return ((count.source && symptoms->asked[sport] & bit) ||
		(count.target && symptoms->asked[dport] & bit));
}

static bool ports_fit(const struct symptom_list *ports, uint16_t sport, uint16_t dport)
{
	struct ends count = ends_that_count(sport, dport);

	return (count.source && symptom_list_has(ports, sport)) ||
	       (count.target && symptom_list_has(ports, dport));
}

/* ---- payload ---- */

static bool rule_fits(const struct symptom_rule *rule, const struct scan *scan)
{
	if (rule->transports && !(rule->transports & scan->transport))
		return false;
	if (rule->sizes.count && !symptom_list_has(&rule->sizes, (uint32_t)scan->size))
		return false;
	return !rule->ports.count || ports_fit(&rule->ports, scan->sport, scan->dport);
}

static bool is_known(const struct symptom_ends *ends, uint32_t pattern, uint32_t end)
{
	for (unsigned i = 0; ends && i < ends->count; i++)
		if (ends->list[i].pattern == pattern && ends->list[i].end == end)
			return true;
	return false;
}

static bool stretch_shows(const struct symptom_stretch *stretch, uint32_t pattern,
	unsigned long long end)
{
	return end > stretch->skip && end <= stretch->limit &&
	       !is_known(stretch->known, pattern, (uint32_t)end - stretch->skip);
}

static void note_end(struct symptom_ends *ends, uint32_t pattern, unsigned long long end)
{
	if (ends->count < sizeof(ends->list) / sizeof(*ends->list)) {
		ends->list[ends->count].pattern = pattern;
		ends->list[ends->count++].end = (uint32_t)end;
	}
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
	void *context)
{
	const struct scan *scan = context;
	const struct symptom_pattern *pattern = &scan->symptoms->source.patterns[id];

	if (scan->hits && pattern->crossing.flags & HS_FLAG_SINGLEMATCH)
		scan->hits->hides = true;
	if (scan->stretch && (pattern->chain || !stretch_shows(scan->stretch, id, to)))
		return 0;
	if (scan->ends)
		note_end(scan->ends, id, to);
	else if (rule_fits(&scan->symptoms->source.rules[pattern->rule], scan) &&
		 (!pattern->chain || chain_found(pattern->chain, scan->payload, scan->size)))
		add_hit(scan->hits, pattern->rule);
	return 0;
}

static uint8_t transport_bit(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP: return SYMPTOM_TCP;
	case IPPROTO_UDP: return SYMPTOM_UDP;
	case IPPROTO_SCTP: return SYMPTOM_SCTP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: return SYMPTOM_ICMP;
	default: return 0;
	}
}

/* The one error left is an internal one: arguments, sizes and scratch are right by construction. */
static void run(struct symptoms *symptoms, enum symptom_set set, const uint8_t *bytes, size_t size,
	struct scan *scan)
{
	const hs_database_t *database = symptoms->databases[set];

	if (database && size &&
		hs_scan(database, (const char *)bytes, (unsigned)size, 0, symptoms->scratch,
			on_match, scan))
		die(MIRA_PERSON,
			"Hyperscan failed to scan a payload of %zu bytes; this is a fault of the "
			"program",
			size);
}

/* run_any(): the symptoms of any port; run_ports(): where a port is asked for, those of ports. */
static void run_any(struct symptoms *symptoms, const uint8_t *bytes, size_t size, struct scan *scan)
{
	run(symptoms, scan->transport == SYMPTOM_TCP ? SYMPTOM_SET_TCP : SYMPTOM_SET_OTHER, bytes,
		size, scan);
}

static enum symptom_set ports_set(bool tcp)
{
	return tcp ? SYMPTOM_SET_TCP_PORTS : SYMPTOM_SET_OTHER_PORTS;
}

static bool asks_ports(const struct symptoms *symptoms, bool tcp, uint16_t sport, uint16_t dport)
{
	return symptoms->databases[ports_set(tcp)] &&
	       ports_asked(symptoms, tcp ? PORT_TCP : PORT_OTHER, sport, dport);
}

static void run_ports(struct symptoms *symptoms, const uint8_t *bytes, size_t size,
	struct scan *scan)
{
	run(symptoms, ports_set(scan->transport == SYMPTOM_TCP), bytes, size, scan);
}

void symptoms_scan(struct symptoms *symptoms, const uint8_t *payload, size_t size, uint8_t proto,
	uint16_t sport, uint16_t dport, struct symptom_hits *hits)
{
	bool any = ahead_shows(&symptoms->ahead, payload, size);
	bool ports = asks_ports(symptoms, proto == IPPROTO_TCP, sport, dport);

	if (any || ports) {
		struct scan scan = {symptoms, hits, payload, size, transport_bit(proto), sport,
			dport, NULL, NULL};

		if (any)
			run_any(symptoms, payload, size, &scan);
		if (ports)
			run_ports(symptoms, payload, size, &scan);
	}
}

void symptoms_look_ahead(struct symptoms *symptoms, const uint8_t *bytes, size_t size)
{
	ahead_look(&symptoms->ahead, symptoms->databases[SYMPTOM_SET_AHEAD], symptoms->scratch,
		bytes, size);
}

static void scan_stretch(struct symptoms *symptoms, const struct symptom_stretch *stretch,
	struct symptom_hits *hits, struct symptom_ends *ends)
{
	struct scan scan = {symptoms, hits, NULL, stretch->payload_size, SYMPTOM_TCP,
		stretch->sport, stretch->dport, stretch, ends};

	if (stretch->start) {
		run_any(symptoms, stretch->bytes, stretch->size, &scan);
		if (asks_ports(symptoms, true, stretch->sport, stretch->dport))
			run_ports(symptoms, stretch->bytes, stretch->size, &scan);
	} else {
		run(symptoms, SYMPTOM_SET_ACROSS, stretch->bytes, stretch->size, &scan);
	}
}

void symptoms_scan_stretch(struct symptoms *symptoms, const struct symptom_stretch *stretch,
	struct symptom_hits *hits)
{
	scan_stretch(symptoms, stretch, hits, NULL);
}

void symptoms_note_stretch(struct symptoms *symptoms, const struct symptom_stretch *stretch,
	struct symptom_ends *ends)
{
	scan_stretch(symptoms, stretch, NULL, ends);
}

void symptoms_keep(const struct symptoms *symptoms, struct symptom_hits *hits,
	const struct flowkey *key, uint16_t tcp_flags, enum symptom_side side)
{
	unsigned kept = 0, found = hits->count;

	for (unsigned i = 0; i < found; i++)
		if (where_fits(symptoms->source.rules[hits->index[i]].where, key, tcp_flags, side))
			hits->index[kept++] = hits->index[i];
	hits->count = kept;
	for (unsigned i = 0; i < kept; i++) {
		uint32_t group = symptoms->source.rules[hits->index[i]].group;
		if (group)
			add_hit(hits, group - 1);
	}
}

uint32_t symptoms_reach(const struct symptoms *symptoms)
{
	return symptoms->border.reach;
}

struct symptom_opening symptoms_opening(const struct symptoms *symptoms, const uint8_t *tail,
	uint32_t size)
{
	return border_opening(&symptoms->border, tail, size);
}

bool symptoms_cross(const struct symptoms *symptoms, uint8_t last, uint8_t next)
{
	return border_crossed(&symptoms->border, last, next);
}

uint32_t symptoms_start_reach(const struct symptoms *symptoms, uint8_t first)
{
	return symptoms->start_reach[first];
}

/* ---- life ---- */

/* A match of a pattern may begin with BYTES, at the start of a payload, and go on in the next. */
static void add_starts(struct symptoms *symptoms, const struct symptom_bytes *bytes, uint32_t reach)
{
	for (int byte = 0; byte < 256; byte++)
		if (byteset_has(&bytes->first, (uint8_t)byte) &&
			reach > symptoms->start_reach[byte])
			symptoms->start_reach[byte] = (uint16_t)reach;
}

static void find_crossings(struct symptoms *symptoms, struct symptom_pattern *pattern,
	const struct symptom_bytes *bytes)
{
	uint8_t transports = symptoms->source.rules[pattern->rule].transports;

	if (pattern->chain || (transports && !(transports & SYMPTOM_TCP)))
		return;
	symptom_cross(pattern, bytes);
	if (pattern->crossing.anywhere)
		border_add(&symptoms->border, bytes, pattern->crossing.reach);
	add_starts(symptoms, bytes, pattern->crossing.start_reach);
}

/* Which patterns can lie in several packets, and over which borders; and what is looked for ahead. */
static void study_patterns(struct symptoms *symptoms)
{
	struct symptom_source *source = &symptoms->source;

	for (size_t i = 0; i < source->pattern_count; i++) {
		struct symptom_pattern *pattern = &source->patterns[i];
		struct symptom_bytes bytes;

		symptom_bytes(pattern, &bytes);
		find_crossings(symptoms, pattern, &bytes);
		if (!source->rules[pattern->rule].ports.count)
			ahead_add(&symptoms->ahead, pattern, &bytes);
	}
}

static int compile_set(struct symptoms *symptoms, enum symptom_set set, const char *cache)
{
	hs_database_t **database = &symptoms->databases[set];

	if (symptom_compile(&symptoms->source, set, cache, database))
		return -1;
	if (!*database || !hs_alloc_scratch(*database, &symptoms->scratch))
		return 0;
	log_err("no memory to scan with the symptoms; free some, or use fewer patterns");
	return -1;
}

static int compile(struct symptoms *symptoms, const char *cache)
{
	if (symptom_compile_chains(&symptoms->source))
		return -1;
	study_patterns(symptoms);
	for (enum symptom_set set = 0; set < SYMPTOM_SET_AHEAD; set++)
		if (compile_set(symptoms, set, cache))
			return -1;
	symptoms->ahead.off =
		!ahead_pays(&symptoms->ahead) || compile_set(symptoms, SYMPTOM_SET_AHEAD, cache);
	return 0;
}

struct symptoms *symptoms_load(const char *folder, const char *cache)
{
	struct symptoms *symptoms = x_calloc(1, sizeof(*symptoms));

	if (symptom_source_load(&symptoms->source, folder) || compile(symptoms, cache)) {
		symptoms_free(symptoms);
		return NULL;
	}
	if (!symptoms->source.rule_count)
		log_warn("no symptom in %s: every flow will be UNKNOWN unless its port or address "
			 "decides",
			folder);
	index_hosts(symptoms);
	index_ports(symptoms);
	symptoms->names = x_calloc(symptoms->source.rule_count + 1, sizeof(*symptoms->names));
	for (size_t i = 0; i < symptoms->source.rule_count; i++)
		symptoms->names[i] = intern(symptoms->source.rules[i].name);
	return symptoms;
}

void symptoms_free(struct symptoms *symptoms)
{
	if (!symptoms)
		return;
	hs_free_scratch(symptoms->scratch);
	for (enum symptom_set set = 0; set < SYMPTOM_SETS; set++)
		hs_free_database(symptoms->databases[set]);
	symptom_source_free(&symptoms->source);
	free(symptoms->slots);
	free(symptoms->asked);
	free(symptoms->names);
	free(symptoms);
}

size_t symptoms_count(const struct symptoms *symptoms)
{
	return symptoms->source.rule_count;
}

uint32_t symptoms_name(const struct symptoms *symptoms, size_t index)
{
	return symptoms->names[index];
}

int symptoms_check(const char *folder, const struct sample *sample, size_t costs, FILE *out)
{
	struct symptom_source source;
	struct symptom_verdict verdict;

	if (symptom_source_load(&source, folder))
		return MIRA_PERSON;
	if (sample)
		cost_report(&source, sample, costs, out);
	verdict = symptom_judge(&source, out);
	fprintf(out,
		"%s: %zu symptoms, %zu patterns, %zu host names, %zu fingerprints: %zu refused, "
		"%zu slow\n",
		folder, source.rule_count, source.pattern_count,
		source.host_count - source.ja4_count, source.ja4_count, verdict.refused,
		verdict.slow);
	symptom_source_free(&source);
	return verdict.refused ? MIRA_PERSON : MIRA_OK;
}
