/*
 * linktype.h: the link types that packets segments may hold (numbers of the tcpdump.org registry,
 * LINKTYPE_*).
 *
 * The capture refuses what is not in this table: nothing behind it could find the IP packet inside.
 * Whoever teaches the decoder (preprocess/link.c) a link type adds its row here.
 */
#ifndef SPOOL_LINKTYPE_H
#define SPOOL_LINKTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINKTYPE_EN10MB = 1 };

struct linktype {
	uint32_t number;
	int dlt; /* what libpcap calls it when it compiles a filter; differs for a few old types */
	const char *name;
};

/* linktype_find(): NULL for a type that is not decoded. */
const struct linktype *linktype_find(uint32_t number);
/* linktype_from_dlt(): of a live interface; NULL for one that is not decoded. */
const struct linktype *linktype_from_dlt(int dlt);
/* linktype_at(): row INDEX of the table, NULL after the last. */
const struct linktype *linktype_at(size_t index);

#endif
