/* segment.c: encodes what the capture hands to the preprocessors, packet by packet, without a
 * call to the system. */
#include "capture/segment.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SHB 0x0a0d0d0au
#define IDB 1u
#define ISB 5u
#define EPB 6u

#define EPB_FRAME  32 /* an Enhanced Packet Block without the packet */
#define ISB_BYTES  112
#define HEAD_BYTES 2048 /* more than a section header or an interface description takes */
#define TEXT_MAX   512

enum option { OPTION_END, IF_NAME = 2, IF_TSRESOL = 9, IF_FILTER = 11 };
enum { SHB_USERAPPL = 4 };
enum {
	ISB_STARTTIME = 2,
	ISB_ENDTIME,
	ISB_IFRECV,
	ISB_IFDROP,
	ISB_FILTERACCEPT,
	ISB_OSDROP,
	ISB_USRDELIV
};

/* A block of known small size, put together before it goes into the buffer. */
struct block {
	size_t used;
	uint8_t data[HEAD_BYTES];
};

static void add(struct block *block, const void *data, size_t size)
{
	static const uint8_t zero[4];
	size_t padding = -size & 3;

	assert(block->used + size + padding <= sizeof(block->data));
	memcpy(block->data + block->used, data, size);
	memcpy(block->data + block->used + size, zero, padding);
	block->used += size + padding;
}

static void add32(struct block *block, uint32_t value)
{
	add(block, &value, sizeof(value));
}

static void add_option(struct block *block, uint16_t code, const void *value, size_t size)
{
	uint16_t head[2] = {code, (uint16_t)size};

	add(block, head, sizeof(head));
	add(block, value, size);
}

static void add_text(struct block *block, uint16_t code, const char *text)
{
	size_t size = strlen(text);

	add_option(block, code, text, size < TEXT_MAX ? size : TEXT_MAX);
}

static void add_time(struct block *block, uint16_t code, uint64_t ns)
{
	uint32_t parts[2] = {(uint32_t)(ns >> 32), (uint32_t)ns};

	add_option(block, code, parts, sizeof(parts));
}

static void add_count(struct block *block, uint16_t code, uint64_t count)
{
	add_option(block, code, &count, sizeof(count));
}

static void begin_block(struct block *block, uint32_t type)
{
	block->used = 0;
	add32(block, type);
	add32(block, 0);
}

static void end_block(struct block *block)
{
	uint32_t length = (uint32_t)block->used + 4;

	memcpy(block->data + 4, &length, sizeof(length));
	add32(block, length);
}

/* ---- buffers ---- */

bool segment_reserve(struct segment_writer *writer)
{
	if (!writer->spare)
		writer->spare = publisher_buffer(writer->publisher);
	return writer->spare != NULL;
}

static size_t room(const struct segment_writer *writer)
{
	return writer->buffer ? BUFFER_BYTES - writer->buffer->used : 0;
}

/* What the end of the segment will take, which is kept free so that it can always be closed. */
static size_t tail(const struct segment_writer *writer)
{
	return (writer->count + 1) * ISB_BYTES + HEAD_BYTES;
}

static bool next_buffer(struct segment_writer *writer)
{
	if (!segment_reserve(writer))
		return false;
	if (writer->buffer)
		publisher_data(writer->publisher, writer->sink, writer->buffer);
	writer->buffer = writer->spare;
	writer->spare = NULL;
	return true;
}

static bool make_room(struct segment_writer *writer, size_t size)
{
	return room(writer) >= size + tail(writer) || next_buffer(writer);
}

static void put(struct segment_writer *writer, const void *data, size_t size)
{
	struct buffer *buffer = writer->buffer;

	assert(size <= room(writer));
	memcpy(buffer->data + buffer->used, data, size);
	buffer->used += size;
	writer->bytes += size;
}

/* ---- section and interfaces ---- */

/* Nothing of the host: its length would decide where the next segment begins. */
static void put_section(struct segment_writer *writer)
{
	const uint32_t order = 0x1a2b3c4d;
	const uint16_t version[2] = {1, 0};
	const int64_t unknown = -1;
	struct block block;

	begin_block(&block, SHB);
	add32(&block, order);
	add(&block, version, sizeof(version));
	add(&block, &unknown, sizeof(unknown));
	add_text(&block, SHB_USERAPPL, "mira-capture " MIRA_VERSION);
	add32(&block, OPTION_END);
	end_block(&block);
	put(writer, block.data, block.used);
}

static void put_interface(struct segment_writer *writer, uint32_t linktype, uint32_t snaplen)
{
	const uint16_t head[2] = {(uint16_t)linktype, 0};
	const uint8_t nanoseconds = 9;
	char filter[TEXT_MAX + 1] = ""; /* its first byte says: a libpcap expression */
	struct block block;

	begin_block(&block, IDB);
	add(&block, head, sizeof(head));
	add32(&block, snaplen);
	add_text(&block, IF_NAME, writer->name);
	add_option(&block, IF_TSRESOL, &nanoseconds, sizeof(nanoseconds));
	if (*writer->filter) {
		snprintf(filter + 1, sizeof(filter) - 1, "%s", writer->filter);
		add_option(&block, IF_FILTER, filter, 1 + strlen(filter + 1));
	}
	add32(&block, OPTION_END);
	end_block(&block);
	put(writer, block.data, block.used);
	writer->interfaces[writer->count] = (struct segment_interface){linktype, snaplen, 0};
	writer->last = writer->count++;
}

bool segment_begin(struct segment_writer *writer, uint64_t start_ns)
{
	assert(!writer->open && !writer->buffer);
	if (!next_buffer(writer))
		return false;
	writer->open = true;
	writer->bytes = writer->packets = 0;
	writer->first_ns = writer->last_ns = start_ns;
	writer->count = writer->last = 0;
	put_section(writer);
	return true;
}

static bool is_for(const struct segment_interface *interface, const struct packet *packet)
{
	return interface->linktype == packet->linktype && interface->snaplen == packet->snaplen;
}

/* Index of the packet's interface, or writer->count for one that is new. */
static size_t interface_of(const struct segment_writer *writer, const struct packet *packet)
{
	size_t i;

	if (writer->count && is_for(&writer->interfaces[writer->last], packet))
		return writer->last;
	for (i = 0; i < writer->count; i++)
		if (is_for(&writer->interfaces[i], packet))
			break;
	return i;
}

/* ---- packets ---- */

static size_t padded(uint32_t size)
{
	return ((size_t)size + 3) & ~(size_t)3;
}

bool segment_fits(const struct segment_writer *writer, const struct packet *packet, uint64_t limit)
{
	size_t size = EPB_FRAME + padded(packet->caplen);
	bool added = interface_of(writer, packet) == writer->count;

	if (!writer->packets)
		return true;
	if (added && writer->count == SEGMENT_INTERFACES)
		return false;
	return writer->bytes + size + (writer->count + added) * ISB_BYTES +
		       (added ? HEAD_BYTES : 0) <=
	       limit;
}

static void put_packet(struct segment_writer *writer, uint32_t number, const struct packet *packet)
{
	static const uint8_t zero[4];
	size_t data = padded(packet->caplen);
	uint32_t length = EPB_FRAME + (uint32_t)data;
	const uint32_t head[7] = {EPB, length, number, (uint32_t)(packet->time_ns >> 32),
		(uint32_t)packet->time_ns, packet->caplen, packet->origlen};

	put(writer, head, sizeof(head));
	put(writer, packet->data, packet->caplen);
	put(writer, zero, data - packet->caplen);
	put(writer, &length, sizeof(length));
}

bool segment_add(struct segment_writer *writer, const struct packet *packet)
{
	size_t number = interface_of(writer, packet);

	assert(packet->caplen <= READER_PACKET_MAX && number < SEGMENT_INTERFACES);
	if (!make_room(writer, EPB_FRAME + padded(packet->caplen)))
		return false;
	if (number == writer->count)
		put_interface(writer, packet->linktype, packet->snaplen);
	writer->last = number;
	put_packet(writer, (uint32_t)number, packet);
	if (!writer->packets || packet->time_ns < writer->first_ns)
		writer->first_ns = packet->time_ns;
	if (!writer->packets || packet->time_ns > writer->last_ns)
		writer->last_ns = packet->time_ns;
	writer->interfaces[number].packets++;
	writer->packets++;
	return true;
}

/* ---- the end ---- */

/* TALLY is of interface NUMBER. */
static void put_statistics(struct segment_writer *writer, uint32_t number,
	const struct tally *tally)
{
	struct block block;

	begin_block(&block, ISB);
	add32(&block, number);
	add32(&block, (uint32_t)(writer->last_ns >> 32));
	add32(&block, (uint32_t)writer->last_ns);
	add_time(&block, ISB_STARTTIME, writer->first_ns);
	add_time(&block, ISB_ENDTIME, writer->last_ns);
	add_count(&block, ISB_IFRECV,
		tally->captured + tally->filtered + tally->osdrop + tally->ifdrop + tally->shed);
	add_count(&block, ISB_IFDROP, tally->ifdrop);
	add_count(&block, ISB_FILTERACCEPT, tally->captured + tally->osdrop + tally->shed);
	add_count(&block, ISB_OSDROP, tally->osdrop);
	add_count(&block, ISB_USRDELIV, tally->captured);
	add32(&block, OPTION_END);
	end_block(&block);
	assert(block.used == ISB_BYTES);
	put(writer, block.data, block.used);
}

void segment_end(struct segment_writer *writer, const struct tally *tally, uint32_t linktype,
	uint32_t snaplen)
{
	if (!writer->count)
		put_interface(writer, linktype, snaplen);
	for (uint32_t i = 0; i < writer->count; i++) {
		struct tally own = i == 0 ? *tally : (struct tally){0};

		own.captured = writer->interfaces[i].packets;
		put_statistics(writer, i, &own);
	}
	publisher_data(writer->publisher, writer->sink, writer->buffer);
	publisher_segment(writer->publisher, writer->sink);
	writer->buffer = NULL;
	writer->open = false;
}

void segment_drop(struct segment_writer *writer)
{
	if (writer->buffer)
		publisher_return(writer->publisher, writer->buffer);
	if (writer->spare)
		publisher_return(writer->publisher, writer->spare);
	writer->buffer = writer->spare = NULL;
	writer->open = false;
}
