/*
 * quic.h: takes the handshake bytes out of the first packets of a QUIC connection. Initial packets
 * are encrypted with keys that anybody can compute (RFC 9001, 5.2): from the connection id that
 * the client chose, and a salt of the version.
 *
 *	if (quic_initial(payload, size, &opening)) …	a UDP payload that begins with an Initial
 *		opened = quic_open(payload, size, opening.cid, take, own);
 *
 * take() gets the bytes of each CRYPTO frame with their offset in the handshake; frames come in
 * any order, cut anywhere, over several packets (RFC 9000, 19.6). Nothing is remembered.
 *
 * Versions: 1 (RFC 9000), 2 (RFC 9369), the drafts 17 to 34, Facebook's mvfst and Google's T050 and
 * T051, whose salts are public. Older ones have other headers; Google's Q versions do not speak TLS.
 */
#ifndef PREPROCESS_QUIC_H
#define PREPROCESS_QUIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUIC_CID_MAX   20 /* RFC 9000, 17.2 */
#define QUIC_CID_FIRST 8  /* the least that a client may choose for a server, RFC 9000, 7.2 */

struct quic_cid {
	uint8_t bytes[QUIC_CID_MAX];
	uint8_t size;
};

/* quic_initial(): is this a long header of type Initial, of a known version? CID is then the
 * destination's connection id in it. */
bool quic_initial(const uint8_t *payload, size_t size, struct quic_cid *cid);

/*
 * quic_open(): decrypts the Initial packets of a datagram (several may share it, RFC 9000, 12.2)
 * as sent by the client whose first destination id was CID. How many could be: 0 for what a server
 * sent, another connection's, or damage. A packet that is cut off is decrypted as far as it was
 * captured, without the proof that its end would be.
 */
unsigned quic_open(const uint8_t *payload, size_t size, const struct quic_cid *cid,
	void (*take)(void *own, uint64_t offset, const uint8_t *bytes, size_t size), void *own);

#endif
