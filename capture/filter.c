/* filter.c: decides whether a packet belongs to a stream, between reader.c or the interface and
 * slicer.c. */
#include "capture/filter.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "spool/linktype.h"
#include "spool/log.h"

#define SNAPLEN 262144

struct program {
	uint32_t linktype;
	bool usable, told;
	char *why; /* it is not usable */
	struct bpf_program code;
};

struct filter {
	char *name, *expression; /* NULL expression: all pass */
	struct program *programs;
	size_t count, last; /* last: of the packet before, which is nearly always this one's */
};

/* Compiles for DLT; false with WHY (PCAP_ERRBUF_SIZE bytes). */
static bool compile(const char *expression, int dlt, struct bpf_program *code, char *why)
{
	pcap_t *dead = pcap_open_dead(dlt, SNAPLEN);
	bool good;

	if (!dead)
		die(MIRA_AGAIN, "out of memory for a filter");
	good = pcap_compile(dead, code, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!good)
		strncpy(why, pcap_geterr(dead), PCAP_ERRBUF_SIZE - 1);
	pcap_close(dead);
	return good;
}

static bool compiles_somewhere(const char *expression, char *why)
{
	const struct linktype *type;
	char ignored[PCAP_ERRBUF_SIZE] = "";
	struct bpf_program code;

	for (size_t i = 0; (type = linktype_at(i)); i++) {
		if (!compile(expression, type->dlt, &code, i == 0 ? why : ignored))
			continue;
		pcap_freecode(&code);
		return true;
	}
	return false;
}

struct filter *filter_new(const char *name, const char *expression)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct filter *filter;

	if (*expression && !compiles_somewhere(expression, why)) {
		log_err("filter of stream %s, \"%s\": %s; see pcap-filter(7)", name, expression,
			why);
		return NULL;
	}
	filter = x_calloc(1, sizeof(*filter));
	filter->name = x_strdup(name);
	filter->expression = *expression ? x_strdup(expression) : NULL;
	return filter;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->count; i++) {
		if (filter->programs[i].usable)
			pcap_freecode(&filter->programs[i].code);
		free(filter->programs[i].why);
	}
	free(filter->programs);
	free(filter->expression);
	free(filter->name);
	free(filter);
}

static void add_program(struct filter *filter, uint32_t linktype)
{
	const struct linktype *type = linktype_find(linktype);
	char why[PCAP_ERRBUF_SIZE] = "the link type is not known";
	struct program *program;

	filter->programs = x_realloc(filter->programs, (filter->count + 1) * sizeof(*program));
	program = &filter->programs[filter->count];
	memset(program, 0, sizeof(*program));
	program->linktype = linktype;
	program->usable = type && compile(filter->expression, type->dlt, &program->code, why);
	if (!program->usable)
		program->why = x_strdup(why);
	filter->last = filter->count++;
}

void filter_prepare(struct filter *filter)
{
	const struct linktype *type;

	for (size_t i = 0; filter->expression && (type = linktype_at(i)); i++)
		add_program(filter, type->number);
}

/* "ip" on raw IPv6 is no mistake, "ether host" on raw IP may be one. */
static void tell(const struct filter *filter, struct program *program)
{
	if (!program->told && !strstr(program->why, "rejects all packets"))
		log_warn("filter of stream %s, \"%s\", matches nothing of link type %u: %s",
			filter->name, filter->expression, program->linktype, program->why);
	program->told = true;
}

static struct program *program_for(struct filter *filter, uint32_t linktype)
{
	if (filter->count && filter->programs[filter->last].linktype == linktype)
		return &filter->programs[filter->last];
	for (filter->last = 0; filter->last < filter->count; filter->last++)
		if (filter->programs[filter->last].linktype == linktype)
			return &filter->programs[filter->last];
	add_program(filter, linktype);
	return &filter->programs[filter->last];
}

bool filter_passes(struct filter *filter, const struct packet *packet)
{
	struct program *program;

	if (!filter->expression)
		return true;
	program = program_for(filter, packet->linktype);
	if (!program->usable)
		tell(filter, program);
	return program->usable &&
	       bpf_filter(program->code.bf_insns, packet->data, packet->origlen, packet->caplen);
}
