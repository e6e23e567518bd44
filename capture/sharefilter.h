/*
 * sharefilter.h: to which share of a link a packet belongs, as a program of the packet filter that
 * the kernel runs as well (classic BPF; bpf_filter() here, so that live and traces agree).
 *
 * A packet's share is a hash of its outermost IP addresses that is the same both ways:
 *
 *	x = source XOR destination        IPv6: XOR of all eight words
 *	k = (x * 0x9e3779b1 mod 2^32) / 2^16 mod n + 1
 *
 * Nothing else of the packet goes into it, so a conversation, its fragments and ICMP between the
 * same hosts stay together, whatever VLAN, label or session they travel in. Each packet has exactly one
 * share: what has no IP addresses, or is cut off before their end, is of share 1.
 *
 * The program finds the addresses behind these link layers: Ethernet, Linux cooked (1, 2), raw IP,
 * BSD loopback, SLIP, PPP, PPP in HDLC-like framing, PPPoE, Cisco HDLC, ATM (RFC 2684, SunATM),
 * Frame Relay with addresses of 2 bytes; and behind SHAREFILTER_TAGS VLAN tags (also none, where the
 * kernel has taken them off), LLC/SNAP, PPPoE, SHAREFILTER_LABELS MPLS labels. What lies deeper is
 * not looked for, and all packets of other link types (IEEE 802.11, PPI, NFLOG, Juniper) are of share 1;
 * that is said once.
 */
#ifndef CAPTURE_SHAREFILTER_H
#define CAPTURE_SHAREFILTER_H

#include <pcap/pcap.h>
#include <stdbool.h>
#include "capture/reader.h"
#include "spool/share.h"

#define SHAREFILTER_TAGS   4
#define SHAREFILTER_LABELS 8

/* sharefilter_program(): takes the packets of SHARE, or those of all others when OTHERS; free with
 * free(code->bf_insns). False when nothing of link type LINKTYPE has addresses that can be found: the
 * program then goes by that. */
bool sharefilter_program(const struct share *share, bool others, uint32_t linktype,
	struct bpf_program *code);

struct sharefilter;

/* sharefilter_new(): NULL, which takes every packet, for a share that is all. */
struct sharefilter *sharefilter_new(const struct share *share);
void sharefilter_free(struct sharefilter *filter);
bool sharefilter_takes(struct sharefilter *filter, const struct packet *packet);

#endif
