/*
 * flowkey.h: keys of flows compared, brought into the one form under which both directions meet, and
 * divided among the shards of consolidation.
 *
 * The canonical key has its lower end (address, then port) as src; two flows belong to one biflow when
 * their canonical keys are equal, so both directions go to one shard. The shard is a fixed function of
 * the canonical key, the same on every machine and in every version: XXH64 with seed 0 of these 38
 * bytes, modulo the number of shards:
 *
 *   0   u8 IP version (4, 6)   u8 protocol
 *   2   lower address, higher address      16 bytes each, IPv4 in the first 4, the rest zero
 *   34  u16 lower end's port, u16 higher end's port      big-endian; 0 without ports (ICMP, fragments)
 */
#ifndef SPOOL_FLOWKEY_H
#define SPOOL_FLOWKEY_H

#include "spool/record.h"

/* flowkey_order(): by version, src, dst, proto, ports; the same on every machine. */
int flowkey_order(const struct flowkey *a, const struct flowkey *b);
/* flowkey_canonical(): KEY with its lower end as src in OUT; returns whether that turned it around. */
bool flowkey_canonical(const struct flowkey *key, struct flowkey *out);
/* flowkey_turn(): the other direction. */
struct flowkey flowkey_turn(const struct flowkey *key);
/* flowkey_shard(): 0 … shards-1. */
unsigned flowkey_shard(const struct flowkey *key, unsigned shards);

#endif
