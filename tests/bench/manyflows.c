/*
 * manyflows: a capture with very many flows that live at the same time, with host names and with payload whose end has to be
 * remembered, as patterns may go on in the next segment.
 *
 *	manyflows OUT FLOWS	FLOWS is the number of 5-tuples, each in one direction; half of them answer the other half
 *
 * Four phases of a second each (opening, answer, request, reply), in each of which every conversation has its turn. Of twenty
 * conversations five are TLS with a server name, five HTTP with a host, eight DNS, two something else over UDP. There are 250,000
 * different names, fewer if there are fewer conversations.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH_S	     1700000100u
#define NAMES	     250000
#define REPLY_BYTES  300
#define TCP_SYN_FLAG 0x02
#define TCP_ACK_FLAG 0x10

enum kind { TLS, HTTP, DNS, OTHER };
enum phase { OPENING, ANSWER, REQUEST, REPLY, PHASES };

struct bytes {
	uint8_t at[1024];
	size_t size;
};

static void put(struct bytes *to, const void *from, size_t size)
{
	memcpy(to->at + to->size, from, size);
	to->size += size;
}

static void put_number(struct bytes *to, uint64_t value, int size)
{
	while (size-- > 0)
		to->at[to->size++] = (uint8_t)(value >> (8 * size));
}

static enum kind kind_of(uint32_t number)
{
	uint32_t part = number % 20;

	return part < 5 ? TLS : part < 10 ? HTTP : part < 18 ? DNS : OTHER;
}

static size_t name_of(uint32_t number, char name[64])
{
	return (size_t)snprintf(name, 64, "www%u.site-%u.example.net", number % NAMES,
		number % NAMES / 7);
}

/* ---- payloads ---- */

/* RFC 8446, 4.1.2, with the one extension server_name (RFC 6066). */
static void client_hello(struct bytes *to, uint32_t number)
{
	char name[64];
	size_t size = name_of(number, name), extension = size + 9;

	put_number(to, 0x160301, 3);
	put_number(to, extension + 49, 2);
	put_number(to, 1, 1);
	put_number(to, extension + 45, 3);
	put_number(to, 0x0303, 2);
	for (int i = 0; i < 4; i++)
		put_number(to, (number + 1) * 0x9E3779B97F4A7C15u * (unsigned)(i + 1), 8);
	put_number(to, 0, 1);
	put_number(to, 0x00021301, 4);
	put_number(to, 0x0100, 2);
	put_number(to, extension, 2);
	put_number(to, 0, 2);
	put_number(to, size + 5, 2);
	put_number(to, size + 3, 2);
	put_number(to, 0, 1);
	put_number(to, size, 2);
	put(to, name, size);
}

static void http_request(struct bytes *to, uint32_t number)
{
	char name[64];

	name_of(number, name);
	to->size += (size_t)sprintf((char *)to->at + to->size,
		"GET /page/%u HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\n"
		"Cookie: session=%016llx\r\n\r\n",
		number, name, (unsigned long long)number * 0x9E3779B97F4A7C15u);
}

/* RFC 1035, 4.1: a question, and an address for it in a reply. */
static void dns_message(struct bytes *to, uint32_t number, bool reply)
{
	char name[64];
	size_t size = name_of(number, name);

	put_number(to, number & 0xffff, 2);
	put_number(to, reply ? 0x8180 : 0x0100, 2);
	put_number(to, 1, 2);
	put_number(to, reply, 2);
	put_number(to, 0, 4);
	for (char *label = name, *end = name + size; label < end;) {
		size_t length = strcspn(label, ".");

		put_number(to, length, 1);
		put(to, label, length);
		label += length + 1;
	}
	put_number(to, 0x0000010001, 5);
	if (!reply)
		return;
	put_number(to, 0xc00c00010001, 6);
	put_number(to, 300, 4);
	put_number(to, 4, 2);
	put_number(to, 0xc6336400 + number % 250, 4);
}

static void filler(struct bytes *to, uint32_t number, size_t size)
{
	for (size_t i = 0; i < size; i += 8)
		put_number(to, (number + i) * 0x9E3779B97F4A7C15u, 8);
}

static void payload_of(struct bytes *to, uint32_t number, enum phase phase)
{
	switch (kind_of(number)) {
	case TLS:
		if (phase == REQUEST)
			client_hello(to, number);
		break;
	case HTTP:
		if (phase == REQUEST)
			http_request(to, number);
		break;
	case DNS: dns_message(to, number, phase == ANSWER); return;
	case OTHER: filler(to, number, 64); return;
	}
	if (phase == REPLY)
		filler(to, number, REPLY_BYTES);
}

/* ---- packets ---- */

static void put_tcp(struct bytes *to, enum phase phase, size_t request)
{
	static const uint8_t flags[PHASES] = {TCP_SYN_FLAG, TCP_SYN_FLAG | TCP_ACK_FLAG,
		TCP_ACK_FLAG, TCP_ACK_FLAG};
	bool opened = phase >= REQUEST;

	put_number(to, 1000 + opened, 4);
	put_number(to, phase == OPENING ? 0 : 1001 + (phase == REPLY ? request : 0), 4);
	put_number(to, 0x50, 1);
	put_number(to, flags[phase], 1);
	put_number(to, 0xffff00000000, 6); /* window, checksum, urgent pointer */
}

static void make_packet(struct bytes *to, uint32_t number, enum phase phase)
{
	static const uint16_t ports[] = {443, 80, 53, 4000};
	enum kind kind = kind_of(number);
	bool tcp = kind == TLS || kind == HTTP, back = phase == ANSWER || phase == REPLY;
	uint32_t client = 0x0a000000 + number / 20000, server = 0xc6330000 + number % 65536;
	uint16_t sport = (uint16_t)(1024 + number % 20000), dport = ports[kind];
	struct bytes payload = {.size = 0};
	size_t header = tcp ? 20 : 8;

	payload_of(&payload, number, phase);
	put(to, "\2\0\0\0\0\1\2\0\0\0\0\2\x08\0", 14);
	put_number(to, 0x4500, 2);
	put_number(to, 20 + header + payload.size, 2);
	put_number(to, 0x00004000, 4);
	put_number(to, 64, 1);
	put_number(to, tcp ? 6 : 17, 1);
	put_number(to, 0, 2);
	put_number(to, back ? server : client, 4);
	put_number(to, back ? client : server, 4);
	put_number(to, back ? dport : sport, 2);
	put_number(to, back ? sport : dport, 2);
	if (tcp)
		put_tcp(to, phase, payload.size);
	else
		put_number(to, (8 + payload.size) << 16, 4);
	put(to, payload.at, payload.size);
}

static bool has_phase(uint32_t number, enum phase phase)
{
	return phase <= ANSWER || kind_of(number) == TLS || kind_of(number) == HTTP;
}

static void write_phase(FILE *out, enum phase phase, uint32_t conversations)
{
	for (uint32_t number = 0; number < conversations; number++) {
		struct bytes packet = {.size = 0};
		uint32_t header[4] = {EPOCH_S + phase,
			(uint32_t)((uint64_t)number * 1000000 / conversations)};

		if (!has_phase(number, phase))
			continue;
		make_packet(&packet, number, phase);
		header[2] = header[3] = (uint32_t)packet.size;
		fwrite(header, sizeof(header), 1, out);
		fwrite(packet.at, packet.size, 1, out);
	}
}

int main(int argc, char **argv)
{
	static const uint32_t head[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1};
	FILE *out = argc == 3 ? fopen(argv[1], "wb") : NULL;

	if (!out) {
		fprintf(stderr, "usage: manyflows OUT FLOWS\n");
		return 2;
	}
	fwrite(head, sizeof(head), 1, out);
	for (enum phase phase = OPENING; phase < PHASES; phase++)
		write_phase(out, phase, (uint32_t)strtoul(argv[2], NULL, 10) / 2);
	return fclose(out) ? 1 : 0;
}
