/*
 * mkbench: merges many captures into one large one, and copies them as often as it takes.
 *
 *	mkbench OUT BYTES SECONDS LIST	OUT is a pcap file of about BYTES; LIST has a path on each line
 *
 * Each copy of each capture gets addresses of its own (their host bits change, checksums are kept right), so flows are distinct,
 * and a place of its own in a window of SECONDS; a capture that is longer than half of it is pressed into that. Left out are
 * captures that cannot be read, are not Ethernet, have less than half IP packets, or more than 2 % fragments. The same list
 * gives the same bytes.
 */
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_BYTES (512u << 20)
#define EPOCH_US   1700000000000000u

struct packet {
	uint64_t after_us;
	size_t at; /* in the pool */
	uint32_t captured, length;
};

struct capture {
	struct packet *packets;
	size_t count, room;
	size_t pool_begin;
	uint64_t span_us;
};

/* A packet of a copy. */
struct event {
	uint64_t time_us;
	uint32_t capture, copy, index;
};

static uint8_t *pool;
static size_t pool_used;
static struct capture *captures;
static size_t capture_count;

static void *grown(void *list, size_t size)
{
	list = realloc(list, size);
	if (!list) {
		fprintf(stderr, "mkbench: out of memory\n");
		exit(1);
	}
	return list;
}

static uint32_t mix32(uint32_t x)
{
	x = (x ^ x >> 16) * 0x7feb352d;
	x = (x ^ x >> 15) * 0x846ca68b;
	return x ^ x >> 16;
}

static uint64_t mix64(uint64_t x)
{
	x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
	return x ^ x >> 33;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* ---- other addresses ---- */

/* RFC 1624: the checksum when one of the words that it covers changes. */
static uint16_t adjusted(uint16_t checksum, uint16_t old, uint16_t new)
{
	uint32_t total = (uint16_t)~checksum + (uint32_t)(uint16_t)~old + new;

	total = (total & 0xffff) + (total >> 16);
	total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

/* Changes the 4 bytes at AT by MASK; each checksum that is not NULL stays right. */
static void change(uint8_t *at, uint32_t mask, uint8_t *header_sum, uint8_t *transport_sum)
{
	uint16_t before[2] = {get16(at), get16(at + 2)};
	uint8_t *sums[2] = {header_sum, transport_sum};

	for (int i = 0; i < 4; i++)
		at[i] ^= (uint8_t)(mask >> (24 - 8 * i));
	for (int i = 0; i < 4; i++)
		if (sums[i / 2])
			put16(sums[i / 2], adjusted(get16(sums[i / 2]), before[i % 2],
						   get16(at + 2 * (i % 2))));
}

/* The transport checksum that covers the addresses, or NULL. */
static uint8_t *transport_sum(uint8_t proto, uint8_t *at, uint32_t left, bool optional)
{
	if (proto == 6 && left >= 18)
		return at + 16;
	if (proto == 17 && left >= 8 && (!optional || get16(at + 6)))
		return at + 6;
	return proto == 58 && left >= 4 ? at + 2 : NULL;
}

static void change_ipv4(uint8_t *ip, uint32_t left, uint32_t key)
{
	uint32_t header = (ip[0] & 15) * 4u;
	uint8_t *sum = NULL;

	if (left < 20 || ip[0] >> 4 != 4 || header < 20)
		return;
	if (!(get16(ip + 6) & 0x1fff) && header < left)
		sum = transport_sum(ip[9], ip + header, left - header, true);
	for (uint8_t *at = ip + 12; at < ip + 20; at += 4)
		if (at[0] != 0 && at[0] != 127 && at[0] < 224)
			change(at, mix32(key) & 0xffffff, ip + 10, sum);
}

static void change_ipv6(uint8_t *ip, uint32_t left, uint32_t key)
{
	uint8_t *sum;

	if (left < 40)
		return;
	sum = transport_sum(ip[6], ip + 40, left - 40, false);
	for (uint8_t *at = ip + 8; at < ip + 40; at += 16)
		if (at[0] != 0xff && at[0] != 0)
			change(at + 8, mix32(key ^ 0x9e3779b9), NULL, sum);
}

/* Where the header behind Ethernet and VLAN tags begins, and its type. */
static uint32_t network_header(const uint8_t *frame, uint32_t captured, uint16_t *type)
{
	uint32_t at = 14;

	*type = get16(frame + 12);
	for (; (*type == 0x8100 || *type == 0x88a8) && at + 4 <= captured; at += 4)
		*type = get16(frame + at + 2);
	return at;
}

static void change_addresses(uint8_t *frame, uint32_t captured, uint32_t key)
{
	uint16_t type;
	uint32_t at = network_header(frame, captured, &type);

	if (type == 0x0800)
		change_ipv4(frame + at, captured - at, key);
	else if (type == 0x86dd)
		change_ipv6(frame + at, captured - at, key);
}

/* ---- read ---- */

static void add_packet(struct capture *capture, const struct pcap_pkthdr *header,
	const uint8_t *bytes, uint64_t after_us)
{
	if (capture->count == capture->room) {
		capture->room = capture->room ? 2 * capture->room : 64;
		capture->packets =
			grown(capture->packets, capture->room * sizeof(*capture->packets));
	}
	if (pool_used + header->caplen > POOL_BYTES) {
		fprintf(stderr, "mkbench: the captures hold more than %u bytes\n", POOL_BYTES);
		exit(2);
	}
	memcpy(pool + pool_used, bytes, header->caplen);
	capture->packets[capture->count++] =
		(struct packet){after_us, pool_used, header->caplen, header->len};
	pool_used += header->caplen;
}

/* Time never runs back in what is merged. */
static void read_packets(struct capture *capture, pcap_t *file)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	uint64_t begin_us = 0, last_us = 0;

	while (pcap_next_ex(file, &header, &bytes) == 1) {
		uint64_t now_us =
			(uint64_t)header->ts.tv_sec * 1000000 + (uint64_t)header->ts.tv_usec;

		if (header->caplen > 65535 || header->caplen < 14 || header->len < header->caplen)
			continue;
		if (!capture->count)
			begin_us = last_us = now_us;
		if (now_us > last_us)
			last_us = now_us;
		add_packet(capture, header, bytes, last_us - begin_us);
	}
	capture->span_us = last_us - begin_us;
}

static bool wanted(const struct capture *capture)
{
	size_t fragments = 0, ip = 0;

	for (size_t i = 0; i < capture->count; i++) {
		const uint8_t *frame = pool + capture->packets[i].at;
		uint32_t captured = capture->packets[i].captured;
		uint16_t type;
		uint32_t at = network_header(frame, captured, &type);

		if (type == 0x0800 && at + 20 <= captured) {
			ip++;
			fragments += (get16(frame + at + 6) & 0x3fff) != 0;
		} else if (type == 0x86dd && at + 40 <= captured) {
			ip++;
			fragments +=
				frame[at + 6] == 44 || frame[at + 6] == 0 || frame[at + 6] == 60;
		}
	}
	return capture->count && fragments * 50 <= capture->count && ip * 2 >= capture->count;
}

static void read_capture(const char *path)
{
	struct capture capture = {.pool_begin = pool_used};
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *file = pcap_open_offline(path, why);

	if (!file)
		return;
	if (pcap_datalink(file) == DLT_EN10MB)
		read_packets(&capture, file);
	pcap_close(file);
	if (!wanted(&capture)) {
		pool_used = capture.pool_begin;
		free(capture.packets);
		return;
	}
	captures = grown(captures, (capture_count + 1) * sizeof(*captures));
	captures[capture_count++] = capture;
}

static void read_list(const char *list)
{
	FILE *file = fopen(list, "r");
	char path[4096];

	if (!file) {
		perror(list);
		exit(2);
	}
	pool = grown(NULL, POOL_BYTES);
	while (fgets(path, sizeof(path), file)) {
		path[strcspn(path, "\n")] = 0;
		read_capture(path);
	}
	fclose(file);
}

/* ---- merge ---- */

static int compare(const void *left, const void *right)
{
	const struct event *a = left, *b = right;

	if (a->time_us != b->time_us)
		return a->time_us < b->time_us ? -1 : 1;
	if (a->capture != b->capture)
		return a->capture < b->capture ? -1 : 1;
	if (a->copy != b->copy)
		return a->copy < b->copy ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static size_t add_copy(struct event *events, uint32_t number, uint32_t copy, uint64_t window_us)
{
	const struct capture *capture = &captures[number];
	uint64_t span_us = capture->span_us, begin_us;
	double scale = 1;

	if (span_us > window_us / 2) {
		scale = (double)(window_us / 2) / (double)span_us;
		span_us = window_us / 2;
	}
	begin_us = EPOCH_US +
		   mix64(((uint64_t)copy << 32 | number) + 12345) % (window_us - span_us + 1);
	for (uint32_t i = 0; i < capture->count; i++)
		events[i] =
			(struct event){begin_us + (uint64_t)((double)capture->packets[i].after_us *
							     scale),
				number, copy, i};
	return capture->count;
}

static void write_events(const struct event *events, size_t count, FILE *out)
{
	static const uint32_t head[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1};
	static uint8_t frame[65536];
	uint64_t bytes = 0;

	fwrite(head, sizeof(head), 1, out);
	for (const struct event *event = events; event < events + count; event++) {
		const struct packet *packet = &captures[event->capture].packets[event->index];
		uint32_t header[4] = {(uint32_t)(event->time_us / 1000000),
			(uint32_t)(event->time_us % 1000000), packet->captured, packet->length};

		memcpy(frame, pool + packet->at, packet->captured);
		change_addresses(frame, packet->captured,
			mix32(event->copy * 7919 + event->capture * 31337 + 1));
		fwrite(header, sizeof(header), 1, out);
		fwrite(frame, packet->captured, 1, out);
		bytes += packet->captured;
	}
	printf("packets=%zu bytes=%llu mean=%.1f\n", count, (unsigned long long)bytes,
		count ? (double)bytes / (double)count : 0);
}

static struct event *merge(uint64_t wanted_bytes, uint64_t window_us, size_t *count)
{
	uint64_t bytes = pool_used;
	size_t packets = 0;
	struct event *events;
	uint32_t copies;

	for (size_t i = 0; i < capture_count; i++)
		packets += captures[i].count;
	bytes += 16 * packets;
	copies = bytes ? (uint32_t)((wanted_bytes + bytes / 2) / bytes) : 0;
	copies += !copies;
	events = grown(NULL, (packets * copies + 1) * sizeof(*events));
	*count = 0;
	for (uint32_t copy = 0; copy < copies; copy++)
		for (uint32_t i = 0; i < capture_count; i++)
			*count += add_copy(events + *count, i, copy, window_us);
	qsort(events, *count, sizeof(*events), compare);
	return events;
}

int main(int argc, char **argv)
{
	struct event *events;
	size_t count;
	FILE *out;

	if (argc != 5) {
		fprintf(stderr, "usage: mkbench OUT BYTES SECONDS LIST\n");
		return 2;
	}
	read_list(argv[4]);
	events = merge(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10) * 1000000, &count);
	out = fopen(argv[1], "wb");
	if (!out || !count) {
		fprintf(stderr, "mkbench: %s\n", count ? "cannot write" : "no usable capture");
		return 2;
	}
	write_events(events, count, out);
	return fclose(out) ? 1 : 0;
}
