/* Where the headers of a packet end: each kind, with payload behind it, whole and cut anywhere. */
#include "tests/unit/tmp.h"

#include "capture/headers.h"

#define MACS  "020000000001 020000000002 "
#define IPV4  "45000054 00000000 40"
#define ENDS  " 0000 0a000001 0a000002 "
#define IPV6  "60000000 0040"
#define ENDS6 "40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
#define TCP   "1234 0050 00000064 00000000 5002 ffff 0000 0000 "
#define UDP   "1234 0035 0040 0000 "

/* Headers that are kept, and what follows and is not. */
static const struct {
	const char *name;
	uint32_t linktype;
	const char *headers, *payload;
} packets[] = {
	{"TCP", 1, MACS "0800 " IPV4 "06" ENDS TCP, "474554202f"},
	{"TCP with options", 1,
		MACS "0800 " IPV4 "06" ENDS
		     "1234 0050 00000064 00000000 8002 ffff 0000 0000 020405b4 01010402 01030307 ",
		"474554202f"},
	{"TCP that says too little", 101,
		IPV4 "06" ENDS "1234 0050 00000064 00000000 1002 ffff 0000 0000", "41"},
	{"UDP in IPv6 with options", 1, MACS "86dd " IPV6 "00" ENDS6 "1100 010400000000 " UDP,
		"1234010000010000"},
	{"options of IPv4", 228, "46000054 00000000 4011 0000 0a000001 0a000002 94040000 " UDP,
		"00"},
	{"two VLANs", 1, MACS "88a8 0064 8100 00c8 0800 " IPV4 "11" ENDS UDP, "00"},
	{"MPLS", 1, MACS "8847 00010040 00011140 " IPV4 "11" ENDS UDP, "00"},
	{"PPPoE", 1, MACS "8864 1100 0001 0056 0021 " IPV4 "11" ENDS UDP, "00"},
	{"PPP", 9, "ff03 0021 " IPV4 "11" ENDS UDP, "00"},
	{"C-HDLC", 104, "0f00 0800 " IPV4 "11" ENDS UDP, "00"},
	{"SNAP", 1, MACS "0040 aaaa03 000000 0800 " IPV4 "11" ENDS UDP, "00"},
	{"cooked", 113, "0000 0001 0006 020000000001 0000 0800 " IPV4 "11" ENDS UDP, "00"},
	{"cooked 2", 276, "86dd 0000 00000001 0001 00 06 020000000001 0000 " IPV6 "11" ENDS6 UDP,
		"00"},
	{"loopback", 0, "02000000 " IPV4 "11" ENDS UDP, "00"},
	{"raw IPv6", 229, IPV6 "11" ENDS6 UDP, "00"},
	{"6in4", 101, IPV4 "29" ENDS IPV6 "06" ENDS6 TCP, "474554"},
	{"IP in IP", 101, IPV4 "04" ENDS IPV4 "11" ENDS UDP, "00"},
	{"GRE with key", 101, IPV4 "2f" ENDS "2000 0800 00000007 " IPV4 "11" ENDS UDP, "00"},
	{"PPTP", 101,
		IPV4 "2f" ENDS "3081 880b 00200001 00000002 00000003 ff03 0021 " IPV4 "11" ENDS UDP,
		"00"},
	{"VXLAN", 101,
		IPV4 "11" ENDS "1234 12b5 0080 0000 08000000 00000700 " MACS "0800 " IPV4
		     "06" ENDS TCP,
		"474554"},
	{"what looks like VXLAN", 101, IPV4 "11" ENDS "1234 12b5 0080 0000 ",
		"08000000 00000700 7468652071756963 6b2062726f776e20 666f78206a756d70"},
	{"Geneve", 101,
		IPV4 "11" ENDS "1234 17c1 0080 0000 0100 6558 00000700 00000000 " MACS "86dd " IPV6
		     "11" ENDS6 UDP,
		"00"},
	{"GTP-U with an extension", 101,
		IPV4 "11" ENDS "0868 0868 0080 0000 34ff 0020 00000001 0000 00 85 01 0000 00 " IPV4
		     "11" ENDS UDP,
		"00"},
	{"what looks like GTP-U", 101, IPV4 "11" ENDS "0868 0868 0080 0000 ",
		"30ff 0020 00000001 68656c6c6f"},
	{"an error of ICMP", 101, IPV4 "01" ENDS "0301 0000 00000000 ", IPV4 "11" ENDS UDP},
	{"SCTP", 101, IPV4 "84" ENDS "1234 0050 00000000 00000000 ", "0003001068656c6c"},
	{"DCCP", 101, IPV4 "21" ENDS "1234 0050 04 00 0000 05000001 00000002 ", "68656c6c6f"},
	{"ESP", 101, IPV4 "32" ENDS "00000001 00000002 ", "68656c6c6f"},
	{"AH", 101, IPV4 "33" ENDS "1104 0000 00000001 00000002 000102030405060708090a0b " UDP,
		"00"},
	{"a later fragment", 101, "45000054 00000010 4011" ENDS, "68656c6c6f"},
	{"a later fragment of IPv6", 229, IPV6 "2c" ENDS6 "1100 0010 00000001 ", "68656c6c6f"},
	{"a first fragment", 101, "45000054 00002000 4011" ENDS UDP, "68656c6c6f"},
	{"an unknown protocol", 101, IPV4 "fd" ENDS, "68656c6c6f"},
	{"no IP at all", 1, MACS "88cc ", "0207046c6c6470"},
	{"a link type that is not known", 105, "", "0800000068656c6c6f"},
};

static uint32_t bytes_of(const char *hex, uint8_t *out)
{
	uint32_t count = 0;
	unsigned value;
	int used;

	for (; sscanf(hex, " %2x%n", &value, &used) == 1; hex += used)
		out[count++] = (uint8_t)value;
	return count;
}

static void headers_stay_and_payload_goes(void **state)
{
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		uint8_t data[512];
		uint32_t wanted = bytes_of(packets[i].headers, data);
		uint32_t size = wanted + bytes_of(packets[i].payload, data + wanted);
		uint32_t end = headers_end(packets[i].linktype, data, size);

		if (end != wanted)
			fail_msg("%s: %u bytes are kept and not %u", packets[i].name, end, wanted);
	}
}

/* Asan sees every byte read behind the end: the packet stands at the end of its own allocation. */
static void a_packet_that_was_cut_keeps_no_more_than_it_has(void **state)
{
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		uint8_t data[512];
		uint32_t wanted = bytes_of(packets[i].headers, data);

		for (uint32_t size = 0; size <= wanted; size++) {
			uint8_t *copy = malloc(size + 1), *at = copy + 1;

			memcpy(at, data, size);
			assert_true(headers_end(packets[i].linktype, at, size) <= size);
			free(copy);
		}
	}
}

static void link_types(void **state)
{
	assert_true(headers_know(1) && headers_know(101) && headers_know(276));
	assert_false(headers_know(105));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_stay_and_payload_goes),
		cmocka_unit_test(a_packet_that_was_cut_keeps_no_more_than_it_has),
		cmocka_unit_test(link_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
