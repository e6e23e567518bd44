/*
 * policies.h: which policy decides about a batch: the one that consolidation stamped into it, so that a window is decided by one
 * policy whoever classifies it, and a change takes effect at a window's border; else, in a batch without a stamp, the configured one.
 *
 * Opening and renewing compile the configured policy, put it among the spool's rules and in force (rules.h): windows that are closed
 * from then on are stamped with it.
 *
 * A stamped policy that is gone, does not compile or fails while running gives way to the configured one, which a person can mend.
 */
#ifndef CLASSIFY_POLICIES_H
#define CLASSIFY_POLICIES_H

#include "classify/ruleset.h"
#include "spool/spool.h"

struct policies;

/* policies_open(): NULL after having logged why; *CODE is an exit code then. */
struct policies *policies_open(const struct spool *spool, const struct config *config, int *code);
/* policies_renew(): CONFIG is the configured one from now on. 0; or an exit code, and nothing has changed. */
int policies_renew(struct policies *policies, const struct config *config);
void policies_free(struct policies *policies);

/* policies_choose(): for a batch stamped with RULES ("" for none). *HASH gets the hash of what is returned. NULL: trying again may
 * help (errno). Valid until the next call. */
struct ruleset *policies_choose(struct policies *policies, const char *rules, const char **hash);
/* policies_give_up(): the chosen one failed: the configured one; NULL when that was it. */
struct ruleset *policies_give_up(struct policies *policies, const char **hash);

#endif
