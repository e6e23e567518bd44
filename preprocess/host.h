/*
 * host.h: the host names that flows tell, and those that their clients had resolved.
 *
 *	hosts_begin(hosts, fingerprints);			for each batch
 *	hosts_learn(hosts, packet, now_ms);			each packet
 *	hosts_opened(entry, packet);				each packet
 *	name = hosts_resolved(hosts, &packet->key, now_ms);	a flow's first packet
 *	hosts_look(hosts, entry, nth, packet, &told);	each packet with new payload
 *
 * Where a name is looked for:
 *	DNS	the first question of a query or an answer: UDP port 53, 5353 (mDNS), 5355
 *		(LLMNR); TCP port 53 behind the length (RFC 1035, RFC 6762, RFC 4795)
 *	TLS	server_name of a ClientHello, any TCP port (RFC 8446, RFC 6066), also cut over
 *		segments in any order
 *	QUIC	the same in Initial packets, any UDP port, in the first HOSTS_QUIC_PACKETS of a flow;
 *		cut over frames and packets in any order
 *	HTTP/1	the Host header of a request, or the target of CONNECT, any TCP port (RFC 9112), as
 *		far as it lies in this segment
 *
 * A name that the flow tells itself goes before one that its client had resolved.
 *
 * What is remembered between packets (hello.h, resolve.h) is bounded and of one batch: a
 * ClientHello or a lookup that two batches share gives no name, whoever works on them.
 */
#ifndef PREPROCESS_HOST_H
#define PREPROCESS_HOST_H

#include "preprocess/decode.h"
#include "preprocess/flowtab.h"
#include "preprocess/hostname.h"
#include "preprocess/ja4.h"

#define HOSTS_QUIC_PACKETS 8

/* What one packet told, or completed; "" for nothing. */
struct told {
	char name[HOST_NAME_SIZE];
	char ja4[JA4_SIZE];
};

struct hosts;

struct hosts *hosts_new(void);
void hosts_free(struct hosts *hosts);
/* hosts_begin(): forgets the batch before. FINGERPRINTS: ja4 is wanted, too. */
void hosts_begin(struct hosts *hosts, bool fingerprints);
/* hosts_forget_flows(): the flow table was cleared in the middle of a batch. */
void hosts_forget_flows(struct hosts *hosts);

/* hosts_learn(): remembers the addresses that PACKET tells, if it is an answer of a DNS server. */
void hosts_learn(struct hosts *hosts, const struct packet *packet, uint64_t now_ms);
/* hosts_resolved(): the name that either end of KEY was told to have the address of the other;
 * NULL for none. Valid until the next hosts_learn(). */
const char *hosts_resolved(const struct hosts *hosts, const struct flowkey *key, uint64_t now_ms);
/* hosts_opened(): takes a SYN into ENTRY: it tells which byte will be the first. */
void hosts_opened(struct entry *entry, const struct packet *packet);
/* hosts_look(): PACKET, the NTH of ENTRY, its flow, from 1, brings payload that was not there before. */
void hosts_look(struct hosts *hosts, struct entry *entry, uint32_t nth, const struct packet *packet,
	struct told *told);

#endif
