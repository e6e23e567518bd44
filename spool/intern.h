/*
 * intern.h: texts as small numbers, and sets of texts as texts.
 *
 * Attributes of a flow (VLAN ids, probes, tunnels, aggregates, symptom names) are few and repeat,
 * so a record holds a 32-bit id. Id 0 is the empty text. Ids are of this process only: files hold
 * the texts.
 *
 * A set is written as its members sorted and comma-joined ("7,100"); members that are all digits
 * sort as numbers. So intern_union() is commutative, associative and idempotent, and merging in any
 * order gives the same id. The result of a pair is remembered.
 */
#ifndef SPOOL_INTERN_H
#define SPOOL_INTERN_H

#include <stddef.h>
#include <stdint.h>

#define INTERN_MORE "~more" /* a member that says: and others; it stands last */

uint32_t intern(const char *text);
uint32_t intern_bytes(const char *text, size_t size);
const char *intern_text(uint32_t id);
uint32_t intern_union(uint32_t a, uint32_t b);
/*
 * intern_most(): SET when it has at most MOST members; else the first MOST of them, and INTERN_MORE.
 * A union and then this is commutative, associative and idempotent as well.
 */
uint32_t intern_most(uint32_t set, unsigned most);
/* intern_count(): ids are 0 … count-1. */
uint32_t intern_count(void);
/* intern_forget(): drops the ids from COUNT, an earlier intern_count(), on; nobody may use them any more. For processes that
 * meet new texts (host names) as long as they run. */
void intern_forget(uint32_t count);

#endif
