/*
 * Fuzz target of preprocess/host.c with hello.c and resolve.c: packets of a few flows in any order
 * put together what they may; names stay legal. Each packet takes four bytes of the input (which
 * flow and flags, sequence number, two of length), then its payload.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -I. … tests/fuzz/host.c \
 *	    preprocess/{host,hello,resolve,dns,tls,ja4,quic,http,hostname}.c spool/{log,names}.c \
 *	    -lnettle -lxxhash
 *	./host -max_len=4096
 */
#include <stdlib.h>
#include <string.h>

#include "preprocess/host.h"

#define FLOWS 4

static const struct flowkey keys[FLOWS] = {
	{.src = {10, 0, 0, 1}, .dst = {192, 0, 2, 1}, .sport = 40000, .dport = 443, .proto = 6},
	{.src = {10, 0, 0, 1}, .dst = {192, 0, 2, 1}, .sport = 40000, .dport = 443, .proto = 17},
	{.src = {192, 0, 2, 53}, .dst = {10, 0, 0, 1}, .sport = 53, .dport = 40000, .proto = 17},
	{.src = {192, 0, 2, 53}, .dst = {10, 0, 0, 1}, .sport = 53, .dport = 40000, .proto = 6},
};

static void check(const char *name)
{
	size_t size = strnlen(name, HOST_NAME_SIZE);

	if (size == HOST_NAME_SIZE ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != size)
		abort();
}

/* As meter.c does for each packet. */
static void meter(struct hosts *hosts, struct entry *entry, const struct packet *packet)
{
	const char *name = hosts_resolved(hosts, &packet->key, 1000);
	struct told told;

	if (name)
		check(name);
	entry->packets++;
	hosts_learn(hosts, packet, 1000);
	hosts_opened(entry, packet);
	hosts_look(hosts, entry, entry->packets, packet, &told);
	check(told.name);
	entry->host_name |= told.name[0] != 0;
}

static void send_all(struct hosts *hosts, struct entry *entries, const uint8_t *data, size_t size)
{
	while (size > 4) {
		unsigned flow = data[0] % FLOWS;
		size_t length = ((size_t)data[2] << 8 | data[3]) % (size - 3);
		uint8_t *copy = malloc(length + 1);
		struct packet packet = {.key = keys[flow],
			.payload = copy,
			.payload_size = (uint32_t)length,
			.tcp_seq = data[1] * 16u,
			.tcp_flags = data[0] & 0x80 ? TCP_SYN : 0};

		copy = memcpy(copy, data + 4, length);
		meter(hosts, &entries[flow], &packet);
		free(copy);
		data += 4 + length;
		size -= 4 + length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hosts *hosts;
	struct entry entries[FLOWS];

	if (!hosts)
		hosts = hosts_new();
	memset(entries, 0, sizeof(entries));
	hosts_begin(hosts, size & 1);
	send_all(hosts, entries, data, size);
	return 0;
}
