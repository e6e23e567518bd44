/*
 * reload.h: SIGHUP: a running process reads mira.conf anew, and what that names.
 *
 *	reload_catch();                                       once, at the start
 *	if (reload_asked() && !reload_config(&fresh, …))      at the border of two batches
 *		… use FRESH instead
 *
 * A configuration that is wrong, or that the spool does not agree with, is refused, and the one in
 * force stays. Settings that a process looks at when it starts, and never again, are named in the
 * log when they changed: they wait for a restart.
 *
 * SIGHUP of a process that was started from a terminal means that the terminal is gone, and ends
 * it, as ever; where it is ignored (nohup(1)), it stays so.
 */
#ifndef SPOOL_RELOAD_H
#define SPOOL_RELOAD_H

#include "spool/spool.h"

void reload_catch(void);
/* reload_asked(): has SIGHUP arrived since this was called last? */
bool reload_asked(void);

/* reload_config(): reads PATH for a process of STAGE that works with CURRENT. 0, and FRESH is the
 * caller's; or an exit code after having logged why. */
int reload_config(struct config *fresh, const struct config *current, const struct spool *spool,
	const char *path, const char *stage);

#endif
