/*
 * pseudonym.h: what stands in place of addresses and names: keyed, so that only who has the master
 * key can tell whose it is, and different in each period, so that two periods cannot be joined.
 *
 * Four uses of one master key, each by a key of its own: HMAC-SHA256(master, use, NUL, period).
 *
 *	pseudonym_host()    h-7k2m9qx4tp  50 bits of HMAC-SHA256 over the address: of 100,000 hosts
 *	pseudonym_name()    n-…		  two share one in 1 of 200,000 cases
 *	pseudonym_prefix()  an address that shares as many leading bits with another's as the
 *			    originals do: Crypto-PAn (Xu, Fan, Ammar, Moon: Prefix-Preserving IP
 *			    Address Anonymization, ICNP 2002), AES-128, for IPv4 and IPv6
 *	pseudonym_seal()    16 bytes of AES-256, which pseudonym_open() turns back
 *
 * An address is 16 bytes, of version 4 the first four, the rest 0. Nothing fails.
 */
#ifndef POSTPROC_PSEUDONYM_H
#define POSTPROC_PSEUDONYM_H

#include <nettle/aes.h>
#include <nettle/hmac.h>
#include <stdbool.h>
#include <stdint.h>

#include "spool/config.h"

#define PSEUDONYM_MASTER 32 /* bytes of a master key */
#define PSEUDONYM_PERIOD 16
#define PSEUDONYM_TEXT	 16
#define PSEUDONYM_SEALED 16

/* The keys of one period. */
struct pseudonym_keys {
	struct hmac_sha256_ctx host, name;
	struct aes128_ctx prefix;
	uint8_t pad[16];
	struct aes256_ctx seal, open;
};

/* pseudonym_period(): the period of time MS (since 1970-01-01 UTC): "2026-11", "2026-W47", "all". */
void pseudonym_period(enum privacy_rotate rotate, int64_t ms, char out[PSEUDONYM_PERIOD]);
void pseudonym_keys(struct pseudonym_keys *keys, const uint8_t master[PSEUDONYM_MASTER],
	const char *period);
/* pseudonym_prefix_key(): the 32 bytes that Crypto-PAn calls its key. */
void pseudonym_prefix_key(struct pseudonym_keys *keys, const uint8_t key[32]);

void pseudonym_host(struct pseudonym_keys *keys, uint8_t version, const uint8_t address[16],
	char out[PSEUDONYM_TEXT]);
/* pseudonym_name(): upper and lower case are the same name. */
void pseudonym_name(struct pseudonym_keys *keys, const char *name, char out[PSEUDONYM_TEXT]);
void pseudonym_prefix(const struct pseudonym_keys *keys, uint8_t version, const uint8_t address[16],
	uint8_t out[16]);
void pseudonym_seal(const struct pseudonym_keys *keys, const uint8_t address[16],
	uint8_t out[PSEUDONYM_SEALED]);
void pseudonym_open(const struct pseudonym_keys *keys, const uint8_t sealed[PSEUDONYM_SEALED],
	uint8_t out[16]);

/* pseudonym_is(): has TEXT the form of one? */
bool pseudonym_is(const char *text);

#endif
