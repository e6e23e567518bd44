/* others.c: what passes on the wire beside the packets' thread, for it is not ours to take. */
#include "capture/others.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "spool/log.h"

#define OUTGOING_INSNS 3

static bool is_loopback(int fd, const char *interface)
{
	struct ifreq request = {0};

	strncpy(request.ifr_name, interface, sizeof(request.ifr_name) - 1);
	return ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_LOOPBACK);
}

/* A loopback interface shows each packet twice; libpcap leaves out the first, so does this. */
static size_t refuse_outgoing(struct sock_filter *insns)
{
	insns[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
		(uint32_t)SKF_AD_OFF + SKF_AD_PKTTYPE);
	insns[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1);
	insns[2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	return OUTGOING_INSNS;
}

static int attach(int fd, const char *interface, const struct bpf_program *code)
{
	struct sock_filter *insns = x_calloc(OUTGOING_INSNS + code->bf_len, sizeof(*insns));
	struct sock_fprog program = {.filter = insns};
	size_t used = is_loopback(fd, interface) ? refuse_outgoing(insns) : 0;
	int result;

	for (size_t i = 0; i < code->bf_len; i++)
		insns[used++] = (struct sock_filter){code->bf_insns[i].code, code->bf_insns[i].jt,
			code->bf_insns[i].jf, code->bf_insns[i].k};
	program.len = (unsigned short)used;
	result = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
	free(insns);
	return result;
}

/* The filter comes first: without a protocol the socket gets nothing until it is bound. */
static int set_up(int fd, const char *interface, const struct bpf_program *code)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface)};
	int none = 0;

	if (!address.sll_ifindex || attach(fd, interface, code))
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &none, sizeof(none));
	return bind(fd, (struct sockaddr *)&address, sizeof(address));
}

int others_open(const char *interface, const struct bpf_program *code)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), error;

	if (fd < 0 || set_up(fd, interface, code) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

void others_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* The kernel's "packets" holds the dropped ones too, and begins anew each time it is read. */
uint64_t others_take(int fd)
{
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);

	if (fd < 0 || getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size))
		return 0;
	return stats.tp_packets;
}
