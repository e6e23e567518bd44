/*
 * extract.c: two passes over a batch (extract.h): the first decodes and notes which packets are kept, the second copies their
 * blocks. Between the queue of packets and the packet log.
 */
#include "preprocess/extract.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preprocess/fragment.h"
#include "preprocess/pcapng.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define BLOCK_MAX	 (64u << 20) /* as in pcapng.c, which has read the file before */
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define PACKET_HEAD	 28
#define SECTION_HEAD	 28
#define WHY		 256

enum block { BLOCK_INTERFACE = 1, BLOCK_PACKET = 6, BLOCK_SECTION = 0x0a0d0d0a };

struct extractor {
	const struct spool *spool;
	struct wanted *wanted; /* of the batch at hand */
	struct pcapng *reader;
	struct fragments *fragments;
	bool *keep; /* by the packet's place in the batch */
	size_t count, room;
	uint64_t kept;
	uint8_t *block;
	size_t block_room;
};

/* ---- which ---- */

/* A packet, or a fragment that waits for the first one of its datagram. */
struct noted {
	struct flowkey key;
	uint64_t time_ms;
	size_t index;
};

static void judge(struct extractor *extractor, const struct noted *noted)
{
	struct wanted_biflow *biflow = wanted_find(extractor->wanted,
		window_of(extractor->spool, noted->time_ms), &noted->key);

	if (!biflow)
		return;
	biflow->kept++;
	extractor->keep[noted->index] = true;
	extractor->kept++;
}

static void set_ports(struct noted *noted, const struct fragment *first)
{
	noted->key.proto = first->transport;
	noted->key.sport = first->sport;
	noted->key.dport = first->dport;
}

static int judge_fragment(void *own, void *record, const struct fragment *first)
{
	struct noted *noted = record;

	if (first)
		set_ports(noted, first);
	judge(own, noted);
	return 0;
}

/* 1: its ports are known; 0: it waits, and is judged later; -1 errno. */
static int take_fragments(struct extractor *extractor, struct packet *packet, struct noted *noted)
{
	int result = 1;

	for (unsigned i = 0; i < packet->fragment_count && result == 1; i++) {
		struct fragment *fragment = &packet->fragments[i];

		if (fragment->later)
			result = fragments_later(extractor->fragments, fragment, noted->time_ms,
				noted);
		else if (fragments_first(extractor->fragments, fragment, noted->time_ms) < 0)
			result = -1;
		if (fragment->later && result == 1)
			set_ports(noted, fragment);
	}
	return result;
}

static int look_at(struct extractor *extractor, const struct frame *frame)
{
	struct packet packet;
	struct noted noted = {.time_ms = frame->time_ms, .index = extractor->count};
	int result;

	if (extractor->count == extractor->room) {
		extractor->room = extractor->room ? 2 * extractor->room : 65536;
		extractor->keep =
			x_realloc(extractor->keep, extractor->room * sizeof(*extractor->keep));
	}
	extractor->keep[extractor->count++] = false;
	decode_packet(frame->linktype, frame->bytes, frame->captured, frame->length, &packet);
	if (packet.kind != PACKET_IP)
		return 0;
	noted.key = packet.key;
	result = take_fragments(extractor, &packet, &noted);
	if (result == 1)
		judge(extractor, &noted);
	return result < 0 ? -1 : 0;
}

static int look_into(struct extractor *extractor, const struct batch *batch,
	const struct segment *segment, char *why)
{
	struct frame frames[PCAPNG_BURST];
	char path[PATH_MAX];
	int count = nfs_join(path, batch->path, segment->name);

	if (count == 0)
		count = pcapng_open(extractor->reader, path, segment->bytes, segment->xxh128);
	if (count < 0)
		return count;
	while ((count = pcapng_burst(extractor->reader, frames)) > 0)
		for (int i = 0; i < count; i++)
			if (look_at(extractor, &frames[i]) < 0)
				return -1;
	if (count == -2)
		snprintf(why, WHY, "%s %s", segment->name, pcapng_why(extractor->reader));
	return count;
}

static int look_at_all(struct extractor *extractor, const struct batch *batch, char *why)
{
	int result = 0;

	extractor->count = 0;
	extractor->kept = 0;
	fragments_clear(extractor->fragments);
	for (size_t i = 0; i < wanted_count(extractor->wanted); i++)
		wanted_at(extractor->wanted, i)->kept = 0;
	for (size_t i = 0; i < batch->manifest.segment_count && result == 0; i++) {
		result = look_into(extractor, batch, &batch->manifest.segments[i], why);
		pcapng_close(extractor->reader);
	}
	return result == 0 ? fragments_flush(extractor->fragments) : result;
}

/* ---- copying ---- */

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* The next block: its length; 0 at the end; -1 errno, EBADMSG for what is no block. */
static int64_t read_block(struct extractor *extractor, FILE *in)
{
	uint8_t head[8];
	uint32_t length;
	size_t got = fread(head, 1, sizeof(head), in);

	if (got == 0 && feof(in))
		return 0;
	length = get32(head + 4);
	if (got < sizeof(head) || length < 12 || length % 4 || length > BLOCK_MAX) {
		errno = ferror(in) ? EIO : EBADMSG;
		return -1;
	}
	if (length > extractor->block_room) {
		extractor->block_room = length;
		extractor->block = x_realloc(extractor->block, length);
	}
	memcpy(extractor->block, head, sizeof(head));
	if (fread(extractor->block + 8, 1, length - 8, in) == length - 8)
		return length;
	errno = ferror(in) ? EIO : EBADMSG;
	return -1;
}

/* Cuts the packet block down to SNAPLEN bytes of packet; its options stay. The new length of the block. */
static uint32_t cut(uint8_t *block, uint32_t length, uint32_t snaplen)
{
	uint32_t captured = length < PACKET_HEAD + 4 ? 0 : get32(block + 20);
	uint32_t had = (captured + 3) & ~3u, has = (snaplen + 3) & ~3u, options;

	if (captured <= snaplen || captured > length - PACKET_HEAD - 4)
		return length;
	options = length - PACKET_HEAD - 4 - had;
	memset(block + PACKET_HEAD + snaplen, 0, has - snaplen);
	memmove(block + PACKET_HEAD + has, block + PACKET_HEAD + had, options);
	memcpy(block + 20, &snaplen, 4);
	length = PACKET_HEAD + has + options + 4;
	memcpy(block + 4, &length, 4);
	memcpy(block + length - 4, &length, 4);
	return length;
}

/* What is written of a block: its length, or 0: it is left out. */
static uint32_t chosen(struct extractor *extractor, uint32_t length, size_t *index,
	uint32_t snaplen)
{
	switch (get32(extractor->block)) {
	case BLOCK_SECTION:
		if (length >= SECTION_HEAD) /* its length is not that of the segment any more */
			memset(extractor->block + 16, 0xff, 8);
		return length;
	case BLOCK_INTERFACE: return length;
	case BLOCK_PACKET:
		if (*index < extractor->count && extractor->keep[(*index)++])
			return cut(extractor->block, length, snaplen);
	}
	return 0;
}

static int copy_blocks(struct extractor *extractor, FILE *in, FILE *out, size_t *index,
	uint32_t snaplen)
{
	int64_t length;

	while ((length = read_block(extractor, in)) > 0) {
		uint32_t size = chosen(extractor, (uint32_t)length, index, snaplen);

		if (get32(extractor->block) == BLOCK_SECTION &&
			get32(extractor->block + 8) != BYTE_ORDER_MAGIC) {
			errno = EBADMSG; /* of a capture on another kind of machine */
			return -1;
		}
		if (fwrite(extractor->block, 1, size, out) != size)
			return -1;
	}
	return (int)length;
}

static int copy_file(struct extractor *extractor, const char *path, FILE *out, size_t *index,
	uint32_t snaplen)
{
	FILE *in = fopen(path, "re");
	int result, error;

	if (!in)
		return -1;
	result = copy_blocks(extractor, in, out, index, snaplen);
	error = errno;
	fclose(in);
	errno = error;
	return result;
}

static int copy_all(struct extractor *extractor, const struct batch *batch, uint32_t snaplen,
	FILE *out)
{
	char path[PATH_MAX];
	size_t index = 0;
	int result = 0;

	for (size_t i = 0; i < batch->manifest.segment_count && result == 0; i++) {
		result = nfs_join(path, batch->path, batch->manifest.segments[i].name);
		if (result == 0)
			result = copy_file(extractor, path, out, &index, snaplen);
	}
	return result;
}

static int write_out(struct extractor *extractor, const struct batch *batch, uint32_t snaplen,
	const char *path)
{
	FILE *out = fopen(path, "we");
	int result, error;

	if (!out)
		return -1;
	result = copy_all(extractor, batch, snaplen, out);
	error = errno;
	if (fclose(out) != 0 && result == 0)
		return -1;
	errno = error;
	return result;
}

/* ---- what others call ---- */

struct extractor *extractor_new(const struct spool *spool)
{
	struct extractor *extractor = x_calloc(1, sizeof(*extractor));

	extractor->spool = spool;
	extractor->reader = pcapng_new();
	extractor->fragments = fragments_new(sizeof(struct noted), judge_fragment, extractor);
	return extractor;
}

void extractor_free(struct extractor *extractor)
{
	if (!extractor)
		return;
	pcapng_free(extractor->reader);
	fragments_free(extractor->fragments);
	free(extractor->keep);
	free(extractor->block);
	free(extractor);
}

int extract(struct extractor *extractor, const struct batch *batch, struct wanted *wanted,
	uint32_t snaplen, const char *out, uint64_t *kept, char *why)
{
	int result;

	*kept = 0;
	extractor->wanted = wanted;
	if (!wanted_count(wanted))
		return 0;
	result = look_at_all(extractor, batch, why);
	if (result == 0 && extractor->kept)
		result = write_out(extractor, batch, snaplen, out);
	if (result == -1 && errno == EBADMSG) {
		snprintf(why, WHY, "its segments are no pcapng of this machine's byte order");
		return -2;
	}
	if (result == 0)
		*kept = extractor->kept;
	return result;
}
