/*
 * tmp.h: what unit tests share: a folder that is removed afterwards, small files, and what was
 *logged.
 *
 *	cmocka_run_group_tests(tests, tmp_setup, tmp_teardown); inside: tmp_path(), tmp_write(),
 *tmp_log_begin() …
 */
#ifndef TESTS_TMP_H
#define TESTS_TMP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char tmp_folder[64];
static int tmp_stderr = -1;

static inline int tmp_setup(void **state)
{
	strcpy(tmp_folder, "/tmp/mira-unit-XXXXXX");
	return mkdtemp(tmp_folder) ? 0 : -1;
}

static inline int tmp_remove_one(const char *path, const struct stat *status, int flag,
	struct FTW *ftw)
{
	return remove(path);
}

static inline void tmp_remove(const char *path)
{
	nftw(path, tmp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int tmp_teardown(void **state)
{
	tmp_remove(tmp_folder);
	return 0;
}

/* tmp_path(): a name in the folder; one of eight buffers. */
static inline const char *tmp_path(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, PATH_MAX, "%s/%s", tmp_folder, name);
	return path;
}

static inline const char *tmp_write_bytes(const char *name, const void *data, size_t size)
{
	const char *path = tmp_path(name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	return path;
}

static inline const char *tmp_write(const char *name, const char *text)
{
	return tmp_write_bytes(name, text, strlen(text));
}

/* tmp_log_begin(), tmp_log_end(): what goes to standard error in between; the text is valid until
 * the next end. */
static inline void tmp_log_begin(void)
{
	int fd = open(tmp_path("log"), O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	tmp_stderr = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static inline const char *tmp_log_end(void)
{
	static char text[65536];
	int fd = open(tmp_path("log"), O_RDONLY);
	ssize_t got = read(fd, text, sizeof(text) - 1);

	close(fd);
	dup2(tmp_stderr, STDERR_FILENO);
	close(tmp_stderr);
	text[got > 0 ? got : 0] = '\0';
	return text;
}

/* assert_says(): does TEXT hold PART? Prints both when not. */
static inline void assert_says(const char *text, const char *part)
{
	if (strstr(text, part))
		return;
	print_error("expected to read \"%s\" in:\n%s\n", part, text);
	fail();
}

#endif
