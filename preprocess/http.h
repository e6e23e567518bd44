/*
 * http.h: the host that an HTTP/1 request is for (RFC 9112).
 *
 *	size = http_host(payload, size, name);
 */
#ifndef PREPROCESS_HTTP_H
#define PREPROCESS_HTTP_H

#include "preprocess/hostname.h"

/*
 * http_host(): the target of CONNECT, or the Host header, as far as its line lies in PAYLOAD, which
 * begins with the request; without the port. 0 for anything else.
 */
size_t http_host(const uint8_t *payload, size_t size, char out[HOST_NAME_SIZE]);

#endif
