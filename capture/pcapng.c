/*
 * pcapng.c: the format of Wireshark (draft-ietf-opsawg-pcapng). Everything is a block:
 *
 *	0 type  4 total length  8 body … (multiple of 4)  total length again
 *
 * A Section Header Block sets the byte order and forgets the interfaces; Interface Description
 * Blocks number themselves from 0; packets name their interface. A block type is a row of the
 * table; what is not there is skipped.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "capture/format.h"
#include "spool/log.h"

#define SHB_TYPE    0x0a0d0d0au
#define SHB_ORDER   0x1a2b3c4du
#define BLOCK_FRAME 12 /* type, length, length again */
#define OPTION_END  0
#define IF_TSRESOL  9
#define IF_TSOFFSET 14
#define SECOND_NS   1000000000ull

struct interface {
	uint32_t linktype, snaplen;
	/* time_ns = units * multiply / divide, or units * SECOND_NS >> shift; then the offset */
	uint64_t multiply, divide;
	unsigned shift;
	int64_t offset_s;
};

struct pcapng {
	struct interface *interfaces;
	size_t count, room;
	uint64_t last_ns; /* a Simple Packet Block has no time of its own: the last packet's */
};

/* The body of a block, in one piece. */
struct body {
	const uint8_t *data;
	uint32_t size;
};

static bool knows(const uint8_t *head, size_t size)
{
	static const uint8_t type[4] = {0x0a, 0x0d, 0x0d, 0x0a};
	uint32_t order;

	if (size < READER_HEAD_BYTES || memcmp(head, type, sizeof(type)) != 0)
		return false;
	memcpy(&order, head + 8, sizeof(order));
	return order == SHB_ORDER || bswap_32(order) == SHB_ORDER;
}

/* ---- time ---- */

static uint64_t power_of_ten(unsigned exponent)
{
	uint64_t value = 1;

	while (exponent--)
		value *= 10;
	return value;
}

/* if_tsresol: a power of ten, or of two with the high bit set. Units finer than 10^-28 s all lie
 * in the first ns. */
static void set_resolution(struct interface *interface, uint8_t resolution)
{
	interface->multiply = interface->divide = 1;
	interface->shift = 0;
	if (resolution & 0x80)
		interface->shift = resolution & 0x7f;
	else if (resolution <= 9)
		interface->multiply = power_of_ten(9 - resolution);
	else
		interface->divide = resolution <= 28 ? power_of_ten(resolution - 9) : UINT64_MAX;
	if (resolution == 0x80)
		interface->multiply = SECOND_NS;
}

static uint64_t time_of(const struct interface *interface, uint64_t units)
{
	unsigned __int128 ns;

	if (interface->shift)
		ns = (unsigned __int128)units * SECOND_NS >> interface->shift;
	else if (interface->divide > 1)
		ns = units / interface->divide;
	else
		ns = (unsigned __int128)units * interface->multiply;
	if (ns > INT64_MAX)
		ns = INT64_MAX;
	if (interface->offset_s) {
		__int128 moved = (__int128)ns + (__int128)interface->offset_s * (int64_t)SECOND_NS;

		ns = moved < 0 ? 0 : moved > INT64_MAX ? INT64_MAX : (unsigned __int128)moved;
	}
	return (uint64_t)ns;
}

/* ---- blocks ---- */

static void read_option(struct reader *reader, struct interface *interface, unsigned code,
	const uint8_t *value, unsigned size)
{
	if (code == IF_TSRESOL && size >= 1)
		set_resolution(interface, value[0]);
	if (code == IF_TSOFFSET && size >= 8)
		interface->offset_s = (int64_t)get64(reader, value);
}

static void read_options(struct reader *reader, struct interface *interface, const uint8_t *at,
	uint32_t size)
{
	while (size >= 4) {
		unsigned code = get16(reader, at), length = get16(reader, at + 2);
		uint32_t padded = (length + 3u) & ~3u;

		if (code == OPTION_END || length > size - 4)
			return;
		read_option(reader, interface, code, at + 4, length);
		if (padded > size - 4)
			return;
		at += 4 + padded;
		size -= 4 + padded;
	}
}

static int read_interface(struct reader *reader, const struct body *body, struct packet *packet)
{
	struct pcapng *pcapng = reader->own;
	struct interface interface = {.multiply = 1000, .divide = 1}; /* microseconds unless told */

	interface.linktype = get16(reader, body->data);
	interface.snaplen = get32(reader, body->data + 4);
	read_options(reader, &interface, body->data + 8, body->size - 8);
	if (pcapng->count == pcapng->room) {
		pcapng->room = pcapng->room ? pcapng->room * 2 : 8;
		pcapng->interfaces =
			x_realloc(pcapng->interfaces, pcapng->room * sizeof(interface));
	}
	pcapng->interfaces[pcapng->count++] = interface;
	reader_first_linktype(reader, interface.linktype);
	return 0;
}

static int no_interface(struct reader *reader, uint32_t number)
{
	const struct pcapng *pcapng = reader->own;

	return reader_damage(reader,
		"damaged at byte %" PRIu64 ": a packet of interface %u, the section has %zu",
		feed_offset(reader->feed), number, pcapng->count);
}

static int too_long(struct reader *reader, uint32_t caplen, uint32_t room)
{
	return reader_damage(reader,
		"damaged at byte %" PRIu64 ": a packet of %u captured bytes in a block for %u",
		feed_offset(reader->feed), caplen, room);
}

/* The packet of interface NUMBER whose bytes begin at DATA, where ROOM bytes of the block are
 * left. */
static int fill_packet(struct reader *reader, uint32_t number, const uint8_t *data, uint32_t room,
	struct packet *packet)
{
	const struct pcapng *pcapng = reader->own;

	if (number >= pcapng->count)
		return no_interface(reader, number);
	if (packet->caplen > room || packet->caplen > READER_PACKET_MAX)
		return too_long(reader, packet->caplen, room);
	packet->linktype = pcapng->interfaces[number].linktype;
	packet->snaplen = pcapng->interfaces[number].snaplen;
	packet->data = data;
	return 1;
}

/* Enhanced: 0 interface 4 time high 8 time low 12 captured 16 original 20 data. Old: the same,
 * but the interface has 2 bytes, and drops since the last packet 2. */
static int read_timed(struct reader *reader, const struct body *body, uint32_t number,
	struct packet *packet)
{
	struct pcapng *pcapng = reader->own;
	int result;

	packet->caplen = get32(reader, body->data + 12);
	packet->origlen = get32(reader, body->data + 16);
	result = fill_packet(reader, number, body->data + 20, body->size - 20, packet);
	if (result != 1)
		return result;
	packet->time_ns = time_of(&pcapng->interfaces[number],
		(uint64_t)get32(reader, body->data + 4) << 32 | get32(reader, body->data + 8));
	pcapng->last_ns = packet->time_ns;
	return 1;
}

static int read_enhanced(struct reader *reader, const struct body *body, struct packet *packet)
{
	return read_timed(reader, body, get32(reader, body->data), packet);
}

static int read_old(struct reader *reader, const struct body *body, struct packet *packet)
{
	return read_timed(reader, body, get16(reader, body->data), packet);
}

/* Simple: 0 original 4 data, of interface 0, cut at its snap length. */
static int read_simple(struct reader *reader, const struct body *body, struct packet *packet)
{
	const struct pcapng *pcapng = reader->own;
	uint32_t snaplen = pcapng->count ? pcapng->interfaces[0].snaplen : 0;

	packet->origlen = packet->caplen = get32(reader, body->data);
	if (snaplen && packet->caplen > snaplen)
		packet->caplen = snaplen;
	packet->time_ns = pcapng->last_ns;
	return fill_packet(reader, 0, body->data + 4, body->size - 4, packet);
}

static int read_section(struct reader *reader, const struct body *body, struct packet *packet)
{
	struct pcapng *pcapng = reader->own;
	unsigned major = get16(reader, body->data + 4), minor = get16(reader, body->data + 6);

	if (major != 1 || (minor != 0 && minor != 2))
		return reader_damage(reader,
			"at byte %" PRIu64 ": version %u.%u of pcapng is not known",
			feed_offset(reader->feed), major, minor);
	pcapng->count = 0;
	return 0;
}

static const struct block {
	uint32_t type, body_min;
	int (*read)(struct reader *reader, const struct body *body, struct packet *packet);
} blocks[] = {
	{0x00000006, 20, read_enhanced},
	{0x00000003, 4, read_simple},
	{0x00000002, 20, read_old},
	{0x00000001, 8, read_interface},
	{SHB_TYPE, 16, read_section},
};

static const struct block *block_of(uint32_t type)
{
	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
		if (blocks[i].type == type)
			return &blocks[i];
	return NULL;
}

/* A section header's length can be read only once its byte order is known. */
static int set_order(struct reader *reader)
{
	const uint8_t *head = feed_look(reader->feed, READER_HEAD_BYTES);
	uint32_t order;

	if (!head)
		return reader_short(reader, READER_HEAD_BYTES);
	memcpy(&order, head + 8, sizeof(order));
	reader->swapped = order != SHB_ORDER;
	if (order == SHB_ORDER || bswap_32(order) == SHB_ORDER)
		return 1;
	return reader_damage(reader,
		"damaged at byte %" PRIu64 ": a section header without byte order",
		feed_offset(reader->feed));
}

static int bad_length(struct reader *reader, uint32_t type, uint32_t length)
{
	return reader_damage(reader,
		"damaged at byte %" PRIu64 ": a block of type 0x%08x and length %u",
		feed_offset(reader->feed), type, length);
}

static int skip_block(struct reader *reader, uint32_t length)
{
	uint64_t start = feed_offset(reader->feed);

	if (feed_skip(reader->feed, length))
		return 0;
	if (reader->feed->error)
		return reader_short(reader, length);
	return reader_damage(reader,
		"cut at byte %" PRIu64 ": the block there takes %u bytes, %" PRIu64 " are left",
		start, length, feed_offset(reader->feed) - start);
}

static int read_block(struct reader *reader, const struct block *block, uint32_t length,
	struct packet *packet)
{
	const uint8_t *at;
	struct body body;
	int result;

	if (length < BLOCK_FRAME + block->body_min || length > READER_RECORD_MAX)
		return bad_length(reader, block->type, length);
	at = feed_look(reader->feed, length);
	if (!at)
		return reader_short(reader, length);
	if (get32(reader, at + length - 4) != length)
		return bad_length(reader, block->type, get32(reader, at + length - 4));
	body.data = at + 8;
	body.size = length - BLOCK_FRAME;
	result = block->read(reader, &body, packet);
	if (result >= 0)
		reader->feed->at += length;
	return result;
}

/* One block: 1 a packet, 0 another block, 2 the end, -1, -2. */
static int next_block(struct reader *reader, struct packet *packet)
{
	const uint8_t *head = feed_look(reader->feed, 8);
	const struct block *block;
	uint32_t type, length;
	int result;

	if (!head) {
		result = reader_short(reader, 8);
		return result ? result : 2;
	}
	type = get32(reader, head);
	if (type == SHB_TYPE) {
		result = set_order(reader);
		if (result != 1)
			return result;
		head = feed_look(reader->feed, 8);
	}
	length = get32(reader, head + 4);
	if (length % 4 || length < BLOCK_FRAME)
		return bad_length(reader, type, length);
	block = block_of(type);
	return block ? read_block(reader, block, length, packet) : skip_block(reader, length);
}

static int next_pcapng(struct reader *reader, struct packet *packet)
{
	int result;

	do {
		result = next_block(reader, packet);
	} while (result == 0);
	return result == 2 ? 0 : result;
}

static int open_pcapng(struct reader *reader)
{
	struct packet none;

	reader->own = x_calloc(1, sizeof(struct pcapng));
	return next_block(reader, &none);
}

static void close_pcapng(struct reader *reader)
{
	struct pcapng *pcapng = reader->own;

	if (pcapng)
		free(pcapng->interfaces);
	free(pcapng);
}

const struct format format_pcapng = {"pcapng", knows, open_pcapng, next_pcapng, close_pcapng};
