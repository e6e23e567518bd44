/*
 * tls.h: the ClientHello of TLS (RFC 8446, 4.1.2; RFC 5246, 7.4.1.2), in which a client names the
 * server that it wants (RFC 6066, 3).
 *
 *	struct client_hello hello;
 *	switch (tls_records(payload, size, &hello)) …	as it stands in a TCP stream
 *	switch (tls_handshake(bytes, size, &hello)) …	without records, as QUIC carries it
 *
 * TLS_SHORT: this begins as a ClientHello and is not all there; call again with the same bytes and
 * those that follow them. hello.name may be known already, as it often stands in front.
 */
#ifndef PREPROCESS_TLS_H
#define PREPROCESS_TLS_H

#include "preprocess/hostname.h"

/* A longer ClientHello is read up to here. Browsers send 500 to 2,000 bytes. */
#define TLS_HELLO_MAX 8192

enum tls_found { TLS_NONE, TLS_SHORT, TLS_HELLO };

struct client_hello {
	char name[HOST_NAME_SIZE]; /* "" when it has none */
	const uint8_t *body;	   /* TLS_HELLO: from legacy_version to the extensions' end */
	size_t size;
	uint8_t joined[TLS_HELLO_MAX]; /* what was cut over several records; body points here */
};

enum tls_found tls_records(const uint8_t *stream, size_t size, struct client_hello *hello);
enum tls_found tls_handshake(const uint8_t *message, size_t size, struct client_hello *hello);

#endif
