/*
 * dns.h: DNS messages (RFC 1035): the name that is asked for, and the addresses that an answer
 * gives it.
 *
 *	size = dns_question(message, size, name);
 *	if (dns_answer(message, size, &answer))
 *		… answer.name has answer.addresses[0 … answer.count-1]
 *
 * MESSAGE begins with the header; over TCP the two bytes of its length stand before it. Nothing is
 * remembered or allocated. A message that is cut off gives what it still holds.
 */
#ifndef PREPROCESS_DNS_H
#define PREPROCESS_DNS_H

#include <stdbool.h>
#include "preprocess/hostname.h"

#define DNS_ADDRESSES 32 /* kept of one answer */

struct dns_address {
	uint8_t bytes[16]; /* IPv4: the first 4, the rest is zero */
	uint8_t version;   /* 4 or 6 */
	uint32_t ttl_s;
};

struct dns_answer {
	char name[HOST_NAME_SIZE]; /* the one that was asked for */
	struct dns_address addresses[DNS_ADDRESSES];
	unsigned count;
};

/* dns_question(): the first question's name, of a query or a response; 0 when there is none. */
size_t dns_question(const uint8_t *message, size_t size, char out[HOST_NAME_SIZE]);

/*
 * dns_answer(): the A and AAAA records (RFC 1035, RFC 3596) of the name asked for, or of the name
 * that its CNAME records lead to, in whatever order they stand (RFC 1034, 3.6.2). False when there
 * is no such record, for a query, and for an answer that reports an error.
 */
bool dns_answer(const uint8_t *message, size_t size, struct dns_answer *answer);

#endif
