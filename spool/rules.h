/*
 * rules.h: the rules that belong to a batch. The capture copies mira.conf, policy.conf and
 * symptoms.d/ to SPOOL/state/rules/<hash>/ and stamps the hash into each manifest; a worker uses
 * the stamped ones, so the answer does not depend on who works.
 */
#ifndef SPOOL_RULES_H
#define SPOOL_RULES_H

#include "spool/spool.h"

/* rules_hash(): the hash that rules_publish() would give, without a spool. -1 with errno after a
 * message. */
int rules_hash(const struct config *config, char hash[33]);
/* rules_publish(): makes the folder when absent; HASH gets 32 hex digits. Safe when several do it
 * at once. -1 with errno after a message; a policy that cannot be read (EINVAL) is not published,
 * for a stamped mistake could not be mended. */
int rules_publish(const struct spool *spool, const struct config *config, char hash[33]);
/* rules_load(): CONFIG as stamped: its mira.conf, policy and symptoms are those of HASH, which is
 * checked. 0, or an exit code after a message; a changed, incomplete or missing folder is
 * MIRA_PERSON, for the packets can be analysed as soon as it is back. */
int rules_load(const struct spool *spool, const char *hash, struct config *config);
/* rules_enforce(): from now on consolidation stamps HASH into the windows it closes: its policy is to
 * decide about them, whoever classifies. 1: done; 0: it was in force already; -1 with errno. */
int rules_enforce(const struct spool *spool, const char *hash);
/* rules_in_force(): the hash enforced last, "" when none was. 0, or -1 with errno. */
int rules_in_force(const struct spool *spool, char hash[33]);
/* rules_symptoms(): the names of the symptom files of FOLDER, *.sym, sorted. 0, or -1 with errno. */
int rules_symptoms(const char *folder, struct namelist *names);
/* rules_path(): SPOOL/state/rules/<hash> in OUT (PATH_MAX); holds mira.conf, policy.conf,
 * symptoms.d/. */
char *rules_path(const struct spool *spool, const char *hash, char *out);

#endif
