/*
 * Fuzz target of preprocess/quic.c: whatever a datagram holds, what comes out of it lies inside of
 * what was decrypted. Nobody guesses a tag, so each input is tried twice: as it is, and behind the
 * head of a packet that was cut off, which is decrypted without.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -I. … tests/fuzz/quic.c preprocess/quic.c \
 *	    -lnettle
 *	./quic -max_len=1500
 */
#include <stdlib.h>
#include <string.h>

#include "preprocess/quic.h"

static void take(void *own, uint64_t offset, const uint8_t *bytes, size_t size)
{
	volatile uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	*(size_t *)own += size;
}

static void open_all(const uint8_t *data, size_t size)
{
	struct quic_cid cid;
	size_t taken = 0;

	if (!quic_initial(data, size, &cid))
		return;
	if (cid.size > QUIC_CID_MAX)
		abort();
	quic_open(data, size, &cid, take, &taken);
	if (taken > size)
		abort();
}

/* A head of RFC 9001, A.2, with a length that no datagram has, before the input. */
static void open_cut(const uint8_t *data, size_t size)
{
	static const uint8_t head[] = {0xc0, 0, 0, 0, 1, 8, 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51,
		0x57, 0x08, 0, 0, 0x7f, 0xff};
	uint8_t *packet = malloc(sizeof(head) + size);

	memcpy(packet, head, sizeof(head));
	if (size)
		memcpy(packet + sizeof(head), data, size);
	open_all(packet, sizeof(head) + size);
	free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	open_all(data, size);
	open_cut(data, size);
	return 0;
}
