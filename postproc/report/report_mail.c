/* report_mail.c: the audit by mail: MIME (RFC 2045) to sendmail, which every mail system offers. */
#include <errno.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "postproc/report/program.h"
#include "postproc/report/report.h"
#include "postproc/report/report_query.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define BORDER	   "=_mira_report" /* '=' and '_' side by side are in no base64 */
#define LINE_BYTES 57		   /* 76 characters */

static const char *name_of(const json_t *report)
{
	const char *name = json_string_at(json_object_get(report, "period"), "name");

	return *name ? name : "all";
}

static void put_base64(const char *data, size_t size, FILE *out)
{
	char line[BASE64_ENCODE_RAW_LENGTH(LINE_BYTES)];

	for (size_t at = 0; at < size; at += LINE_BYTES) {
		size_t part = size - at < LINE_BYTES ? size - at : LINE_BYTES;

		base64_encode_raw(line, part, (const uint8_t *)data + at);
		fwrite(line, 1, BASE64_ENCODE_RAW_LENGTH(part), out);
		fputc('\n', out);
	}
}

static void put_part(const char *type, const char *more, const char *data, size_t size, FILE *out)
{
	fprintf(out, "--%s\nContent-Type: %s\nContent-Transfer-Encoding: base64\n%s\n", BORDER,
		type, more);
	put_base64(data, size, out);
}

/* RFC 2047, in words of at most 75 characters: a network may be called anything. */
static void put_subject(const json_t *report, FILE *out)
{
	const char *network = json_string_at(report, "network");
	char *text = x_sprintf("Audit of network use: %s%s%s", network, *network ? " " : "",
		name_of(report));
	char word[BASE64_ENCODE_RAW_LENGTH(42)];
	const char *at = text;

	fputs("Subject:", out);
	while (*at) {
		size_t length = strnlen(at, 42);

		while (length > 1 && (at[length] & 0xc0) == 0x80) /* within a character */
			length--;
		base64_encode_raw(word, length, (const uint8_t *)at);
		fprintf(out, " =?UTF-8?B?%.*s?=\n", (int)BASE64_ENCODE_RAW_LENGTH(length), word);
		at += length;
	}
	free(text);
}

static void put_head(const json_t *report, const char *to, FILE *out)
{
	fprintf(out, "To: %s\n", to);
	put_subject(report, out);
	fprintf(out,
		"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"%s\"\n"
		"Auto-Submitted: auto-generated\n\n",
		BORDER);
}

static void put_text(const json_t *report, const char *url, FILE *out)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		return;
	report_print(report, memory);
	if (*url)
		fprintf(memory, "The page: %s%s%s/\n", url, url[strlen(url) - 1] == '/' ? "" : "/",
			name_of(report));
	else
		fputs("The page is attached: save it, and open it in a browser.\n", memory);
	fclose(memory);
	put_part("text/plain; charset=utf-8", "", text, size, out);
	free(text);
}

static int put_page(const json_t *report, const char *folder, FILE *out)
{
	char path[PATH_MAX], *page, *more;
	size_t size;

	if (nfs_join(path, folder, "index.html"))
		return -1;
	page = nfs_read_file(path, &size);
	if (!page)
		return -1;
	more = x_sprintf("Content-Disposition: attachment; filename=\"audit-%s.html\"\n",
		name_of(report));
	put_part("text/html; charset=utf-8", more, page, size, out);
	free(more);
	free(page);
	return 0;
}

/* The message in a file that is only in memory, at its beginning; NULL with errno. */
static FILE *message(const json_t *report, const char *folder, const struct config *config)
{
	int file = memfd_create("mail", MFD_CLOEXEC);
	FILE *out = file < 0 ? NULL : fdopen(file, "w+");

	if (!out)
		return NULL;
	put_head(report, config->report_mail, out);
	put_text(report, config->report_url, out);
	if (*config->report_url || !put_page(report, folder, out)) {
		fprintf(out, "--%s--\n", BORDER);
		if (!fflush(out) && !lseek(file, 0, SEEK_SET))
			return out;
	}
	fclose(out);
	return NULL;
}

/* sendmail's arguments: the addresses between commas, each an argument. TEXT is cut up. */
static int deliver(char *text, int file)
{
	const char **argv = x_calloc(strlen(text) + 5, sizeof(*argv));
	size_t count = 0;
	char *rest = NULL;
	int error;

	argv[count++] = "sendmail";
	argv[count++] = "-i";
	argv[count++] = "--";
	for (char *to = strtok_r(text, ", ", &rest); to; to = strtok_r(NULL, ", ", &rest))
		argv[count++] = to;
	error = program_run(argv, file, false);
	free(argv); /* leaves errno alone */
	return error;
}

static const char *why(int error)
{
	return error == ENOENT ? "there is no sendmail in $PATH, /usr/sbin or /usr/lib"
	       : error == EIO  ? "sendmail failed; it says why above, or in its log"
			       : strerror(error);
}

int report_mail(const json_t *report, const char *folder, const struct config *config)
{
	char *to = x_strdup(config->report_mail);
	FILE *mail = *to ? message(report, folder, config) : NULL;
	int error = 0;

	if (*to && (!mail || deliver(to, fileno(mail))))
		error = errno;
	if (mail)
		fclose(mail);
	free(to);
	if (!error)
		return MIRA_OK;
	log_err("the report was not mailed to %s: %s", config->report_mail, why(error));
	return error == ENOENT ? MIRA_PERSON : MIRA_AGAIN;
}
