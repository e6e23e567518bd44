/*
 * attributes.h: the VLANs and tunnels of a packet as ids of intern.h, without making texts for
 * every packet.
 */
#ifndef PREPROCESS_ATTRIBUTES_H
#define PREPROCESS_ATTRIBUTES_H

#include <stdint.h>
#include "preprocess/decode.h"

#define ATTRIBUTES_STACKS 64 /* tunnel stacks remembered; a network has a few */

struct attributes {
	uint32_t vlans[4096]; /* id of each VLAN, 0: not met yet */
	struct {
		uint64_t tunnels; /* a byte each */
		uint32_t id;
	} stacks[ATTRIBUTES_STACKS];
	uint32_t last_circuit, last_circuit_id;
};

/* attributes_vlans(): the set of the VLAN ids, "7,100". */
uint32_t attributes_vlans(struct attributes *attributes, const struct packet *packet);
/* attributes_circuit(): the virtual circuit, "VPI/VCI". */
uint32_t attributes_circuit(struct attributes *attributes, const struct packet *packet);
/* attributes_tunnels(): the names, innermost first, joined by '+': "6in4+gre". */
uint32_t attributes_tunnels(struct attributes *attributes, const struct packet *packet);

#endif
