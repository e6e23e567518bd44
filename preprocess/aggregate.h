/*
 * aggregate.h: the labels of a flow: the names of the aggregates in mira.conf (campus, faculties,
 * cities) that its source, its destination, one of its VLANs or its ATM circuit belongs to, as a set of intern.h.
 */
#ifndef PREPROCESS_AGGREGATE_H
#define PREPROCESS_AGGREGATE_H

#include <stdint.h>
#include "spool/config.h"
#include "spool/record.h"

struct aggregates;

struct aggregates *aggregates_new(const struct config *config);
void aggregates_free(struct aggregates *aggregates);
/*
 * aggregates_begin(): before a batch: ids of VLANS from the batch before mean nothing any more.
 */
void aggregates_begin(struct aggregates *aggregates);
/* aggregates_of(): VLANS is a set of VLAN ids, as in struct flow, CIRCUITS one of "VPI/VCI". */
uint32_t aggregates_of(struct aggregates *aggregates, const struct flowkey *key, uint32_t vlans,
	uint32_t circuits);

#endif
