/* traceid.c: ids of runs; shared by the capture, which names runs by them, and `mira run`, which knows an audit by them. */
#include "spool/traceid.h"

#include <nettle/sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/log.h"

#define MIB (1 << 20)

static void to_hex(const uint8_t *bytes, char hex[RUN_HEX + 1])
{
	for (int i = 0; i < RUN_HEX / 2; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

static void finish(struct sha256_ctx *hash, char hex[RUN_HEX + 1])
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(hash, sizeof(digest), digest);
	to_hex(digest, hex);
}

/* Hashes up to one MiB of FD from OFFSET. */
static int hash_part(struct sha256_ctx *hash, int fd, off_t offset, uint8_t *buffer)
{
	size_t have = 0;

	while (have < MIB) {
		ssize_t got = pread(fd, buffer + have, MIB - have, offset + (off_t)have);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	sha256_update(hash, have, buffer);
	return 0;
}

int trace_id(int fd, char hex[RUN_HEX + 1])
{
	struct sha256_ctx hash;
	struct stat status;
	uint8_t size[8], *buffer;
	int result;

	if (fstat(fd, &status))
		return -1;
	for (int i = 0; i < 8; i++)
		size[i] = (uint8_t)((uint64_t)status.st_size >> (56 - 8 * i));
	buffer = x_calloc(1, MIB);
	sha256_init(&hash);
	sha256_update(&hash, sizeof(size), size);
	result = hash_part(&hash, fd, 0, buffer);
	if (!result)
		result = hash_part(&hash, fd, status.st_size > MIB ? status.st_size - MIB : 0,
			buffer);
	free(buffer);
	if (!result)
		finish(&hash, hex);
	return result;
}

void trace_id_member(const char *archive, const char *name, char hex[RUN_HEX + 1])
{
	struct sha256_ctx hash;

	sha256_init(&hash);
	sha256_update(&hash, strlen(archive) + 1, (const uint8_t *)archive);
	sha256_update(&hash, strlen(name), (const uint8_t *)name);
	finish(&hash, hex);
}

void trace_id_random(char hex[RUN_HEX + 1])
{
	uint8_t bytes[RUN_HEX / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		die(MIRA_AGAIN, "no random numbers from the kernel: %m");
	to_hex(bytes, hex);
}
