/*
 * aggregate.c: labels flows as they leave the flow table, once for each flow of a batch.
 */
#include "preprocess/aggregate.h"

#include <stdio.h>
#include <stdlib.h>

#include "preprocess/prefixmap.h"
#include "spool/intern.h"
#include "spool/log.h"

#define VLAN_IDS 4096

struct circuit_label {
	struct circuit circuit;
	uint32_t label;
};

struct aggregates {
	struct prefixmap *addresses;
	struct circuit_label *circuits; /* few */
	size_t circuit_count;
	uint32_t vlans[VLAN_IDS];	/* labels of each VLAN */
	uint32_t last_set, last_labels; /* flows of one VLAN come in a row */
};

static void add_circuits(struct aggregates *aggregates, const struct config_aggregate *aggregate,
	uint32_t name)
{
	size_t count = aggregates->circuit_count + aggregate->circuit_count;

	if (aggregate->circuit_count == 0)
		return;
	aggregates->circuits =
		x_realloc(aggregates->circuits, count * sizeof(*aggregates->circuits));
	for (size_t i = 0; i < aggregate->circuit_count; i++)
		aggregates->circuits[aggregates->circuit_count++] =
			(struct circuit_label){aggregate->circuits[i], name};
}

struct aggregates *aggregates_new(const struct config *config)
{
	struct aggregates *aggregates = x_calloc(1, sizeof(*aggregates));

	aggregates->addresses = prefixmap_new(intern_union);
	for (size_t i = 0; i < config->aggregate_count; i++) {
		const struct config_aggregate *aggregate = &config->aggregates[i];
		uint32_t name = intern(aggregate->name);

		for (size_t k = 0; k < aggregate->prefix_count; k++)
			prefixmap_add(aggregates->addresses, &aggregate->prefixes[k], name);
		for (size_t k = 0; k < aggregate->vlan_count; k++)
			if (aggregate->vlans[k] < VLAN_IDS)
				aggregates->vlans[aggregate->vlans[k]] =
					intern_union(aggregates->vlans[aggregate->vlans[k]], name);
		add_circuits(aggregates, aggregate, name);
	}
	prefixmap_build(aggregates->addresses);
	return aggregates;
}

void aggregates_free(struct aggregates *aggregates)
{
	if (!aggregates)
		return;
	prefixmap_free(aggregates->addresses);
	free(aggregates->circuits);
	free(aggregates);
}

void aggregates_begin(struct aggregates *aggregates)
{
	aggregates->last_set = aggregates->last_labels = 0;
}

/* The set is text, "7,100". */
static uint32_t labels_of_vlans(struct aggregates *aggregates, uint32_t vlans)
{
	const char *text = intern_text(vlans);
	uint32_t labels = 0;
	char *end;

	if (vlans == aggregates->last_set)
		return aggregates->last_labels;
	while (*text) {
		unsigned long id = strtoul(text, &end, 10);

		if (end == text)
			break;
		if (id < VLAN_IDS)
			labels = intern_union(labels, aggregates->vlans[id]);
		text = *end ? end + 1 : end;
	}
	aggregates->last_set = vlans;
	aggregates->last_labels = labels;
	return labels;
}

static uint32_t labels_of_circuit(const struct aggregates *aggregates, unsigned vpi, unsigned vci)
{
	uint32_t labels = 0;

	for (size_t i = 0; i < aggregates->circuit_count; i++)
		if (aggregates->circuits[i].circuit.vpi == vpi &&
			aggregates->circuits[i].circuit.vci == vci)
			labels = intern_union(labels, aggregates->circuits[i].label);
	return labels;
}

/* The set is text, "0/100,0/101". */
static uint32_t labels_of_circuits(const struct aggregates *aggregates, uint32_t circuits)
{
	const char *text = circuits ? intern_text(circuits) : "";
	uint32_t labels = 0;
	unsigned vpi, vci;
	int used;

	while (sscanf(text, "%u/%u%n", &vpi, &vci, &used) == 2) {
		labels = intern_union(labels, labels_of_circuit(aggregates, vpi, vci));
		text += used;
		text += *text == ',';
	}
	return labels;
}

uint32_t aggregates_of(struct aggregates *aggregates, const struct flowkey *key, uint32_t vlans,
	uint32_t circuits)
{
	uint32_t source = prefixmap_find(aggregates->addresses, key->src, key->version);
	uint32_t destination = prefixmap_find(aggregates->addresses, key->dst, key->version);
	uint32_t links = labels_of_vlans(aggregates, vlans);

	if (circuits && aggregates->circuit_count)
		links = intern_union(links, labels_of_circuits(aggregates, circuits));
	return intern_union(intern_union(source, destination), links);
}
