/*
 * privacy.h: what may be shown of hosts and names at the level of privacy in force (mira.conf(5),
 * privacy). Every program that writes an address or a host name for a person or another program to
 * read asks here first; the levels, least first:
 *
 *	PRIVACY_GROUP	    no host by itself: "withheld"; groups of group_min hosts or more
 *	PRIVACY_PSEUDONYM   h-7k2m9qx4tp, the same for one host throughout a period (rotate)
 *	PRIVACY_ADDRESS	    as stored
 *
 *	struct privacy *privacy = privacy_new(&config, "…/mira.db");
 *
 *	privacy_at(privacy, ms);		of which period the pseudonyms are
 *	puts(privacy_host(privacy, "10.1.2.3", out));
 *	privacy_free(privacy);
 *
 * The master key is a file beside the store (privacy_key.h), made when it is first needed. Where it
 * cannot be had, that is logged and the level in force is PRIVACY_GROUP: never more is shown than was
 * asked for. What retention sealed shows as its pseudonym at every level above PRIVACY_GROUP.
 *
 * Host names: at PRIVACY_PSEUDONYM a name that tells of a machine is a pseudonym, n-7k2m9qx4tp, and
 * a name of a service stays; which is which says privacy_machine(). With names = "withhold" at any
 * level, and at PRIVACY_GROUP always, all are "withheld".
 */
#ifndef POSTPROC_PRIVACY_H
#define POSTPROC_PRIVACY_H

#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "postproc/privacy/pseudonym.h"
#include "spool/config.h"

#define PRIVACY_TEXT	 64
#define PRIVACY_SEALED	 64
#define PRIVACY_WITHHELD "withheld"

struct privacy;

/* privacy_new(): never NULL. CONFIG outlives it. DB: the store's path. The period is now's. */
struct privacy *privacy_new(const struct config *config, const char *db);
void privacy_free(struct privacy *privacy);

/* privacy_level(): the level in force; privacy_word(): "group", "pseudonym", "address". */
enum privacy_level privacy_level(const struct privacy *privacy);
const char *privacy_word(const struct privacy *privacy);
/* privacy_describe(): what a report says of it, { level, rotate, period, names, group_min }. */
json_t *privacy_describe(const struct privacy *privacy);

/*
 * privacy_at(): from now on the pseudonyms of the period of time MS: of a report the middle of its span,
 * of a record its window. Costs little while the period stays the same.
 */
void privacy_at(struct privacy *privacy, int64_t ms);

/* privacy_host(): of an address as the store has it; what is none is "withheld". Returns OUT. */
const char *privacy_host(struct privacy *privacy, const char *address, char out[PRIVACY_TEXT]);
/* privacy_names(): of one name, or of several with commas between; malloc'ed. */
char *privacy_names(struct privacy *privacy, const char *names);
/* privacy_text(): TEXT with each address in it as privacy_host() shows it: endpoints of tunnels,
 * messages; malloc'ed. */
char *privacy_text(struct privacy *privacy, const char *text);
/*
 * privacy_address(): for what must remain an address (an export): prefix-preserving below
 * PRIVACY_ADDRESS. false: PRIVACY_GROUP, OUT is all zero.
 */
bool privacy_address(struct privacy *privacy, uint8_t version, const uint8_t address[16],
	uint8_t out[16]);
/*
 * privacy_seal(): ADDRESS as the store keeps it beside its pseudonym, "4 2026-11 <hexadecimal>":
 * version, period, and what only the master key opens (privacy_unseal.h). NULL: it is no address.
 */
const char *privacy_seal(struct privacy *privacy, const char *address, char out[PRIVACY_SEALED]);
/* privacy_group(): may a group of so many hosts be shown by itself? */
bool privacy_group(const struct privacy *privacy, uint64_t hosts);

/*
 * privacy_sql(): functions of SQL for DB while PRIVACY lasts: shown_host(address),
 * shown_names(host_name), shown_text(tunnel_endpoint). A code of SQLite.
 */
int privacy_sql(struct privacy *privacy, sqlite3 *db);

/*
 * privacy_machine(): does NAME tell of somebody's machine? Yes of a single label; of a name below a
 * domain for private use (.local, .lan, .home.arpa, …), below .arpa (reverse look-ups) or below a
 * domain in SETTINGS; and of one that spells an address ("203-0-113-5.dsl.example.net").
 */
bool privacy_machine(const struct config_privacy *settings, const char *name);

/* privacy_parse(): ADDRESS as 16 bytes; the version, or 0 when it is none. */
uint8_t privacy_parse(const char *address, uint8_t out[16]);

#endif
