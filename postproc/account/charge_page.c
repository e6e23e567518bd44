/*
 * charge_page.c: invoices as HTML to be printed, as a text and as CSV. The last step of mira-charge.
 */
#include "postproc/account/charge_page.h"

#include <string.h>

#include "postproc/account/job.h"
#include "postproc/report/report.h"
#include "postproc/report/report_query.h"
#include "postproc/table.h"

/* ---- HTML ---- */

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"
	" style-src 'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<title>Network use: invoices</title>\n<style>\n"
	"@page { size: A4; margin: 20mm }\n"
	"body { font: 11pt/1.45 system-ui, sans-serif; color: #1b1f24; background: #fff;"
	" max-width: 46rem; margin: 0 auto; padding: 1rem }\n"
	"section { break-after: page; padding: 1rem 0 3rem; border-bottom: 1px solid #d0d7de }\n"
	"section:last-of-type { break-after: auto; border: 0 }\n"
	"header { display: flex; gap: 2rem; justify-content: space-between; flex-wrap: wrap }\n"
	"h1 { font-size: 1.5rem; margin: 1.5rem 0 .25rem } .issuer { white-space: pre-line }\n"
	"table { border-collapse: collapse; width: 100%; margin: 1rem 0 }\n"
	"th, td { text-align: right; padding: .35rem .5rem; border-bottom: 1px solid #d0d7de;"
	" font-variant-numeric: tabular-nums }\n"
	"th:first-child, td:first-child { text-align: left; padding-left: 0 }\n"
	"tfoot th { border: 0; font-weight: 400 } tfoot tr:last-child th { font-weight: 700;"
	" border-top: 2px solid #1b1f24 }\n"
	"p.note { color: #57606a; font-size: .9rem }\n"
	"@media print { body { padding: 0 } section { border: 0; padding: 0 } }\n"
	"</style>\n</head>\n<body>\n<main>\n";

static void put_html(const char *text, FILE *out)
{
	for (; *text; text++)
		switch (*text) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '"': fputs("&quot;", out); break;
		default: fputc(*text, out);
		}
}

/* <TAG>text</TAG>, with ATTRIBUTES in it. */
static void put_element(const char *tag, const char *attributes, const char *text, FILE *out)
{
	fprintf(out, "<%s%s>", tag, attributes);
	put_html(text, out);
	fprintf(out, "</%s>", tag);
}

static void put_head(const json_t *found, const char *title, FILE *out)
{
	fputs("<section>\n<header>", out);
	put_element("div", " class=\"issuer\"", json_string_at(found, "issuer"), out);
	put_element("div", "", json_string_at(found, "network"), out);
	fputs("</header>\n", out);
	put_element("h1", "", title, out);
	put_element("p", "", json_string_at(found, "period"), out);
}

static void put_sum(const char *label, const char *amount, const char *currency, FILE *out)
{
	fputs("<tr>", out);
	put_element("th", " scope=\"row\" colspan=\"4\"", label, out);
	fputs("<th>", out);
	put_html(amount, out);
	fputc(' ', out);
	put_html(currency, out);
	fputs("</th></tr>\n", out);
}

static void put_sums(const json_t *found, const json_t *invoice, FILE *out)
{
	const char *currency = json_string_at(found, "currency");
	char label[64];

	fputs("<tfoot>\n", out);
	if (!json_is_null(json_object_get(invoice, "vat"))) {
		snprintf(label, sizeof(label), "VAT %s %%", json_string_at(found, "vat_percent"));
		put_sum("Net", json_string_at(invoice, "net"), currency, out);
		put_sum(label, json_string_at(invoice, "vat"), currency, out);
	}
	put_sum("Total", json_string_at(invoice, "total"), currency, out);
	fputs("</tfoot>\n", out);
}

/* A row of texts; the first one is its head. */
static void put_row(const json_t *object, const char *const *keys, FILE *out)
{
	fputs("<tr>", out);
	for (; *keys; keys++)
		put_element("td", "", json_string_at(object, *keys), out);
	fputs("</tr>\n", out);
}

static void put_traffic(const json_t *invoice, FILE *out)
{
	char sent[32], received[32], internal[32];

	fprintf(out,
		"<p class=\"note\">Traffic: %s out, %s in, %s within the customer, which is not"
		" charged.</p>\n",
		report_size(json_number(invoice, "sent_octets"), sent),
		report_size(json_number(invoice, "received_octets"), received),
		report_size(json_number(invoice, "internal_octets"), internal));
}

/* What the figures mean, on each sheet: it may be all that a customer sees. */
static void put_notes(const json_t *found, const json_t *invoice, FILE *out)
{
	const json_t *share = json_object_get(found, "share_analysed");
	char text[32];

	if (!strcmp(json_string_at(invoice, "measure"), "p95"))
		fprintf(out,
			"<p class=\"note\">95th percentile: the period has %s samples of 5 minutes;"
			" sorted by their octets, the greatest twentieth (rounded down) is put aside,"
			" and the greatest of the rest counts. 1 Mbit/s is 10<sup>6</sup> bits a"
			" second.</p>\n",
			report_count(json_integer_value(json_object_get(found, "samples")), text));
	fputs("<p class=\"note\">Octets are those of IP packets, with their headers, as observed;"
	      " 1 GB is 10<sup>9</sup> octets. ",
		out);
	if (json_is_number(share))
		fprintf(out, "Of the packets seen, %s were analysed; what was not is not charged. ",
			report_share(json_number_value(share), text));
	fputs("Each amount is rounded once, halves up.</p>\n", out);
}

static void put_invoice(const json_t *found, const json_t *invoice, FILE *out)
{
	static const char *const keys[] = {"item", "quantity", "unit", "price", "amount", NULL};
	const json_t *lines = json_object_get(invoice, "lines"), *line;

	put_head(found, json_string_at(invoice, "customer"), out);
	fputs("<p>Tariff: ", out);
	put_html(json_string_at(invoice, "tariff"), out);
	fputs("</p>\n<table>\n<thead><tr><th scope=\"col\">Item</th><th scope=\"col\">Quantity</th>"
	      "<th scope=\"col\">Unit</th><th scope=\"col\">Price</th><th scope=\"col\">Amount</th>"
	      "</tr></thead>\n<tbody>\n",
		out);
	for (size_t i = 0; (line = json_array_get(lines, i)); i++)
		put_row(line, keys, out);
	fputs("</tbody>\n", out);
	put_sums(found, invoice, out);
	fputs("</table>\n", out);
	put_traffic(invoice, out);
	put_notes(found, invoice, out);
	fputs("</section>\n", out);
}

static void put_octets(const json_t *value, FILE *out)
{
	char text[32];

	put_element("td", "",
		json_is_null(value) ? "" : report_count(json_integer_value(value), text), out);
}

static void put_balance(const json_t *found, FILE *out)
{
	const json_t *rows = json_object_get(found, "balance"), *row;

	if (!rows)
		return;
	put_head(found, "Balance", out);
	fputs("<table>\n<thead><tr><th scope=\"col\">Octets</th><th scope=\"col\">Sent</th>"
	      "<th scope=\"col\">Received</th></tr></thead>\n<tbody>\n",
		out);
	for (size_t i = 0; (row = json_array_get(rows, i)); i++) {
		fputs("<tr>", out);
		put_element("td", "", json_string_at(row, "what"), out);
		put_octets(json_object_get(row, "sent_octets"), out);
		put_octets(json_object_get(row, "received_octets"), out);
		fputs("</tr>\n", out);
	}
	fputs("</tbody>\n</table>\n", out);
	fputs("<p>All invoices together: ", out);
	put_html(json_string_at(found, "total"), out);
	fputc(' ', out);
	put_html(json_string_at(found, "currency"), out);
	fputs("</p>\n</section>\n", out);
}

void charge_page(const json_t *found, FILE *out)
{
	const json_t *invoices = json_object_get(found, "invoices"), *invoice;

	fputs(head, out);
	for (size_t i = 0; (invoice = json_array_get(invoices, i)); i++)
		put_invoice(found, invoice, out);
	put_balance(found, out);
	fputs("</main>\n</body>\n</html>\n", out);
}

/* ---- a terminal, a spreadsheet ---- */

/* The invoices, then what is not charged, then the sums of both: each column adds up. */
static json_t *rows_of(const json_t *found)
{
	static const char *const amounts[] = {"net", "vat", "total"};
	json_t *rows = json_copy(json_object_get(found, "invoices")), *more = NULL;
	const json_t *balance = json_object_get(found, "balance"), *row;

	for (size_t i = 1; (row = json_array_get(balance, i)); i++) {
		more = json_pack("{so sO sO}", "customer",
			json_sprintf("(%s)", json_string_at(row, "what")), "sent_octets",
			json_object_get(row, "sent_octets"), "received_octets",
			json_object_get(row, "received_octets"));
		json_array_append_new(rows, more);
	}
	for (size_t i = 0; more && i < sizeof(amounts) / sizeof(amounts[0]); i++)
		json_object_set(more, amounts[i], json_object_get(found, amounts[i]));
	return rows;
}

void charge_text(const json_t *found, FILE *out)
{
	static const struct table_column columns[] = {{"customer", "Customer", TABLE_TEXT},
		{"tariff", "tariff", TABLE_TEXT}, {"sent_octets", "out", TABLE_SIZE},
		{"received_octets", "in", TABLE_SIZE}, {"net", "net", TABLE_FINAL},
		{"vat", "VAT", TABLE_FINAL}, {"total", "total", TABLE_FINAL}, {0}};
	json_t *rows = rows_of(found);
	char title[64];

	snprintf(title, sizeof(title), "Invoices in %s", json_string_at(found, "currency"));
	job_print_cover(found, title, out);
	table_text(rows, columns, out);
	json_decref(rows);
}

void charge_csv(const json_t *found, FILE *out)
{
	static const struct table_column columns[] = {{"customer", "", TABLE_TEXT},
		{"tariff", "", TABLE_TEXT}, {"measure", "", TABLE_TEXT},
		{"direction", "", TABLE_TEXT}, {"sent_octets", "", TABLE_COUNT},
		{"received_octets", "", TABLE_COUNT}, {"net", "", TABLE_FINAL},
		{"vat", "", TABLE_FINAL}, {"total", "", TABLE_FINAL}, {"currency", "", TABLE_TEXT},
		{0}};
	json_t *rows = rows_of(found), *row;
	size_t i;

	json_array_foreach(rows, i, row)
		json_object_set(row, "currency", json_object_get(found, "currency"));
	table_csv(rows, columns, out);
	json_decref(rows);
}
