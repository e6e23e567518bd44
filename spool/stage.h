/*
 * stage.h: the skeleton of preprocess, classify and store: a table and one call.
 *
 *	static const struct stage stage = { "preprocess", "packets", "preprocess", "flows", work, … };
 *	int main(int argc, char **argv) { return stage_main(&stage, argc, argv); }
 *
 * Options of every stage: --spool DIR (required), --config FILE, --drain (default) or --follow,
 * --tries N, --help, --version. --drain ends when ready/ is empty and no dead worker holds a batch; --follow
 * waits for more. SIGTERM and SIGINT finish the batch at hand, then end with 0 (a second SIGINT
 * ends at once). SIGHUP reads the configuration anew between two batches (reload.h). The loop: finish leftovers, reclaim from the dead, mind the pressure, claim, read
 * and check the manifest, work, commit, finish.
 *
 * A stage for which one large step costs less than many small ones may hold batches: they stay
 * claimed, so that whoever dies with them gives them back, and are committed together.
 *
 * The loop reads batch->manifest and checks the files' lengths and checksums before work(), unless
 * work() does so as it reads them (checks). Where that fails,
 * or the batch killed QUEUE_STRIKES workers, it rejects the batch; rejected() must then do with
 * what can be had: batch->manifest when batch->manifest.kind[0], else the name (batchname_parse()).
 */
#ifndef SPOOL_STAGE_H
#define SPOOL_STAGE_H

#include <getopt.h>
#include <stdbool.h>
#include "spool/batch.h"
#include "spool/config.h"
#include "spool/spool.h"
#include "spool/worker.h"

struct stage;
struct sandbox;
struct watch;

struct stage_run {
	struct config config;
	char config_path[PATH_MAX];
	struct spool spool;
	struct worker *worker;
	struct queue queue;
	struct progress progress; /* the stage adds to it; the loop beats */
	bool follow;
	struct watch *watch; /* on ready/ */
	unsigned failures;   /* errors of the machine in a row */
	unsigned tries;	     /* failures after which it gives up, 0 never */
	int last_error;
	const struct stage *stage;
	unsigned jitter; /* so that processes that fail together do not try again together */
	struct namelist attempts;				    /* of queue.held */
	uint64_t house_at_s, metrics_at_s, expire_at_s, check_at_s; /* next, CLOCK_BOOTTIME */
	void *own;						    /* the stage's */
};

/* What work() says of a batch. */
enum work_result {
	WORK_DONE, /* outputs are complete below the attempt: commit, it and what was held */
	WORK_HELD, /* done, but not safe before a later WORK_DONE or settle(): claim the next one */
	WORK_REDO, /* it failed and what was held with it: they are given to work() again */
	WORK_BAD,  /* the input is bad: stage_reject() has been called for it */
	WORK_AGAIN, /* the machine failed (errno logged): keep it, try again later */
	WORK_STOP,  /* a person is needed: exit 2 */
};

struct stage {
	const char *name;	      /* "preprocess" */
	const char *queue, *reader;   /* what it reads; the reader's folder */
	bool checks;		      /* work() checks lengths and checksums as it reads: once */
	const char *output;	      /* queue it fills, for the pressure; NULL for none */
	const char *summary;	      /* one sentence for --help */
	const struct option *options; /* of its own, ended by a zero row; may be NULL */
	const char *options_help;
	int (*option)(struct stage_run *run, int value,
		const char *argument); /* 0, or an exit code */
	/* confine(): what it reads and writes outside of the spool; may be NULL */
	void (*confine)(const struct stage_run *run, struct sandbox *sandbox);
	int (*open)(struct stage_run *run); /* after the spool is open; 0 or an exit code */
	/* reload(): SIGHUP brought FRESH, run->config is still the old one; nothing is held. 0, or an
	 * exit code when FRESH is not to be used; may be NULL. */
	int (*reload)(struct stage_run *run, const struct config *fresh);
	/* errno tells why WORK_AGAIN */
	enum work_result (*work)(struct stage_run *run, struct batch *batch);
	/* settle(): makes safe what is held, if anything is; called before the loop waits, reloads or
	 * ends. 0, or -1 with errno: none of it is safe. Of a stage that holds. */
	int (*settle)(struct stage_run *run);
	/* rejected(): writes the outputs that account for a rejected batch (a ledger row). 0; -1 with
	 * errno; -2: a person is needed, the batch stays. May be NULL. */
	int (*rejected)(struct stage_run *run, struct batch *batch, const char *reason);
	void (*close)(struct stage_run *run);
};

int stage_main(const struct stage *stage, int argc, char **argv);

/* The pieces, for stages with a loop of their own (capture, consolidate). */
/* stage_start(): parses the common options, loads the configuration, opens the spool, starts the
 * worker. 0 or an exit code; -1: --help or --version was answered, exit 0. */
int stage_start(struct stage_run *run, const struct stage *stage, int argc, char **argv);
void stage_end(struct stage_run *run);
/* stage_reload(): where no batch is at hand: does what SIGHUP asked for, if it did. */
void stage_reload(struct stage_run *run);
/* stage_settle(): nothing is held any more: it is safe and handed over, or worked on again. */
void stage_settle(struct stage_run *run);
/* stage_stopping(): has SIGTERM or SIGINT arrived? */
bool stage_stopping(void);

/*
 * stage_machine_error(): logs errno ERROR once a kind, with what helps, and waits (longer each
 * time). Returns -1: go on; or, after --tries in a row, the exit code to give up with.
 * stage_recovered() ends the row.
 */
int stage_machine_error(struct stage_run *run, int error, const char *tried);
void stage_recovered(struct stage_run *run);
/* stage_due(): has *AT_S (CLOCK_BOOTTIME; 0: yes) come? Then it is set to EVERY_S from now. */
bool stage_due(uint64_t *at_s, unsigned every_s);

/* stage_reject(): quarantines BATCH in a new attempt: rejected(), queue_reject(), finish. Called by
 * work(), which returns what it returns. */
enum work_result stage_reject(struct stage_run *run, const struct stage *stage, struct batch *batch,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
