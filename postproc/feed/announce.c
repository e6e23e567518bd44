/*
 * announce.c: the way to syslog(3) (announce.h).
 */
#define SYSLOG_NAMES
#include <string.h>
#include <syslog.h>

#include "postproc/feed/announce.h"

bool announce_open(const char *program, const char *facility)
{
	for (const CODE *row = facilitynames; row->c_name; row++)
		if (!strcmp(row->c_name, facility)) {
			openlog(program, LOG_PID, row->c_val);
			return true;
		}
	return false;
}

void announce(unsigned severity, const char *line)
{
	static const int levels[] = {LOG_NOTICE, LOG_ALERT, LOG_ERR, LOG_WARNING};

	syslog(levels[severity <= 3 ? severity : 0], "%s", line);
}
