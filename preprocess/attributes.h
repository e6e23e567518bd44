/*
 * attributes.h: the VLANs and tunnels of a packet as ids of intern.h, without making texts for
 * every packet.
 */
#ifndef PREPROCESS_ATTRIBUTES_H
#define PREPROCESS_ATTRIBUTES_H

#include <stdint.h>
#include "preprocess/decode.h"

#define ATTRIBUTES_PLACES 512 /* tunnels remembered, by a hash of them; a network has some dozens */
#define ATTRIBUTES_TEXTS  65536 /* texts of tunnels made for a batch; only a forger needs more */

/* The tunnels of a packet, in the shape of struct packet. */
struct attributes_tunnels {
	uint8_t count, endpoint_count;
	uint8_t tunnels[DECODE_TUNNELS];
	struct endpoints endpoints[DECODE_TUNNELS];
	uint32_t id;
};

struct attributes {
	uint32_t vlans[4096]; /* id of each VLAN, 0: not met yet */
	struct attributes_tunnels places[ATTRIBUTES_PLACES];
	bool placed;	   /* is any of them in use? Few batches hold tunnels */
	uint32_t texts;	   /* of tunnels, made so far */
	uint64_t left_out; /* packets whose endpoints were */
	uint32_t last_circuit, last_circuit_id;
};

/* attributes_begin(): forgets the batch before, whose ids are no more. */
void attributes_begin(struct attributes *attributes);
/* attributes_vlans(): the set of the VLAN ids, "7,100". */
uint32_t attributes_vlans(struct attributes *attributes, const struct packet *packet);
/* attributes_circuit(): the virtual circuit, "VPI/VCI". */
uint32_t attributes_circuit(struct attributes *attributes, const struct packet *packet);
/*
 * attributes_tunnels(): the names, innermost first, joined by '+'; behind a blank the endpoints of the
 * IP headers around, in the same order: "6in4+gre 192.0.2.1-192.0.2.9+10.0.0.1-10.0.0.2". So one
 * number of a flow holds both, and intern_union() what its packets have.
 *
 * Beyond ATTRIBUTES_TEXTS a batch, what is not remembered gets INTERN_MORE for its endpoints.
 */
uint32_t attributes_tunnels(struct attributes *attributes, const struct packet *packet);
/* attributes_split(): TUNNELS as two sets: the names, "6in4+gre", and the endpoints; 0 for none. */
void attributes_split(uint32_t tunnels, uint32_t *names, uint32_t *endpoints);

#endif
