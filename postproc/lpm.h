/*
 * lpm.h: from an address to the value of the longest prefix that holds it.
 *
 *	map = lpm_new();
 *	lpm_add(map, &prefix, value); …
 *	lpm_build(map);
 *	value = lpm_find(map, address, version);	(0: in no prefix, or in one of value 0)
 *
 * Building cuts the address space at every border of a prefix, so that a look-up is one binary
 * search however many prefixes there are. Of a prefix that was added twice the last value counts.
 */
#ifndef POSTPROC_LPM_H
#define POSTPROC_LPM_H

#include <stdint.h>

#include "spool/config.h"

struct lpm;

struct lpm *lpm_new(void);
void lpm_free(struct lpm *map);
void lpm_add(struct lpm *map, const struct prefix *prefix, uint32_t value);
void lpm_build(struct lpm *map);
/* lpm_each(): EACH value that an address may have, once or more often. */
void lpm_each(const struct lpm *map, void (*each)(uint32_t value, void *own), void *own);
uint32_t lpm_find(const struct lpm *map, const uint8_t address[16], uint8_t version);

#endif
