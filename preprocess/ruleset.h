/*
 * ruleset.h: the rules that the capture stamped into a batch (rules.h), made ready for the
 * packets: compiled symptoms, fast lists, aggregates. The last few are kept, for batches of one
 * rule set follow one another.
 *
 *	result = ruleset_get(&spool, manifest.rules, &rules);
 *
 * Rules belong to the cache and are valid until the next call.
 *
 * A worker runs for months and meets new host names all the time: ruleset_get() forgets the texts
 * (intern.h) that batches brought since it was called last, and keeps those of rules.
 */
#ifndef PREPROCESS_RULESET_H
#define PREPROCESS_RULESET_H

#include "preprocess/aggregate.h"
#include "preprocess/fast.h"
#include "preprocess/symptom.h"
#include "spool/rules.h"

#define RULESET_KEPT 4

/* Labels that a packet can be given are numbered: the symptoms, then the fast lists. */
struct ruleset {
	char hash[33];
	struct config config;
	struct policy policy;
	struct symptoms *symptoms;
	struct fast *fast;
	struct aggregates *aggregates;
	size_t symptom_count;
	uint32_t *names; /* intern id of each label */
	uint64_t used;
};

/* ruleset_get(): 0; or an exit code of enum mira_exit after a message. */
int ruleset_get(const struct spool *spool, const char *hash, struct ruleset **rules);
/* ruleset_drop_all(): frees what is kept. */
void ruleset_drop_all(void);

#endif
