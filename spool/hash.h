/*
 * hash.h: the checksum of segments and rules: XXH3, 128 bits, as 32 hex digits of its canonical
 * form (as xxhsum -H2 prints it). It finds damage, it is no protection against forgery.
 *
 * A writer that checks as it writes: XXH3_128bits_reset(), XXH3_128bits_update() …,
 * hash_hex(XXH3_128bits_digest()).
 */
#ifndef SPOOL_HASH_H
#define SPOOL_HASH_H

#include <stdbool.h>
#include <stdint.h>
#include <xxhash.h>
#ifdef __x86_64__
#include <xxh_x86dispatch.h> /* what this processor has, which is twice as fast as what all have */
#endif

#define HASH_HEX 32

/* hash_is_hex(): is TEXT 32 hex digits and nothing else? */
bool hash_is_hex(const char *text);
void hash_hex(XXH128_hash_t hash, char hex[HASH_HEX + 1]);
/* hash_bytes(): of SIZE bytes at DATA. */
void hash_bytes(const void *data, size_t size, char hex[HASH_HEX + 1]);
/* hash_file(): of the first LIMIT bytes of PATH (UINT64_MAX: all); *BYTES gets how many there were.
 * -1 with errno. */
int hash_file(const char *path, uint64_t limit, uint64_t *bytes, char hex[HASH_HEX + 1]);

#endif
