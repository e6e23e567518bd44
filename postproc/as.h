/*
 * as.h: which autonomous system an address belongs to, by a database that the administrator brings:
 *
 *	NAME.mmdb   GeoLite2-ASN or another one in MaxMind's format with the members
 *		    autonomous_system_number and autonomous_system_organization
 *	else	    pfx2as as CAIDA publishes it, plain or gzip: lines of address, prefix length and
 *		    origin; IPv4 and IPv6. Of several origins (10_20) the first counts, which is the
 *		    one seen most often; of a set (10,20) the first too.
 *
 *	database = as_open(paths, count, &code);
 *	if (as_find(database, "192.0.2.1", &as)) … as.number, as.name
 *	as_close(database);
 *
 * libmaxminddb has the Apache licence, libinotifytools is GPL-2 only: a program that uses this module
 * must not link the watch (spool/watch.h, spool/stage.h). A test looks at what it links.
 */
#ifndef POSTPROC_AS_H
#define POSTPROC_AS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AS_NAME 128

struct as {
	uint32_t number;
	char name[AS_NAME]; /* of the organization; "" where the database names none */
};

struct as_database;

/*
 * as_open(): all of PATHS together; the first file that knows an address has the say, .mmdb ones
 * before the others. NULL with *CODE after a message that names file, line and what is wrong.
 */
struct as_database *as_open(const char *const *paths, size_t count, int *code);
void as_close(struct as_database *database);

/* as_find(): false: ADDRESS is in none of them, or is no address. */
bool as_find(const struct as_database *database, const char *address, struct as *as);

#endif
