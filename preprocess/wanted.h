/*
 * wanted.h: which biflows the packet log keeps the packets of: those whose class, verdict or rule stands in packet_log
 * (mira.conf). For mira-packetlog only.
 *
 *	wanted = wanted_new("MALWARE, unacceptable");
 *	wanted_load(wanted, folder, name, why);		a batch of verdicts
 *	biflow = wanted_find(wanted, window_ms, &packet.key);
 *	wanted_drop(wanted, name);			forgets what that batch brought
 */
#ifndef PREPROCESS_WANTED_H
#define PREPROCESS_WANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spool/policy.h"
#include "spool/record.h"

struct wanted_biflow {
	struct flowkey key;	  /* src is the initiator */
	struct flowkey canonical; /* flowkey.h */
	uint64_t window_ms;
	const char *class, *verdict, *rule;
	uint64_t kept; /* packets, of the batch at hand: the caller's */
	size_t batch;
};

struct wanted;

/* wanted_new(): WORDS are classes, verdicts and rules with commas between. */
struct wanted *wanted_new(const char *words);
void wanted_free(struct wanted *wanted);
/* wanted_check(): is each of WORDS a class, rule or verdict of POLICY? 0, or MIRA_PERSON after a message; none at all: -1. */
int wanted_check(const char *words, const struct policy *policy);

/* wanted_load(): the batch of verdicts NAME, which stands in FOLDER. 0; -1 with errno; -2 it is bad, WHY (256 bytes). */
int wanted_load(struct wanted *wanted, const char *folder, const char *name, char *why);
bool wanted_has(const struct wanted *wanted, const char *name);
/* wanted_window(): start of the latest window of the batch NAME, which was loaded. */
uint64_t wanted_window(const struct wanted *wanted, const char *name);
void wanted_drop(struct wanted *wanted, const char *name);
/* wanted_held(): how many batches were loaded and not dropped. */
size_t wanted_held(const struct wanted *wanted);

/* wanted_find(): the biflow of a packet, in either direction; NULL for none. */
struct wanted_biflow *wanted_find(struct wanted *wanted, uint64_t window_ms,
	const struct flowkey *key);
/* wanted_at(): 0 … count-1, in no order; views until the next load or drop. */
size_t wanted_count(const struct wanted *wanted);
struct wanted_biflow *wanted_at(struct wanted *wanted, size_t index);

#endif
