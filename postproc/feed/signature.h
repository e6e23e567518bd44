/*
 * signature.h: what an alert says of the rule that it is for, in the terms of Suricata: number, revision, message,
 * category and severity (1 is the highest).
 *
 *	- A symptom that mira-import-rules(1) made of a rule of Snort or Suricata has that rule's sid, rev, msg and classtype,
 *	  which stand in a comment above it: "# sid 1000001 rev 3 classtype policy-violation msg bare request". Category and
 *	  severity of a classtype are those of the classification.config that Snort and Suricata come with.
 *	- A rule of the policy has gid SIGNATURE_POLICY, a number made of its name, which stays when other rules come and go,
 *	  its sentence ("say") as message, its class as category, and severity 2 (unacceptable), 3 (review) or 4.
 */
#ifndef POSTPROC_SIGNATURE_H
#define POSTPROC_SIGNATURE_H

#include <stdint.h>
#include "spool/config.h"
#include "spool/record.h"

#define SIGNATURE_IMPORTED 1	 /* as Snort's and Suricata's own */
#define SIGNATURE_POLICY   32473 /* our private enterprise number */

/* Texts are views of the table, or of intern.h. */
struct signature {
	uint32_t gid, sid, rev, severity;
	const char *msg, *category;
};

struct signatures;

/* signatures_load(): from the symptoms and the policy that CONFIG names. NULL after a message, *CODE an exit code. */
struct signatures *signatures_load(const struct config *config, int *code);
void signatures_free(struct signatures *signatures);

/* signature_of_symptom(): NULL when symptom NAME (intern id) was not imported. */
const struct signature *signature_of_symptom(const struct signatures *signatures, uint32_t name);
/* signature_of_rule(): of the rule that decided about BIFLOW. */
struct signature signature_of_rule(const struct signatures *signatures,
	const struct biflow *biflow);

#endif
