/*
 * charge.h: what each customer sent and received in a period, and what that costs: the invoices.
 *
 *	charge = charge_new(tariffs, &period);
 *	charge_customer(charge, name); …		everybody who is one, ids of intern.h
 *	charge_add(charge, window_ms, from, to, octets); …	0: nobody's
 *	found = charge_json(charge, &code);
 *	charge_free(charge);
 *
 * What a customer sends to others is its traffic out, what it receives from others its traffic in; what
 * stays within one customer is internal and not charged. So both columns of the balance,
 * sent and received, add up to the traffic of the store: charged + internal + not charged.
 *
 * The 95th percentile: the period is cut into samples of 5 minutes (by the windows of biflows, and
 * samples without traffic are samples too), sorted by their octets; the greatest twentieth of them,
 * rounded down, is put aside, and the greatest of the rest is what counts. "higher" is the higher one
 * of this for in and for out; "both" sorts by in + out.
 */
#ifndef POSTPROC_CHARGE_H
#define POSTPROC_CHARGE_H

#include <jansson.h>
#include <stdint.h>

#include "postproc/account/tariff.h"
#include "postproc/period.h"

struct charge;

/* charge_new(): TARIFFS and PERIOD outlive it. */
struct charge *charge_new(const struct tariffs *tariffs, const struct period *period);
void charge_free(struct charge *charge);

void charge_customer(struct charge *charge, uint32_t name);
void charge_add(struct charge *charge, int64_t window_ms, uint32_t from, uint32_t to,
	uint64_t octets);

/*
 * charge_json(): { currency, …, invoices: [ … ], balance: { … } } as mira-charge(8) has it; NULL with
 * *CODE after a message: an amount is too large to be counted. CHARGE is used up.
 */
json_t *charge_json(struct charge *charge, int *code);

#endif
