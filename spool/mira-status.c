/*
 * mira-status.c: `mira status`: asks once or again and again what stands where on a spool, and shows it to a person, a program or
 * Prometheus. The look itself is mira-status.h's; manual page mira-status(1).
 */
#include "spool/mira-status.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/mira.h"

#define TIMEOUT_S 30
#define WATCH_S	  2

static const char help[] =
	"usage: mira status --spool DIR [--watch[=SECONDS] | --json | --prometheus FILE] [--check]\n\n"
	"Shows what waits for whom, who works on it, what the captures counted, which windows are open and what they\n"
	"wait for, when the disk will be full, and what was rejected and why. It only reads.\n\n"
	"  --spool DIR          the spool\n"
	"  --watch[=SECONDS]    shows it again every SECONDS (2) until q is pressed\n"
	"  --json               prints it as one JSON object\n"
	"  --prometheus FILE    writes it to FILE in Prometheus text format, replacing FILE at once\n"
	"  --check              exit code 1 when something should be looked at soon, 2 when a person is needed\n"
	"  --timeout SECONDS    how long the spool may take to answer (30)\n"
	"  --config FILE        mira.conf, for max_batches, min_free and max_skew_s\n";

struct status_options {
	const char *spool, *config, *prometheus;
	double watch_s, timeout_s;
	bool json, check;
};

static bool seconds(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && !*end && *out >= 0.1 && *out <= 86400;
}

static int wrong(const char *option, const char *text)
{
	log_err("%s %s: not a number of seconds from 0.1 to 86400", option, text);
	return MIRA_PERSON;
}

static int take_option(struct status_options *options, int option)
{
	switch (option) {
	case 's': options->spool = optarg; return 0;
	case 'c': options->config = optarg; return 0;
	case 'p': options->prometheus = optarg; return 0;
	case 'j': options->json = true; return 0;
	case 'k': options->check = true; return 0;
	case 't': return seconds(optarg, &options->timeout_s) ? 0 : wrong("--timeout", optarg);
	case 'w':
		options->watch_s = WATCH_S;
		return !optarg || seconds(optarg, &options->watch_s) ? 0 : wrong("--watch", optarg);
	case 'h': fputs(help, stdout); return -1;
	default: fputs(help, stderr); return MIRA_PERSON;
	}
}

static int parse(struct status_options *options, int argc, char **argv)
{
	static const struct option names[] = {{"spool", 1, 0, 's'}, {"config", 1, 0, 'c'},
		{"prometheus", 1, 0, 'p'}, {"json", 0, 0, 'j'}, {"check", 0, 0, 'k'},
		{"timeout", 1, 0, 't'}, {"watch", 2, 0, 'w'}, {"help", 0, 0, 'h'}, {0}};
	int option, code = 0;

	*options = (struct status_options){.timeout_s = TIMEOUT_S};
	while (code == 0 && (option = getopt_long(argc, argv, "h", names, NULL)) != -1)
		code = take_option(options, option);
	/* --watch 5, as well as --watch=5 */
	if (code == 0 && options->watch_s > 0 && optind == argc - 1 &&
		seconds(argv[optind], &options->watch_s))
		optind++;
	if (code == 0 && (!options->spool || optind < argc)) {
		fputs(help, stderr);
		code = MIRA_PERSON;
	}
	return code;
}

static int columns(void)
{
	struct winsize size;
	const char *named = getenv("COLUMNS");

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return named ? atoi(named) : 0;
}

bool status_colour(void)
{
	const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && !(terminal && !strcmp(terminal, "dumb"));
}

static int show(const struct status_options *options, const json_t *status)
{
	int code = options->prometheus ? status_prometheus(status, options->prometheus) : MIRA_OK;

	if (options->json) {
		json_dumpf(status, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (!options->prometheus) {
		status_table(status, stdout, columns(), status_colour());
	}
	return code ? code : options->check ? (int)status_get(status, "level") : MIRA_OK;
}

int mira_status(int argc, char **argv)
{
	struct status_options options;
	json_t *status;
	int code = parse(&options, argc, argv);

	if (code)
		return code < 0 ? MIRA_OK : code;
	if (options.watch_s > 0)
		return status_watch(options.spool, options.config, options.watch_s);
	status = status_ask(options.spool, options.config, options.timeout_s, &code);
	if (code > 0)
		fputs(status_said(), stderr);
	if (code < 0)
		log_err("%s has not answered for %g s: is its file server away?", options.spool,
			options.timeout_s);
	if (!status)
		return code < 0 ? MIRA_AGAIN : code;
	code = show(&options, status);
	json_decref(status);
	return code;
}
