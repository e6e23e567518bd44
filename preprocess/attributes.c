/*
 * attributes.c: between the decoder, which finds VLAN ids and tunnels in each packet, and the
 * flow table, whose entries hold one small number for each set of them.
 */
#include "preprocess/attributes.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "spool/intern.h"

static uint32_t vlan_id(struct attributes *attributes, uint16_t vlan)
{
	uint32_t *id = &attributes->vlans[vlan & 0x0fff];
	char text[8];

	if (!*id) {
		snprintf(text, sizeof(text), "%u", vlan & 0x0fff);
		*id = intern(text);
	}
	return *id;
}

uint32_t attributes_vlans(struct attributes *attributes, const struct packet *packet)
{
	uint32_t set = packet->vlan_count ? vlan_id(attributes, packet->vlans[0]) : 0;

	for (unsigned i = 1; i < packet->vlan_count; i++)
		set = intern_union(set, vlan_id(attributes, packet->vlans[i]));
	return set;
}

uint32_t attributes_circuit(struct attributes *attributes, const struct packet *packet)
{
	char text[16];

	if (packet->circuit != attributes->last_circuit) {
		snprintf(text, sizeof(text), "%u/%u", CIRCUIT_VPI(packet->circuit),
			CIRCUIT_VCI(packet->circuit));
		attributes->last_circuit = packet->circuit;
		attributes->last_circuit_id = intern(text);
	}
	return attributes->last_circuit_id;
}

static uint32_t intern_stack(const struct packet *packet)
{
	char text[DECODE_TUNNELS * 16] = "";
	size_t used = 0;

	for (unsigned i = packet->tunnel_count; i-- > 0;)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
			tunnel_name(packet->tunnels[i]), i ? "+" : "");
	return intern(text);
}

/*
 * A stack is looked up by its bytes; when the places are used up, which only a forger brings
 * about, the last is used again.
 */
uint32_t attributes_tunnels(struct attributes *attributes, const struct packet *packet)
{
	uint64_t tunnels = 0;
	unsigned place = 0;

	static_assert(sizeof(tunnels) == DECODE_TUNNELS, "a stack is one number");
	if (packet->tunnel_count == 0)
		return 0;
	memcpy(&tunnels, packet->tunnels, packet->tunnel_count);
	while (place < ATTRIBUTES_STACKS - 1 && attributes->stacks[place].tunnels &&
		attributes->stacks[place].tunnels != tunnels)
		place++;
	if (attributes->stacks[place].tunnels != tunnels) {
		attributes->stacks[place].tunnels = tunnels;
		attributes->stacks[place].id = intern_stack(packet);
	}
	return attributes->stacks[place].id;
}
