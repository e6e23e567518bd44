/*
 * mira-line.h: the five stages on this machine, for one `mira run`.
 *
 * They run as they would on a site, in --follow. The line is drained from its head: once the
 * capture has ended and the queue of a stage is empty, that stage gets SIGTERM, and the next one's
 * queue can only shrink. Other than on a site, a stage gives up when the machine keeps failing it
 * (a full disk): the same command goes on when the cause is gone.
 */
#ifndef SPOOL_MIRA_LINE_H
#define SPOOL_MIRA_LINE_H

#include <stdbool.h>

#include "spool/mira-inputs.h"
#include "spool/mira-options.h"
#include "spool/spool.h"

struct line {
	const struct run_options *options;
	const struct inputs *inputs;
	const struct spool *spool;
	const char *config_path, *db;
	bool captured;	  /* out: there is something on the spool */
	int capture_code; /* out: MIRA_PERSON when a FILE was no capture, with the others captured */
};

/* line_run(): until everything on the spool is in DB. 0 or an exit code after a message. */
int line_run(struct line *line);

#endif
