/*
 * store_inside.h: which addresses are inside the network: those in a prefix of an aggregate of mira.conf. An aggregate of VLANs
 * or circuits alone does not say on which side of a biflow it is.
 */
#ifndef POSTPROC_STORE_INSIDE_H
#define POSTPROC_STORE_INSIDE_H

#include <sqlite3.h>
#include <stdbool.h>
#include "spool/config.h"

struct store_inside;

/* store_inside_new(): NULL when no aggregate has a prefix: nobody knows what is inside then. */
struct store_inside *store_inside_new(const struct config *config);
void store_inside_free(struct store_inside *inside);

bool store_inside_holds(const struct store_inside *inside, uint8_t version,
	const uint8_t address[16]);
/* store_inside_apply(): has host.inside in DB follow, when it was written with other prefixes (meta key "inside"). 0, or -1
 * (sqlite3_errmsg()). INSIDE may be NULL. */
int store_inside_apply(const struct store_inside *inside, sqlite3 *db);

#endif
