/*
 * ja4.h: JA4, a fingerprint of the program that sent a ClientHello, as FoxIO describes it for TLS
 * clients (JA4: TLS Client Fingerprinting, BSD 3-clause; nothing else of JA4+ is here).
 *
 *	t13d1516h2_8daaf6152771_e5627efa2ab1
 *	│││ │ │ │  │            └ SHA-256 of the extensions sorted (without server name and ALPN), "_"
 *	│││ │ │ │  │              and the signature algorithms as they stand; 12 digits of it
 *	│││ │ │ │  └ SHA-256 of the cipher suites sorted
 *	│││ │ │ └ first and last letter of the first ALPN protocol, 00 without
 *	│││ │ └ how many extensions, at most 99
 *	│││ └ how many cipher suites, at most 99
 *	││└ d with a server name, i without
 *	│└ highest version offered: 13, 12, 11, 10, s3, s2, 00
 *	└ t over TCP, q over QUIC
 *
 * Values that clients make up (GREASE, RFC 8701) do not count.
 */
#ifndef PREPROCESS_JA4_H
#define PREPROCESS_JA4_H

#include <stddef.h>
#include <stdint.h>

#define JA4_SIZE 37 /* with the NUL */

/*
 * ja4_of(): the fingerprint of a complete ClientHello, from legacy_version on; TRANSPORT is 't' or
 * 'q'. OUT is "" when the fields do not fit into BODY.
 */
void ja4_of(const uint8_t *body, size_t size, char transport, char out[JA4_SIZE]);

#endif
