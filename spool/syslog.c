/*
 * syslog.c: what must be known beyond the process that did it, and its standard error. Apart from
 * log.c, for <syslog.h> and log.h have names in common. Part of log.h.
 */
#include <syslog.h>

void log_public(const char *text);

void log_public(const char *text)
{
	syslog(LOG_AUTHPRIV | LOG_NOTICE, "%s", text);
}
