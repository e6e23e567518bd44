/*
 * log.c: one log line a message, written with one write() so that lines of several processes do not
 * mix; and memory that is there or ends the process. Every stage between wire and report speaks
 * through it.
 */
#include "spool/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spool/names.h"

#define MESSAGE_MAX 4096
#define ONCE_MAX    256

static const char *const level_names[] = {"debug", "info", "warn", "err"};
static const char *program_name = "mira";
static enum log_level lowest = LOG_INFO;

void log_open(const char *program)
{
	const char *wanted = getenv("MIRA_LOG");

	program_name = program;
	lowest = LOG_INFO;
	for (int level = LOG_DEBUG; wanted && level <= LOG_ERR; level++)
		if (strcmp(wanted, level_names[level]) == 0)
			lowest = (enum log_level)level;
}

const char *log_program(void)
{
	return program_name;
}

static size_t put_time(char *out, size_t size)
{
	struct timespec now;
	struct tm parts;
	size_t used;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	used = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &parts);
	return used + (size_t)snprintf(out + used, size - used, ".%03ldZ", now.tv_nsec / 1000000);
}

/* Names of files come from people and archives: no byte of them may end the line or the quotes. */
static size_t put_escaped(char *out, size_t size, const char *text)
{
	size_t used = 0;

	for (; *text && used + 5 < size; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '"' || byte == '\\') {
			out[used++] = '\\';
			out[used++] = (char)byte;
		} else if (byte == '\n') {
			out[used++] = '\\';
			out[used++] = 'n';
		} else if (byte < 0x20 || byte == 0x7f) {
			used += (size_t)snprintf(out + used, size - used, "\\x%02x", byte);
		} else {
			out[used++] = (char)byte;
		}
	}
	return used;
}

static void write_line(enum log_level level, const char *format, va_list arguments)
{
	int saved = errno;
	char message[MESSAGE_MAX], line[2 * MESSAGE_MAX];
	size_t used;

	vsnprintf(message, sizeof(message), format, arguments);
	used = put_time(line, sizeof(line));
	used += (size_t)snprintf(line + used, sizeof(line) - used, " level=%s prog=%s msg=\"",
		level_names[level], program_name);
	used += put_escaped(line + used, sizeof(line) - used - 2, message);
	line[used++] = '"';
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0) {
		/* nobody is there to be told */
	}
	errno = saved;
}

void log_write(enum log_level level, const char *format, ...)
{
	va_list arguments;

	if (level < lowest)
		return;
	va_start(arguments, format);
	write_line(level, format, arguments);
	va_end(arguments);
}

void log_once(const char *format, ...)
{
	static struct namelist said;
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	char text[2048];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	pthread_mutex_lock(&mutex);
	if (said.count < ONCE_MAX && !namelist_has(&said, text)) {
		namelist_add(&said, text);
		log_warn("%s", text);
	}
	pthread_mutex_unlock(&mutex);
}

noreturn void die(enum mira_exit code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_ERR, format, arguments);
	va_end(arguments);
	exit(code);
}

void (*log_no_memory)(size_t size);

static void *got(void *memory, size_t size)
{
	if (!memory && log_no_memory)
		log_no_memory(size);
	if (!memory)
		die(MIRA_AGAIN, "out of memory: %zu bytes were asked for", size);
	return memory;
}

void *x_calloc(size_t count, size_t size)
{
	/* calloc(0) may give NULL, which callers would have to tell from failure */
	return got(calloc(count ? count : 1, size ? size : 1), count * size);
}

void *x_realloc(void *old, size_t size)
{
	return got(realloc(old, size ? size : 1), size);
}

char *x_strdup(const char *text)
{
	return got(strdup(text), strlen(text) + 1);
}

char *x_sprintf(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	return got(text, strlen(format));
}
