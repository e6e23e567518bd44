/*
 * Fuzz target of preprocess/quic.c: whatever a datagram holds, what comes out of it lies inside of
 * what was decrypted. Nobody guesses a tag, so each input is tried twice: as it is, and protected
 * as the frames of a packet.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -I. … tests/fuzz/quic.c preprocess/quic.c \
 *	    -lnettle
 *	./quic -max_len=1500
 */
#include <stdlib.h>

#include "preprocess/quic.h"
#include "tests/unit/initials.h"

#define FRAMES_MAX 1400

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

/* The input as the frames of a packet, so that they are reached behind the encryption. */
static void open_frames(const uint8_t *data, size_t size)
{
	uint8_t packet[FRAMES_MAX + 64];

	if (size >= 4 && size <= FRAMES_MAX)
		open_all(packet, initial_protect(&initial_v1, 0, data, size, packet));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	open_all(data, size);
	open_frames(data, size);
	return 0;
}
