/*
 * export.h: the output of a batch: flows.ipfix (record.h) with a flow for each entry of the table and the ledger row of the packets
 * batch it came from, and a manifest that lets consolidation plan without opening the file.
 *
 *	export_begin(&output, batch);
 *	export_flows(&output, meter, &manifest); …	once, or each time the table was full
 *	export_end(&output, &manifest, &ledger);	the manifest is that of the packets batch
 *
 * All return 0, or -1 with errno; after an error export_abandon().
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
int export_end(struct output *output, const struct manifest *manifest, const struct ledger *ledger);
void export_abandon(struct output *output);

/* export_ledger(): the row of the packets batch with MANIFEST, without what only its packets tell. */
void export_ledger(struct ledger *ledger, const struct manifest *manifest, enum ledger_status status);

#endif
