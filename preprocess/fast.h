/*
 * fast.h: fast classification: the fast list of policy.conf that decides a flow, so its payload
 * need not be scanned.
 *
 * A list matches when one of the flow's addresses lies in one of its prefixes (no prefixes: any)
 * and one of its ports is listed (no ports: any). The first list in the file wins.
 */
#ifndef PREPROCESS_FAST_H
#define PREPROCESS_FAST_H

#include <stdint.h>
#include "spool/policy.h"
#include "spool/record.h"

struct fast;

/* fast_new(): POLICY must stay until fast_free(). */
struct fast *fast_new(const struct policy *policy);
void fast_free(struct fast *fast);
/* fast_match(): number of the list, or FLOWTAB_NO_FAST. */
uint16_t fast_match(const struct fast *fast, const struct flowkey *key);

#endif
