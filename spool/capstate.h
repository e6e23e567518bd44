/*
 * capstate.h: where the capture of one stream stands; SPOOL/state/capture/<probe>-<stream>, JSON,
 * replaced whole before each commit, so that a capture that died goes on without a gap and without
 * counting twice (SPOOL.md, rule 11).
 *
 * Only who holds a claim of the stream writes it. A claim is a folder,
 * SPOOL/capture/writer/<probe>-<stream>~<worker>/, in which the new state is made before it is renamed
 * into place. Who wants the stream makes its own claim first and lists those of others then, so of two
 * that come at once one at least sees the other, and gives up; the claim of a dead worker is fenced:
 * emptied until the folder can be removed. A worker that was thought dead and wakes has no state left
 * that it could rename, nor a folder to make one in, at whatever point it stood: it gets ESTALE. What
 * it renamed before that is what the next one reads, for the state is read after the fence. And
 * because a batch is committed after its state only, the zombie commits none that the state does not
 * name: the one it names, its successor commits, and a name is committed once. On NFS as well: paths
 * below a folder that was moved still lead there, below one that was removed nowhere.
 *
 * Calling sequence: capstate_claim(), capstate_rivals(), capstate_fence() of each that is dead,
 * capstate_read(); capstate_write() before each commit; capstate_release().
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

/* capstate_claim(): WORKER may write the state of the stream from now on. -1 with errno. */
int capstate_claim(const struct spool *spool, const char *worker, const char *probe,
	const char *stream);
/* capstate_rivals(): the other workers that hold a claim of it. -1 with errno. */
int capstate_rivals(const struct spool *spool, const char *worker, const char *probe,
	const char *stream, struct namelist *rivals);
/* capstate_fence(): takes the claim of WORKER away. -1 with errno: EBUSY when it is so alive that
 * its folder does not stay empty. */
int capstate_fence(const struct spool *spool, const char *worker, const char *probe,
	const char *stream);
/* capstate_fence_all(): all claims of WORKER, which is dead and whom no state names. */
int capstate_fence_all(const struct spool *spool, const char *worker);
/* capstate_holds(): 1 WORKER has a claim of any stream, 0 it has none; -1 with errno. */
int capstate_holds(const struct spool *spool, const char *worker);
/* capstate_write(): by state->worker, which holds a claim; a state without a worker is nobody's and
 * needs none. -1 with errno; ESTALE: the claim was taken away. */
int capstate_write(const struct spool *spool, const struct capstate *state);
/* capstate_release(): gives WORKER's claim back, and says in the state, when it is WORKER's, that
 * nobody captures now. -1 with errno as above. */
int capstate_release(const struct spool *spool, const char *worker, const char *probe,
	const char *stream);
/* capstate_read(): 1 read, 0 none, -1 error or unreadable (errno EINVAL). */
int capstate_read(const struct spool *spool, const char *probe, const char *stream,
	struct capstate *state);
/* capstate_list(): all of them, malloc'ed into *STATES; returns the count or -1. */
ssize_t capstate_list(const struct spool *spool, struct capstate **states);

#endif
