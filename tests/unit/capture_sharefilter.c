/* sharefilter.c: every packet is of one share, both directions of a conversation of the same, and the
 * kernel agrees. */
#include "tests/unit/tmp.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include "capture/sharefilter.h"
#include "spool/linktype.h"

#define SHARES 5

/* Headers in front of an IP packet, "4" or "6" of which may follow; in hex. */
static const struct {
	const char *what;
	uint32_t linktype;
	const char *ipv4, *ipv6;
} links[] = {
	{"Ethernet", 1, "0200000000010200000000020800", "02000000000102000000000286dd"},
	{"VLAN", 1, "02000000000102000000000281000064 0800",
		"02000000000102000000000281000064 86dd"},
	{"QinQ", 1, "020000000001020000000002 88a80064 810000c8 0800",
		"020000000001020000000002 88a80064 810000c8 86dd"},
	{"four tags", 1, "020000000001020000000002 91000064 92000064 88a80064 810000c8 0800",
		"020000000001020000000002 91000064 92000064 88a80064 810000c8 86dd"},
	{"MPLS", 1, "020000000001020000000002 8847 00010040 00020140",
		"020000000001020000000002 8847 00010040 00020140"},
	{"PPPoE", 1, "020000000001020000000002 8864 110000010020 0021",
		"020000000001020000000002 8864 110000010020 0057"},
	{"PPPoE in a VLAN", 1, "020000000001020000000002 81000064 8864 110000010020 0021",
		"020000000001020000000002 81000064 8864 110000010020 0057"},
	{"SNAP", 1, "020000000001020000000002 0100 aaaa03 000000 0800",
		"020000000001020000000002 0100 aaaa03 000000 86dd"},
	{"LLC", 1, "020000000001020000000002 0100 060603", NULL},
	{"loopback", 0, "02000000", "0a000000"},
	{"SLIP", 8, "00000000000000000000000000000000", "00000000000000000000000000000000"},
	{"PPP", 9, "ff030021", "ff030057"},
	{"PPP, short", 9, "21", "57"},
	{"PPP, Cisco", 9, "0f000800", "8f0086dd"},
	{"PPP with MPLS", 9, "ff030281 00020140", "0281 00020140"},
	{"raw 12", 12, "", ""},
	{"raw 14", 14, "", ""},
	{"HDLC", 50, "ff030021", "ff030057"},
	{"PPPoE alone", 51, "110000010020 0021", "110000010020 0057"},
	{"ATM", 100, "aaaa03 000000 0800", "aaaa03 000000 86dd"},
	{"raw", 101, "", ""},
	{"Cisco HDLC", 104, "0f000800", "0f0086dd"},
	{"Frame Relay", 107, "1841 03cc", "1841 038e"},
	{"Frame Relay, Cisco", 107, "18410800", "184186dd"},
	{"Frame Relay, SNAP", 107, "1841 0300 80 000000 0800", "1841 0300 80 000000 86dd"},
	{"loopback, OpenBSD", 108, "00000002", "00000018"},
	{"cooked", 113, "0000 0001 0006 0200000000010000 0800",
		"0000 0001 0006 0200000000010000 86dd"},
	{"cooked, VLAN", 113, "0000 0001 0006 0200000000010000 8100 0064 0800",
		"0000 0001 0006 0200000000010000 8100 0064 86dd"},
	{"SunATM", 123, "02000064 aaaa03 000000 0800", "02000064 aaaa03 000000 86dd"},
	{"SunATM, a frame", 123, "01000064 0000 0200000000010200000000020800",
		"01000064 0000 02000000000102000000000286dd"},
	{"raw 4", 228, "", NULL},
	{"raw 6", 229, NULL, ""},
	{"cooked 2", 276, "0800 0000 00000002 0001 00 06 0200000000010000",
		"86dd 0000 00000002 0001 00 06 0200000000010000"},
};

#define LINKS (sizeof(links) / sizeof(*links))

struct frame {
	uint8_t bytes[256];
	uint32_t size, linktype;
};

static struct sharefilter *filters[SHARES];

static void add_hex(struct frame *frame, const char *hex)
{
	unsigned byte;
	int used;

	for (; sscanf(hex, " %2x%n", &byte, &used) == 1; hex += used)
		frame->bytes[frame->size++] = (uint8_t)byte;
}

static void add_address(struct frame *frame, size_t size, unsigned number)
{
	uint8_t address[16] = {0x20, 0x01, 0x0d, 0xb8};

	if (size == 4)
		memcpy(address, "\xc0\x00\x02\x00", 4);
	address[size - 1] = (uint8_t)number;
	memcpy(frame->bytes + frame->size, address, size);
	frame->size += (uint32_t)size;
}

/* Of hosts SRC and DST behind the headers of link ROW; with IPv6 or IPv4. False: ROW has no such. */
static bool make(struct frame *frame, size_t row, bool v6, unsigned src, unsigned dst)
{
	const char *head = v6 ? links[row].ipv6 : links[row].ipv4;

	memset(frame, 0, sizeof(*frame));
	frame->linktype = links[row].linktype;
	if (!head)
		return false;
	add_hex(frame, head);
	add_hex(frame, v6 ? "600000000008 1140" : "4500001c 00000000 40110000");
	add_address(frame, v6 ? 16 : 4, src);
	add_address(frame, v6 ? 16 : 4, dst);
	add_hex(frame, "0035 0035 0008 0000");
	return true;
}

/* The one share of FRAME; fails when it has none or several. */
static unsigned share_number(const struct frame *frame)
{
	struct packet packet = {.data = frame->bytes,
		.caplen = frame->size,
		.origlen = frame->size + 1000,
		.linktype = frame->linktype};
	unsigned found = 0, count = 0;

	for (unsigned i = 0; i < SHARES; i++) {
		if (!sharefilter_takes(filters[i], &packet))
			continue;
		found = i + 1;
		count++;
	}
	assert_int_equal(count, 1);
	return found;
}

/* As sharefilter.h says it. */
static unsigned expected(bool v6, unsigned src, unsigned dst)
{
	return ((src ^ dst) * 0x9e3779b1u >> 16) % SHARES + 1;
}

static void both_directions_are_of_one_share_behind_every_link(void **state)
{
	struct frame there, back;
	bool used[SHARES + 1] = {false};

	for (size_t row = 0; row < LINKS; row++)
		for (unsigned v6 = 0; v6 < 2; v6++)
			for (unsigned host = 2; host < 40; host++) {
				unsigned number;

				if (!make(&there, row, v6, 1, host))
					continue;
				make(&back, row, v6, host, 1);
				number = share_number(&there);
				if (number != expected(v6, 1, host))
					fail_msg("%s, IPv%u", links[row].what, v6 ? 6 : 4);
				assert_int_equal(share_number(&back), number);
				used[number] = true;
			}
	for (unsigned i = 1; i <= SHARES; i++)
		assert_true(used[i]);
}

/* Cut off before the end of its addresses, it is of share 1. */
static void a_cut_packet_has_a_share(void **state)
{
	struct frame frame;

	for (size_t row = 0; row < LINKS; row++)
		for (unsigned v6 = 0; v6 < 2; v6++) {
			if (!make(&frame, row, v6, 1, 2))
				continue;
			for (frame.size -= 8; frame.size-- > 0;)
				assert_int_equal(share_number(&frame), 1);
		}
}

static void what_has_no_addresses_is_of_share_1(void **state)
{
	static const char *const frames[] = {
		"ffffffffffff 020000000001 0806 0001080006040001 020000000001 c0000201 000000000000 c0000202",
		"0180c2000000 020000000001 0026 424203 000000000080000200000000010000",
		"020000000001 020000000002 9100 0064 9100 0064 9100 0064 9100 0064 9100 0064 0800 45",
	};

	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
		struct frame frame = {.linktype = 1};

		add_hex(&frame, frames[i]);
		frame.size = 200;
		assert_int_equal(share_number(&frame), 1);
	}
}

static void other_link_types_are_of_share_1_and_that_is_said(void **state)
{
	static const uint32_t types[] = {105, 127, 192, 239};
	const struct share share = {1, 2};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct frame frame = {.linktype = types[i], .size = 100};
		struct sharefilter *filter = sharefilter_new(&share);
		struct packet packet = {.data = frame.bytes, .caplen = 100, .linktype = types[i]};
		const char *log;

		tmp_log_begin();
		assert_true(sharefilter_takes(filter, &packet));
		assert_true(sharefilter_takes(filter, &packet));
		log = tmp_log_end();
		assert_says(log, "cannot be divided");
		assert_null(strstr(strstr(log, "cannot be divided") + 1, "cannot be divided"));
		sharefilter_free(filter);
	}
}

/* A row for each link type that is captured, or the words above. */
static void every_link_type_is_here(void **state)
{
	static const uint32_t undivided[] = {105, 127, 135, 137, 167, 178, 179, 180, 181, 192, 239};
	const struct linktype *type;

	for (size_t i = 0; (type = linktype_at(i)); i++) {
		bool here = false;

		for (size_t n = 0; n < sizeof(undivided) / sizeof(*undivided); n++)
			here |= undivided[n] == type->number;
		for (size_t row = 0; row < LINKS; row++)
			here |= links[row].linktype == type->number;
		assert_true(here);
	}
}

static void noise_has_a_share(void **state)
{
	struct frame frame;

	srandom(1);
	for (unsigned round = 0; round < 20000; round++) {
		frame.linktype = links[random() % (long)LINKS].linktype;
		frame.size = (uint32_t)(random() % 100);
		for (uint32_t i = 0; i < frame.size; i++)
			frame.bytes[i] = (uint8_t)random();
		share_number(&frame);
	}
}

/* ---- the kernel ---- */

/* A pair of sockets, of which the second gets what the program takes. */
static void attach(int pair[2], const struct share *share, bool others, uint32_t linktype)
{
	struct bpf_program code;
	struct sock_fprog program;

	sharefilter_program(share, others, linktype, &code);
	program.len = (unsigned short)code.bf_len;
	program.filter = (struct sock_filter *)(void *)code.bf_insns; /* the same layout */
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &program,
				 sizeof(program)),
		0);
	free(code.bf_insns);
}

static bool kernel_takes(const int pair[2], const struct frame *frame)
{
	uint8_t got[256];

	send(pair[0], frame->bytes, frame->size, 0); /* "not permitted" when it is refused */
	return recv(pair[1], got, sizeof(got), MSG_DONTWAIT) == (ssize_t)frame->size;
}

static void the_kernel_says_the_same(void **state)
{
	for (size_t row = 0; row < LINKS; row++) {
		const struct share share = {2, SHARES};
		struct frame frame;
		int ours[2], rest[2];

		attach(ours, &share, false, links[row].linktype);
		attach(rest, &share, true, links[row].linktype);
		for (unsigned i = 0; i < 20; i++) {
			if (!make(&frame, row, i & 1, 1, 2 + i))
				continue;
			frame.size -= i == 19 ? 20 : 0;
			assert_int_equal(kernel_takes(ours, &frame), share_number(&frame) == 2);
			assert_int_equal(kernel_takes(rest, &frame), share_number(&frame) != 2);
		}
		close(ours[0]), close(ours[1]), close(rest[0]), close(rest[1]);
	}
}

static int set_up(void **state)
{
	for (unsigned i = 0; i < SHARES; i++) {
		const struct share share = {i + 1, SHARES};

		filters[i] = sharefilter_new(&share);
	}
	return tmp_setup(state);
}

static int tear_down(void **state)
{
	for (unsigned i = 0; i < SHARES; i++)
		sharefilter_free(filters[i]);
	return tmp_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_are_of_one_share_behind_every_link),
		cmocka_unit_test(a_cut_packet_has_a_share),
		cmocka_unit_test(what_has_no_addresses_is_of_share_1),
		cmocka_unit_test(other_link_types_are_of_share_1_and_that_is_said),
		cmocka_unit_test(every_link_type_is_here),
		cmocka_unit_test(noise_has_a_share),
		cmocka_unit_test(the_kernel_says_the_same),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
