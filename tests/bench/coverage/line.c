/* line.c: the queue between a capture and its preprocessors, second by second. */
#include "tests/bench/coverage/line.h"

#include <stdlib.h>

#include "spool/log.h"
#include "spool/pressure.h"
#include "tests/bench/coverage/world.h"

struct line {
	const struct config *config;
	double capacity;
	void (*batch)(void *own, const struct estimate_batch *batch);
	void *own;
	/* octets of the batches in the queue, a ring; the first one is being worked on */
	double *waiting;
	size_t first, count;
	bool pressed, begun;
	struct estimate_batch open;
	double octets;
};

struct line *line_new(const struct config *config, double capacity,
	void (*batch)(void *own, const struct estimate_batch *batch), void *own)
{
	struct line *line = x_calloc(1, sizeof(*line));

	line->config = config;
	line->capacity = capacity;
	line->batch = batch;
	line->own = own;
	line->waiting = x_calloc(config->max_batches, sizeof(*line->waiting));
	return line;
}

static bool full(const struct line *line)
{
	return pressure_full(line->config, (long long)(line->config->max_batches - line->count),
		line->pressed);
}

static void work(struct line *line)
{
	double left = line->capacity;

	while (line->count && left > 0) {
		double *batch = &line->waiting[line->first];
		double took = *batch < left ? *batch : left;

		left -= took;
		*batch -= took;
		if (*batch > 0)
			return;
		line->first = (line->first + 1) % line->config->max_batches;
		line->count--;
	}
}

static void close_batch(struct line *line)
{
	size_t at = (line->first + line->count++) % line->config->max_batches;

	line->waiting[at] = line->octets;
	line->open.ip = line->open.analysed;
	line->batch(line->own, &line->open);
	line->open = (struct estimate_batch){0};
	line->octets = 0;
}

bool line_second(struct line *line, int64_t now_ms, double packets, double octets)
{
	work(line);
	if (now_ms / 1000 % SLOT_S == 0 && !full(line)) {
		if (line->begun)
			close_batch(line);
		line->begun = true;
	}
	line->pressed = full(line);
	if (line->pressed) {
		line->open.lost += packets;
		return false;
	}
	if (!line->open.timed)
		line->open.first_ms = now_ms;
	line->open.timed = true;
	line->open.last_ms = now_ms + 1000;
	line->open.analysed += packets;
	line->octets += octets;
	return true;
}
