/*
 * line.h: a live capture in front of preprocessors that are too slow: which packets it takes and which
 * it sheds, batch by batch, by the rule that the real one follows (pressure_full() of spool/pressure.h).
 *
 * The clock ticks once a second, as that of the real one. Each 5 s a batch is closed and another begun,
 * unless the queue is full: then the one that is open stays so, and what is shed is in its counts.
 *
 * Calling sequence: line_new(), then line_second() for each second; it calls BATCH for each batch that is
 * closed.
 */
#ifndef COVERAGE_LINE_H
#define COVERAGE_LINE_H

#include "postproc/report/estimate.h"
#include "spool/config.h"

struct line;

/* line_new(): CONFIG is kept. CAPACITY: octets a second that are preprocessed. */
struct line *line_new(const struct config *config, double capacity,
	void (*batch)(void *own, const struct estimate_batch *batch), void *own);
/* line_second(): PACKETS of OCTETS pass in the second that begins at NOW_MS. True: they are analysed. */
bool line_second(struct line *line, int64_t now_ms, double packets, double octets);

#endif
