/*
 * segment.h: packets as pcapng, into the publisher's buffers (draft-ietf-opsawg-pcapng; DESIGN: any
 * tool may open a segment).
 *
 *	Section Header (hardware, os, application)
 *	Interface Description   one for each link type and snap length in the segment; nanoseconds
 *	Enhanced Packet …
 *	Interface Statistics    one for each interface: isb_ifrecv seen, isb_filteraccept passed the
 *	                        filter, isb_osdrop and isb_ifdrop dropped, isb_usrdeliv written;
 *	                        so shed = filteraccept - osdrop - usrdeliv
 *
 * What concerns no packet that was written (filtered, dropped, shed) stands with interface 0: the
 * sums over the interfaces are those of the segment.
 *
 * segment_begin(), segment_add() … while segment_fits(), segment_end(). segment_reserve() makes
 * sure that the next segment_begin() finds a buffer: live, where none may be free, it is called
 * first. Integers are in this machine's order.
 */
#ifndef CAPTURE_SEGMENT_H
#define CAPTURE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "capture/publish.h"
#include "capture/reader.h"

#define SEGMENT_INTERFACES 64 /* a trace with more in one segment goes on in another */

/* What happened to packets, as pcapng tells it apart. */
struct tally {
	uint64_t captured, filtered, osdrop, ifdrop, shed;
};

struct segment_interface {
	uint32_t linktype, snaplen;
	uint64_t packets;
};

struct segment_writer {
	struct publisher *publisher;
	struct sink *sink;
	const char *name, *filter; /* for if_name and if_filter; the caller's */
	struct buffer *buffer, *spare;
	uint64_t bytes; /* of this segment */
	uint64_t packets;
	uint64_t first_ns, last_ns; /* earliest and latest packet */
	struct segment_interface interfaces[SEGMENT_INTERFACES];
	size_t count, last; /* last: of the packet before */
	bool open;
};

/* segment_reserve(): false when no buffer is to be had. */
bool segment_reserve(struct segment_writer *writer);
/* segment_begin(): START_NS is the time of a segment that stays without packets. */
bool segment_begin(struct segment_writer *writer, uint64_t start_ns);
/* segment_fits(): may PACKET go into the segment without it growing beyond LIMIT bytes? An empty
 * segment takes any. */
bool segment_fits(const struct segment_writer *writer, const struct packet *packet, uint64_t limit);
/* segment_add(): false when no buffer is to be had; nothing was written then. */
bool segment_add(struct segment_writer *writer, const struct packet *packet);
/* segment_end(): closes the segment; one without packets describes an interface of LINKTYPE and
 * SNAPLEN. */
void segment_end(struct segment_writer *writer, const struct tally *tally, uint32_t linktype,
	uint32_t snaplen);
/* segment_drop(): gives the buffers back; for a capture that stops. */
void segment_drop(struct segment_writer *writer);

#endif
