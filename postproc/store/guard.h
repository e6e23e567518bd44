/*
 * guard.h: what a query of a person may read in mira.db: only reading, and of hosts and names what the level of privacy in force
 * allows (privacy.h). The views keep their names and columns:
 *
 *	PRIVACY_ADDRESS	    everything, as stored
 *	PRIVACY_PSEUDONYM   addresses, host names and endpoints of tunnels as pseudonyms of the present period; not the ids behind
 *			    them, which never change
 *	PRIVACY_GROUP	    sums that tell of no host, name, biflow or aggregate
 *
 * Watertight by construction: what is not to be seen can be read by views of a name that was drawn at random for this
 * connection, and by nothing else; those show it through the functions of privacy.h.
 */
#ifndef POSTPROC_GUARD_H
#define POSTPROC_GUARD_H

#include <sqlite3.h>
#include <stdbool.h>
#include "postproc/privacy/privacy.h"

struct guard;

/*
 * guard_new(): from now on DB, opened for reading, refuses what is not allowed. PRIVACY outlives it. NAMES: are names of services
 * shown? NULL after a message, nothing may be asked then.
 */
struct guard *guard_new(sqlite3 *db, struct privacy *privacy, bool names);
/* guard_free(): after DB was closed. */
void guard_free(struct guard *guard);

#endif
