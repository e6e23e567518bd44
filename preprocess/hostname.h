/*
 * hostname.h: a host name that a packet told, checked and in one spelling.
 *
 *	size = hostname_keep(bytes, count, name);
 */
#ifndef PREPROCESS_HOSTNAME_H
#define PREPROCESS_HOSTNAME_H

#include <stddef.h>
#include <stdint.h>

/* Longest name (RFC 1035: 253 bytes), and its NUL. */
#define HOST_NAME_SIZE 256

/*
 * hostname_keep(): TEXT in lower case, without a final dot, NUL-terminated in OUT; returns its
 * length. 0 for other bytes than letters, digits, '-', '_' and single '.' between them, and for a
 * name that is too long or empty; OUT is as it was then.
 */
size_t hostname_keep(const uint8_t *text, size_t size, char out[HOST_NAME_SIZE]);

#endif
