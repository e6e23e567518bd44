/* linktype.c: the table that the capture and the decoder agree on. */
#include "spool/linktype.h"

/* DLT_RAW is 12 on Linux and 14 on OpenBSD; old files carry either in place of LINKTYPE_RAW. */
static const struct linktype table[] = {
	{1, 1, "Ethernet"},
	{0, 0, "BSD loopback"},
	{8, 8, "SLIP"},
	{9, 9, "PPP"},
	{12, 12, "raw IP (12)"},
	{14, 12, "raw IP (14)"},
	{50, 50, "PPP in HDLC-like framing"},
	{51, 51, "PPPoE"},
	{100, 11, "ATM RFC 1483"},
	{101, 12, "raw IP"},
	{104, 104, "Cisco HDLC"},
	{105, 105, "IEEE 802.11"},
	{107, 107, "Frame Relay"},
	{108, 108, "OpenBSD loopback"},
	{113, 113, "Linux cooked"},
	{123, 123, "SunATM"},
	{127, 127, "IEEE 802.11 with radiotap"},
	{135, 135, "Juniper ATM2"},
	{137, 137, "Juniper ATM1"},
	{167, 167, "Juniper PPPoE"},
	{178, 178, "Juniper Ethernet"},
	{179, 179, "Juniper PPP"},
	{180, 180, "Juniper Frame Relay"},
	{181, 181, "Juniper C-HDLC"},
	{192, 192, "PPI"},
	{228, 228, "raw IPv4"},
	{229, 229, "raw IPv6"},
	{239, 239, "NFLOG"},
	{276, 276, "Linux cooked, version 2"},
};

const struct linktype *linktype_at(size_t index)
{
	return index < sizeof(table) / sizeof(*table) ? &table[index] : NULL;
}

const struct linktype *linktype_find(uint32_t number)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (table[i].number == number)
			return &table[i];
	return NULL;
}

/* From the end: libpcap's DLT_RAW is LINKTYPE_RAW (101), not the two old numbers. */
const struct linktype *linktype_from_dlt(int dlt)
{
	for (size_t i = sizeof(table) / sizeof(*table); i-- > 0;)
		if (table[i].dlt == dlt)
			return &table[i];
	return NULL;
}
