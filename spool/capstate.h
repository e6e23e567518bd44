/*
 * capstate.h: where the capture of one stream stands; SPOOL/state/capture/<probe>-<stream>, JSON,
 * replaced whole before each commit, so that a capture that died goes on without a gap and without
 * counting twice (SPOOL.md, rule 11).
 *
 * Consolidation lists the folder to know which runs are to be waited for: a capture writes the
 * state of all its streams before it publishes the first batch of any.
 */
#ifndef SPOOL_CAPSTATE_H
#define SPOOL_CAPSTATE_H

#include <sys/types.h>
#include "spool/manifest.h"
#include "spool/spool.h"

struct capstate {
	char probe[NAME_PART_MAX + 1], stream[NAME_PART_MAX + 1], run[RUN_HEX + 1];
	char worker[NAME_MAX + 1]; /* who captures: its beat tells a second one from a restart */
	char batch[NAME_MAX + 1]; /* name of the batch about to be committed, "" before the first */
	uint64_t next_seq;	  /* seq after that batch */
	uint64_t packet_index;	  /* captured packets of the run up to and with that batch */
	uint64_t records; /* records of the input consumed up to and with that batch (trace) */
	struct counts cumulative;
	bool live, ended;
};

int capstate_write(const struct spool *spool, const struct capstate *state);
/* capstate_read(): 1 read, 0 none, -1 error or unreadable (errno EINVAL). */
int capstate_read(const struct spool *spool, const char *probe, const char *stream,
	struct capstate *state);
/* capstate_list(): all of them, malloc'ed into *STATES; returns the count or -1. */
ssize_t capstate_list(const struct spool *spool, struct capstate **states);

#endif
