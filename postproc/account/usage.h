/*
 * usage.h: what each aggregate used of the network in a period, and what may be compared between
 * aggregates of which different shares were analysed.
 *
 *	usage = usage_new(&run->config, users);
 *	code = usage_read(usage, run->db, &run->period);
 *	rows = usage_json(usage, privacy, top);
 *	usage_free(usage);
 *
 * Observed is what was analysed. Expanded is what there was, as far as can be told: each direction of
 * each biflow divided by the probability with which its packets were sampled, and what was lost
 * added as estimate.h does, with its interval of 95 %. A biflow of two aggregates counts in each.
 *
 * Equalised: of two aggregates, the one of which more was analysed shows more of its hosts that say
 * little, and less traffic for each. So hosts are counted as if packets of all aggregates had been
 * sampled with the lowest probability P of all: a host of which n packets were analysed with
 * probability p is seen with 1 - (1 - P/p)^n (rarefaction: Hurlbert, Ecology 52 (1971) 577, here for
 * sampling packet by packet). Expanded octets divided by that number of hosts may be compared.
 *
 * Nothing of an aggregate is compared whose interval is wider than a fifth of its value on one side, or
 * has been refused.
 */
#ifndef POSTPROC_USAGE_H
#define POSTPROC_USAGE_H

#include <jansson.h>
#include <sqlite3.h>

#include "postproc/lpm.h"
#include "postproc/period.h"
#include "postproc/privacy/privacy.h"
#include "spool/config.h"

struct usage;

/* usage_new(): USERS of owners.h, to count them; NULL: nobody knows. Both outlive it. */
struct usage *usage_new(const struct config *config, const struct lpm *users);
void usage_free(struct usage *usage);
/* usage_read(): 0, or an exit code after a message. */
int usage_read(struct usage *usage, sqlite3 *db, const struct period *period);

/*
 * usage_json(): { lowest_sampling, all, aggregates } as mira-usage(8) has them; TOP hosts of each
 * aggregate. An aggregate of too few hosts for the level of PRIVACY shows its name only. USAGE is used
 * up.
 */
json_t *usage_json(struct usage *usage, struct privacy *privacy, size_t top);

#endif
