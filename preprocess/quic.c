/*
 * quic.c: opens QUIC Initial packets. Behind decode; what comes out is a ClientHello (tls.c), in
 * pieces that hello.c puts together.
 */
#include "preprocess/quic.h"

#include <nettle/aes.h>
#include <nettle/gcm.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <string.h>
#include "preprocess/cursor.h"

#define PACKET_MAX 4096 /* of an Initial; they fill a datagram of 1200 to 1500 bytes */
#define PACKETS	   4	/* Initials of one datagram that are opened */

enum { KEY = 16, IV = 12, TAG = 16, SAMPLE = 16, HASH = 32 };

/* How long the salts were used; drafts are 0xff000000 plus their number. */
static const struct version {
	uint32_t first, last;
	bool nibbles;	 /* both connection ids' lengths in one byte, up to draft 21 */
	uint8_t initial; /* packet type */
	const char *label;
	uint8_t salt[20];
} versions[] = {
	/* RFC 9001, 5.2; drafts 33 and 34 of it had this salt, too. */
	{1, 1, false, 0, "quic",
		"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"},
	{0xff000021, 0xff000022, false, 0, "quic",
		"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"},
	/* RFC 9369, 3.2, 3.3 */
	{0x6b3343cf, 0x6b3343cf, false, 1, "quicv2",
		"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9"},
	/* draft-ietf-quic-tls-29 to -32, 5.2 */
	{0xff00001d, 0xff000020, false, 0, "quic",
		"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99"},
	/* -23 to -28; mvfst */
	{0xff000017, 0xff00001c, false, 0, "quic",
		"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02"},
	{0xfaceb002, 0xfaceb00e, false, 0, "quic",
		"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02"},
	/* -22, -21; mvfst */
	{0xff000016, 0xff000016, false, 0, "quic",
		"\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a"},
	{0xfaceb001, 0xfaceb001, false, 0, "quic",
		"\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a"},
	{0xff000015, 0xff000015, true, 0, "quic",
		"\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a"},
	/* -17 to -20 */
	{0xff000011, 0xff000014, true, 0, "quic",
		"\xef\x4f\xb0\xab\xb4\x74\x70\xc4\x1b\xef\xcf\x80\x31\x33\x4f\xae\x48\x5e\x09\xa0"},
	/* "T050", "T051": Chromium, net/third_party/quic, crypto_utils.cc */
	{0x54303530, 0x54303530, false, 0, "quic",
		"\x7f\xf5\x79\xe5\xac\xd0\x72\x91\x55\x80\x30\x4c\x43\xa2\x36\x7c\x60\x48\x83\x10"},
	{0x54303531, 0x54303531, false, 0, "quic",
		"\x7a\x4e\xde\xf4\xe7\xcc\xee\x5f\xa4\x50\x6c\x19\x12\x4f\xc8\xcc\xda\x6e\x03\x3d"},
};

struct keys {
	struct gcm_aes128_ctx packet;
	struct aes128_ctx header;
	uint8_t iv[IV];
};

/* A long header, RFC 9000, 17.2. */
struct header {
	const struct version *version;
	const uint8_t *start;
	uint8_t type;
	struct quic_cid cid; /* destination */
	struct cursor body;  /* packet number and payload, as far as they were captured */
	bool whole;
};

/* ---- headers ---- */

static const struct version *version_of(uint32_t number)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		if (number >= versions[i].first && number <= versions[i].last)
			return &versions[i];
	return NULL;
}

/* take_varint(): RFC 9000, 16. */
static bool take_varint(struct cursor *cursor, uint64_t *value)
{
	const uint8_t *first = cursor_take(cursor, 1), *rest;
	unsigned more;

	if (!first)
		return false;
	more = (1u << (*first >> 6)) - 1;
	rest = cursor_take(cursor, more);
	if (!rest)
		return false;
	*value = *first & 63;
	for (unsigned i = 0; i < more; i++)
		*value = *value << 8 | rest[i];
	return true;
}

/* skip(): SIZE bytes that a sender claims. */
static bool skip(struct cursor *cursor, uint64_t size)
{
	return size <= cursor_left(cursor) && cursor_take(cursor, (size_t)size);
}

static bool take_cid(struct cursor *cursor, size_t size, struct quic_cid *cid)
{
	const uint8_t *bytes = size <= QUIC_CID_MAX ? cursor_take(cursor, size) : NULL;

	if (!bytes)
		return false;
	memcpy(cid->bytes, bytes, size);
	cid->size = (uint8_t)size;
	return true;
}

/* Both ids; up to draft 21 their lengths stand in one byte before them, less 3. */
static bool take_cids(struct cursor *cursor, bool nibbles, struct quic_cid *cid)
{
	const uint8_t *length = cursor_take(cursor, 1);
	unsigned to, from;

	if (!length)
		return false;
	if (!nibbles)
		return take_cid(cursor, *length, cid) && (length = cursor_take(cursor, 1)) &&
		       cursor_take(cursor, *length);
	to = *length >> 4;
	from = *length & 15;
	return take_cid(cursor, to ? to + 3 : 0, cid) && cursor_take(cursor, from ? from + 3 : 0);
}

/* take_header(): a packet with a long header and a length; steps CURSOR to the next one. */
static bool take_header(struct cursor *cursor, struct header *header)
{
	const uint8_t *start = cursor_take(cursor, 5);
	uint64_t token, length;

	if (!start || !(start[0] & 0x80) || !(header->version = version_of(get32(start + 1))) ||
		!take_cids(cursor, header->version->nibbles, &header->cid))
		return false;
	header->start = start;
	header->type = start[0] >> 4 & 3;
	if (header->type == header->version->initial &&
		(!take_varint(cursor, &token) || !skip(cursor, token)))
		return false;
	/* A Retry has neither a length nor anything behind it (RFC 9000, 17.2.5; RFC 9369, 3.2). */
	if (header->type == (header->version->initial + 3) % 4 || !take_varint(cursor, &length))
		return false;
	header->body = *cursor;
	header->whole = length <= cursor_left(cursor);
	if (header->whole)
		header->body.end = header->body.at + length;
	cursor->at = header->body.end;
	return true;
}

bool quic_initial(const uint8_t *payload, size_t size, struct quic_cid *cid)
{
	struct cursor cursor = {.at = payload, .end = payload + size};
	struct header header;

	if (!size || !(payload[0] & 0x80) || !take_header(&cursor, &header) ||
		header.type != header.version->initial)
		return false;
	*cid = header.cid;
	return true;
}

/* ---- keys: RFC 9001, 5.1, 5.2; RFC 8446, 7.1 ---- */

static void expand(struct hmac_sha256_ctx *secret, const char *prefix, const char *label,
	size_t size, uint8_t *out)
{
	uint8_t info[32] = {0, (uint8_t)size};
	size_t prefixed = strlen(prefix), labelled = strlen(label), length = 0;

	info[2] = (uint8_t)(6 + prefixed + labelled);
	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, prefix, prefixed);
	memcpy(info + 9 + prefixed, label, labelled);
	length = 9 + prefixed + labelled + 1; /* an empty context: one byte, 0 */
	hkdf_expand(secret, (nettle_hash_update_func *)hmac_sha256_update,
		(nettle_hash_digest_func *)hmac_sha256_digest, HASH, length, info, size, out);
}

static void make_keys(const struct version *version, const struct quic_cid *cid, struct keys *keys)
{
	uint8_t initial[HASH], client[HASH], key[KEY];
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, sizeof(version->salt), version->salt);
	hkdf_extract(&hmac, (nettle_hash_update_func *)hmac_sha256_update,
		(nettle_hash_digest_func *)hmac_sha256_digest, HASH, cid->size, cid->bytes,
		initial);
	hmac_sha256_set_key(&hmac, HASH, initial);
	expand(&hmac, "", "client in", HASH, client);
	hmac_sha256_set_key(&hmac, HASH, client);
	expand(&hmac, version->label, " key", KEY, key);
	gcm_aes128_set_key(&keys->packet, key);
	expand(&hmac, version->label, " iv", IV, keys->iv);
	expand(&hmac, version->label, " hp", KEY, key);
	aes128_set_encrypt_key(&keys->header, key);
}

/* ---- packets ---- */

/*
 * open_packet(): RFC 9001, 5.4 and 5.3. The first Initials have small packet numbers, so the bytes
 * that were sent of one are all of it. Returns the frames' length in OUT, 0 when it is not CID's.
 */
static size_t open_packet(const struct header *header, struct keys *keys, uint8_t *out)
{
	const uint8_t *number = header->body.at, *sample = cursor_peek(&header->body, 4 + SAMPLE);
	size_t before = (size_t)(number - header->start), left = cursor_left(&header->body);
	uint8_t head[PACKET_MAX], mask[SAMPLE], nonce[IV], tag[TAG];
	size_t bytes, size;

	if (!sample || before + 4 > sizeof(head) || left > PACKET_MAX)
		return 0;
	aes128_encrypt(&keys->header, SAMPLE, mask, sample + 4);
	memcpy(head, header->start, before + 4);
	head[0] ^= mask[0] & 0x0f;
	bytes = (head[0] & 3) + 1u;
	memcpy(nonce, keys->iv, IV);
	for (size_t i = 0; i < bytes; i++) {
		head[before + i] ^= mask[1 + i];
		nonce[IV - bytes + i] ^= head[before + i];
	}
	size = left - bytes - (header->whole ? TAG : 0);
	gcm_aes128_set_iv(&keys->packet, IV, nonce);
	gcm_aes128_update(&keys->packet, before + bytes, head);
	gcm_aes128_decrypt(&keys->packet, size, out, number + bytes);
	gcm_aes128_digest(&keys->packet, TAG, tag);
	return header->whole && memcmp(tag, number + bytes + size, TAG) != 0 ? 0 : size;
}

/* ---- frames: RFC 9000, 19; those that an Initial may hold (12.4) ---- */

enum { PADDING = 0, PING = 1, ACK = 2, ACK_ECN = 3, CRYPTO = 6 };

static bool skip_ack(struct cursor *cursor, bool ecn)
{
	uint64_t number, ranges;

	if (!take_varint(cursor, &number) || !take_varint(cursor, &number) ||
		!take_varint(cursor, &ranges) || !take_varint(cursor, &number))
		return false;
	for (; ranges; ranges--)
		if (!take_varint(cursor, &number) || !take_varint(cursor, &number))
			return false;
	for (int i = 0; ecn && i < 3; i++)
		if (!take_varint(cursor, &number))
			return false;
	return true;
}

/* What a frame claims beyond the end is cut off: the packet may have been. */
static bool take_crypto(struct cursor *cursor,
	void (*take)(void *own, uint64_t offset, const uint8_t *bytes, size_t size), void *own)
{
	uint64_t offset, length;

	if (!take_varint(cursor, &offset) || !take_varint(cursor, &length))
		return false;
	if (length > cursor_left(cursor))
		length = cursor_left(cursor);
	take(own, offset, cursor->at, (size_t)length);
	return skip(cursor, length);
}

static void read_frames(struct cursor cursor,
	void (*take)(void *own, uint64_t offset, const uint8_t *bytes, size_t size), void *own)
{
	const uint8_t *type;
	bool known = true;

	while (known && (type = cursor_take(&cursor, 1)))
		switch (*type) {
		case PADDING:
		case PING: break;
		case ACK:
		case ACK_ECN: known = skip_ack(&cursor, *type == ACK_ECN); break;
		case CRYPTO: known = take_crypto(&cursor, take, own); break;
		default: known = false;
		}
}

unsigned quic_open(const uint8_t *payload, size_t size, const struct quic_cid *cid,
	void (*take)(void *own, uint64_t offset, const uint8_t *bytes, size_t length), void *own)
{
	struct cursor cursor = {.at = payload, .end = payload + size};
	const struct version *version = NULL;
	uint8_t frames[PACKET_MAX];
	struct header header;
	struct keys keys;
	unsigned opened = 0;

	for (unsigned i = 0; i < PACKETS && take_header(&cursor, &header); i++) {
		size_t length;
		if (header.type != header.version->initial)
			continue;
		if (header.version != version)
			make_keys(header.version, cid, &keys);
		version = header.version;
		length = open_packet(&header, &keys, frames);
		if (!length)
			continue;
		read_frames((struct cursor){.at = frames, .end = frames + length}, take, own);
		opened++;
	}
	return opened;
}
