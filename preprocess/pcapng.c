/*
 * pcapng.c: where the preprocessor meets what the capture wrote: a segment of the spool becomes
 * bursts of frames for decode.h. A burst lets the stage work in passes (decode, look up, count)
 * and hide the memory's latency.
 */
#include "preprocess/pcapng.h"

#include <byteswap.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/hash.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define READ_BYTES	 (256u << 10) /* a piece that stays in the second-level cache */
#define BLOCK_MAX	 (64u << 20)  /* larger than any packet the capture writes */
#define INTERFACES_MAX	 65536
#define BYTE_ORDER_MAGIC 0x1a2b3c4d

enum block {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a, /* the same in both byte orders */
};

enum option {
	OPTION_END = 0,
	OPTION_TSRESOL = 9,
	OPTION_TSOFFSET = 14,
};

/*
 * A time in units becomes milliseconds: value / divide for decimal units, or value * 1000 >>
 * shift for binary ones.
 */
struct interface {
	uint32_t linktype;
	uint64_t divide, reciprocal, multiply;
	uint8_t shift;
	int64_t offset_ms;
	uint64_t plain; /* fewer units than these are divided, and that is all */
};

struct pcapng {
	int file;
	bool swapped, section;
	uint64_t left;		   /* bytes of the file not yet read */
	XXH3_state_t *hash;	   /* of those that were */
	char wanted[HASH_HEX + 1]; /* "" for none */
	uint8_t *buffer;
	size_t room, at, have; /* buffer[at … have-1] is not yet parsed */
	struct interface *interfaces;
	uint32_t interface_count, interface_room;
	char why[160];
	void (*filled)(void *own, const uint8_t *bytes, size_t size);
	void *own;
};

struct pcapng *pcapng_new(void)
{
	struct pcapng *reader = x_calloc(1, sizeof(*reader));

	reader->file = -1;
	reader->room = 2 * READ_BYTES;
	reader->buffer = x_realloc(NULL, reader->room);
	reader->hash = XXH3_createState();
	if (!reader->hash)
		die(MIRA_AGAIN, "out of memory for a checksum");
	return reader;
}

void pcapng_free(struct pcapng *reader)
{
	pcapng_close(reader);
	free(reader->interfaces);
	free(reader->buffer);
	XXH3_freeState(reader->hash);
	free(reader);
}

void pcapng_on_read(struct pcapng *reader,
	void (*filled)(void *own, const uint8_t *bytes, size_t size), void *own)
{
	reader->filled = filled;
	reader->own = own;
}

const char *pcapng_why(const struct pcapng *reader)
{
	return reader->why;
}

static int __attribute__((format(printf, 2, 3))) bad(struct pcapng *reader, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	vsnprintf(reader->why, sizeof(reader->why), format, values);
	va_end(values);
	return -2;
}

int pcapng_open(struct pcapng *reader, const char *path, uint64_t bytes, const char *xxh128)
{
	pcapng_close(reader);
	reader->file = nfs_open_file(path);
	if (reader->file < 0)
		return nfs_no_file(errno) ? bad(reader, "is no regular file") : -1;
	/* all of it is on its way while the beginning is worked on */
	posix_fadvise(reader->file, 0, 0, POSIX_FADV_SEQUENTIAL);
	posix_fadvise(reader->file, 0, (off_t)bytes, POSIX_FADV_WILLNEED);
	reader->left = bytes;
	snprintf(reader->wanted, sizeof(reader->wanted), "%s", xxh128 ? xxh128 : "");
	XXH3_128bits_reset(reader->hash);
	reader->at = reader->have = 0;
	reader->section = false;
	reader->interface_count = 0;
	return 0;
}

void pcapng_close(struct pcapng *reader)
{
	if (reader->file >= 0)
		close(reader->file);
	reader->file = -1;
}

static inline uint32_t get32(const struct pcapng *reader, const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return reader->swapped ? bswap_32(value) : value;
}

static inline uint16_t get16(const struct pcapng *reader, const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return reader->swapped ? bswap_16(value) : value;
}

/* Was it still what the manifest says when it was read? */
static int check_sum(struct pcapng *reader)
{
	char hex[HASH_HEX + 1];

	hash_hex(XXH3_128bits_digest(reader->hash), hex);
	if (!reader->wanted[0] || strcmp(hex, reader->wanted) == 0)
		return 1;
	return bad(reader,
		"changed after it was published: its checksum is %s, the manifest says %s", hex,
		reader->wanted);
}

/* Reads on behind what is not yet parsed. 1, 0 at the end of the file, -1, -2. */
static int refill(struct pcapng *reader)
{
	size_t want = reader->left < READ_BYTES ? (size_t)reader->left : READ_BYTES;
	ssize_t got;

	if (want == 0)
		return 0;
	memmove(reader->buffer, reader->buffer + reader->at, reader->have - reader->at);
	reader->have -= reader->at;
	reader->at = 0;
	if (reader->room - reader->have < want) {
		reader->room = reader->have + 2 * READ_BYTES;
		reader->buffer = x_realloc(reader->buffer, reader->room);
	}
	do {
		got = read(reader->file, reader->buffer + reader->have, want);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	if (got == 0)
		return bad(reader, "is %llu bytes shorter than the manifest says",
			(unsigned long long)reader->left);
	XXH3_128bits_update(reader->hash, reader->buffer + reader->have, (size_t)got);
	reader->have += (size_t)got;
	reader->left -= (uint64_t)got;
	if (reader->filled)
		reader->filled(reader->own, reader->buffer, reader->have);
	return reader->left ? 1 : check_sum(reader);
}

/* Units are 10^-n or, with the highest bit, 2^-n seconds. */
static void set_resolution(struct interface *interface, uint8_t resolution)
{
	unsigned exponent = resolution & 127;

	interface->divide = interface->multiply = 1;
	interface->reciprocal = UINT64_MAX;
	interface->shift = 0;
	if (resolution & 128) {
		interface->shift = exponent < 64 ? (uint8_t)exponent : 63;
		interface->multiply = 1000; /* for 2^0 */
		return;
	}
	for (; exponent > 3; exponent--)
		if (interface->divide <= UINT64_MAX / 10)
			interface->divide *= 10;
	for (; exponent < 3; exponent++)
		interface->multiply *= 10;
	interface->reciprocal = UINT64_MAX / interface->divide;
}

/* Twice as fast as a division. The reciprocal is too small by less than one, so is the quotient. */
static inline uint64_t divide(const struct interface *interface, uint64_t units)
{
	uint64_t quotient = (uint64_t)((unsigned __int128)units * interface->reciprocal >> 64);

	return quotient + (units - quotient * interface->divide >= interface->divide);
}

static uint64_t time_ms(const struct interface *interface, uint64_t units)
{
	__int128 ms;

	if (units < interface->plain)
		return divide(interface, units);
	if (interface->shift)
		ms = ((unsigned __int128)units * 1000) >> interface->shift;
	else
		ms = (__int128)divide(interface, units) * (__int128)interface->multiply;
	ms += interface->offset_ms;
	if (ms < 0)
		return 0;
	return ms > PCAPNG_TIME_MAX_MS ? PCAPNG_TIME_MAX_MS : (uint64_t)ms;
}

static void read_option(const struct pcapng *reader, struct interface *interface, unsigned code,
	const uint8_t *value, uint16_t length)
{
	uint64_t seconds;

	if (code == OPTION_TSRESOL && length == 1)
		set_resolution(interface, *value);
	if (code != OPTION_TSOFFSET || length != 8)
		return;
	memcpy(&seconds, value, sizeof(seconds));
	if (reader->swapped)
		seconds = bswap_64(seconds);
	if (__builtin_mul_overflow((int64_t)seconds, INT64_C(1000), &interface->offset_ms))
		interface->offset_ms = 0;
}

static void read_options(const struct pcapng *reader, struct interface *interface,
	const uint8_t *at, const uint8_t *end)
{
	while (end - at >= 4) {
		unsigned code = get16(reader, at);
		uint16_t length = get16(reader, at + 2);

		if (code == OPTION_END || end - at - 4 < length)
			return;
		read_option(reader, interface, code, at + 4, length);
		if (end - at - 4 < (length + 3) / 4 * 4)
			return;
		at += 4 + (length + 3) / 4 * 4;
	}
}

static int read_interface(struct pcapng *reader, const uint8_t *block, uint32_t length)
{
	struct interface *interface;

	if (length < 20)
		return bad(reader, "has an interface block of %u bytes", length);
	if (reader->interface_count == INTERFACES_MAX)
		return bad(reader, "has more than %u interfaces", INTERFACES_MAX);
	if (reader->interface_count == reader->interface_room) {
		reader->interface_room = reader->interface_room ? 2 * reader->interface_room : 16;
		reader->interfaces = x_realloc(reader->interfaces,
			reader->interface_room * sizeof(*reader->interfaces));
	}
	interface = &reader->interfaces[reader->interface_count++];
	*interface = (struct interface){.linktype = get16(reader, block + 8)};
	set_resolution(interface, 6);
	read_options(reader, interface, block + 16, block + length - 4);
	if (interface->multiply == 1 && !interface->shift && !interface->offset_ms &&
		__builtin_mul_overflow(PCAPNG_TIME_MAX_MS, interface->divide, &interface->plain))
		interface->plain = UINT64_MAX;
	return 0;
}

static int read_packet(struct pcapng *reader, const uint8_t *block, uint32_t length,
	struct frame *frame)
{
	const struct interface *interface;
	enum { NUMBER, TIME_HIGH, TIME_LOW, CAPTURED, LENGTH, FIELDS };
	uint32_t field[FIELDS];

	if (length < 32)
		return bad(reader, "has a packet block of %u bytes", length);
	memcpy(field, block + 8, sizeof(field));
	for (int i = 0; reader->swapped && i < FIELDS; i++)
		field[i] = bswap_32(field[i]);
	if (field[NUMBER] >= reader->interface_count)
		return bad(reader, "has a packet of interface %u of %u", field[NUMBER],
			reader->interface_count);
	if (field[CAPTURED] > length - 32)
		return bad(reader, "has a packet of %u bytes in a block of %u", field[CAPTURED],
			length);
	interface = &reader->interfaces[field[NUMBER]];
	frame->bytes = block + 28;
	frame->captured = field[CAPTURED];
	frame->length = field[LENGTH];
	frame->linktype = interface->linktype;
	frame->time_ms = time_ms(interface, (uint64_t)field[TIME_HIGH] << 32 | field[TIME_LOW]);
	return 1;
}

/* A section header says in which byte order it is, so this comes before its length is read. */
static int begin_section(struct pcapng *reader, const uint8_t *block)
{
	uint32_t magic;

	memcpy(&magic, block + 8, sizeof(magic));
	if (magic != BYTE_ORDER_MAGIC && magic != bswap_32(BYTE_ORDER_MAGIC))
		return bad(reader, "is no pcapng file");
	reader->swapped = magic != BYTE_ORDER_MAGIC;
	reader->section = true;
	reader->interface_count = 0;
	return 0;
}

/* The block at the front of the buffer: its length; 0 when it is not whole yet, -2. */
static int64_t whole_block(struct pcapng *reader)
{
	const uint8_t *block = reader->buffer + reader->at;
	size_t have = reader->have - reader->at;
	uint32_t length;

	if (have < 12)
		return 0;
	if (get32(reader, block) == BLOCK_SECTION && begin_section(reader, block) < 0)
		return -2;
	if (!reader->section)
		return bad(reader, "does not begin with a section header");
	length = get32(reader, block + 4);
	if (length < 12 || length % 4 || length > BLOCK_MAX)
		return bad(reader, "has a block of %u bytes", length);
	if (length > have)
		return 0;
	if (get32(reader, block + length - 4) != length)
		return bad(reader, "has a block whose two lengths differ");
	return length;
}

/* The next packet in the buffer: 1; 0 when the buffer has no whole block left, -2. */
static int next_frame(struct pcapng *reader, struct frame *frame)
{
	int result = 0;

	while (result == 0) {
		const uint8_t *block = reader->buffer + reader->at;
		int64_t length = whole_block(reader);

		if (length <= 0)
			return (int)length;
		switch (get32(reader, block)) {
		case BLOCK_PACKET:
			result = read_packet(reader, block, (uint32_t)length, frame);
			break;
		case BLOCK_INTERFACE:
			result = read_interface(reader, block, (uint32_t)length);
			break;
		}
		reader->at += (size_t)length;
	}
	return result;
}

int pcapng_burst(struct pcapng *reader, struct frame frames[PCAPNG_BURST])
{
	int count = 0, result = 0;

	for (;;) {
		while (count < PCAPNG_BURST && (result = next_frame(reader, &frames[count])) > 0)
			count++;
		if (result < 0)
			return result;
		if (count > 0) /* frames point into the buffer: it must not move */
			return count;
		result = refill(reader);
		if (result < 0)
			return result;
		if (result == 0)
			return reader->at == reader->have ? 0 : bad(reader, "ends inside a block");
	}
}
