/*
 * attributes.c: between the decoder, which finds VLAN ids and tunnels in each packet, and the
 * flow table, whose entries hold one small number for each set of them.
 */
#include "preprocess/attributes.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "spool/intern.h"
#include "spool/text.h"

void attributes_begin(struct attributes *attributes)
{
	memset(attributes->vlans, 0, sizeof(attributes->vlans));
	attributes->last_circuit = attributes->last_circuit_id = 0;
	attributes->texts = 0;
	attributes->left_out = 0;
	if (attributes->placed)
		memset(attributes->places, 0, sizeof(attributes->places));
	attributes->placed = false;
}

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

#define NAME_ROOM 8 /* of the longest name, and a '+' */
#define TEXT_ROOM (DECODE_TUNNELS * (NAME_ROOM + 2 * TEXT_ADDRESS + 2) + 1)

/* A text that grows; TEXT_ROOM is enough for any. */
struct text {
	char bytes[TEXT_ROOM];
	size_t used;
};

static void put(struct text *text, const char *more)
{
	size_t size = strlen(more);

	assert(text->used + size < sizeof(text->bytes));
	memcpy(text->bytes + text->used, more, size + 1);
	text->used += size;
}

static void put_names(struct text *text, const struct packet *packet)
{
	for (unsigned i = packet->tunnel_count; i-- > 0;) {
		put(text, tunnel_name(packet->tunnels[i]));
		put(text, i ? "+" : "");
	}
}

static void put_endpoints(struct text *text, const struct packet *packet)
{
	char address[TEXT_ADDRESS];

	for (unsigned i = packet->endpoint_count; i-- > 0;) {
		const struct endpoints *endpoints = &packet->endpoints[i];

		text_address(endpoints->version, endpoints->addresses[0], address);
		put(text, address);
		put(text, "-");
		text_address(endpoints->version, endpoints->addresses[1], address);
		put(text, address);
		put(text, i ? "+" : "");
	}
}

/* Each endpoint of a forger's could be another text, and texts stay to the end of the batch. */
static uint32_t intern_tunnels(struct attributes *attributes, const struct packet *packet)
{
	bool left_out = packet->endpoint_count && attributes->texts >= ATTRIBUTES_TEXTS;
	uint32_t before = intern_count(), id;
	struct text text = {.used = 0};

	put_names(&text, packet);
	put(&text, packet->endpoint_count ? " " : "");
	if (left_out)
		put(&text, INTERN_MORE);
	else
		put_endpoints(&text, packet);
	id = intern(text.bytes);
	attributes->texts += intern_count() - before;
	attributes->left_out += left_out;
	return id;
}

static struct attributes_tunnels *place_of(struct attributes *attributes,
	const struct packet *packet)
{
	size_t size = packet->endpoint_count * sizeof(*packet->endpoints);
	uint64_t stack = 0;

	static_assert(sizeof(stack) == sizeof(packet->tunnels), "a stack is one number");
	memcpy(&stack, packet->tunnels, packet->tunnel_count);
	return &attributes->places[XXH3_64bits_withSeed(packet->endpoints, size, stack) %
				   ATTRIBUTES_PLACES];
}

static bool is_of(const struct attributes_tunnels *place, const struct packet *packet)
{
	return place->count == packet->tunnel_count &&
	       place->endpoint_count == packet->endpoint_count &&
	       memcmp(place->tunnels, packet->tunnels, place->count) == 0 &&
	       memcmp(place->endpoints, packet->endpoints,
		       place->endpoint_count * sizeof(*place->endpoints)) == 0;
}

/* Who meets a place that another has takes it: that costs a text, and only where two share it. */
uint32_t attributes_tunnels(struct attributes *attributes, const struct packet *packet)
{
	struct attributes_tunnels *place;
	uint64_t left_out = attributes->left_out;
	uint32_t id;

	if (packet->tunnel_count == 0)
		return 0;
	place = place_of(attributes, packet);
	if (is_of(place, packet))
		return place->id;
	id = intern_tunnels(attributes, packet);
	if (attributes->left_out != left_out)
		return id;
	place->count = packet->tunnel_count;
	place->endpoint_count = packet->endpoint_count;
	memcpy(place->tunnels, packet->tunnels, place->count);
	memcpy(place->endpoints, packet->endpoints,
		place->endpoint_count * sizeof(*place->endpoints));
	place->id = id;
	attributes->placed = true;
	return id;
}

void attributes_split(uint32_t tunnels, uint32_t *names, uint32_t *endpoints)
{
	const char *at = intern_text(tunnels);

	*names = *endpoints = 0;
	while (*at) {
		size_t size = strcspn(at, ","), names_size = strcspn(at, " ,");
		size_t skip = names_size < size ? names_size + 1 : size;

		*names = intern_union(*names, intern_bytes(at, names_size));
		*endpoints = intern_union(*endpoints, intern_bytes(at + skip, size - skip));
		at += size + (at[size] == ',');
	}
}
