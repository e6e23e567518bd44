/*
 * sample.c: the payloads that symptoms are tried on (cost.h): a built-in mixture, or those of a
 * capture.
 */
#include <byteswap.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "preprocess/cost.h"
#include "preprocess/decode.h"
#include "preprocess/pcapng.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define MADE_PACKETS 192
#define MADE_BYTES   1400

static void add(struct sample *sample, const uint8_t *bytes, size_t size)
{
	if (!size || sample->size + size > SAMPLE_BYTES)
		return;
	if (sample->size + size > sample->bytes_room) {
		sample->bytes_room = (sample->size + size) * 2;
		sample->bytes = x_realloc(sample->bytes, sample->bytes_room);
	}
	if (sample->count == sample->room) {
		sample->room = sample->room ? sample->room * 2 : 256;
		sample->ends = x_realloc(sample->ends, sample->room * sizeof(*sample->ends));
	}
	memcpy(sample->bytes + sample->size, bytes, size);
	sample->size += size;
	sample->ends[sample->count++] = sample->size;
}

void sample_free(struct sample *sample)
{
	free(sample->bytes);
	free(sample->ends);
}

/* ---- made ---- */

/* xorshift, 64 bits: the same bytes each time. */
static uint64_t chance(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void fill_text(uint8_t *out, uint64_t *state)
{
	static const char *const words[] = {"GET /", "index.html", " HTTP/1.1\r\n",
		"Host: ", "www.", "example", ".org\r\n",
		"User-Agent: ", "Content-Type: text/html\r\n", "Accept: */*\r\n", "<div class=\"",
		"the ", "of ", "and ", "0123456789", "&amp;", "\r\n\r\n", "HELO ", "200 OK",
		"{\"id\": "};
	size_t at = 0;

	while (at < MADE_BYTES) {
		const char *word = words[chance(state) % (sizeof(words) / sizeof(*words))];
		size_t size = strlen(word);
		size = size < MADE_BYTES - at ? size : MADE_BYTES - at;
		memcpy(out + at, word, size);
		at += size;
	}
}

/* Records of small numbers and zero bytes, as binary protocols have them. */
static void fill_records(uint8_t *out, uint64_t *state)
{
	for (size_t at = 0; at < MADE_BYTES; at++)
		out[at] = chance(state) % 3 ? 0 : (uint8_t)(chance(state) % 32);
}

static void fill_chance(uint8_t *out, uint64_t *state)
{
	for (size_t at = 0; at < MADE_BYTES; at++)
		out[at] = (uint8_t)(chance(state) >> 32);
}

void sample_make(struct sample *sample)
{
	static void (*const fill[])(uint8_t * out, uint64_t * state) = {fill_text, fill_records,
		fill_chance};
	uint64_t state = 0x9e3779b97f4a7c15;
	uint8_t packet[MADE_BYTES];

	*sample = (struct sample){.name = "a built-in sample"};
	for (size_t i = 0; i < MADE_PACKETS; i++) {
		fill[i % 3](packet, &state);
		add(sample, packet, sizeof(packet));
	}
}

/* ---- of a capture ---- */

static void add_frame(struct sample *sample, uint32_t linktype, const uint8_t *bytes,
	uint32_t captured, uint32_t length)
{
	struct packet packet;

	decode_packet(linktype, bytes, captured, length, &packet);
	if (packet.kind == PACKET_IP && packet.payload)
		add(sample, packet.payload, packet.payload_size);
}

/* read_pcap(): the classic format: a header of 24 bytes, each packet behind one of 16. */
static void read_pcap(struct sample *sample, const uint8_t *at, const uint8_t *end, bool swapped)
{
	uint32_t head[6];

	memcpy(head, at, sizeof(head));
	for (at += sizeof(head); end - at >= 16;) {
		uint32_t record[4], captured, linktype = swapped ? bswap_32(head[5]) : head[5];
		memcpy(record, at, sizeof(record));
		captured = swapped ? bswap_32(record[2]) : record[2];
		at += sizeof(record);
		if (captured > (size_t)(end - at))
			return;
		add_frame(sample, linktype & 0xffff, at, captured,
			swapped ? bswap_32(record[3]) : record[3]);
		at += captured;
	}
}

/* A capture that is damaged further on is a sample up to there. */
static void read_pcapng(struct sample *sample, const char *path, uint64_t size)
{
	struct pcapng *reader = pcapng_new();
	struct frame frames[PCAPNG_BURST];
	int count = pcapng_open(reader, path, size, NULL);

	while (count >= 0 && (count = pcapng_burst(reader, frames)) > 0)
		for (int i = 0; i < count; i++)
			add_frame(sample, frames[i].linktype, frames[i].bytes, frames[i].captured,
				frames[i].length);
	pcapng_free(reader);
}

/* magic(): of classic pcap with times in micro- or nanoseconds; -1: none, 1: the other byte order. */
static int magic(const char *text, size_t size)
{
	static const uint32_t known[] = {0xa1b2c3d4, 0xa1b23c4d};
	uint32_t first = 0;

	if (size < 24)
		return -1;
	memcpy(&first, text, sizeof(first));
	for (size_t i = 0; i < 2; i++)
		if (first == known[i] || first == bswap_32(known[i]))
			return first != known[i];
	return -1;
}

int sample_read(struct sample *sample, const char *path)
{
	size_t size = 0;
	char *text = nfs_read_file(path, &size);
	int order;

	*sample = (struct sample){0};
	snprintf(sample->name, sizeof(sample->name), "%s", path);
	if (!text) {
		log_err("cannot read the capture %s: %s", path, strerror(errno));
		return MIRA_PERSON;
	}
	order = magic(text, size);
	if (order >= 0)
		read_pcap(sample, (const uint8_t *)text, (const uint8_t *)text + size, order == 1);
	else
		read_pcapng(sample, path, size);
	free(text);
	if (sample->count)
		return 0;
	log_err("%s holds no payload of an IP packet; name an uncompressed capture, pcapng or pcap",
		path);
	return MIRA_PERSON;
}
