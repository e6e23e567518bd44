/*
 * export.h: the output of a batch: for each shard of consolidation a flows.ipfix (record.h) with the
 * flows of the table that are the shard's (flowkey.h), and the ledger row of the packets batch they
 * came from. The row stands first, so that consolidation can plan without reading on; behind flows
 * only when the table was full before the batch was read.
 *
 * The row says the same of the batch in every shard; ip and octets_ip are the shard's part, not_ip and
 * malformed stand in that of shard 0. So the sum over the shards is what the batch held.
 *
 *	export_begin(&output, batch);
 *	export_flows(&output, meter, &manifest);	each time the table is full
 *	ledger_of(&ledger, &manifest, LEDGER_ANALYSED);	… and what only the packets tell
 *	export_ledger(&output, meter, &ledger);
 *	export_flows(&output, meter, &manifest);
 *	export_end(&output);
 *
 * MANIFEST is that of the packets batch. All return 0, or -1 with errno; after an error
 * export_abandon(). OUTPUT is zero before its first use.
 */
#ifndef PREPROCESS_EXPORT_H
#define PREPROCESS_EXPORT_H

#include "preprocess/meter.h"
#include "spool/batch.h"
#include "spool/record.h"

struct sum {
	uint64_t packets, octets;
};

/* What goes to one shard. */
struct part {
	struct record_writer *writer;
	char folder[PATH_MAX];
	struct sum written; /* flows so far */
};

struct output {
	struct batch *batch;
	struct part parts[SHARDS_MAX]; /* as many as the spool has shards */
	uint64_t flows;
};

int export_begin(struct output *output, struct batch *batch);
int export_flows(struct output *output, const struct meter *meter, const struct manifest *manifest);
/* export_ledger(): LEDGER holds the totals of the batch; METER is NULL for a batch without flows. */
int export_ledger(struct output *output, const struct meter *meter, const struct ledger *ledger);
int export_end(struct output *output);
void export_abandon(struct output *output);

/* ledger_of(): the row of the packets batch with MANIFEST, without what only its packets tell. */
void ledger_of(struct ledger *ledger, const struct manifest *manifest, enum ledger_status status);

#endif
