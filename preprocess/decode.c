/*
 * decode.c: walks the layers of a packet, from its link layer to the innermost transport header.
 * Between the segment reader (pcapng.h), which has the bytes, and the flow table (flowtab.h),
 * which takes what was found.
 */
#include "preprocess/decode.h"

#include "preprocess/layer.h"

const layer_fn layer_table[LAYER_COUNT] = {
	[LAYER_ETHERNET] = layer_ethernet,
	[LAYER_ETHERTYPE] = layer_ethertype,
	[LAYER_VLAN] = layer_vlan,
	[LAYER_LLC] = layer_llc,
	[LAYER_MPLS] = layer_mpls,
	[LAYER_PPPOE] = layer_pppoe,
	[LAYER_PPP] = layer_ppp,
	[LAYER_PPP_HDLC] = layer_ppp_hdlc,
	[LAYER_CISCO_HDLC] = layer_cisco_hdlc,
	[LAYER_FRAME_RELAY] = layer_frame_relay,
	[LAYER_SLL] = layer_sll,
	[LAYER_SLL2] = layer_sll2,
	[LAYER_NULL] = layer_null,
	[LAYER_SLIP] = layer_slip,
	[LAYER_SUNATM] = layer_sunatm,
	[LAYER_ATM] = layer_atm,
	[LAYER_BRIDGED] = layer_bridged,
	[LAYER_BRIDGED_PADDED] = layer_bridged_padded,
	[LAYER_NLPID] = layer_nlpid,
	[LAYER_JUNIPER_ETHERNET] = layer_juniper_ethernet,
	[LAYER_JUNIPER_PPP] = layer_juniper_ppp,
	[LAYER_JUNIPER_FRAME_RELAY] = layer_juniper_frame_relay,
	[LAYER_JUNIPER_HDLC] = layer_juniper_hdlc,
	[LAYER_JUNIPER_ATM1] = layer_juniper_atm1,
	[LAYER_JUNIPER_ATM2] = layer_juniper_atm2,
	[LAYER_NFLOG] = layer_nflog,
	[LAYER_VNTAG] = layer_vntag,
	[LAYER_FABRICPATH] = layer_fabricpath,
	[LAYER_BACKBONE] = layer_backbone,
	[LAYER_WLAN] = layer_wlan,
	[LAYER_RADIOTAP] = layer_radiotap,
	[LAYER_PPI] = layer_ppi,
	[LAYER_RAW_IP] = layer_raw_ip,
	[LAYER_IPV4] = layer_ipv4,
	[LAYER_IPV6] = layer_ipv6,
	[LAYER_IPV6_HEADERS] = layer_ipv6_headers,
	[LAYER_PROTOCOL] = layer_protocol,
	[LAYER_TCP] = layer_tcp,
	[LAYER_UDP] = layer_udp,
	[LAYER_SCTP] = layer_sctp,
	[LAYER_PORTS] = layer_ports,
	[LAYER_ICMP] = layer_icmp,
	[LAYER_AH] = layer_ah,
	[LAYER_IPIP] = layer_ipip,
	[LAYER_6IN4] = layer_6in4,
	[LAYER_GRE] = layer_gre,
	[LAYER_ERSPAN2] = layer_erspan2,
	[LAYER_ERSPAN3] = layer_erspan3,
	[LAYER_VXLAN] = layer_vxlan,
	[LAYER_VXLAN_GPE] = layer_vxlan_gpe,
	[LAYER_NSH] = layer_nsh,
	[LAYER_MPLS_IN_IP] = layer_mpls_in_ip,
	[LAYER_GENEVE] = layer_geneve,
	[LAYER_GTP_U] = layer_gtp_u,
	[LAYER_GTP_V0] = layer_gtp_v0,
	[LAYER_TEREDO] = layer_teredo,
	[LAYER_L2TP] = layer_l2tp,
	[LAYER_CAPWAP] = layer_capwap,
	[LAYER_AYIYA] = layer_ayiya,
	[LAYER_LISP] = layer_lisp,
	[LAYER_LISP_CONTROL] = layer_lisp_control,
};

static const char *const tunnel_names[TUNNEL_COUNT] = {
	[TUNNEL_NONE] = "",
	[TUNNEL_IPIP] = "ipip",
	[TUNNEL_6IN4] = "6in4",
	[TUNNEL_6TO4] = "6to4",
	[TUNNEL_4IN6] = "4in6",
	[TUNNEL_6IN6] = "6in6",
	[TUNNEL_GRE] = "gre",
	[TUNNEL_PPTP] = "pptp",
	[TUNNEL_ERSPAN] = "erspan",
	[TUNNEL_VXLAN] = "vxlan",
	[TUNNEL_GENEVE] = "geneve",
	[TUNNEL_GTP_U] = "gtp-u",
	[TUNNEL_TEREDO] = "teredo",
	[TUNNEL_L2TP] = "l2tp",
	[TUNNEL_PPPOE] = "pppoe",
	[TUNNEL_CAPWAP] = "capwap",
	[TUNNEL_AYIYA] = "ayiya",
	[TUNNEL_LISP] = "lisp",
	[TUNNEL_NSH] = "nsh",
	[TUNNEL_MPLS] = "mpls",
};

const char *tunnel_name(enum tunnel tunnel)
{
	return tunnel < TUNNEL_COUNT ? tunnel_names[tunnel] : "";
}

/* The IP header that the tunnel stands on; of no account until one is found inside of it. */
static void add_endpoints(struct decoder *decoder)
{
	const struct flowkey *key = &decoder->packet->key;
	struct endpoints *endpoints = &decoder->packet->endpoints[decoder->endpoint_count++];
	bool turned = memcmp(key->src, key->dst, sizeof(key->src)) > 0;

	memcpy(endpoints->addresses[turned], key->src, sizeof(key->src));
	memcpy(endpoints->addresses[!turned], key->dst, sizeof(key->dst));
	endpoints->version = key->version;
}

/* A second tunnel on the same header (NSH in VXLAN) finds more tunnels than the header had around it. */
enum layer decoder_tunnel(struct decoder *decoder, enum tunnel tunnel, enum layer next)
{
	const struct packet *packet = decoder->packet;

	if (decoder->tunnel_count == DECODE_TUNNELS)
		return LAYER_END;
	if (packet->kind == PACKET_IP && packet->tunnel_count == decoder->tunnel_count)
		add_endpoints(decoder);
	decoder->tunnels[decoder->tunnel_count++] = (uint8_t)tunnel;
	return next;
}

/* The ports of the header last found are known by now, if ever. */
static void close_fragment(struct decoder *decoder)
{
	const struct flowkey *key = &decoder->packet->key;

	decoder->fragment->transport = key->proto;
	decoder->fragment->sport = key->sport;
	decoder->fragment->dport = key->dport;
	decoder->fragment = NULL;
}

/* Deeper ones than are kept take the place of the last. */
void decoder_fragment(struct decoder *decoder, const uint8_t *addresses, uint32_t id,
	uint8_t protocol, bool later)
{
	struct packet *packet = decoder->packet;

	if (packet->fragment_count < DECODE_FRAGMENTS)
		packet->fragment_count++;
	decoder->fragment = &packet->fragments[packet->fragment_count - 1];
	*decoder->fragment = (struct fragment){
		.addresses = addresses,
		.id = id,
		.version = packet->key.version,
		.protocol = protocol,
		.later = later,
	};
}

struct packet *decoder_found(struct decoder *decoder)
{
	struct packet *packet = decoder->packet;

	if (decoder->fragment)
		close_fragment(decoder);
	memset(&packet->key, 0, sizeof(packet->key));
	packet->kind = PACKET_IP;
	packet->payload = NULL;
	packet->payload_size = 0;
	packet->tcp_flags = 0;
	packet->tcp_length = 0;
	packet->circuit = decoder->circuit;
	packet->vlan_count = decoder->vlan_count;
	for (unsigned i = 0; i < decoder->vlan_count; i++)
		packet->vlans[i] = decoder->vlans[i];
	packet->tunnel_count = decoder->tunnel_count;
	if (decoder->tunnel_count) {
		memcpy(packet->tunnels, decoder->tunnels, sizeof(packet->tunnels));
		packet->endpoint_count = decoder->endpoint_count;
	}
	return packet;
}

enum layer decoder_malformed(struct decoder *decoder)
{
	if (decoder->packet->kind == PACKET_NOT_IP)
		decoder->packet->kind = PACKET_MALFORMED;
	return LAYER_END;
}

/* What most packets have is called by its name, so that the compiler puts it in line. */
static inline enum layer take_layer(struct decoder *decoder, enum layer layer)
{
	switch (layer) {
	case LAYER_ETHERNET: return layer_ethernet(decoder);
	case LAYER_IPV4: return layer_ipv4(decoder);
	case LAYER_TCP: return layer_tcp(decoder);
	case LAYER_UDP: return layer_udp(decoder);
	default: return layer_table[layer](decoder);
	}
}

bool decode_knows(uint32_t linktype)
{
	return layer_of_link(linktype) != LAYER_END;
}

__attribute__((flatten)) void decode_packet(uint32_t linktype, const uint8_t *bytes,
	uint32_t captured, uint32_t length, struct packet *packet)
{
	struct decoder decoder = {
		.cursor = {bytes, bytes + captured, length > captured ? length - captured : 0},
		.packet = packet,
	};
	enum layer layer = layer_of_link(linktype);

	packet->kind = PACKET_NOT_IP;
	packet->fragment_count = 0;
	for (unsigned step = 0; layer != LAYER_END && step < DECODE_STEPS; step++)
		layer = take_layer(&decoder, layer);
	if (decoder.fragment)
		close_fragment(&decoder);
}
