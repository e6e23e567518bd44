/*
 * renewal.c: new rules for a capture that runs: SIGHUP, `mira check`, state/rules, and the hash that
 * the slicers stamp. Beside the packets' thread, which only looks whether it is done.
 */
#include "capture/renewal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/checker.h"
#include "spool/notify.h"
#include "spool/reload.h"
#include "spool/rules.h"

enum stand { IDLE, RUNNING, RENEWED, REFUSED };

struct renewal {
	struct capture *capture;
	struct checker *checker;
	char config[PATH_MAX]; /* absolute */
	struct config begun;   /* the file as it was, not what the command line made of it */
	char rules[33];	       /* the new ones */
	pthread_t thread;
	_Atomic(enum stand) stand;
};

struct renewal *renewal_new(struct capture *capture)
{
	struct renewal *renewal = x_calloc(1, sizeof(*renewal));

	renewal->capture = capture;
	if (!capture->config_path[0] || !realpath(capture->config_path, renewal->config))
		strcpy(renewal->config, capture->config_path);
	if (config_load(&renewal->begun, renewal->config)) { /* changed since it was read first */
		free(renewal);
		return NULL;
	}
	renewal->checker = checker_new(renewal->config, !capture->interface);
	if (!renewal->checker) {
		log_err("cannot make a process to check the configuration later: %m");
		config_free(&renewal->begun);
		free(renewal);
		return NULL;
	}
	reload_catch();
	return renewal;
}

/* ---- the thread ---- */

static bool renew(struct renewal *renewal)
{
	const struct spool *spool = &renewal->capture->spool;
	struct config fresh;
	bool done;

	if (!checker_run(renewal->checker) ||
		reload_config(&fresh, &renewal->begun, spool, renewal->config, "capture"))
		return false;
	done = rules_publish(spool, &fresh, renewal->rules) == 0;
	config_free(&fresh);
	return done;
}

static void *run(void *context)
{
	struct renewal *renewal = context;

	renewal->stand = renew(renewal) ? RENEWED : REFUSED;
	return NULL;
}

/* ---- the packets' side ---- */

/* Signals are the main thread's. */
static void start(struct renewal *renewal)
{
	sigset_t all, before;
	int error;

	notify_reloading();
	renewal->stand = RUNNING;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&renewal->thread, NULL, run, renewal);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		return;
	log_err("cannot start a thread to read the configuration anew: %s", strerror(error));
	renewal->stand = IDLE;
	notify_ready();
}

static void finish(struct renewal *renewal)
{
	bool renewed = renewal->stand == RENEWED;

	pthread_join(renewal->thread, NULL);
	renewal->stand = IDLE;
	if (renewed) {
		memcpy(renewal->capture->rules, renewal->rules, sizeof(renewal->rules));
		log_info("the configuration was read anew; batches that begin now have rules %s",
			renewal->rules);
	} else {
		log_err("the new configuration is refused, for the reason above; the old one stays "
			"in force");
	}
	notify_ready();
}

void renewal_look(struct renewal *renewal)
{
	enum stand stand = renewal->stand;

	if (stand == RENEWED || stand == REFUSED)
		finish(renewal);
	else if (stand == IDLE && reload_asked())
		start(renewal);
}

void renewal_free(struct renewal *renewal)
{
	if (!renewal)
		return;
	checker_stop(renewal->checker);
	if (renewal->stand != IDLE)
		pthread_join(renewal->thread, NULL);
	checker_free(renewal->checker);
	config_free(&renewal->begun);
	free(renewal);
}
