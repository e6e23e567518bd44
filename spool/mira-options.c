/* mira-options.c: the command line of `mira run`, before any stage sees a part of it. */
#include "spool/mira-options.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/value.h"

static const char usage_text[] =
	"usage: mira run [OPTION…] FILE…\n"
	"       mira run [OPTION…] -i INTERFACE [--duration SECONDS]\n\n"
	"Audits capture files (pcap, pcapng; also inside .gz .xz .zst .bz2 .zip .tar; - is\n"
	"standard input) or live traffic, and leaves DIR/index.html, DIR/report.json and\n"
	"DIR/mira.db.\n\n"
	"  --out DIR            the audit's folder (mira-report); the same audit is continued,\n"
	"                       another one refused\n"
	"  --spool DIR          the spool (a temporary one, removed at the end)\n"
	"  --config FILE        mira.conf\n"
	"  --preprocessors N    preprocessing processes (one a processor)\n"
	"  --segment-size BYTES size of a packets segment; k, M, G may follow (64M)\n"
	"  --period SECONDS     packet time that a batch spans (5)\n"
	"  -i, --interface NAME audit live traffic\n"
	"  --duration SECONDS   end the live capture by itself; without, Ctrl-C ends it and the\n"
	"                       report is made\n";

static bool not_empty(struct run_options *options, const char *text)
{
	return *text != '\0';
}

static bool is_segment_size(struct run_options *options, const char *text)
{
	return value_size(text, 17179869184, &options->segment_bytes);
}

static bool is_period(struct run_options *options, const char *text)
{
	return value_seconds(text, 0.001, 86400, &options->period_s);
}

static bool is_duration(struct run_options *options, const char *text)
{
	double duration_s;

	return value_seconds(text, 0.001, 1e9, &duration_s);
}

static bool is_preprocessors(struct run_options *options, const char *text)
{
	return value_count(text, MAX_PREPROCESSORS, &options->preprocessors);
}

static const struct row {
	const char *name;
	int letter;
	size_t offset; /* of the text; OWN: it is kept as a number alone */
	bool (*good)(struct run_options *options, const char *text);
	const char *allowed;
} rows[] = {
#define OWN	     ((size_t)-1)
#define TEXT(member) offsetof(struct run_options, member)
	{"out", 'o', TEXT(out), not_empty, "name a folder"},
	{"spool", 's', TEXT(spool), not_empty, "name a folder"},
	{"config", 'c', TEXT(config), not_empty, "name a file"},
	{"preprocessors", 'n', OWN, is_preprocessors, "give 1 to 64"},
	{"segment-size", 'b', TEXT(segment_size), is_segment_size,
		"give 1 to 16G bytes; k, M or G may follow"},
	{"period", 'p', TEXT(period), is_period, "give 0.001 to 86400 seconds"},
	{"interface", 'i', TEXT(interface), not_empty, "name one; \"ip link\" lists them"},
	{"duration", 'd', TEXT(duration), is_duration, "give seconds, at least 0.001"},
};
#define ROWS (sizeof(rows) / sizeof(*rows))

static int take(struct run_options *options, int letter, const char *text)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].letter != letter)
			continue;
		if (!rows[i].good(options, text)) {
			log_err("--%s \"%s\": %s", rows[i].name, text, rows[i].allowed);
			return MIRA_PERSON;
		}
		if (rows[i].offset != OWN)
			*(const char **)((char *)options + rows[i].offset) = text;
		return MIRA_OK;
	}
	if (letter == 'h')
		fputs(usage_text, stdout);
	else
		fputs("mira run --help lists the options\n", stderr);
	return letter == 'h' ? -1 : MIRA_PERSON;
}

static int check(const struct run_options *options)
{
	if (options->file_count && options->interface)
		log_err("%s and interface %s: audit one or the other", options->files[0],
			options->interface);
	else if (!options->file_count && !options->interface)
		log_err("nothing to audit: name capture files, or an interface with -i; mira run "
			"--help tells more");
	else if (options->duration && !options->interface)
		log_err("--duration is for an interface (-i)");
	else
		return MIRA_OK;
	return MIRA_PERSON;
}

int run_options_parse(struct run_options *options, int argc, char **argv)
{
	struct option table[ROWS + 2] = {0};
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int letter, code = MIRA_OK;

	memset(options, 0, sizeof(*options));
	options->out = "mira-report";
	options->preprocessors = processors < 1			  ? 1
				 : processors < MAX_PREPROCESSORS ? (uint64_t)processors
								  : MAX_PREPROCESSORS;
	for (size_t i = 0; i < ROWS; i++)
		table[i] = (struct option){rows[i].name, required_argument, NULL, rows[i].letter};
	table[ROWS] = (struct option){"help", no_argument, NULL, 'h'};
	while (!code && (letter = getopt_long(argc, argv, "i:h", table, NULL)) != -1)
		code = take(options, letter, optarg);
	options->files = argv + optind;
	options->file_count = argc - optind;
	return code ? code : check(options);
}
