/*
 * layer.h: the layers of a packet as a table. For the decoders only; the rest of the stage uses
 * decode.h.
 *
 * A layer is a function that takes one header off the cursor and says which layer follows;
 * decode.c calls one after the other. LAYER_END ends the packet: what has been found until then
 * stands.
 *
 * ip.c calls decoder_found() when an IP header is usable; that makes it the packet's flow,
 * together with the VLANs and tunnels passed on the way. So a tunnel that turns out to hold
 * nothing usable leaves no trace.
 */
#ifndef PREPROCESS_LAYER_H
#define PREPROCESS_LAYER_H

#include "preprocess/cursor.h"
#include "preprocess/decode.h"

enum layer {
	LAYER_END,
	/* link.c */
	LAYER_ETHERNET,
	LAYER_ETHERTYPE, /* 2 bytes of type, then what it says */
	LAYER_VLAN,
	LAYER_LLC,
	LAYER_MPLS,
	LAYER_PPPOE,
	LAYER_PPP,
	LAYER_PPP_HDLC,
	LAYER_CISCO_HDLC,
	LAYER_FRAME_RELAY,
	LAYER_SLL,
	LAYER_SLL2,
	LAYER_NULL,
	LAYER_SLIP,
	/* atm.c */
	LAYER_SUNATM,
	LAYER_ATM, /* the payload of a circuit, of unknown encapsulation */
	LAYER_BRIDGED,
	LAYER_BRIDGED_PADDED,
	LAYER_NFLOG,
	LAYER_NLPID, /* ISO's protocol numbers */
	LAYER_VNTAG,
	LAYER_FABRICPATH,
	LAYER_BACKBONE, /* 802.1ah */
	/* juniper.c */
	LAYER_JUNIPER_ETHERNET,
	LAYER_JUNIPER_PPP,
	LAYER_JUNIPER_FRAME_RELAY,
	LAYER_JUNIPER_HDLC,
	LAYER_JUNIPER_ATM1,
	LAYER_JUNIPER_ATM2,
	/* wireless.c */
	LAYER_WLAN,
	LAYER_RADIOTAP,
	LAYER_PPI,
	/* ip.c */
	LAYER_RAW_IP, /* the version decides */
	LAYER_IPV4,
	LAYER_IPV6,
	LAYER_IPV6_HEADERS,
	LAYER_PROTOCOL, /* what decoder.protocol says */
	/* transport.c */
	LAYER_TCP,
	LAYER_UDP,
	LAYER_SCTP,
	LAYER_PORTS, /* ports and nothing else that concerns us */
	LAYER_ICMP,
	/* tunnel.c */
	LAYER_AH,
	LAYER_IPIP,
	LAYER_6IN4,
	LAYER_GRE,
	LAYER_ERSPAN2,
	LAYER_ERSPAN3,
	LAYER_VXLAN,
	LAYER_VXLAN_GPE,
	LAYER_NSH,
	LAYER_MPLS_IN_IP,
	LAYER_GENEVE,
	LAYER_GTP_U,
	LAYER_GTP_V0,
	LAYER_TEREDO,
	LAYER_L2TP,
	LAYER_CAPWAP,
	LAYER_AYIYA,
	LAYER_LISP,
	LAYER_LISP_CONTROL,
	LAYER_COUNT
};

struct decoder {
	struct cursor cursor;
	struct packet *packet;
	const uint8_t *addresses;  /* of the IPv6 header last found */
	struct fragment *fragment; /* of the IP header last found, its ports not yet known */
	uint32_t circuit;
	uint8_t protocol; /* of the IP header last found, extension headers passed */
	uint8_t vlan_count, tunnel_count, endpoint_count;
	uint16_t vlans[DECODE_VLANS];
	uint8_t tunnels[DECODE_TUNNELS];
};

typedef enum layer (*layer_fn)(struct decoder *);
extern const layer_fn layer_table[LAYER_COUNT];

enum layer layer_ethernet(struct decoder *), layer_ethertype(struct decoder *),
	layer_vlan(struct decoder *), layer_llc(struct decoder *), layer_mpls(struct decoder *),
	layer_pppoe(struct decoder *), layer_ppp(struct decoder *),
	layer_ppp_hdlc(struct decoder *), layer_cisco_hdlc(struct decoder *),
	layer_frame_relay(struct decoder *), layer_sll(struct decoder *),
	layer_sll2(struct decoder *), layer_null(struct decoder *), layer_slip(struct decoder *),
	layer_vntag(struct decoder *), layer_fabricpath(struct decoder *),
	layer_backbone(struct decoder *), layer_nflog(struct decoder *),
	layer_nlpid(struct decoder *);
enum layer layer_sunatm(struct decoder *), layer_atm(struct decoder *),
	layer_bridged(struct decoder *), layer_bridged_padded(struct decoder *);
enum layer layer_juniper_ethernet(struct decoder *), layer_juniper_ppp(struct decoder *),
	layer_juniper_frame_relay(struct decoder *), layer_juniper_hdlc(struct decoder *),
	layer_juniper_atm1(struct decoder *), layer_juniper_atm2(struct decoder *);
enum layer layer_wlan(struct decoder *), layer_radiotap(struct decoder *),
	layer_ppi(struct decoder *);
enum layer layer_raw_ip(struct decoder *), layer_ipv4(struct decoder *),
	layer_ipv6(struct decoder *), layer_ipv6_headers(struct decoder *),
	layer_protocol(struct decoder *);
enum layer layer_tcp(struct decoder *), layer_udp(struct decoder *), layer_sctp(struct decoder *),
	layer_ports(struct decoder *), layer_icmp(struct decoder *);
enum layer layer_ah(struct decoder *), layer_ipip(struct decoder *), layer_6in4(struct decoder *),
	layer_gre(struct decoder *), layer_erspan2(struct decoder *),
	layer_erspan3(struct decoder *), layer_vxlan(struct decoder *),
	layer_vxlan_gpe(struct decoder *), layer_nsh(struct decoder *),
	layer_mpls_in_ip(struct decoder *), layer_geneve(struct decoder *),
	layer_gtp_u(struct decoder *), layer_gtp_v0(struct decoder *),
	layer_teredo(struct decoder *), layer_l2tp(struct decoder *),
	layer_capwap(struct decoder *), layer_ayiya(struct decoder *), layer_lisp(struct decoder *),
	layer_lisp_control(struct decoder *);

/* layer_by_version(): what the next four bits say, LAYER_END for neither IPv4 nor IPv6. */
enum layer layer_by_version(struct decoder *);
/* layer_of_link(), layer_of_ethertype(), layer_of_udp(): by number; LAYER_END for none. */
enum layer layer_of_link(uint32_t linktype);
enum layer layer_of_ethertype(uint16_t type);
enum layer layer_of_udp(uint16_t sport, uint16_t dport);

/*
 * decoder_tunnel(): what follows lies inside TUNNEL, which stands on the IP header last found.
 * Returns NEXT, or LAYER_END when there are too many.
 */
enum layer decoder_tunnel(struct decoder *decoder, enum tunnel tunnel, enum layer next);
/* decoder_found(): a usable IP header; PACKET's key and octets are the caller's to fill. */
struct packet *decoder_found(struct decoder *decoder);
/*
 * decoder_fragment(): the IP header last found, with ADDRESSES and ID, is of a fragment that says
 * PROTOCOL.
 */
void decoder_fragment(struct decoder *decoder, const uint8_t *addresses, uint32_t id,
	uint8_t protocol, bool later);
/* decoder_malformed(): an IP header that is not usable. */
enum layer decoder_malformed(struct decoder *decoder);

#endif
