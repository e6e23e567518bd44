/* report_pdf.c: the page as PDF, printed by Chromium without a window where there is one. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "postproc/report/program.h"
#include "postproc/report/report.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define END_BYTES 32

static const char *const browsers[] = {"chromium", "chromium-browser", "google-chrome"};

/* PATH as an address for a browser, malloc'ed. */
static char *address_of(const char *path)
{
	char *address = x_calloc(1, strlen("file://") + 3 * strlen(path) + 1), *to = address;

	to += sprintf(to, "file://");
	for (; *path; path++)
		if (isalnum((unsigned char)*path) || strchr("/-._~", *path))
			*to++ = *path;
		else
			to += sprintf(to, "%%%02X", (unsigned char)*path);
	return address;
}

static int print(const char *profile, const char *page, const char *pdf)
{
	char *own = x_sprintf("--user-data-dir=%s", profile);
	char *to = x_sprintf("--print-to-pdf=%s", pdf), *from = address_of(page);
	const char *argv[] = {NULL, "--headless", "--disable-gpu", "--no-first-run",
		"--no-pdf-header-footer", "--virtual-time-budget=10000",
		/* Hardened units allow no memory that is both written and run: it would wait for ever. */
		"--js-flags=--jitless", own, to, from,
		/* Chromium's sandbox refuses root; the page is ours and loads nothing. */
		geteuid() ? NULL : "--no-sandbox", NULL};
	int error = -1;

	errno = ENOENT;
	for (size_t i = 0; i < sizeof(browsers) / sizeof(browsers[0]) && errno == ENOENT && error;
		i++) {
		argv[0] = browsers[i];
		error = program_run(argv, -1, true);
	}
	free(own);
	free(to);
	free(from);
	return error;
}

/* Chromium exits with 0 when the disk was full: what it left must have its end. */
static bool is_whole(const char *data, size_t size)
{
	size_t tail = size < END_BYTES ? size : END_BYTES;

	return memmem(data + size - tail, tail, "%%EOF", 5);
}

static int keep(const char *draft, const char *pdf)
{
	size_t size;
	char *data = nfs_read_file(draft, &size);
	int error = 0;

	if (!data || !is_whole(data, size)) {
		log_err("Chromium left no whole PDF: is /tmp full?");
		error = EIO;
	} else if (nfs_write_file(pdf, data, size)) {
		error = errno;
	}
	free(data);
	errno = error;
	return error ? -1 : 0;
}

int report_pdf(const char *folder)
{
	char base[PATH_MAX], page[PATH_MAX], draft[PATH_MAX], pdf[PATH_MAX];
	char profile[] = "/tmp/mira-report.XXXXXX";
	int error;

	if (!realpath(folder, base) || nfs_join(page, base, "index.html") ||
		nfs_join(pdf, base, "report.pdf") || !mkdtemp(profile))
		return -1;
	error = nfs_join(draft, profile, "report.pdf") || print(profile, page, draft) ||
				keep(draft, pdf)
			? errno
			: 0;
	nfs_remove(profile, 8);
	errno = error;
	return error ? -1 : 0;
}
