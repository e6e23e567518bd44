/*
 * privacy_unseal.h: from pseudonyms back to addresses and names, with the master key: by making the
 * pseudonym of each address and name that the store holds, period by period, and by opening what
 * retention sealed. It writes no log: privacy_log_add() comes first.
 */
#ifndef POSTPROC_PRIVACY_UNSEAL_H
#define POSTPROC_PRIVACY_UNSEAL_H

#include <sqlite3.h>

#include "postproc/privacy/pseudonym.h"
#include "spool/config.h"

/* What is asked for: a pseudonym, or an address that is prefix-preserving. */
struct unseal {
	const char *asked;
	uint64_t found; /* counts calls of TELL for it */
};

typedef void (*unseal_tell)(const char *asked, const char *period, const char *plain);

/* privacy_unseal(): TELL is called for each that is found. 0, or -1: the database failed. */
int privacy_unseal(sqlite3 *db, enum privacy_rotate rotate, const uint8_t master[PSEUDONYM_MASTER],
	struct unseal *asked, size_t count, unseal_tell tell);

#endif
