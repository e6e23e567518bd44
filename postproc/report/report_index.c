/*
 * report_index.c: the page over the reports of the past, newest first. It reads the summary that
 * stands beside each report, so that years of reports are a matter of moments.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "postproc/report/report.h"
#include "postproc/report/report_parts.h"
#include "spool/log.h"
#include "spool/nfs.h"

static const char *const kept[] = {"format", "program", "network", "generated_ms", "timezone",
	"period", "total", "verdicts"};

json_t *report_summary(const json_t *report)
{
	json_t *summary = json_object();

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		json_object_set(summary, kept[i], json_object_get(report, kept[i]));
	json_object_set(summary, "share_analysed",
		json_object_get(json_object_get(report, "coverage"), "share_analysed"));
	return summary;
}

/* ---- what stands there ---- */

static json_t *read_summary(const char *archive, const char *folder)
{
	char path[PATH_MAX], file[PATH_MAX];
	json_t *summary;

	if (nfs_join(path, archive, folder) || nfs_join(file, path, "summary.json"))
		return NULL;
	summary = json_load_file(file, 0, NULL);
	if (json_is_object(summary))
		json_object_set_new(summary, "folder", json_text(folder));
	return summary;
}

static int newer(const void *left, const void *right)
{
	double a = json_number(json_object_get(*(json_t *const *)left, "period"), "to_ms"),
	       b = json_number(json_object_get(*(json_t *const *)right, "period"), "to_ms");

	return (b > a) - (b < a);
}

static int read_summaries(const char *archive, json_t ***all, size_t *count)
{
	struct namelist names = {0};

	if (nfs_list_linked(archive, &names))
		return -1;
	namelist_sort(&names);
	*all = x_calloc(names.count + 1, sizeof(**all));
	for (size_t i = 0; i < names.count; i++) {
		json_t *summary = read_summary(archive, names.names[i]);

		if (json_is_object(summary))
			(*all)[(*count)++] = summary;
		else
			json_decref(summary);
	}
	namelist_free(&names);
	qsort(*all, *count, sizeof(**all), newer);
	return 0;
}

/* ---- the page ---- */

static void put_cell(const char *text, FILE *out)
{
	fputs("<td class=\"num\">", out);
	page_put_text(text, out);
	fputs("</td>", out);
}

static void put_share(const json_t *share, FILE *out)
{
	char text[32];

	put_cell(json_is_number(share) ? report_share(json_number_value(share), text) : "–", out);
}

/* The files of a report that a reader may want, as far as they are there. */
static void put_links(const char *archive, const char *folder, FILE *out)
{
	static const char *const files[][2] = {{"report.pdf", "PDF"}, {"report.json", "JSON"},
		{"csv/", "CSV"}};
	char base[PATH_MAX], path[PATH_MAX];

	fputs("<td>", out);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (nfs_join(base, archive, folder) || nfs_join(path, base, files[i][0]) ||
			access(path, F_OK))
			continue;
		fputs("<a href=\"./", out);
		page_put_text(folder, out);
		fprintf(out, "/%s\">%s</a> ", files[i][0], files[i][1]);
	}
	fputs("</td>", out);
}

static void put_row(const char *archive, const json_t *summary, FILE *out)
{
	const char *folder = json_string_at(summary, "folder");
	const json_t *verdicts = json_object_get(summary, "verdicts"), *verdict;
	char text[32];

	fputs("<tr><th scope=\"row\"><a href=\"./", out);
	page_put_text(folder, out);
	fputs("/index.html\">", out);
	page_put_text(folder, out);
	fputs("</a> <small>", out);
	page_put_text(json_string_at(summary, "network"), out);
	fputs("</small></th>", out);
	put_share(json_object_get(summary, "share_analysed"), out);
	put_cell(report_size(json_number(json_object_get(summary, "total"), "octets"), text), out);
	for (size_t i = 0; i < 3; i++) {
		verdict = json_array_get(verdicts, i);
		put_share(json_object_get(verdict, "share_octets"), out);
	}
	put_links(archive, folder, out);
	fputs("</tr>\n", out);
}

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"
	" base-uri 'none'; form-action 'none'; style-src";
static const char middle[] =
	"</style>\n</head>\n<body>\n<header><p class=\"brand\"><span aria-hidden=\"true\">◐</span> MIRA"
	" <span class=\"of\">Acceptable Use Policy audits</span></p>\n<h1>Audits of network use</h1>\n"
	"<p class=\"period\">Each row is an audit of its own, under the policy it names. Shares are of"
	" the octets that were analysed: compare rows of similar coverage.</p></header>\n<main>\n"
	"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Audits\"><table>\n<thead><tr>"
	"<th scope=\"col\">Period</th><th scope=\"col\" class=\"num\">Packets analysed</th>"
	"<th scope=\"col\" class=\"num\">Octets</th>"
	"<th scope=\"col\" class=\"num\">Acceptable</th><th scope=\"col\" class=\"num\">Not acceptable</th>"
	"<th scope=\"col\" class=\"num\">To review</th><th scope=\"col\">Also as</th></tr></thead>\n<tbody>\n";

static void put_index(const char *archive, json_t **all, size_t count, FILE *out)
{
	fputs(head, out);
	page_put_style_hash(out);
	fputs("\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n"
	      "<meta name=\"robots\" content=\"noindex\">\n<title>Audits of network use</title>\n<style>",
		out);
	page_put_style(out);
	fputs(middle, out);
	for (size_t i = 0; i < count; i++)
		put_row(archive, all[i], out);
	fputs("</tbody></table></div>\n", out);
	if (!count)
		fputs("<p>No audit has been written yet.</p>\n", out);
	fputs("</main>\n<footer>Made by MIRA " MIRA_VERSION
	      ". This page loads nothing and sends nothing.</footer>\n</body>\n</html>\n",
		out);
}

char *report_index(const char *archive, size_t *size)
{
	json_t **all = NULL;
	size_t count = 0;
	char *page = NULL;
	FILE *out;

	if (read_summaries(archive, &all, &count))
		return NULL;
	out = open_memstream(&page, size);
	if (out)
		put_index(archive, all, count, out);
	for (size_t i = 0; i < count; i++)
		json_decref(all[i]);
	free(all);
	return out && !fclose(out) ? page : NULL;
}
