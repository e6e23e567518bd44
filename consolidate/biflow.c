/*
 * biflow.c: from merged directions to the biflow that is published. See biflow.h.
 */
#include <stdlib.h>
#include <string.h>

#include "consolidate/biflow.h"
#include "spool/intern.h"
#include "spool/log.h"

/* Is the initiator the higher end (direction 1)? */
static bool natural_turn(const struct entry *entry)
{
	return entry->marks & (entry->flags & FLOW_SYN ? SYN_HIGH : FIRST_HIGH);
}

static struct direction direction_of(const struct window_table *table, const struct entry *entry,
	int turned)
{
	const struct side *side = &entry->side[turned];
	uint64_t weight = window_weight(table, entry, turned);
	struct direction direction = {
		.packets = side->packets,
		.octets = side->octets,
		.tcp_flags = entry->tcp_flags[turned],
		.sampling = 1.0,
	};

	if (weight)
		direction.sampling = (double)side->packets * WEIGHT_ONE / (double)weight;
	if (direction.sampling > 1.0)
		direction.sampling = 1.0; /* rounding of the terms */
	return direction;
}

static struct symptom_count *symptom_named(struct symptom_list *symptoms, uint32_t name)
{
	for (size_t i = 0; i < symptoms->count; i++)
		if (symptoms->list[i].name == name)
			return &symptoms->list[i];
	if (symptoms->count == symptoms->room) {
		symptoms->room = symptoms->room ? 2 * symptoms->room : 16;
		symptoms->list =
			x_realloc(symptoms->list, symptoms->room * sizeof(*symptoms->list));
	}
	symptoms->list[symptoms->count] = (struct symptom_count){.name = name};
	return &symptoms->list[symptoms->count++];
}

static int name_order(const void *a, const void *b)
{
	const struct symptom_count *x = a, *y = b;

	return strcmp(intern_text(x->name), intern_text(y->name));
}

static void list_symptoms(const struct window_table *table, const struct entry *entry,
	const struct carry *carry, const struct carried *carried, bool turned,
	struct symptom_list *symptoms)
{
	symptoms->count = 0;
	for (uint32_t at = entry->symptoms; at; at = window_symptom(table, at)->next) {
		const struct symptom_node *node = window_symptom(table, at);
		struct symptom_count *count = symptom_named(symptoms, node->name);

		count->packets = node->packets[turned];
		count->reverse_packets = node->packets[!turned];
	}
	for (uint32_t at = carried ? carried->symptoms : 0; at;
		at = carry_symptom(carry, at)->next) {
		const struct carried_symptom *node = carry_symptom(carry, at);

		symptom_named(symptoms, node->name)->carried_packets = node->packets;
	}
	if (symptoms->count > 1)
		qsort(symptoms->list, symptoms->count, sizeof(*symptoms->list), name_order);
}

static void remember(struct carry *carry, struct carried *carried, bool turned,
	const struct biflow *biflow)
{
	if (!carried)
		return;
	carried->turned = turned;
	carried->host_name = biflow->host_name;
	for (size_t i = 0; i < biflow->symptom_count; i++) {
		const struct symptom_count *count = &biflow->symptoms[i];

		if (count->packets + count->reverse_packets)
			carry_add_symptom(carry, carried, count->name,
				count->packets + count->reverse_packets);
	}
}

/* What the flow told in an earlier window goes before what its client resolved in this one. */
static bool takes_carried_host(const struct entry *entry, const struct carried *carried)
{
	return carried && carried->host_name && (!entry->host_name || entry->flags & FLOW_RESOLVED);
}

void biflow_make(const struct window_table *table, const struct entry *entry, struct carry *carry,
	struct symptom_list *symptoms, struct biflow *out)
{
	const struct common *common = window_common(table, entry);
	struct flowkey key = entry_key(entry);
	struct carry_slot *slot = carry_slot(carry, &key);
	const struct carried *carried = carry_find(carry, slot, common->window_ms);
	bool turned = carried ? carried->turned : natural_turn(entry);

	list_symptoms(table, entry, carry, carried, turned, symptoms);
	*out = (struct biflow){
		.key = turned ? flowkey_turn(&key) : key,
		.window_ms = common->window_ms,
		.start_ms = entry->first.ms,
		.end_ms = entry->end_ms,
		.forward = direction_of(table, entry, turned),
		.reverse = direction_of(table, entry, !turned),
		.flags = (entry->flags & ~FLOW_REVERSED) | (carried ? FLOW_REVERSED : 0),
		.vlan = common->vlan,
		.tunnel = common->tunnel,
		.endpoint = common->endpoint,
		.aggregate = common->aggregate,
		.host_name = entry->host_name,
		.probe = common->probe,
		.symptoms = symptoms->list,
		.symptom_count = symptoms->count,
	};
	if (takes_carried_host(entry, carried)) {
		out->host_name = carried->host_name;
		out->flags &= (uint16_t)~FLOW_RESOLVED;
	}
	remember(carry, carry_put(carry, slot, &key, out->window_ms), turned, out);
}
