/*
 * report_page.c: the audit as one HTML page that needs nothing else: no network, no other file.
 * page.html is the frame, page.css its looks, page.*.js fill it from the report, which stands in
 * the page as JSON; charts and sortable tables are Debian's Chart.js and tablesorter. All of them
 * are in the executable (assets.S).
 *
 * Names in the report come from packets, so they are hostile. They reach the page as JSON without
 * '<', page.*.js make text nodes of them and nothing else, and the page's Content-Security-Policy
 * names the hashes of our scripts and style: whatever should slip in besides does not run, and
 * nothing is ever loaded.
 */
#include "postproc/report/report.h"
#include "postproc/report/report_parts.h"

#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#define ASSET(name) extern const char asset_##name[], asset_##name##_end[]
ASSET(page);
ASSET(style);
ASSET(jquery);
ASSET(sorter);
ASSET(filter);
ASSET(chart);
ASSET(script);

#define MARK "@@"

/* ---- what goes into the frame ---- */

static void put_asset(FILE *out, const char *from, const char *end)
{
	fwrite(from, 1, (size_t)(end - from), out);
}

static void put_style(const json_t *report, FILE *out)
{
	put_asset(out, asset_style, asset_style_end);
}

static void put_jquery(const json_t *report, FILE *out)
{
	put_asset(out, asset_jquery, asset_jquery_end);
}

static void put_sorter(const json_t *report, FILE *out)
{
	put_asset(out, asset_sorter, asset_sorter_end);
}

static void put_filter(const json_t *report, FILE *out)
{
	put_asset(out, asset_filter, asset_filter_end);
}

static void put_chart(const json_t *report, FILE *out)
{
	put_asset(out, asset_chart, asset_chart_end);
}

static void put_script(const json_t *report, FILE *out)
{
	put_asset(out, asset_script, asset_script_end);
}

static void put_hash(FILE *out, const char *from, const char *end)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	char text[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) + 1] = "";
	struct sha256_ctx hash;

	sha256_init(&hash);
	sha256_update(&hash, (size_t)(end - from), (const uint8_t *)from);
	sha256_digest(&hash, sizeof(digest), digest);
	base64_encode_raw(text, sizeof(digest), digest);
	fprintf(out, " 'sha256-%s'", text);
}

static void put_policy(const json_t *report, FILE *out)
{
	fputs("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src",
		out);
	put_hash(out, asset_style, asset_style_end);
	fputs("; script-src", out);
	put_hash(out, asset_jquery, asset_jquery_end);
	put_hash(out, asset_sorter, asset_sorter_end);
	put_hash(out, asset_filter, asset_filter_end);
	put_hash(out, asset_chart, asset_chart_end);
	put_hash(out, asset_script, asset_script_end);
}

/* '<' could end the script element or begin a comment in it; as \u003c it is the same JSON. */
static void put_report(const json_t *report, FILE *out)
{
	char *text = json_dumps(report, JSON_COMPACT);

	for (const char *byte = text; byte && *byte; byte++) {
		if (*byte == '<')
			fputs("\\u003c", out);
		else
			fputc(*byte, out);
	}
	free(text);
}

void page_put_text(const char *text, FILE *out)
{
	for (; *text; text++)
		if (strchr("<>&\"'", *text))
			fprintf(out, "&#%d;", *text);
		else
			fputc(*text, out);
}

void page_put_style(FILE *out)
{
	put_asset(out, asset_style, asset_style_end);
}

void page_put_style_hash(FILE *out)
{
	put_hash(out, asset_style, asset_style_end);
}

/* The text of the terminal, for a reader without scripts. */
static void put_text(const json_t *report, FILE *out)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		return;
	report_print(report, memory);
	fclose(memory);
	page_put_text(text ? text : "", out);
	free(text);
}

static const struct {
	const char *mark;
	void (*put)(const json_t *report, FILE *out);
} marks[] = {
	{"POLICY", put_policy},
	{"STYLE", put_style},
	{"TEXT", put_text},
	{"REPORT", put_report},
	{"JQUERY", put_jquery},
	{"SORTER", put_sorter},
	{"FILTER", put_filter},
	{"CHART", put_chart},
	{"SCRIPT", put_script},
};

/* Puts what MARK of LENGTH stands for. */
static void put_mark(const char *mark, size_t length, const json_t *report, FILE *out)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strlen(marks[i].mark) == length && !memcmp(marks[i].mark, mark, length))
			marks[i].put(report, out);
}

/* ---- the page ---- */

char *report_page(const json_t *report, size_t *size)
{
	const char *at = asset_page, *begin, *end;
	char *page = NULL;
	FILE *out = open_memstream(&page, size);

	if (!out)
		return NULL;
	while ((begin = memmem(at, (size_t)(asset_page_end - at), MARK, strlen(MARK)))) {
		put_asset(out, at, begin);
		begin += strlen(MARK);
		end = memmem(begin, (size_t)(asset_page_end - begin), MARK, strlen(MARK));
		put_mark(begin, (size_t)(end - begin), report, out);
		at = end + strlen(MARK);
	}
	put_asset(out, at, asset_page_end);
	return fclose(out) ? NULL : page;
}
