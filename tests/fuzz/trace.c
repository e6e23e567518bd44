/*
 * Fuzz target of capture/reader.c, pcap.c, pcapng.c: whatever the bytes are, reading them ends,
 * with packets or a place of damage.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined … tests/fuzz/trace.c \
 *	    capture/{feed,reader,pcap,pcapng}.c spool/{log,linktype}.c
 *	./trace -max_len=65536 CORPUS      a corpus: small captures of any kind
 */
#include <stdlib.h>
#include <string.h>

#include "capture/reader.h"

struct bytes {
	const uint8_t *data;
	size_t left;
};

/* In pieces of changing size, so that records lie across the window's end in every way. */
static ssize_t give(void *context, void *buffer, size_t size, char *why)
{
	struct bytes *bytes = context;
	size_t piece = 1 + bytes->left % 4093;

	size = size < piece ? size : piece;
	size = size < bytes->left ? size : bytes->left;
	memcpy(buffer, bytes->data, size);
	bytes->data += size;
	bytes->left -= size;
	return (ssize_t)size;
}

/* Touches every byte that a packet shows. */
static void use(const struct packet *packet)
{
	volatile uint8_t sum = 0;

	if (packet->caplen > READER_PACKET_MAX || packet->time_ns > INT64_MAX)
		abort();
	for (uint32_t i = 0; i < packet->caplen; i++)
		sum = (uint8_t)(sum + packet->data[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = {data, size};
	struct reader *reader;
	struct packet packet;
	struct feed feed;
	char why[FEED_WHY];
	int result = 0;

	feed_init(&feed, give, &bytes);
	reader = reader_open(&feed, why);
	while (reader && (result = reader_next(reader, &packet)) == 1)
		use(&packet);
	if (reader && result == -2 && !*reader_why(reader))
		abort();
	reader_close(reader);
	feed_free(&feed);
	return 0;
}
