/*
 * traces.h: trace files built by hand, pcap and pcapng, in either byte order; for tests that include it once.
 */
#ifndef TESTS_UNIT_TRACES_H
#define TESTS_UNIT_TRACES_H

#include "tests/unit/tmp.h"

#include <byteswap.h>

static struct bytes {
	uint8_t data[65536];
	size_t used;
	bool swapped;
} trace;

static void begin(bool swapped)
{
	trace.used = 0;
	trace.swapped = swapped;
}

static void put(const void *data, size_t size)
{
	memcpy(trace.data + trace.used, data, size);
	trace.used += size;
}

static void put16(unsigned value)
{
	uint16_t out = trace.swapped ? bswap_16((uint16_t)value) : (uint16_t)value;

	put(&out, sizeof(out));
}

static void put32(uint32_t value)
{
	value = trace.swapped ? bswap_32(value) : value;
	put(&value, sizeof(value));
}

static void put64(uint64_t value)
{
	value = trace.swapped ? bswap_64(value) : value;
	put(&value, sizeof(value));
}

static void pcap_header(uint32_t magic, unsigned minor, uint32_t linktype)
{
	put32(magic);
	put16(2);
	put16(minor);
	put64(0);
	put32(65535);
	put32(linktype);
}

static void pcap_record(uint32_t seconds, uint32_t fraction, uint32_t caplen, uint32_t origlen)
{
	put32(seconds);
	put32(fraction);
	put32(caplen);
	put32(origlen);
}

static size_t block_start;

static void block(uint32_t type)
{
	block_start = trace.used;
	put32(type);
	put32(0);
}

static void end_block(void)
{
	size_t end = trace.used + 4;
	uint32_t length = (uint32_t)(end - block_start);

	put32(length);
	trace.used = block_start + 4;
	put32(length);
	trace.used = end;
}

static void section(unsigned major)
{
	block(0x0a0d0d0a);
	put32(0x1a2b3c4d);
	put16(major);
	put16(0);
	put64(UINT64_MAX);
	end_block();
}

/* RESOLUTION 0: none is told; OFFSET likewise. */
static void interface(unsigned linktype, uint32_t snaplen, unsigned resolution, int64_t offset)
{
	uint8_t value[4] = {(uint8_t)resolution};

	block(1);
	put16(linktype);
	put16(0);
	put32(snaplen);
	if (resolution) {
		put16(9);
		put16(1);
		put(value, sizeof(value));
	}
	if (offset) {
		put16(14);
		put16(8);
		put64((uint64_t)offset);
	}
	if (resolution || offset)
		put32(0);
	end_block();
}

static void enhanced(uint32_t number, uint64_t units, const char *text)
{
	uint32_t size = (uint32_t)strlen(text);

	block(6);
	put32(number);
	put32((uint32_t)(units >> 32));
	put32((uint32_t)units);
	put32(size);
	put32(size + 1000);
	put(text, size);
	put("\0\0\0", -size & 3);
	end_block();
}

#endif
