/*
 * prefixmap.h: from an address to the value of the prefixes that hold it.
 *
 *	map = prefixmap_new(join);
 *	prefixmap_add(map, &prefix, value); …		(values are not 0)
 *	prefixmap_build(map);
 *	value = prefixmap_find(map, address, version);	(0: in no prefix)
 *
 * Where prefixes overlap, their values are joined; JOIN is commutative and idempotent. Building
 * cuts the address space at every border of a prefix, so a look-up is one binary search however
 * many prefixes there are.
 */
#ifndef PREPROCESS_PREFIXMAP_H
#define PREPROCESS_PREFIXMAP_H

#include <stdint.h>
#include "spool/config.h"

struct prefixmap;

struct prefixmap *prefixmap_new(uint32_t (*join)(uint32_t, uint32_t));
void prefixmap_free(struct prefixmap *map);
void prefixmap_add(struct prefixmap *map, const struct prefix *prefix, uint32_t value);
void prefixmap_build(struct prefixmap *map);
uint32_t prefixmap_find(const struct prefixmap *map, const uint8_t address[16], uint8_t version);

#endif
