/*
 * host.h: the host name that one packet tells in the clear.
 *
 *	size = host_name(payload, size, proto, sport, dport, name);
 *	if (size)
 *		symptoms_host(symptoms, name, &hits);
 *
 * Where a name is looked for:
 *	DNS	the first question of a query or an answer: UDP port 53, 5353 (mDNS), 5355
 *		(LLMNR); TCP port 53 behind the length (RFC 1035, RFC 6762, RFC 4795)
 *	TLS	server_name of a ClientHello, any TCP port (RFC 8446, RFC 6066), as far as it lies
 *		in this segment
 *	HTTP/1	the Host header of a request, or the target of CONNECT, any TCP port (RFC 9112), as
 *		far as it lies in this segment
 *
 * Only one packet is seen: a ClientHello that was cut over two segments tells its name only
 * when the name stands in the first. Nothing is remembered or allocated.
 */
#ifndef PREPROCESS_HOST_H
#define PREPROCESS_HOST_H

#include <stddef.h>
#include <stdint.h>

/* Longest name (RFC 1035: 253 bytes), and its NUL. */
#define HOST_NAME_SIZE 256

/*
 * host_name(): writes the name into OUT, in lower case, without port and final dot, and NUL-
 * terminated; returns its length. 0 when the packet tells none, or one with other bytes than
 * letters, digits, '-', '_' and single '.' between them; OUT is "" then. PROTO is the IP
 * protocol number.
 */
size_t host_name(const uint8_t *payload, size_t size, uint8_t proto, uint16_t sport, uint16_t dport,
	char out[HOST_NAME_SIZE]);

#endif
