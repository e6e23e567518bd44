/*
 * pcap.c: the format of tcpdump -w (draft-ietf-opsawg-pcap). A file header
 *
 *	0 magic  4 major  6 minor  8 reserved  16 snap length  20 link type (low 26 bits)
 *
 * then records, each a header
 *
 *	0 seconds  4 fraction  8 captured length  12 original length  16 interface … 24 (modified form)
 *
 * and the captured bytes. The magic tells byte order, unit of the fraction and length of the record
 * header.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "capture/format.h"
#include "spool/log.h"

#define FILE_HEADER 24

static const struct variant {
	uint32_t magic, unit_ns, header;
} variants[] = {
	{0xa1b2c3d4, 1000, 16}, {0xa1b23c4d, 1, 16},
	{0xa1b2cd34, 1000, 24}, /* Kuznetzov's: interface, protocol and packet type follow */
};

struct pcap {
	const struct variant *variant;
	uint32_t linktype, snaplen;
	bool swapped_lengths;  /* versions before 2.3 wrote the original length first */
	bool doubtful_lengths; /* 2.3 did either */
};

static const struct variant *variant_of(const uint8_t *head, bool *swapped)
{
	uint32_t magic;

	memcpy(&magic, head, sizeof(magic));
	for (size_t i = 0; i < sizeof(variants) / sizeof(*variants); i++) {
		*swapped = bswap_32(magic) == variants[i].magic;
		if (*swapped || magic == variants[i].magic)
			return &variants[i];
	}
	return NULL;
}

static bool knows(const uint8_t *head, size_t size)
{
	bool swapped;

	return size >= 4 && variant_of(head, &swapped);
}

static int open_pcap(struct reader *reader)
{
	const uint8_t *head = feed_look(reader->feed, FILE_HEADER);
	struct pcap *pcap;
	unsigned major, minor;

	if (!head)
		return reader_short(reader, FILE_HEADER);
	pcap = reader->own = x_calloc(1, sizeof(*pcap));
	pcap->variant = variant_of(head, &reader->swapped);
	major = get16(reader, head + 4);
	minor = get16(reader, head + 6);
	if (major != 2)
		return reader_damage(reader, "version %u.%u of pcap is not known", major, minor);
	pcap->swapped_lengths = minor < 3;
	pcap->doubtful_lengths = minor == 3;
	pcap->snaplen = get32(reader, head + 16);
	pcap->linktype = get32(reader, head + 20) & 0x03ffffff;
	reader_first_linktype(reader, pcap->linktype);
	feed_skip(reader->feed, FILE_HEADER);
	return 0;
}

static void close_pcap(struct reader *reader)
{
	free(reader->own);
}

static void set_lengths(const struct pcap *pcap, uint32_t first, uint32_t second,
	struct packet *packet)
{
	bool swap = pcap->swapped_lengths || (pcap->doubtful_lengths && first > second);

	packet->caplen = swap ? second : first;
	packet->origlen = swap ? first : second;
}

static int next_pcap(struct reader *reader, struct packet *packet)
{
	const struct pcap *pcap = reader->own;
	const uint32_t header = pcap->variant->header;
	const uint8_t *record = feed_look(reader->feed, header);

	if (!record)
		return reader_short(reader, header);
	set_lengths(pcap, get32(reader, record + 8), get32(reader, record + 12), packet);
	if (packet->caplen > READER_PACKET_MAX)
		return reader_damage(reader,
			"damaged at byte %" PRIu64 ": a record of %u captured bytes",
			feed_offset(reader->feed), packet->caplen);
	packet->time_ns = get32(reader, record) * 1000000000ull +
			  (uint64_t)get32(reader, record + 4) * pcap->variant->unit_ns;
	packet->linktype = pcap->linktype;
	packet->snaplen = pcap->snaplen;
	record = feed_look(reader->feed, header + packet->caplen);
	if (!record)
		return reader_short(reader, header + packet->caplen);
	packet->data = record + header;
	reader->feed->at += header + packet->caplen;
	return 1;
}

const struct format format_pcap = {"pcap", knows, open_pcap, next_pcap, close_pcap};
