/*
 * Fuzz target of preprocess/pcapng.c: whatever stands in a segment, reading it ends, with frames
 * that can be read or a reason.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -I. … tests/fuzz/segment.c \
 *	    preprocess/pcapng.c spool/log.c
 *	./segment -max_len=65536 CORPUS      a corpus: small pcapng files
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preprocess/pcapng.h"

/* Touches every byte that a frame shows. */
static void use(const struct frame *frame)
{
	volatile uint8_t sum = 0;

	if (frame->time_ms > PCAPNG_TIME_MAX_MS)
		abort();
	for (uint32_t i = 0; i < frame->captured; i++)
		sum = (uint8_t)(sum + frame->bytes[i]);
}

static void read_all(struct pcapng *reader, const char *path, size_t size)
{
	struct frame frames[PCAPNG_BURST];
	int count;

	if (pcapng_open(reader, path, size, NULL) < 0)
		abort();
	while ((count = pcapng_burst(reader, frames)) > 0)
		for (int i = 0; i < count; i++)
			use(&frames[i]);
	if (count == -2 && !*pcapng_why(reader))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pcapng *reader = pcapng_new();
	int file = memfd_create("segment", 0);
	char path[64];

	if (file < 0 || write(file, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	read_all(reader, path, size);
	pcapng_free(reader);
	close(file);
	return 0;
}
