/*
 * announce.h: syslog(3), for those who watch that; apart because syslog.h and log.h have names in common. What goes there
 * is for people and other programs; what a process says of itself goes to log.h.
 */
#ifndef POSTPROC_ANNOUNCE_H
#define POSTPROC_ANNOUNCE_H

#include <stdbool.h>

/* announce_open(): PROGRAM is kept, not copied. false: there is no FACILITY ("local5") of that name. */
bool announce_open(const char *program, const char *facility);
/* announce(): SEVERITY 1 (as alert), 2 (err), 3 (warning), others (notice). */
void announce(unsigned severity, const char *line);

#endif
