/*
 * log.h: one line a message on standard error, as key=value pairs.
 *
 *   2026-11-21T10:43:00.123Z level=warn prog=mira-capture msg="cut at byte 812" file=a.pcap
 *
 * Calling sequence: log_open(program) once in main(), then log_info/log_warn/log_err anywhere.
 * The message is printf-formatted and quoted: quotes, backslashes and control bytes are escaped, so
 * a line stays a line whatever a file is called. A message says what was tried, on what, why it
 * failed and what to do.
 *
 * Three kinds of error have three words: log_warn() goes on, die() ends the process (start-up and
 * main.c only) with an exit code of enum mira_exit, assert() is for our own mistakes.
 */
#ifndef SPOOL_LOG_H
#define SPOOL_LOG_H

#include <stddef.h>
#include <stdnoreturn.h>

/* Exit codes of every executable. */
enum mira_exit {
	MIRA_OK = 0,
	MIRA_AGAIN = 1,	 /* trying again may help: disk full, another instance holds it */
	MIRA_PERSON = 2, /* a person is needed: configuration, policy, input */
};

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERR };

/* log_open(): PROGRAM is kept, not copied. Level from $MIRA_LOG (debug, info, warn, err), default
 * info. */
void log_open(const char *program);
/* log_program(): the name given to log_open(). */
const char *log_program(void);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_err(...)   log_write(LOG_ERR, __VA_ARGS__)

/* log_once(): a warning whose text this process has not said before; of at most 256 texts, then it
 * is silent. For what is met again at each look. */
void log_once(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* log_public(): to the system's log (syslog, authpriv), for what somebody else must get to know. */
void log_public(const char *text);

/* die(): logs at level err and exits with CODE. */
noreturn void die(enum mira_exit code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* x_alloc and friends: memory or the end of the process with exit code 1, naming the size. Before that
 * *log_no_memory is called, where it is set. */
extern void (*log_no_memory)(size_t size);
void *x_calloc(size_t count, size_t size);
void *x_realloc(void *old, size_t size);
char *x_strdup(const char *text);
char *x_sprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
