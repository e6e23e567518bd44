/*
 * hslimit.h: the least that finds the payload of a packet and its biflow. What decode() does not understand counts to no flow.
 */
#ifndef BENCH_HSLIMIT_H
#define BENCH_HSLIMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <hs.h>

#define FLOWS (1u << 22) /* a power of two; the capture has fewer */

/* ---- decode ---- */

struct packet {
	uint64_t src[2], dst[2];
	const uint8_t *payload;
	uint32_t payload_size;
	uint16_t sport, dport;
	uint8_t proto, tcp_flags;
};

static inline uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t host32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline bool decode_ipv4(const uint8_t *ip, uint32_t left, struct packet *packet,
	uint32_t *header, uint32_t *size)
{
	if (left < 20 || ip[0] >> 4 != 4 || (ip[0] & 15) < 5 || get16(ip + 6) & 0x1fff)
		return false;
	*header = (ip[0] & 15) * 4u;
	*size = get16(ip + 2);
	if (*size < *header || *size > left)
		*size = left;
	packet->proto = ip[9];
	packet->src[0] = host32(ip + 12);
	packet->dst[0] = host32(ip + 16);
	packet->src[1] = packet->dst[1] = 0;
	return true;
}

static inline bool decode_ipv6(const uint8_t *ip, uint32_t left, struct packet *packet,
	uint32_t *header, uint32_t *size)
{
	if (left < 40)
		return false;
	*header = 40;
	*size = 40u + get16(ip + 4);
	if (*size > left)
		*size = left;
	packet->proto = ip[6];
	memcpy(packet->src, ip + 8, 16);
	memcpy(packet->dst, ip + 24, 16);
	while ((packet->proto == 0 || packet->proto == 43 || packet->proto == 44 ||
		       packet->proto == 60) &&
		*header + 8 <= *size) {
		if (packet->proto == 44 && get16(ip + *header + 2) & 0xfff8)
			return false;
		packet->proto = ip[*header];
		*header += packet->proto == 44 ? 8 : (ip[*header + 1] + 1u) * 8;
	}
	return true;
}

static inline bool decode_transport(const uint8_t *at, uint32_t size, struct packet *packet)
{
	uint32_t header = 8;

	packet->sport = packet->dport = packet->payload_size = packet->tcp_flags = 0;
	if (packet->proto != 6 && packet->proto != 17)
		return true;
	if (packet->proto == 6) {
		header = size < 20 ? 0 : (at[12] >> 4) * 4u;
		if (header < 20)
			return false;
		packet->tcp_flags = at[13];
	}
	if (header > size)
		return false;
	packet->sport = get16(at);
	packet->dport = get16(at + 2);
	packet->payload = at + header;
	packet->payload_size = size - header;
	return true;
}

static inline bool decode(const uint8_t *frame, uint32_t captured, struct packet *packet)
{
	uint32_t at = 14, header, size;
	uint16_t type;
	bool good;

	if (captured < at)
		return false;
	for (type = get16(frame + 12); type == 0x8100 || type == 0x88a8 || type == 0x9100;
		at += 4) {
		if (at + 4 > captured)
			return false;
		type = get16(frame + at + 2);
	}
	if (type == 0x0800)
		good = decode_ipv4(frame + at, captured - at, packet, &header, &size);
	else
		good = type == 0x86dd &&
		       decode_ipv6(frame + at, captured - at, packet, &header, &size);
	return good && header <= size &&
	       decode_transport(frame + at + header, size - header, packet);
}

/* ---- the flow table ---- */

struct biflow {
	struct key {
		uint64_t low[2], high[2];
		uint16_t low_port, high_port;
		uint8_t proto, used;
	} key;
	uint8_t tcp_flags[2];
	uint32_t packets[2];
	uint64_t octets[2], first_us, last_us;
	hs_stream_t *streams[2];
};

static struct biflow *table;
static uint64_t flows;

static inline uint64_t mixed(uint64_t value)
{
	value ^= value >> 32;
	value *= 0xd6e8feb86659fd93u;
	return value ^ value >> 32;
}

static inline bool turned(const struct packet *packet)
{
	if (packet->src[0] != packet->dst[0])
		return packet->src[0] > packet->dst[0];
	if (packet->src[1] != packet->dst[1])
		return packet->src[1] > packet->dst[1];
	return packet->sport > packet->dport;
}

static inline bool same(const struct key *a, const struct key *b)
{
	return a->low[0] == b->low[0] && a->high[0] == b->high[0] && a->low_port == b->low_port &&
	       a->high_port == b->high_port && a->proto == b->proto && a->low[1] == b->low[1] &&
	       a->high[1] == b->high[1];
}

static inline uint64_t hash_of(const struct key *key)
{
	uint64_t ports =
		(uint64_t)key->low_port << 32 | (uint64_t)key->high_port << 16 | key->proto;

	return mixed((key->low[0] * 0x9E3779B97F4A7C15u) ^ key->low[1] ^
		     (key->high[0] * 0xC2B2AE3D27D4EB4Fu) ^ key->high[1] << 1 ^
		     (ports * 0x165667B19E3779F9u));
}

static inline struct biflow *flow_of(const struct packet *packet, int *direction)
{
	struct key key = {.proto = packet->proto, .used = 1};
	uint32_t at;

	*direction = turned(packet);
	memcpy(key.low, *direction ? packet->dst : packet->src, sizeof(key.low));
	memcpy(key.high, *direction ? packet->src : packet->dst, sizeof(key.high));
	key.low_port = *direction ? packet->dport : packet->sport;
	key.high_port = *direction ? packet->sport : packet->dport;
	for (at = (uint32_t)hash_of(&key); table[at % FLOWS].key.used; at++)
		if (same(&table[at % FLOWS].key, &key))
			return &table[at % FLOWS];
	if (++flows == FLOWS) {
		fprintf(stderr, "hslimit: the capture has more than %u flows\n", FLOWS);
		exit(2);
	}
	table[at % FLOWS].key = key;
	return &table[at % FLOWS];
}

#endif
