/*
 * filter.h: the pcap filter of a stream, compiled for each link type that a trace has.
 *
 * filter_new() checks the expression: what compiles for no link type at all is refused. An
 * expression that makes no sense for one link type (ATM's "vpi 1" on Ethernet) matches nothing
 * there, and that is said once.
 */
#ifndef CAPTURE_FILTER_H
#define CAPTURE_FILTER_H

#include <stdbool.h>
#include "capture/reader.h"

struct filter;

/* filter_new(): of "" every packet passes. NULL after having logged why EXPRESSION (of stream
 * NAME) is refused. */
struct filter *filter_new(const char *name, const char *expression);
/* filter_prepare(): compiles for every link type at once, for a process that may not look names up later. */
void filter_prepare(struct filter *filter);
void filter_free(struct filter *filter);
bool filter_passes(struct filter *filter, const struct packet *packet);

#endif
