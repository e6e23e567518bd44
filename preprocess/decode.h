/*
 * decode.h: from the bytes of a packet to the 5-tuple of its innermost IP header.
 *
 *	struct packet packet;
 *	decode_packet(linktype, bytes, captured, length, &packet);
 *	if (packet.kind == PACKET_IP) …
 *
 * The innermost IP header that is usable makes the flow: its first 20 (IPv6: 40) bytes were
 * captured, its version fits, and its lengths are possible. An IP packet that ICMP quotes is not
 * looked into; where a tunnel holds no usable IP header (it is cut off, a later fragment, ARP),
 * the flow is that of the header around it.
 *
 * Of a fragment the header that is in pieces is known, and whether it is the first piece; whose
 * ports a later one has, says fragment.h.
 *
 * Octets are the IP total length of that header: IPv6 40 + payload length, also where a jumbo
 * payload option says more than that field can; an IPv4 total length of 0 (segmentation offload)
 * is what the frame still held.
 *
 * Of the IP headers around it the addresses are kept: between them run the tunnels that the packet
 * is in. A header counts once, however many tunnels stand on it (NSH in VXLAN); a tunnel without an
 * IP header of its own has none (PPPoE runs between MAC addresses). Of a packet without tunnels none
 * of that is filled in.
 *
 * Nothing is allocated and nothing remembered: the result is a function of the packet. Pointers
 * go into BYTES.
 */
#ifndef PREPROCESS_DECODE_H
#define PREPROCESS_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spool/record.h"

#define DECODE_STEPS	 32 /* headers, of whatever kind, that are looked into */
#define DECODE_TUNNELS	 8  /* tunnels inside one another; what lies deeper is not looked into */
#define DECODE_FRAGMENTS 2  /* a fragment inside of a tunnel's fragment */
#define DECODE_VLANS	 4  /* VLAN ids kept of one packet: 802.1ad and 802.1ah stack three */

enum packet_kind {
	PACKET_NOT_IP,	  /* no IP header was announced: ARP, LLDP, … */
	PACKET_MALFORMED, /* one was announced, and is not usable */
	PACKET_IP,
};

enum tunnel {
	TUNNEL_NONE,
	TUNNEL_IPIP, /* IPv4 in IPv4, RFC 2003 */
	TUNNEL_6IN4, /* RFC 4213 */
	TUNNEL_6TO4, /* RFC 3056: the same, to or from 2002::/16 */
	TUNNEL_4IN6, /* RFC 2473 */
	TUNNEL_6IN6, /* RFC 2473 */
	TUNNEL_GRE,  /* RFC 2784, RFC 2890 */
	TUNNEL_PPTP, /* GRE version 1, RFC 2637 */
	TUNNEL_ERSPAN,
	TUNNEL_VXLAN,  /* RFC 7348, and its generic extension */
	TUNNEL_GENEVE, /* RFC 8926 */
	TUNNEL_GTP_U,  /* 3GPP TS 29.281 */
	TUNNEL_TEREDO, /* RFC 4380 */
	TUNNEL_L2TP,   /* RFC 2661 */
	TUNNEL_PPPOE,  /* RFC 2516 */
	TUNNEL_CAPWAP, /* RFC 5415 */
	TUNNEL_AYIYA,
	TUNNEL_LISP, /* RFC 9300 */
	TUNNEL_NSH,  /* RFC 8300 */
	TUNNEL_MPLS, /* in IP, RFC 4023, or in UDP, RFC 7510; labels on a link are none */
	TUNNEL_COUNT
};

/* An IP header whose packet is in pieces, and whose ports only the first piece has. */
struct fragment {
	const uint8_t *addresses; /* source, then destination */
	uint32_t id;
	uint16_t sport, dport; /* of a first one */
	uint8_t version;
	uint8_t protocol;  /* of the header that says that it is a fragment */
	uint8_t transport; /* of a first one: the flow's */
	bool later;	   /* the packet ends with it */
};

/* Between whom a tunnel runs, the same for both directions. Compared and hashed as bytes. */
struct endpoints {
	uint8_t addresses[2][16]; /* as in struct flowkey; the lower one first */
	uint8_t version;
};

struct packet {
	enum packet_kind kind;
	struct flowkey key;
	uint32_t octets;
	uint32_t uncaptured;	/* of them: were on the wire, and the snap length left them out */
	const uint8_t *payload; /* what symptoms are looked for in; NULL for none */
	uint32_t payload_size;	/* captured bytes of it */
	uint32_t tcp_length;	/* bytes of the TCP segment on the wire, SYN and FIN not counted */
	uint32_t tcp_seq;
	uint16_t tcp_flags;
	uint8_t vlan_count, tunnel_count, fragment_count;
	uint32_t circuit;			     /* ATM: CIRCUIT(VPI, VCI), 0 for none */
	struct fragment fragments[DECODE_FRAGMENTS]; /* outermost first; a later one is the last */
	uint16_t vlans[DECODE_VLANS];		     /* outermost first */
	uint8_t tunnels[DECODE_TUNNELS];	     /* enum tunnel, outermost first */
	uint8_t endpoint_count; /* at most tunnel_count; unset without tunnels */
	struct endpoints endpoints[DECODE_TUNNELS]; /* of the IP headers around, outermost first */
};

#define CIRCUIT(vpi, vci)    (1u << 31 | (uint32_t)(vpi) << 16 | (vci))
#define CIRCUIT_VPI(circuit) ((circuit) >> 16 & 0x7fff)
#define CIRCUIT_VCI(circuit) ((circuit)&0xffff)

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_ACK 0x10

/*
 * decode_packet(): CAPTURED bytes at BYTES of a packet that had LENGTH on the wire. LINKTYPE as
 * in pcapng.
 */
void decode_packet(uint32_t linktype, const uint8_t *bytes, uint32_t captured, uint32_t length,
	struct packet *packet);

/* decode_knows(): is there a decoder for LINKTYPE? Packets of others are PACKET_NOT_IP. */
bool decode_knows(uint32_t linktype);

/* tunnel_name(): the documented name, "6in4". */
const char *tunnel_name(enum tunnel tunnel);

#endif
