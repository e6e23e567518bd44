/*
 * report_text.c: the audit on a terminal: coverage and balance first, then verdicts, classes,
 * hosts, and what could not be analysed. Shows what report_gather() made and nothing else.
 */
#include <langinfo.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "postproc/report/report.h"
#include "postproc/report/report_query.h"

#define BAR_CELLS    20
#define MOST_CLASSES 12
#define MOST_HOSTS   6
#define MOST_NOTES   3
#define NAME_WIDTH   40

/* ---- numbers ---- */

char *report_size(double octets, char *out)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
	size_t unit = 0;

	while (octets >= 999.5 && unit < sizeof(units) / sizeof(units[0]) - 1) {
		octets /= 1000;
		unit++;
	}
	snprintf(out, 32, unit == 0 || octets >= 99.95 ? "%.0f %s" : "%.1f %s", octets,
		units[unit]);
	return out;
}

char *report_count(json_int_t count, char *out)
{
	char digits[24], *to = out;
	int length = snprintf(digits, sizeof(digits), "%lld", (long long)count);

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0 && digits[i - 1] != '-')
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return out;
}

char *report_share(double share, char *out)
{
	if (share > 0 && share < 0.001)
		snprintf(out, 32, "<0.1 %%");
	else if (share >= 0.9995 && share < 1)
		snprintf(out, 32, ">99.9 %%");
	else
		snprintf(out, 32, share == 0 || share == 1 ? "%.0f %%" : "%.1f %%", share * 100);
	return out;
}

/* ---- pieces of a line ---- */

static bool utf8_terminal(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/*
 * TEXT in WIDTH columns (0: as long as it is), cut with "~". File names and names from packets
 * come here: what could steer a terminal is shown as '?', and so is all that is not ASCII where
 * the terminal may not know it.
 */
static void put_text(FILE *out, const char *text, int width)
{
	bool utf8 = utf8_terminal();
	int columns = 0;

	for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
		bool follows = (*byte & 0xc0) == 0x80;
		bool steers = *byte < 0x20 || *byte == 0x7f || (*byte == 0xc2 && byte[1] < 0xa0);

		if (follows && !utf8)
			continue;
		if (!follows && width && columns == width - 1 && strlen((const char *)byte) > 1) {
			fputc('~', out);
			return;
		}
		if (steers && *byte == 0xc2)
			byte++;
		fputc(steers || (!utf8 && *byte >= 0x80) ? '?' : *byte, out);
		columns += !follows;
	}
	for (; columns < width; columns++)
		fputc(' ', out);
}

void report_put(const char *text, int width, FILE *out)
{
	put_text(out, text, width);
}

static void put_bar(FILE *out, double share)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	int cells = (int)(share * BAR_CELLS * 8 + 0.999);

	if (!cells || !utf8_terminal())
		return;
	fputs("  ", out);
	for (; cells >= 8; cells -= 8)
		fputs("█", out);
	fputs(eighths[cells], out);
}

static const char *moment(json_int_t ms, const char *format, char out[64])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(out, 64, format, &tm))
		strcpy(out, "?");
	return out;
}

static json_int_t integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *verdict_words(const char *verdict)
{
	return !strcmp(verdict, "unacceptable") ? "not acceptable"
	       : !strcmp(verdict, "review")	? "to review"
						: verdict;
}

/* ---- the parts ---- */

static void put_period(const json_t *report, FILE *out)
{
	const char *period = json_string_at(json_object_get(report, "period"), "text");
	char from[64], to[64];

	if (*period)
		fprintf(out, "\n%s", period);
	else if (json_is_integer(json_object_get(report, "from_ms")))
		fprintf(out, "\n%s to %s %s",
			moment(integer(report, "from_ms"), "%a %d %b %Y %H:%M:%S", from),
			moment(integer(report, "to_ms"), "%a %d %b %Y %H:%M:%S", to),
			json_string_at(report, "timezone"));
}

static void print_cover(const json_t *report, FILE *out)
{
	const char *network = json_string_at(report, "network");
	const json_t *policy = json_object_get(report, "policy"),
		     *symptoms = json_object_get(report, "symptoms");

	fputs("\nAudit of network use", out);
	if (*network) {
		fputs(": ", out);
		put_text(out, network, 0);
	}
	put_period(report, out);
	fputs("\npolicy ", out);
	put_text(out, json_string_at(policy, "file"), 0);
	fprintf(out, " (%.8s), symptoms ", json_string_at(policy, "xxh128"));
	put_text(out, json_string_at(symptoms, "folder"), 0);
	fprintf(out, " (%.8s)\n\n", json_string_at(symptoms, "xxh128"));
}

/* The terms of the coverage: what is always said, and what only when there is something to say. */
static const struct {
	const char *label, *key;
	bool always;
} terms[] = {
	{"seen", "packets_seen", true},
	{"analysed", "packets_analysed", true},
	{"dropped", "packets_dropped", true},
	{"shed", "packets_shed", true},
	{"filtered", "packets_filtered", false},
	{"quarantined", "packets_quarantined", false},
	{"missing", "packets_missing", false},
	{"not IP", "packets_not_ip", false},
	{"malformed", "packets_malformed", false},
};

/* Words of TEXT in lines of 76 columns, indented by two. */
static void print_wrapped(const char *text, FILE *out)
{
	while (*text) {
		size_t length = strlen(text), cut = length;

		if (length > 76)
			for (cut = 76; cut && text[cut] != ' ';)
				cut--;
		if (!cut)
			cut = length;
		fprintf(out, "  %.*s\n", (int)cut, text);
		text += cut + (text[cut] == ' ');
	}
}

static void print_terms(const json_t *coverage, FILE *out)
{
	char line[512] = "packets:", count[32];
	size_t length = strlen(line);

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		json_int_t value = integer(coverage, terms[i].key);

		if (value || terms[i].always)
			length += (size_t)snprintf(line + length, sizeof(line) - length, "%s %s %s",
				i ? "," : "", terms[i].label, report_count(value, count));
	}
	print_wrapped(line, out);
}

static void print_coverage(const json_t *coverage, FILE *out)
{
	const json_t *share = json_object_get(coverage, "share_analysed"),
		     *blind = json_object_get(coverage, "share_blind_octets");
	char text[32], other[32];

	fprintf(out, "Coverage: %s\n",
		json_is_number(share) ? report_share(json_number_value(share), text)
				      : "nothing to cover");
	print_wrapped(json_string_at(coverage, "statement"), out);
	print_terms(coverage, out);
	fprintf(out,
		"  blind (nothing tells the purpose): %s of octets; one direction only: %s"
		" biflows\n",
		json_is_number(blind) ? report_share(json_number_value(blind), text) : "-",
		report_count(integer(coverage, "one_way_biflows"), other));
	if (integer(coverage, "incomplete_windows") || integer(coverage, "late_biflows"))
		fprintf(out, "  incomplete windows: %s; late biflows: %s\n",
			report_count(integer(coverage, "incomplete_windows"), text),
			report_count(integer(coverage, "late_biflows"), other));
}

static void print_balance(const json_t *balance, FILE *out)
{
	size_t failed = 0;
	const json_t *check;

	for (size_t i = 0; (check = json_array_get(balance, i)); i++) {
		if (json_is_true(json_object_get(check, "holds")))
			continue;
		failed++;
		fprintf(out, "  balance DOES NOT HOLD: %s: %lld, not %lld\n",
			json_string_at(check, "says"), (long long)integer(check, "left"),
			(long long)integer(check, "right"));
	}
	if (!failed)
		fprintf(out, "  balance: all %zu checks hold\n", json_array_size(balance));
	fputc('\n', out);
}

static void print_total(const json_t *total, FILE *out)
{
	char octets[32], biflows[32];

	fprintf(out, "  %-16s %9s          %10s\n\n", "total",
		report_size(json_number(total, "octets"), octets),
		report_count(integer(total, "biflows"), biflows));
}

/*
 * A table of the rows that have octets and shares: NAME of each, at most MOST, the rest as others.
 */
static void print_shares(const json_t *rows, const char *title, const char *name, size_t most,
	FILE *out)
{
	char octets[32], share[32], biflows[32];
	double rest = 0, rest_share = 0;
	json_int_t rest_biflows = 0;
	const json_t *row;
	size_t i;

	fprintf(out, "%-18s %9s  %7s %10s\n", title, "octets", "share", "biflows");
	for (i = 0; (row = json_array_get(rows, i)); i++) {
		double part = json_real_value(json_object_get(row, "share_octets"));

		if (i >= most) {
			rest += json_number(row, "octets");
			rest_share += part;
			rest_biflows += integer(row, "biflows");
			continue;
		}
		fputs("  ", out);
		put_text(out, verdict_words(json_string_at(row, name)), 16);
		fprintf(out, " %9s  %7s %10s", report_size(json_number(row, "octets"), octets),
			report_share(part, share), report_count(integer(row, "biflows"), biflows));
		put_bar(out, part);
		fputc('\n', out);
	}
	if (i > most)
		fprintf(out, "  %-16s %9s  %7s %10s\n", "others", report_size(rest, octets),
			report_share(rest_share, share), report_count(rest_biflows, biflows));
}

/* Where something was lost or sampled: in what shares of all there was verdicts are, with intervals. */
static void print_estimates(const json_t *estimates, FILE *out)
{
	const json_t *rows = json_object_get(estimates, "verdicts"), *row;
	char low[32], high[32];

	if (json_number_value(json_object_get(estimates, "share_lost")) <= 0 &&
		json_number_value(json_object_get(estimates, "sampling")) >= 1)
		return;
	if (json_array_size(rows))
		fputs("Estimated shares of all octets, with what was lost (95 % intervals)\n", out);
	for (size_t i = 0; (row = json_array_get(rows, i)); i++) {
		const json_t *share = json_object_get(row, "share");
		const char *refused = json_string_at(share, "refused");

		fputs("  ", out);
		put_text(out, verdict_words(json_string_at(row, "verdict")), 16);
		if (*refused)
			fprintf(out, " not estimated: %s\n", refused);
		else
			fprintf(out, " %s to %s\n",
				report_share(json_number_value(json_object_get(share, "low")), low),
				report_share(json_number_value(json_object_get(share, "high")),
					high));
	}
	if (json_array_size(rows))
		fputc('\n', out);
}

static void print_hosts(const json_t *hosts, const json_t *others, FILE *out)
{
	char sent[32], received[32], marked[32];
	json_int_t rest = integer(others, "hosts");
	const json_t *host;
	size_t i;

	if (!json_array_size(hosts))
		return;
	fprintf(out, "%-41s %9s %9s  %14s  %s\n", "Top hosts", "sent", "received", "not acceptable",
		"mostly");
	for (i = 0; i < MOST_HOSTS && (host = json_array_get(hosts, i)); i++) {
		fputs("  ", out);
		put_text(out, json_string_at(host, "address"), NAME_WIDTH - 1);
		fprintf(out, " %9s %9s  %14s  %s\n",
			report_size(json_number(host, "sent_octets"), sent),
			report_size(json_number(host, "received_octets"), received),
			report_size(json_number(host, "unacceptable_octets"), marked),
			json_string_at(host, "main_class"));
	}
	rest += (json_int_t)(json_array_size(hosts) - i);
	if (rest)
		fprintf(out, "  and %s others. An address is not a person.\n",
			report_count(rest, sent));
	fputc('\n', out);
}

/* What came to harm: probe, stream, and a text of each, at most MOST_NOTES. */
static void print_notes(const json_t *rows, const char *title, const char *key, FILE *out)
{
	const json_t *row;
	size_t i;

	if (!json_array_size(rows))
		return;
	fprintf(out, "%s\n", title);
	for (i = 0; i < MOST_NOTES && (row = json_array_get(rows, i)); i++) {
		fputs("  ", out);
		put_text(out, json_string_at(row, "stream"), 0);
		if (json_object_get(row, "batch"))
			put_text(out, json_string_at(row, "batch"), 0);
		else
			fprintf(out, ", batch %lld", (long long)integer(row, "seq"));
		fputs(": ", out);
		put_text(out, json_string_at(row, key), 0);
		fputc('\n', out);
	}
	if (json_array_size(rows) > i)
		fprintf(out, "  and %zu more, see report.json\n", json_array_size(rows) - i);
	fputc('\n', out);
}

/* Whose traffic it is is left to the page. */
static void print_contested(const json_t *entries, FILE *out)
{
	const json_t *entry;
	size_t i;

	if (!json_array_size(entries))
		return;
	fputs("Verdicts that somebody was told of, or contests\n", out);
	for (i = 0; i < MOST_NOTES && (entry = json_array_get(entries, i)); i++) {
		fputs("  ", out);
		put_text(out, json_string_at(entry, "rule"), 16);
		fprintf(out, " %s to %s: %s\n", json_string_at(entry, "from"),
			json_string_at(entry, "to"), json_string_at(entry, "state"));
	}
	if (json_array_size(entries) > i)
		fprintf(out, "  and %zu more, see the page\n", json_array_size(entries) - i);
	fputc('\n', out);
}

void report_print(const json_t *report, FILE *out)
{
	print_cover(report, out);
	print_coverage(json_object_get(report, "coverage"), out);
	print_balance(json_object_get(report, "balance"), out);
	print_shares(json_object_get(report, "verdicts"), "By verdict", "verdict", 4, out);
	print_total(json_object_get(report, "total"), out);
	print_estimates(json_object_get(report, "estimates"), out);
	if (json_array_size(json_object_get(report, "classes"))) {
		print_shares(json_object_get(report, "classes"), "By class", "class", MOST_CLASSES,
			out);
		fputc('\n', out);
	}
	print_contested(json_object_get(report, "contested"), out);
	print_hosts(json_object_get(report, "hosts"), json_object_get(report, "hosts_others"), out);
	print_notes(json_object_get(report, "damaged"), "Damaged inputs, audited up to the damage",
		"text", out);
	print_notes(json_object_get(report, "unanalysed"), "Batches that were not analysed",
		"status", out);
	print_notes(json_object_get(report, "rejected"),
		"Batches of verdicts that could not be loaded", "text", out);
}
