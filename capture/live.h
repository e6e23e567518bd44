/*
 * live.h: captures an interface through libpcap (TPACKET_V3; a ring of ring_bytes, nanoseconds
 * where the card has them).
 *
 * The interface is opened unfiltered and the streams' filters run here, so that what no stream
 * takes is counted, in the first stream, as are the drops of kernel and card: they happen before
 * anybody could know the stream. seen = captured + filtered + dropped + shed holds by construction:
 * each packet that libpcap delivers is counted once, and the kernel's counters (pcap_stats) add
 * what it could not deliver.
 *
 * Batches follow the wall clock: each stream publishes one every `period`, aligned to multiples of
 * it, also without packets. When the readers are behind, packets are shed and counted. With
 * sampling below 1 a random part is taken, the rest counts as filtered.
 *
 * Calling sequence: live_open() with the rights to open an interface, live_capture() without.
 */
#ifndef CAPTURE_LIVE_H
#define CAPTURE_LIVE_H

#include "capture/capture.h"

struct live;

/* live_open(): NULL after having logged why; *CODE is an exit code then. */
struct live *live_open(struct capture *capture, int *code);
/* live_capture(): until a signal, the duration or the number of packets. 0 or an exit code. */
int live_capture(struct live *live);
void live_close(struct live *live);

#endif
