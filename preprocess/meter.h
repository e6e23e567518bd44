/*
 * meter.h: counts packets into flows, and looks for symptoms in their payload (a metering
 * process, RFC 7011).
 *
 *	meter = meter_new(&spool, max_flows, full, own);
 *	meter_begin(meter, rules);	for each batch
 *	meter_frames(meter, frames, count) …	0, or -1 with errno from full()
 *	meter_end(meter)		counts fragments that still wait; 0, or -1
 *	… meter->table, meter->totals …
 *
 * A flow is one direction of a 5-tuple in one window. When the table is full, full() must write
 * its flows out; the same flow may then come again, which consolidation merges.
 */
#ifndef PREPROCESS_METER_H
#define PREPROCESS_METER_H

#include "preprocess/attributes.h"
#include "preprocess/flowtab.h"
#include "preprocess/fragment.h"
#include "preprocess/host.h"
#include "preprocess/pcapng.h"
#include "preprocess/piece.h"
#include "preprocess/ruleset.h"

struct meter_totals {
	uint64_t packets, ip, not_ip, malformed, octets_ip;
	uint64_t octets_uncaptured; /* of octets_ip: cut off by the snap length */
	uint64_t fragments_lost;    /* later fragments whose first never came */
	uint64_t first_ms, last_ms;
	uint64_t bytes;	   /* captured */
	uint64_t full;	   /* times the table was full */
	uint64_t overflow; /* symptoms dropped: more than fit one packet */
};

struct meter {
	const struct spool *spool;
	const struct ruleset *rules;
	struct flowtab *table;
	struct pieces *pieces; /* of the streams in it */
	struct fragments *fragments;
	struct meter_totals totals; /* of the batch */
	int (*full)(void *own);	    /* 0, or -1 with errno */
	void *own;
	uint64_t window_begin, window_end; /* of the last packet */
	struct attributes attributes;
	struct hosts *hosts;
};

struct meter *meter_new(const struct spool *spool, uint32_t max_flows, int (*full)(void *own),
	void *own);
void meter_free(struct meter *meter);
/*
 * meter_begin(): forgets the batch before, and all ids of texts that it met. RULES must stay
 * until its end.
 */
void meter_begin(struct meter *meter, const struct ruleset *rules);
int meter_frames(struct meter *meter, const struct frame *frames, int count);
int meter_end(struct meter *meter);
/* meter_resolved(): the symptoms of the name that ENTRY's client had resolved, when it told none
 * itself; each counts once. */
void meter_resolved(const struct meter *meter, const struct entry *entry,
	struct symptom_hits *hits);

#endif
