/*
 * initials.h: QUIC Initial packets for tests, protected with the keys that RFC 9001 and RFC 9369
 * print in their appendices A.1, so nothing of the code under test takes part.
 */
#ifndef TESTS_UNIT_INITIALS_H
#define TESTS_UNIT_INITIALS_H

#include <assert.h>
#include <nettle/aes.h>
#include <nettle/gcm.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The ClientHello of RFC 9001, A.2; it asks for example.com. */
#define INITIAL_HELLO                                                                              \
	"010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c0000041301"   \
	"1302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d00170018"   \
	"00100007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fed"   \
	"ba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408"   \
	"050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff0801"   \
	"100104800075300901100f088394c8f03e51570806048000ffff"
#define INITIAL_HELLO_SIZE 241

struct initial_version {
	const char *start; /* up to the token's length: type, version, ids */
	uint8_t key[16], iv[12], hp[16];
};

static const struct initial_version initial_v1 __attribute__((unused)) = {
	"c300000001088394c8f03e5157080000",
	"\x1f\x36\x96\x13\xdd\x76\xd5\x46\x77\x30\xef\xcb\xe3\xb1\xa2\x2d",
	"\xfa\x04\x4b\x2f\x42\xa3\xfd\x3b\x46\xfb\x25\x5c",
	"\x9f\x50\x44\x9e\x04\xa0\xe8\x10\x28\x3a\x1e\x99\x33\xad\xed\xd2",
};
static const struct initial_version initial_v2 __attribute__((unused)) = {
	"d36b3343cf088394c8f03e5157080000",
	"\x8b\x1a\x0b\xc1\x21\x28\x42\x90\xa2\x9e\x09\x71\xb5\xcd\x04\x5d",
	"\x91\xf7\x3e\x23\x51\xd8\xfa\x91\x66\x0e\x90\x9f",
	"\x45\xb9\x5e\x15\x23\x5d\x6f\x45\xa6\xb1\x9c\xbc\xb0\x29\x4b\xa9",
};

/* unhex(): returns how many bytes TEXT stands for. */
static size_t unhex(const char *text, uint8_t *out)
{
	size_t size = strlen(text) / 2;

	for (size_t i = 0; i < size; i++) {
		unsigned byte;
		int read = sscanf(text + 2 * i, "%2x", &byte);
		assert(read == 1);
		out[i] = (uint8_t)byte;
	}
	return size;
}

/* initial_crypto(): a CRYPTO frame (RFC 9000, 19.6). */
static inline size_t initial_crypto(uint8_t *out, size_t offset, const uint8_t *bytes, size_t size)
{
	const uint8_t head[] = {6, (uint8_t)(0x40 | offset >> 8), (uint8_t)offset,
		(uint8_t)(0x40 | size >> 8), (uint8_t)size};

	memcpy(out, head, sizeof(head));
	memcpy(out + sizeof(head), bytes, size);
	return sizeof(head) + size;
}

/* initial_protect(): RFC 9001, 5.3 and 5.4: FRAMES as the packet NUMBER, of 4 bytes. */
static inline size_t initial_protect(const struct initial_version *version, uint32_t number,
	const uint8_t *frames, size_t size, uint8_t *out)
{
	size_t length = 4 + size + 16, head = unhex(version->start, out);
	struct gcm_aes128_ctx packet;
	struct aes128_ctx header;
	uint8_t nonce[12], mask[16];

	out[head++] = (uint8_t)(0x40 | length >> 8);
	out[head++] = (uint8_t)length;
	memcpy(nonce, version->iv, 12);
	for (int i = 0; i < 4; i++) {
		out[head + (size_t)i] = (uint8_t)(number >> (24 - 8 * i));
		nonce[8 + i] ^= out[head + (size_t)i];
	}
	gcm_aes128_set_key(&packet, version->key);
	gcm_aes128_set_iv(&packet, 12, nonce);
	gcm_aes128_update(&packet, head + 4, out);
	gcm_aes128_encrypt(&packet, size, out + head + 4, frames);
	gcm_aes128_digest(&packet, 16, out + head + 4 + size);
	aes128_set_encrypt_key(&header, version->hp);
	aes128_encrypt(&header, 16, mask, out + head + 4);
	out[0] ^= mask[0] & 15;
	for (size_t i = 0; i < 4; i++)
		out[head + i] ^= mask[1 + i];
	return head + length;
}

#endif
