/*
 * headers.h: where the headers of a packet end, for streams with headers = true: what lies behind is
 * cut off before it is stored, so that no payload ever reaches a disk.
 *
 * Kept are the link layer's header and every network and transport header that is recognised for
 * certain, to the innermost: VLAN tags, MPLS labels, PPPoE; IPv4 and IPv6 with their extensions and
 * options; IP in IP, GRE, and over UDP VXLAN, Geneve, GTP-U where an IP header stands inside; TCP
 * with its options, UDP, SCTP, DCCP, the first 8 bytes of ICMP. All else counts as payload, also a
 * later fragment, an unknown protocol, and what is in a tunnel that is not in this list.
 */
#ifndef CAPTURE_HEADERS_H
#define CAPTURE_HEADERS_H

#include <stdbool.h>
#include <stdint.h>

/* headers_know(): can packets of LINKTYPE be cut? */
bool headers_know(uint32_t linktype);
/* headers_end(): how many of the CAPTURED bytes at DATA to keep; never reads behind them. 0 for a
 * link type that is not known. */
uint32_t headers_end(uint32_t linktype, const uint8_t *data, uint32_t captured);

#endif
