/*
 * hash.c: checksums of what is handed over. The writer of a batch lists them in its manifest, each
 * reader checks them before it believes a byte.
 */
#include "spool/hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/nfs.h"

#define READ_BYTES (64u << 10) /* less than what malloc asks of the kernel each time, and clears */

bool hash_is_hex(const char *text)
{
	return strspn(text, "0123456789abcdef") == HASH_HEX && text[HASH_HEX] == '\0';
}

void hash_hex(XXH128_hash_t hash, char hex[HASH_HEX + 1])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, hash);
	for (size_t i = 0; i < sizeof(canonical.digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", canonical.digest[i]);
}

void hash_bytes(const void *data, size_t size, char hex[HASH_HEX + 1])
{
	hash_hex(XXH3_128bits(data, size), hex);
}

static int hash_open_file(int fd, uint64_t limit, uint64_t *bytes, XXH3_state_t *state)
{
	char *buffer = x_calloc(1, READ_BYTES);
	ssize_t got = 1;

	for (*bytes = 0; *bytes < limit; *bytes += (uint64_t)got) {
		uint64_t left = limit - *bytes;

		got = read(fd, buffer, left < READ_BYTES ? (size_t)left : READ_BYTES);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			break;
		XXH3_128bits_update(state, buffer, (size_t)got);
	}
	free(buffer);
	return got < 0 ? -1 : 0;
}

int hash_file(const char *path, uint64_t limit, uint64_t *bytes, char hex[HASH_HEX + 1])
{
	int fd = nfs_open_file(path), result, saved;
	XXH3_state_t *state;

	if (fd < 0)
		return -1;
	state = XXH3_createState();
	if (!state)
		die(MIRA_AGAIN, "out of memory for a checksum");
	XXH3_128bits_reset(state);
	result = hash_open_file(fd, limit, bytes, state);
	saved = errno;
	hash_hex(XXH3_128bits_digest(state), hex);
	XXH3_freeState(state);
	close(fd);
	errno = saved;
	return result;
}
