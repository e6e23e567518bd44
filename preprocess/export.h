/*
 * export.h: the output of a batch: flows.ipfix (record.h) with a flow for each entry of the table
 * and the ledger row of the packets batch it came from. The row stands first, so that
 * consolidation can plan without reading on; behind flows only when the table was full before the
 * batch was read.
 *
 *	export_begin(&output, batch);
 *	export_flows(&output, meter, &manifest);	each time the table is full
 *	ledger_of(&ledger, &manifest, LEDGER_ANALYSED);	… and what only the packets tell
 *	export_ledger(&output, &ledger);
 *	export_flows(&output, meter, &manifest);
 *	export_end(&output);
 *
 * MANIFEST is that of the packets batch. All return 0, or -1 with errno; after an error
 * export_abandon().
 */
#ifndef PREPROCESS_EXPORT_H
#define PREPROCESS_EXPORT_H

#include "preprocess/meter.h"
#include "spool/batch.h"
#include "spool/record.h"

struct output {
	struct batch *batch;
	struct record_writer *writer;
	char folder[PATH_MAX];
	uint64_t flows;
};

int export_begin(struct output *output, struct batch *batch);
int export_flows(struct output *output, const struct meter *meter, const struct manifest *manifest);
int export_ledger(struct output *output, const struct ledger *ledger);
int export_end(struct output *output);
void export_abandon(struct output *output);

/* ledger_of(): the row of the packets batch with MANIFEST, without what only its packets tell. */
void ledger_of(struct ledger *ledger, const struct manifest *manifest, enum ledger_status status);

#endif
