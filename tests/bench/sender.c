/*
 * sender: puts packets on a wire as fast as it is told, or can.
 *
 *	sender INTERFACE CAPTURE RATE SECONDS	the first packets of CAPTURE (pcap), again and again, RATE of them a second; prints
 *						how many were sent, and at what rate
 *
 * Packets go past the queueing discipline, many with one system call, so one processor sends more than others can capture.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define FRAMES_MAX 50000
#define FRAME_MAX  1514
#define BURST	   64

static struct iovec frames[FRAMES_MAX];
static unsigned frame_count;

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "sender: ");
	perror(what);
	exit(1);
}

static void load(const char *path)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *capture = pcap_open_offline(path, why);
	struct pcap_pkthdr *header;
	const u_char *bytes;

	must(capture != NULL, path);
	while (frame_count < FRAMES_MAX && pcap_next_ex(capture, &header, &bytes) == 1) {
		struct iovec *frame = &frames[frame_count];

		if (header->caplen < 14 || header->caplen > FRAME_MAX)
			continue;
		frame->iov_len = header->caplen;
		frame->iov_base = malloc(header->caplen);
		must(frame->iov_base != NULL, "memory");
		memcpy(frame->iov_base, bytes, header->caplen);
		frame_count++;
	}
	pcap_close(capture);
	must(frame_count > 0, "no packets");
}

static int open_wire(const char *interface)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(interface)};
	int wire = socket(AF_PACKET, SOCK_RAW, 0), yes = 1; /* protocol 0: it receives nothing */

	must(wire >= 0, "socket");
	must(bind(wire, (struct sockaddr *)&address, sizeof(address)) == 0, interface);
	must(setsockopt(wire, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes)) == 0,
		"PACKET_QDISC_BYPASS");
	return wire;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Sends at most COUNT frames; returns how many were. */
static unsigned burst(int wire, uint64_t first, unsigned count)
{
	static struct mmsghdr messages[BURST];
	int sent;

	for (unsigned i = 0; i < count; i++) {
		messages[i].msg_hdr.msg_iov = &frames[(first + i) % frame_count];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	sent = sendmmsg(wire, messages, count, 0);
	must(sent >= 0 || errno == ENOBUFS || errno == EAGAIN, "sendmmsg");
	return sent < 0 ? 0 : (unsigned)sent;
}

int main(int argc, char **argv)
{
	double rate, seconds, begin, passed;
	uint64_t sent = 0;
	int wire;

	if (argc != 5) {
		fprintf(stderr, "usage: sender INTERFACE CAPTURE RATE SECONDS\n");
		return 2;
	}
	load(argv[2]);
	wire = open_wire(argv[1]);
	rate = atof(argv[3]);
	seconds = atof(argv[4]);
	begin = now();
	while ((passed = now() - begin) < seconds) {
		double due = passed * rate - (double)sent;

		if (due >= BURST / 4)
			sent += burst(wire, sent, due < BURST ? (unsigned)due : BURST);
	}
	printf("sent=%llu rate=%.0f\n", (unsigned long long)sent, (double)sent / (now() - begin));
	return 0;
}
