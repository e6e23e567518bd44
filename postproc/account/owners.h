/*
 * owners.h: to whom an address belongs, by prefixes; the longest one counts, so each address has one
 * owner, and of two owners of the same prefix the last one. Values of the maps are ids of intern.h.
 *
 *	owners = owners_aggregates(&config);	or owners_users(path)
 *	if (!owners) return MIRA_PERSON;	it has been logged
 *	name = owner_of(owners, "192.0.2.1", outside, unknown);
 *	lpm_free(owners);
 *
 * A file of users has a prefix (or an address) and a name a line; '#' begins a comment:
 *
 *	192.0.2.0/28	Institute of Physics
 *	2001:db8::17	alice
 */
#ifndef POSTPROC_OWNERS_H
#define POSTPROC_OWNERS_H

#include "postproc/lpm.h"

struct lpm *owners_aggregates(const struct config *config);
struct lpm *owners_users(const char *path);

/* owner_of(): OUTSIDE where no prefix holds ADDRESS, UNKNOWN where it is none: retention sealed it. */
uint32_t owner_of(const struct lpm *owners, const char *address, uint32_t outside,
	uint32_t unknown);

#endif
