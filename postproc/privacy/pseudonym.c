/*
 * pseudonym.c: addresses and names under keys. Below the levels of privacy.c, and below the
 * retention, which stores what it makes here; nothing of it reads or writes a file.
 */
#include "postproc/privacy/pseudonym.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#define LETTERS 10 /* of 5 bits */

/* Without i, l, o and u: what is read aloud or typed from paper stays what it is. */
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

void pseudonym_period(enum privacy_rotate rotate, int64_t ms, char out[PSEUDONYM_PERIOD])
{
	static const char *const formats[] = {
		[ROTATE_NONE] = "all",
		[ROTATE_DAY] = "%Y-%m-%d",
		[ROTATE_WEEK] = "%G-W%V", /* ISO 8601 */
		[ROTATE_MONTH] = "%Y-%m",
		[ROTATE_YEAR] = "%Y",
	};
	time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(out, PSEUDONYM_PERIOD, formats[rotate], &tm))
		strcpy(out, "all");
}

/* ---- keys ---- */

static void derive(const uint8_t master[PSEUDONYM_MASTER], const char *use, const char *period,
	uint8_t out[SHA256_DIGEST_SIZE])
{
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, PSEUDONYM_MASTER, master);
	hmac_sha256_update(&hmac, strlen(use) + 1, (const uint8_t *)use);
	hmac_sha256_update(&hmac, strlen(period), (const uint8_t *)period);
	hmac_sha256_digest(&hmac, SHA256_DIGEST_SIZE, out);
}

void pseudonym_prefix_key(struct pseudonym_keys *keys, const uint8_t key[32])
{
	aes128_set_encrypt_key(&keys->prefix, key);
	aes128_encrypt(&keys->prefix, sizeof(keys->pad), keys->pad, key + 16);
}

void pseudonym_keys(struct pseudonym_keys *keys, const uint8_t master[PSEUDONYM_MASTER],
	const char *period)
{
	uint8_t key[SHA256_DIGEST_SIZE];

	derive(master, "mira host", period, key);
	hmac_sha256_set_key(&keys->host, sizeof(key), key);
	derive(master, "mira name", period, key);
	hmac_sha256_set_key(&keys->name, sizeof(key), key);
	derive(master, "mira prefix", period, key);
	pseudonym_prefix_key(keys, key);
	derive(master, "mira seal", period, key);
	aes256_set_encrypt_key(&keys->seal, key);
	aes256_set_decrypt_key(&keys->open, key);
	explicit_bzero(key, sizeof(key));
}

/* ---- hosts and names ---- */

/* The first LETTERS * 5 bits of the digest; it also makes HMAC ready for the next. */
static void put_letters(struct hmac_sha256_ctx *hmac, char kind, char out[PSEUDONYM_TEXT])
{
	uint8_t digest[8];
	uint64_t bits = 0;

	hmac_sha256_digest(hmac, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		bits = bits << 8 | digest[i];
	out[0] = kind;
	out[1] = '-';
	for (int i = 0; i < LETTERS; i++)
		out[2 + i] = alphabet[bits >> (64 - 5 * (i + 1)) & 31];
	out[2 + LETTERS] = '\0';
}

static size_t address_bytes(uint8_t version)
{
	return version == 4 ? 4 : 16;
}

void pseudonym_host(struct pseudonym_keys *keys, uint8_t version, const uint8_t address[16],
	char out[PSEUDONYM_TEXT])
{
	hmac_sha256_update(&keys->host, address_bytes(version), address);
	put_letters(&keys->host, 'h', out);
}

void pseudonym_name(struct pseudonym_keys *keys, const char *name, char out[PSEUDONYM_TEXT])
{
	for (; *name; name++) {
		uint8_t byte = (uint8_t)tolower((unsigned char)*name);

		hmac_sha256_update(&keys->name, 1, &byte);
	}
	put_letters(&keys->name, 'n', out);
}

bool pseudonym_is(const char *text)
{
	return (text[0] == 'h' || text[0] == 'n') && text[1] == '-' &&
	       strspn(text + 2, alphabet) == LETTERS && !text[2 + LETTERS];
}

/* ---- addresses that keep their prefixes ---- */

/*
 * Bit I of the result is bit I of the address, turned over when AES says so of the I bits before it,
 * filled up from the pad.
 */
void pseudonym_prefix(const struct pseudonym_keys *keys, uint8_t version, const uint8_t address[16],
	uint8_t out[16])
{
	size_t bytes = address_bytes(version);
	uint8_t block[16], digest[16];

	memcpy(block, keys->pad, sizeof(block));
	memset(out, 0, 16);
	for (size_t i = 0; i < bytes * 8; i++) {
		uint8_t bit = (uint8_t)(0x80 >> i % 8);

		aes128_encrypt(&keys->prefix, sizeof(block), digest, block);
		if ((address[i / 8] & bit) ^ (digest[0] & 0x80 ? bit : 0))
			out[i / 8] |= bit;
		block[i / 8] = (uint8_t)((block[i / 8] & ~bit) | (address[i / 8] & bit));
	}
}

/* ---- sealed addresses ---- */

void pseudonym_seal(const struct pseudonym_keys *keys, const uint8_t address[16],
	uint8_t out[PSEUDONYM_SEALED])
{
	aes256_encrypt(&keys->seal, PSEUDONYM_SEALED, out, address);
}

void pseudonym_open(const struct pseudonym_keys *keys, const uint8_t sealed[PSEUDONYM_SEALED],
	uint8_t out[16])
{
	aes256_decrypt(&keys->open, PSEUDONYM_SEALED, out, sealed);
}
