/*
 * capture.h: what the modules of one mira-capture process share. main.c fills it from the command
 * line.
 */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include <stdbool.h>
#include "capture/filter.h"
#include "capture/publish.h"
#include "capture/sharefilter.h"
#include "spool/config.h"
#include "spool/log.h"
#include "spool/spool.h"
#include "spool/worker.h"

struct capture {
	struct config config;
	char config_path[PATH_MAX];
	struct spool spool;
	const char *spool_path;
	char probe[NAME_PART_MAX + 1];
	char rules[33];		   /* hash of the rules stamped into each manifest */
	struct filter **filters;   /* of config.streams, the same count */
	struct sharefilter *share; /* of config.part */
	struct worker *worker;
	struct publisher *publisher;
	struct renewal *renewal; /* new rules while it runs */
	struct progress progress;
	struct namelist dead; /* workers of earlier captures, found dead */

	const char *extra_filter; /* --filter, NULL */
	char **files;		  /* of a trace capture */
	size_t file_count;
	const char *interface; /* of a live one, NULL */
	double duration_s;     /* 0: no limit */
	uint64_t packet_limit; /* 0: no limit */
};

/* capture_signals(): SIGTERM and SIGINT end the run orderly from now on. */
void capture_signals(void);
/* capture_stopping(): has one arrived? */
bool capture_stopping(void);
/* capture_pause(): sleeps MS; shorter when a signal arrives. */
void capture_pause(unsigned ms);

/* capture_worse(): the exit code that says more: 1 (try again) outranks 2, which outranks 0. */
static inline int capture_worse(int a, int b)
{
	return a == MIRA_AGAIN || b == MIRA_AGAIN ? MIRA_AGAIN : a ? a : b;
}

#endif
