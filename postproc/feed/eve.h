/*
 * eve.h: an alert as a line of JSON in the form of Suricata's eve.json, and as a line of text for syslog(3) in the form of
 * its fast.log, so that what reads those reads this.
 *
 * What differs from Suricata, because a biflow is known and not a packet: timestamp is the time of the first packet of the
 * biflow in its window; the counts of flow are those of the window; flow_id is made of what the alert shows of the biflow,
 * so it is the same in all its windows and tells nothing that is not shown. Source is the side whose packets the rule was
 * met in; of a rule of the policy, the initiator.
 */
#ifndef POSTPROC_EVE_H
#define POSTPROC_EVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include "postproc/feed/signature.h"

struct alert {
	const struct biflow *biflow;
	const struct signature *signature;
	const char *src, *dst; /* of the biflow, as they may be shown */
	bool to_client;	       /* the rule was met in packets of the responder only */
};

/* eve_alert(): the event, of which the caller owns the reference. */
json_t *eve_alert(const struct alert *alert);
/* eve_rest(): an event without a biflow's particulars, for further alerts of that rule and source; COUNT of them. */
json_t *eve_rest(const struct alert *alert);
void eve_count_rest(json_t *event);
/* eve_write(): EVENT, which it releases, as one line. -1 with errno. */
int eve_write(json_t *event, FILE *out);
/* eve_fast(): "[1:1000001:3] bare request [Classification: …] [Priority: 1] {TCP} 10.0.0.1:1024 -> 10.0.0.2:80" */
void eve_fast(const struct alert *alert, char *out, size_t size);

/* eve_source(): who the alert is about. */
const char *eve_source(const struct alert *alert);

#endif
