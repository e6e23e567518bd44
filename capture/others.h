/*
 * others.h: counts the packets of an interface that the kernel's filter keeps from us, because they
 * are of other shares.
 *
 * No counter of the kernel's says what a filter refused, and those of the interface count something
 * else than what a capture sees: frames on the wire, where the capture sees what the card or the
 * kernel has put together (GRO), and also what is taken off before. So a second packet socket on the
 * same interface runs the opposite program with a receive buffer that is full at once and never read:
 * the kernel counts each packet that passes, and copies none.
 *
 * Calling sequence: others_open() with the right to open the interface, others_take() now and then,
 * others_close().
 */
#ifndef CAPTURE_OTHERS_H
#define CAPTURE_OTHERS_H

#include <pcap/pcap.h>
#include <stdint.h>

/* others_open(): CODE is what tells the others' packets (sharefilter.h). A socket, or -1 with errno. */
int others_open(const char *interface, const struct bpf_program *code);
void others_close(int fd);
/* others_take(): how many there were since the last call. */
uint64_t others_take(int fd);

#endif
